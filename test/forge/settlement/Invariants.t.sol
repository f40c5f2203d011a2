// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {IEpochSettlement} from "../../../contracts/IEpochSettlement.sol";
import {ReceiptBook} from "../../../contracts/ReceiptBook.sol";
import {SettlementWorld} from "../support/SettlementWorld.sol";

/// People who do everything that there is to do in any order, and cheat: post what is not theirs to post, settle changed
/// scores, settle a place twice, make final what is incomplete, distribute twice, from the second pass on or with other
/// sums, refund what is final, and withdraw twice. Beside the contracts the handler keeps what it saw paid in and out, and
/// by whom which place was proven; `stolen` is set by any cheat that got through.
contract SettlementCheats is SettlementWorld {
    uint256 private constant EPOCHS = 3;

    bytes32 private _index;
    address[] private _accounts;
    IEpochSettlement.Distribution private _none;

    string public stolen;
    uint256 public paidIn;
    uint256 public paidOut;
    uint256 public epochs;
    /// Credits that an epoch's batches gave, as the sum of all credits grew.
    mapping(uint256 epoch => uint256) public creditedOf;
    mapping(uint256 epoch => mapping(uint256 batch => mapping(uint256 shard => bool))) public isProven;
    mapping(uint256 epoch => bool) public everDistributed;
    mapping(uint256 epoch => bool) public everRefunded;
    /// How often each kind of deed succeeded, so that a run that did nothing can be told.
    mapping(string deed => uint256) public done;

    function start() external {
        deployWorld();
        _index = newIndex(threeSlots());
        _accounts = [owner.addr, payer.addr, alice.addr, bob.addr, host.addr, stranger.addr, treasury, stakers];
        for (uint256 i = 0; i < EPOCHS; ++i) openEpoch(_index);
        epochs = EPOCHS;
    }

    function vault() external view returns (uint256) {
        return token.balanceOf(address(settlement));
    }

    function bookBalance() external view returns (uint256 balance, uint256 prepaid) {
        (uint96 left,) = book.prepaidOf(payer.addr, host.addr);
        return (token.balanceOf(address(book)), left);
    }

    function credits() public view returns (uint256 sum) {
        for (uint256 i = 0; i < _accounts.length; ++i) sum += settlement.creditOf(_accounts[i]);
    }

    function feesOfEpoch(uint256 epoch) external view returns (uint256) {
        return book.epochOf(epoch).fees;
    }

    /// The accumulator and the fees by the posts that succeeded.
    function chainOf(uint256 epoch) external view returns (bytes32 accumulator, bytes32 kept) {
        for (uint256 b = 0; b < batchCount(epoch); ++b) {
            ReceiptBook.Post memory made = postedOf(epoch, b);
            bytes32 receiptsHash = keccak256(abi.encode(made.fees, made.outputHashes));
            accumulator = keccak256(
                abi.encode(accumulator, b, made.commitment, receiptsHash, payer.addr, uint96(feesOf(epoch, b)))
            );
        }
        return (accumulator, book.epochOf(epoch).accumulator);
    }

    /// Fees of batches that left the pot neither way.
    function unpaid() external view returns (uint256 sum) {
        for (uint256 epoch = 0; epoch < epochs; ++epoch) {
            for (uint256 b = 0; b < batchCount(epoch); ++b) {
                if (!settlement.isPaidOut(epoch, b)) sum += feesOf(epoch, b);
            }
        }
    }

    // ---- what is allowed, when it is ----

    function postBatch(uint256 which, uint64 first, uint64 second) external {
        uint256 epoch = which % epochs;
        if (batchCount(epoch) == 2) return;
        vm.prank(stranger.addr);
        try book.postBatch(postOf(epoch, first, second)) {
            stolen = "posted without being admitted";
        } catch {}
        if (isClosed(epoch)) return;
        post(epoch, first, second);
        paidIn += uint256(first) + second;
        ++done["post"];
    }

    function prepayAndTakeBack(uint64 amount, uint256 wait) external {
        vm.startPrank(payer.addr);
        book.prepay(host.addr, uint96(amount) + 1);
        book.announceReclaim(host.addr);
        vm.stopPrank();
        if (wait % 3 == 0) return;
        skip(RECLAIM_NOTICE - wait % 2);
        uint256 before = token.balanceOf(payer.addr);
        vm.prank(payer.addr);
        try book.reclaim(host.addr) {
            if (wait % 2 == 1) stolen = "reclaimed before the notice was over";
            vm.prank(payer.addr);
            try book.reclaim(host.addr) {
                stolen = "reclaimed twice";
            } catch {}
            ++done["reclaim"];
        } catch {
            if (token.balanceOf(payer.addr) != before) stolen = "paid by a call that failed";
        }
    }

    function closeEpoch(uint256 which) external {
        uint256 epoch = which % epochs;
        if (isClosed(epoch) || batchCount(epoch) == 0) return;
        close(epoch);
        ++done["close"];
    }

    function settle(uint256 which, uint256 batch, uint256 shard, uint256 cheat) external {
        uint256 epoch = which % epochs;
        if (batchCount(epoch) == 0) return;
        (batch, shard) = (batch % batchCount(epoch), shard % 2);
        int64[] memory scores = someScores(_index, shard, batch);
        IEpochSettlement.Proven memory proven = provenOf(epoch, shard, batch, scores);
        cheat %= 8; // five in eight are honest
        if (cheat == 1) proven.packedScores[3] ^= 0x01;
        if (cheat == 2) proven.batch = (batch + 1) % batchCount(epoch);
        if (cheat == 3) (proven.slotContributors[0], proven.slotContributors[1]) = (stranger.addr, stranger.addr);
        bool honestly = cheat == 0 || cheat > 3 || (cheat == 2 && proven.batch == batch);
        try settlement.settle{gas: 5_000_000}(epoch, proven) {
            if (!honestly) stolen = "settled what was not proven";
            if (isProven[epoch][proven.batch][shard]) stolen = "settled twice";
            isProven[epoch][proven.batch][shard] = true;
            ++done["settle"];
        } catch {}
    }

    function settleMany(uint256 which, bool cheat) external {
        uint256 epoch = which % epochs;
        if (batchCount(epoch) == 0) return;
        IEpochSettlement.Proven[] memory two = new IEpochSettlement.Proven[](2);
        for (uint256 shard = 0; shard < 2; ++shard) two[shard] = provenOf(epoch, shard, 0, someScores(_index, shard, 0));
        if (cheat) two[1] = two[0];
        try settlement.settleMany{gas: 5_000_000}(epoch, two) {
            if (cheat) stolen = "settled one place as two";
            if (isProven[epoch][0][0] || isProven[epoch][0][1]) stolen = "settled twice";
            (isProven[epoch][0][0], isProven[epoch][0][1]) = (true, true);
            ++done["settleMany"];
        } catch {}
    }

    function finalize(uint256 which) external {
        uint256 epoch = which % epochs;
        try settlement.finalize(epoch) {
            for (uint256 b = 0; b < batchCount(epoch); ++b) {
                if (!isProven[epoch][b][0] || !isProven[epoch][b][1]) stolen = "final without every proof";
            }
            if (everRefunded[epoch]) stolen = "final after a refund";
            ++done["finalize"];
        } catch {}
    }

    function distributeBatch(uint256 which, uint256 batch, uint256 cheat) external {
        uint256 epoch = which % epochs;
        if (batchCount(epoch) == 0) return;
        batch %= batchCount(epoch);
        ReceiptBook.Post memory posted = postedOf(epoch, batch);
        IEpochSettlement.ShardSums[] memory shards = someSums(epoch, batch);
        cheat %= 8;
        if (cheat == 1) posted.fees[0] += 1;
        if (cheat == 2) shards[0].packedSums[0] ^= 0x40;
        if (cheat == 3) shards[1].contributors[0] = stranger.addr;
        bool wasPaid = settlement.isPaidOut(epoch, batch);
        uint256 before = credits();
        try settlement.distribute(epoch, batch, posted.fees, posted.outputHashes, shards) {
            if (cheat > 0 && cheat < 4) stolen = "distributed by other sums or fees";
            if (wasPaid) stolen = "distributed twice";
            if (everRefunded[epoch]) stolen = "distributed after a refund";
            everDistributed[epoch] = true;
            creditedOf[epoch] += credits() - before;
            ++done["distribute"];
        } catch {
            if (credits() != before) stolen = "credited by a call that failed";
        }
    }

    /// Distributes a batch in two parts, a pass each, by weights of the test's own; or begins with the second.
    function distributeInParts(uint256 which, uint256 batch, bool cheat) external {
        uint256 epoch = which % epochs;
        if (batchCount(epoch) == 0) return;
        batch %= batchCount(epoch);
        ReceiptBook.Post memory posted = postedOf(epoch, batch);
        IEpochSettlement.ShardSums[] memory shards = someSums(epoch, batch);
        IEpochSettlement.Distribution memory soFar = _none;
        if (cheat) {
            (soFar.paying, soFar.weights) = (true, new uint256[](QUERIES));
            (soFar.weights[0], soFar.weights[1]) = (1, 1);
        }
        bool wasPaid = settlement.isPaidOut(epoch, batch);
        uint256 before = credits();
        if (cheat) {
            try settlement.distributePart(epoch, batch, posted.fees, posted.outputHashes, soFar, shards) {
                stolen = "paid by weights of the distributor's own";
            } catch {}
            return;
        }
        try settlement.distributePart(epoch, batch, posted.fees, posted.outputHashes, soFar, shards) {
            if (wasPaid) stolen = "distributed twice";
            soFar.paying = true;
            soFar.weights = weightsOf(shards);
            settlement.distributePart(epoch, batch, posted.fees, posted.outputHashes, soFar, shards);
            everDistributed[epoch] = true;
            creditedOf[epoch] += credits() - before;
            ++done["distributePart"];
        } catch {}
    }

    /// Σ S⁺ of each receipt over the contributors of all shards: Alice, and Bob who is in both.
    function weightsOf(IEpochSettlement.ShardSums[] memory shards) private pure returns (uint256[] memory weights) {
        weights = new uint256[](QUERIES);
        for (uint256 q = 0; q < QUERIES; ++q) {
            int256 ofAlice = sumAt(shards[0].packedSums, q);
            int256 ofBob = sumAt(shards[0].packedSums, QUERIES + q) + sumAt(shards[1].packedSums, q);
            weights[q] = uint256(ofAlice > 0 ? ofAlice : int256(0)) + uint256(ofBob > 0 ? ofBob : int256(0));
        }
    }

    function sumAt(bytes memory packed, uint256 i) private pure returns (int256) {
        uint48 six = 0;
        for (uint256 b = 0; b < 6; ++b) six = six << 8 | uint8(packed[6 * i + b]);
        return int48(six);
    }

    function refund(uint256 which, uint256 batch, bool late) external {
        uint256 epoch = which % epochs;
        if (batchCount(epoch) == 0) return;
        if (late) skip(REFUND_TIMEOUT / 2);
        batch %= batchCount(epoch);
        bool wasPaid = settlement.isPaidOut(epoch, batch);
        uint256 before = credits();
        try settlement.refund(epoch, batch) {
            if (wasPaid) stolen = "refunded twice";
            if (everDistributed[epoch]) stolen = "refunded after a distribution";
            if (credits() - before != feesOf(epoch, batch)) stolen = "refunded another amount";
            everRefunded[epoch] = true;
            creditedOf[epoch] += credits() - before;
            ++done["refund"];
        } catch {}
    }

    function withdraw(uint256 who) external {
        address account = _accounts[who % _accounts.length];
        uint256 credit = settlement.creditOf(account);
        uint256 before = token.balanceOf(account);
        vm.prank(account);
        try settlement.withdraw() {
            if (token.balanceOf(account) - before != credit) stolen = "withdrawn another amount";
            paidOut += credit;
            ++done["withdraw"];
            vm.prank(account);
            try settlement.withdraw() {
                stolen = "withdrawn twice";
            } catch {}
        } catch {
            if (credit > 0) stolen = "a credit that cannot be withdrawn";
        }
        try settlement.withdrawSigned(account, stranger.addr, type(uint256).max, new bytes(65)) {
            stolen = "withdrawn without a signature";
        } catch {}
    }

    function isClosed(uint256 epoch) private view returns (bool) {
        return book.epochOf(epoch).closedAt != 0;
    }
}

