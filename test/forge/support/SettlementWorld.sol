// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {DatanetRegistry} from "../../../contracts/DatanetRegistry.sol";
import {EpochSettlement} from "../../../contracts/EpochSettlement.sol";
import {Groth16Verifier} from "../../../contracts/Groth16Verifier.sol";
import {IEpochSettlement} from "../../../contracts/IEpochSettlement.sol";
import {IndexRegistry} from "../../../contracts/IndexRegistry.sol";
import {ProtocolTerms} from "../../../contracts/ProtocolTerms.sol";
import {ReceiptBook} from "../../../contracts/ReceiptBook.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {PositivePart} from "../../../contracts/policies/PositivePart.sol";
import {OpenToken} from "../staking/Tokens.sol";
import {Scores} from "./Scores.sol";
import {TestKeys} from "./TestKeys.sol";

/// @title From a data set to withdrawn credits, to any stage in a line
/// @notice The contracts that hold value, deployed as they are, and proofs forged with a key whose secrets are known: so
/// scores can be whatever a test says. What a proof must say is derived here from its definition, by the compiler's own
/// encoding, and not by the contracts' libraries.
/// @dev An index has one-row slots; its first three are Alice, Bob, Bob: two shards, of which Bob has a part in each, and
/// one unused slot. The trap: the optimiser may read block.timestamp once for a whole function, so tests that move the
/// clock ask the machine instead.
abstract contract SettlementWorld is Test {
    struct Person {
        address addr;
        uint256 key;
    }

    uint256 internal constant SLOTS = 2;
    uint256 internal constant QUERIES = 2;
    uint256 internal constant COLUMNS = 4;
    /// Of the verifier's key.
    uint256 internal constant FIRST = 7;
    uint64 internal constant RECLAIM_NOTICE = 1 days;
    uint32 internal constant REFUND_TIMEOUT = 1000;
    uint32 internal constant LONGEST_OPEN = 10_000;

    Person internal owner = person("owner");
    Person internal payer = person("payer");
    Person internal host = person("host");
    Person internal alice = person("alice");
    Person internal bob = person("bob");
    Person internal stranger = person("stranger");
    address internal treasury = makeAddr("treasury");
    address internal stakers = makeAddr("stakers");
    address internal timelock = makeAddr("timelock");

    OpenToken internal token;
    DatanetRegistry internal datanets;
    ProtocolTerms internal terms;
    IndexRegistry internal indexes;
    ReceiptBook internal book;
    Groth16Verifier internal verifier;
    EpochSettlement internal settlement;
    /// Another one makes other `someScores`.
    uint256 internal scoreSeed;
    uint256 private _datasets;
    mapping(bytes32 index => address[]) private _slotOwners;
    mapping(uint256 epoch => bytes32) internal indexOfEpoch;
    mapping(uint256 epoch => ReceiptBook.Post[]) private _posts;

    function deployWorld() internal {
        vm.warp(1_800_000_000);
        token = newToken();
        datanets = new DatanetRegistry();
        terms = new ProtocolTerms(firstTerms(), timelock);
        indexes = new IndexRegistry(datanets, token, terms, arbiter(), 0);
        book = new ReceiptBook(token, indexes, RECLAIM_NOTICE);
        verifier = new Groth16Verifier(TestKeys.words(FIRST));
        settlement = new EpochSettlement(book, verifier, SLOTS, QUERIES, COLUMNS);
        give(payer.addr, 1e30);
        give(host.addr, 1e30);
    }

    function newToken() internal virtual returns (OpenToken) {
        return new OpenToken();
    }

    /// May disable indexes.
    function arbiter() internal virtual returns (address) {
        return makeAddr("arbiter");
    }

    function firstTerms() internal virtual returns (ProtocolTerms.Terms memory) {
        return ProtocolTerms.Terms({
            platformBps: 500,
            betaBps: 3000,
            gammaBps: 1000,
            deltaBps: 6000,
            treasury: treasury,
            refundTimeout: REFUND_TIMEOUT,
            stakers: stakers,
            indexBond: 0,
            policy: new PositivePart(),
            longestOpen: LONGEST_OPEN,
            challengeWindow: 0
        });
    }

    function person(string memory name) internal returns (Person memory) {
        (address addr, uint256 key) = makeAddrAndKey(name);
        return Person(addr, key);
    }

    /// Tokens that the book and the registry may take.
    function give(address account, uint256 amount) internal {
        token.mint(account, amount);
        vm.startPrank(account);
        token.approve(address(book), type(uint256).max);
        token.approve(address(indexes), type(uint256).max);
        vm.stopPrank();
    }

    function sign(Person memory signer, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signer.key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// EIP-712, written out.
    function digestOf(string memory name, address at, bytes32 message) internal view returns (bytes32) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                at
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, message));
    }

    // ---- indexes ----

    function threeSlots() internal view returns (address[] memory owners) {
        owners = new address[](3);
        (owners[0], owners[1], owners[2]) = (alice.addr, bob.addr, bob.addr);
    }

    function newDataset(address[] memory contributors, uint64 rows) internal returns (bytes32) {
        bytes32 name = keccak256(abi.encode("data set", _datasets++));
        vm.prank(owner.addr);
        return datanets.publish(name, name, rows, "CC-BY-4.0", contributors);
    }

    function registrationOf(bytes32 datasetId, address[] memory owners)
        internal
        pure
        returns (IndexRegistry.Registration memory r)
    {
        r.datasetId = datasetId;
        r.indexId = uint256(datasetId) >> 8;
        (r.modelId, r.encoderHash, r.indexRoot) = ("model", "encoder", 1 + (uint256(datasetId) >> 9));
        (r.rows, r.slotsPerShard) = (uint32(owners.length), uint32(SLOTS));
        r.slots = new IndexRegistry.Slot[](owners.length);
        for (uint32 k = 0; k < owners.length; ++k) r.slots[k] = IndexRegistry.Slot(k + 1, owners[k]);
        r.shardCommitments = new uint256[]((owners.length + SLOTS - 1) / SLOTS);
        for (uint256 i = 0; i < r.shardCommitments.length; ++i) {
            r.shardCommitments[i] = 1 + (uint256(keccak256(abi.encode(datasetId, i))) >> 8);
        }
    }

    /// @param owners of one-row slots, each contributor's in one run
    function newIndex(address[] memory owners) internal returns (bytes32 index) {
        bytes32 datasetId = newDataset(Scores.distinct(owners), uint64(owners.length));
        vm.prank(owner.addr);
        index = indexes.register(registrationOf(datasetId, owners));
        _slotOwners[index] = owners;
    }

    function shardCount(bytes32 index) internal view returns (uint256) {
        return (_slotOwners[index].length + SLOTS - 1) / SLOTS;
    }

    /// S addresses, zero at unused slots.
    function shardOwners(bytes32 index, uint256 shard) internal view returns (address[] memory owners) {
        owners = new address[](SLOTS);
        for (uint256 k = 0; k < SLOTS && shard * SLOTS + k < _slotOwners[index].length; ++k) {
            owners[k] = _slotOwners[index][shard * SLOTS + k];
        }
    }

    // ---- receipts ----

    function openEpoch(bytes32 index) internal returns (uint256 epoch) {
        address[] memory payers = new address[](2);
        (payers[0], payers[1]) = (payer.addr, host.addr);
        vm.prank(owner.addr);
        epoch = book.open(index, settlement, payers);
        indexOfEpoch[epoch] = index;
    }

    /// A batch of two receipts that nobody posted yet; a fee of zero leaves its position unused.
    function postOf(uint256 epoch, uint96 first, uint96 second) internal view returns (ReceiptBook.Post memory made) {
        uint256 number = _posts[epoch].length;
        made.epoch = epoch;
        made.commitment = 1 + (uint256(keccak256(abi.encode("batch", epoch, number))) >> 8);
        (made.outputHashes, made.fees) = (new bytes32[](QUERIES), new uint96[](QUERIES));
        (made.fees[0], made.fees[1]) = (first, second);
        for (uint256 q = 0; q < QUERIES; ++q) {
            if (made.fees[q] > 0) made.outputHashes[q] = keccak256(abi.encode(epoch, number, q));
        }
    }

    function post(uint256 epoch, uint96 first, uint96 second) internal returns (uint256 batch) {
        ReceiptBook.Post memory made = postOf(epoch, first, second);
        vm.prank(payer.addr);
        batch = book.postBatch(made);
        _posts[epoch].push(made);
    }

    function postedOf(uint256 epoch, uint256 batch) internal view returns (ReceiptBook.Post memory) {
        return _posts[epoch][batch];
    }

    function batchCount(uint256 epoch) internal view returns (uint256) {
        return _posts[epoch].length;
    }

    function feesOf(uint256 epoch, uint256 batch) internal view returns (uint256 sum) {
        uint96[] memory fees = _posts[epoch][batch].fees;
        for (uint256 q = 0; q < fees.length; ++q) sum += fees[q];
    }

    function close(uint256 epoch) internal {
        vm.prank(owner.addr);
        book.close(epoch);
    }

    // ---- proofs ----

    function four(int64 a, int64 b, int64 c, int64 d) internal pure returns (int64[] memory scores) {
        scores = new int64[](4);
        (scores[0], scores[1], scores[2], scores[3]) = (a, b, c, d);
    }

    /// Scores of both signs that differ everywhere, zero at unused slots.
    function someScores(bytes32 index, uint256 shard, uint256 batch) internal view returns (int64[] memory scores) {
        address[] memory owners = shardOwners(index, shard);
        scores = new int64[](SLOTS * QUERIES);
        for (uint256 i = 0; i < scores.length; ++i) {
            if (owners[i / QUERIES] == address(0)) continue;
            uint256 random = uint256(keccak256(abi.encode(scoreSeed, index, shard, batch, i)));
            scores[i] = int64(int256(random % 2 ** 40)) - 2 ** 39;
        }
    }

    /// The public signals of a proof of these scores at this place, by their definition.
    function signalsOf(uint256 epoch, uint256 shard, uint256 batch, int64[] memory scores)
        internal
        view
        returns (uint256[4] memory signals)
    {
        bytes32 index = indexOfEpoch[epoch];
        (signals[0], signals[1]) = (indexes.shardOf(index, shard).commitment, book.batchOf(epoch, batch).commitment);
        bytes memory place = abi.encode(
            block.chainid,
            address(settlement),
            keccak256(abi.encode(SLOTS, QUERIES, COLUMNS, keccak256(abi.encode(TestKeys.words(FIRST))))),
            epoch,
            shard,
            batch,
            signals[0],
            signals[1],
            keccak256(abi.encode(shardOwners(index, shard))),
            Scores.pack(scores)
        );
        signals[2] = uint256(keccak256(place)) % Bn254.SCALAR_MODULUS;
        signals[3] = Scores.evaluate(scores, signals[2]);
    }

    function provenOf(uint256 epoch, uint256 shard, uint256 batch, int64[] memory scores)
        internal
        view
        returns (IEpochSettlement.Proven memory)
    {
        return IEpochSettlement.Proven({
            shard: shard,
            batch: batch,
            packedScores: Scores.pack(scores),
            slotContributors: shardOwners(indexOfEpoch[epoch], shard),
            proof: TestKeys.forge(FIRST, signalsOf(epoch, shard, batch, scores), 5)
        });
    }

    /// Settles every shard of every batch with `someScores`.
    function settleAll(uint256 epoch) internal {
        for (uint256 batch = 0; batch < batchCount(epoch); ++batch) {
            for (uint256 shard = 0; shard < shardCount(indexOfEpoch[epoch]); ++shard) {
                settlement.settle(
                    epoch, provenOf(epoch, shard, batch, someScores(indexOfEpoch[epoch], shard, batch))
                );
            }
        }
    }

    /// What a distribution must be given for scores of each shard.
    function sumsOf(bytes32 index, int64[][] memory scores)
        internal
        view
        returns (IEpochSettlement.ShardSums[] memory shards)
    {
        shards = new IEpochSettlement.ShardSums[](scores.length);
        for (uint256 shard = 0; shard < scores.length; ++shard) {
            (address[] memory contributors, int64[] memory sums) =
                Scores.sumsOf(scores[shard], shardOwners(index, shard), QUERIES);
            shards[shard] = IEpochSettlement.ShardSums(contributors, Scores.packSums(sums));
        }
    }

    function someSums(uint256 epoch, uint256 batch) internal view returns (IEpochSettlement.ShardSums[] memory) {
        return sumsOf(indexOfEpoch[epoch], allScores(indexOfEpoch[epoch], batch));
    }

    /// `someScores` of every shard.
    function allScores(bytes32 index, uint256 batch) internal view returns (int64[][] memory scores) {
        scores = new int64[][](shardCount(index));
        for (uint256 shard = 0; shard < scores.length; ++shard) scores[shard] = someScores(index, shard, batch);
    }

    /// From posted receipts to a final epoch.
    function makeFinal(uint256 epoch) internal {
        close(epoch);
        settleAll(epoch);
        settlement.finalize(epoch);
    }

    function distribute(uint256 epoch, uint256 batch) internal {
        ReceiptBook.Post memory posted = _posts[epoch][batch];
        settlement.distribute(epoch, batch, posted.fees, posted.outputHashes, someSums(epoch, batch));
    }

    // ---- what the payout must be ----

    /// Each contributor's part of a batch by the formula: of every receipt's pool, its share of the positive totals.
    function expectedOf(uint256 epoch, uint256 batch, int64[][] memory scores)
        internal
        view
        returns (address[] memory contributors, uint256[] memory amounts, uint256 modelOwner, uint256 toStakers)
    {
        bytes32 index = indexOfEpoch[epoch];
        contributors = Scores.distinct(_slotOwners[index]);
        amounts = new uint256[](contributors.length);
        for (uint256 q = 0; q < QUERIES; ++q) {
            uint256 fee = _posts[epoch][batch].fees[q];
            uint256 net = fee - fee * 500 / 10_000;
            modelOwner += net * 3000 / 10_000;
            toStakers += net * 1000 / 10_000;
            uint256 pool = net - net * 3000 / 10_000 - net * 1000 / 10_000;
            uint256[] memory claims = claimsOf(index, contributors, scores, q);
            uint256 whole = 0;
            for (uint256 c = 0; c < claims.length; ++c) whole += claims[c];
            for (uint256 c = 0; c < claims.length && whole > 0; ++c) amounts[c] += pool * claims[c] / whole;
        }
    }

    function claimsOf(bytes32 index, address[] memory contributors, int64[][] memory scores, uint256 q)
        private
        view
        returns (uint256[] memory claims)
    {
        claims = new uint256[](contributors.length);
        for (uint256 c = 0; c < contributors.length; ++c) {
            int256 total = 0;
            for (uint256 k = 0; k < _slotOwners[index].length; ++k) {
                if (_slotOwners[index][k] == contributors[c]) {
                    total += scores[k / SLOTS][(k % SLOTS) * QUERIES + q];
                }
            }
            if (total > 0) claims[c] = uint256(total);
        }
    }
}