/// forge-config: default.invariant.runs = 16
/// forge-config: default.invariant.depth = 128
contract SettlementInvariantTest is Test {
    SettlementCheats private cheats;

    function setUp() public {
        cheats = new SettlementCheats();
        cheats.start();
        targetContract(address(cheats));
        bytes4[] memory deeds = new bytes4[](10);
        deeds[0] = SettlementCheats.postBatch.selector;
        deeds[1] = SettlementCheats.prepayAndTakeBack.selector;
        deeds[2] = SettlementCheats.closeEpoch.selector;
        deeds[3] = SettlementCheats.settle.selector;
        deeds[4] = SettlementCheats.settleMany.selector;
        deeds[5] = SettlementCheats.finalize.selector;
        deeds[6] = SettlementCheats.distributeBatch.selector;
        deeds[7] = SettlementCheats.distributeInParts.selector;
        deeds[8] = SettlementCheats.refund.selector;
        deeds[9] = SettlementCheats.withdraw.selector;
        targetSelector(FuzzSelector(address(cheats), deeds));
    }

    function invariant_NoCheatGetsThrough() public view {
        assertEq(cheats.stolen(), "");
    }

    function invariant_TheVaultHoldsWhatIsOwedAndWhatIsNotPaidYet() public view {
        assertEq(cheats.vault(), cheats.credits() + cheats.unpaid());
        assertEq(cheats.vault(), cheats.paidIn() - cheats.paidOut());
    }

    function invariant_AnEpochCreditsNoMoreThanItsFees() public view {
        for (uint256 epoch = 0; epoch < cheats.epochs(); ++epoch) {
            assertLe(cheats.creditedOf(epoch), cheats.feesOfEpoch(epoch));
            assertFalse(cheats.everDistributed(epoch) && cheats.everRefunded(epoch));
        }
    }

    function invariant_TheBookHoldsPrepaymentsAndChainsWhatWasPosted() public view {
        (uint256 balance, uint256 prepaid) = cheats.bookBalance();
        assertEq(balance, prepaid);
        for (uint256 epoch = 0; epoch < cheats.epochs(); ++epoch) {
            (bytes32 accumulator, bytes32 kept) = cheats.chainOf(epoch);
            assertEq(accumulator, kept);
        }
    }

    /// The whole way, by the handler's own deeds: what the fuzzer must be able to reach.
    function test_EveryDeedSucceedsInItsTurn() public {
        for (uint256 epoch = 0; epoch < 3; ++epoch) {
            cheats.postBatch(epoch, 1_000_003, 77);
            cheats.postBatch(epoch, 5, 0);
            cheats.closeEpoch(epoch);
        }
        cheats.settleMany(0, true);
        cheats.settleMany(0, false);
        for (uint256 cheat = 4; cheat > 0; --cheat) {
            cheats.settle(0, 1, 0, cheat);
            cheats.settle(0, 1, 1, cheat);
            cheats.finalize(0);
            cheats.distributeBatch(0, 0, cheat - 1);
        }
        cheats.distributeBatch(0, 0, 0);
        cheats.distributeInParts(0, 1, true);
        cheats.distributeInParts(0, 1, false);
        for (uint256 i = 0; i < 3; ++i) cheats.refund(i, 0, true);
        for (uint256 i = 0; i < 8; ++i) cheats.withdraw(i);
        for (uint256 i = 0; i < 3; ++i) cheats.prepayAndTakeBack(5, i);
        assertEq(cheats.stolen(), "");
        string[10] memory deeds = [
            "post", "close", "settle", "settleMany", "finalize", "distribute", "distributePart", "refund", "withdraw", "reclaim"
        ];
        for (uint256 i = 0; i < deeds.length; ++i) assertGt(cheats.done(deeds[i]), 0, deeds[i]);
    }
}
