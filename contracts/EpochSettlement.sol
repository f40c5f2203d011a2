// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IEpochSettlement} from "./IEpochSettlement.sol";
import {IGroth16Verifier} from "./IGroth16Verifier.sol";
import {IPayoutPolicy} from "./IPayoutPolicy.sol";
import {IndexRegistry} from "./IndexRegistry.sol";
import {ProtocolTerms} from "./ProtocolTerms.sol";
import {ReceiptBook} from "./ReceiptBook.sol";
import {Challenge} from "./libraries/Challenge.sol";
import {FeeSplit} from "./libraries/FeeSplit.sol";
import {ScoreSums} from "./libraries/ScoreSums.sol";

/// @title From proven scores to credits
/// @notice An epoch goes: closed in the book → every (shard, batch) settled by a proof → finalized → every batch
/// distributed, at once or in parts → credits withdrawn. If it is not final within the timeout, refunds open and it can never become final.
/// @dev Invariant: token balance ≥ credits outstanding + fees of batches neither distributed nor refunded. Fees arrive
/// from the book when a batch is posted; only the withdrawals move tokens out.
contract EpochSettlement is IEpochSettlement, ReentrancyGuardTransient, EIP712, Nonces {
    using SafeERC20 for IERC20;

    enum Stage {
        Settling,
        Final,
        Refunding
    }

    struct Progress {
        Stage stage;
        uint64 settled;
    }

    /// What a batch has to give, and who has been credited in this call.
    struct Work {
        uint256 epoch;
        uint256 batch;
        uint256 shards;
        IPayoutPolicy policy;
        address modelOwnerAccount;
        address stakersAccount;
        address treasuryAccount;
        uint256 modelOwner;
        uint256 stakers;
        uint256 platform;
        /// Of each receipt, and in all.
        uint256[] pools;
        uint256 whole;
        /// As in ContributorsCredited.
        bytes32[] credits;
        uint256 credited;
    }

    /// keccak256 of what an account signs for one withdrawal.
    bytes32 public constant WITHDRAW_TYPEHASH =
        keccak256("Withdraw(address account,address to,uint256 nonce,uint256 deadline)");
    /// 512 products of 16-bit entries stay below 2^39, which a packed score holds.
    uint256 public constant COLUMNS_MAX = 512;

    ReceiptBook public immutable book;
    IndexRegistry public immutable indexes;
    IERC20 public immutable token;
    IGroth16Verifier public immutable verifier;
    uint256 public immutable slots;
    uint256 public immutable queries;
    uint256 public immutable columns;
    bytes32 public immutable circuitId;
    ProtocolTerms public immutable protocolTerms;

    mapping(uint256 epoch => Progress) public progressOf;
    /// keccak256(abi.encode(address[] contributors, bytes packedSums)) of each settled shard; zero before.
    mapping(uint256 epoch => mapping(uint256 batch => mapping(uint256 shard => bytes32))) public sumsHashOf;
    /// A batch's fees leave the pot once, by distribution or by refund.
    mapping(uint256 epoch => mapping(uint256 batch => bool)) public isPaidOut;
    /// keccak256(abi.encode(Distribution)) of a batch of which parts are distributed; zero before and after.
    mapping(uint256 epoch => mapping(uint256 batch => bytes32)) public distributionHashOf;
    mapping(address account => uint256) public creditOf;

    /// @param slots_ S of the circuit, `queries_` its Q, `columns_` its d
    constructor(
        ReceiptBook book_,
        IGroth16Verifier verifier_,
        uint256 slots_,
        uint256 queries_,
        uint256 columns_
    ) EIP712("Meed epoch settlement", "1") {
        if (slots_ == 0 || queries_ == 0 || columns_ == 0) revert EmptyInstance();
        if (columns_ > COLUMNS_MAX) revert TooManyColumns(columns_);
        book = book_;
        indexes = book_.indexes();
        token = book_.token();
        verifier = verifier_;
        slots = slots_;
        queries = queries_;
        columns = columns_;
        circuitId = keccak256(abi.encode(slots_, queries_, columns_, verifier_.keyHash()));
        protocolTerms = book_.protocolTerms();
    }

    /// @notice Proves the scores of one shard against one batch and records each contributor's sums.
    function settle(uint256 epoch, Proven calldata proven) external {
        (uint256[4] memory signals, ScoreSums.Sums memory sums) = _statement(epoch, proven);
        if (!verifier.verify(proven.proof, signals)) revert ProofRejected(epoch, proven.shard, proven.batch);
        progressOf[epoch].settled += 1;
        _record(epoch, proven, signals[2], sums);
    }

    /// @notice Settles several places of an epoch, whose proofs are verified together: all of them, or none.
    function settleMany(uint256 epoch, Proven[] calldata proven) external {
        uint256[8][] memory proofs = new uint256[8][](proven.length);
        uint256[4][] memory signals = new uint256[4][](proven.length);
        for (uint256 i = 0; i < proven.length; ++i) {
            ScoreSums.Sums memory sums;
            (signals[i], sums) = _statement(epoch, proven[i]);
            proofs[i] = proven[i].proof;
            // Recorded before the proofs are verified, so that a place named twice is refused; what is wrong is undone.
            _record(epoch, proven[i], signals[i][2], sums);
        }
        if (!verifier.verifyBatch(proofs, signals)) revert ProofsRejected(epoch, proven.length);
        progressOf[epoch].settled += uint64(proven.length);
    }

    /// @notice Makes an epoch final once every shard of every batch is settled; anyone may.
    function finalize(uint256 epoch) external {
        (ReceiptBook.Epoch memory entry, uint256 shards,) = _closedEpoch(epoch);
        Progress storage progress = progressOf[epoch];
        if (progress.stage != Stage.Settling) revert EpochNotSettling(epoch);
        uint256 needed = shards * entry.batches;
        if (progress.settled != needed) revert EpochIncomplete(progress.settled, needed);
        progress.stage = Stage.Final;
        emit EpochFinalized(epoch);
    }

    /// @notice Splits the fees of one batch of a final epoch at once; anyone may. Everything given is checked against hashes.
    /// @param shards all of them, in order
    function distribute(
        uint256 epoch,
        uint256 batch,
        uint96[] calldata fees,
        bytes32[] calldata outputHashes,
        ShardSums[] calldata shards
    ) external {
        Work memory work = _begin(epoch, batch, fees, outputHashes);
        if (distributionHashOf[epoch][batch] != 0) revert DistributionBegun(epoch, batch);
        if (shards.length != work.shards) revert WrongShardCount(shards.length, work.shards);
        Distribution memory soFar;
        _requireSettled(work, 0, shards);
        _pass(work, soFar, shards);
        _pass(work, soFar, shards);
        _finish(work, soFar, fees, outputHashes);
    }

    /// @notice Goes on with the distribution of a batch that is too large for one transaction; anyone may.
    /// @param soFar as in the batch's last DistributionAdvanced event; all zero and empty for the first part
    /// @param shards the next ones of this pass, from soFar.shard on
    function distributePart(
        uint256 epoch,
        uint256 batch,
        uint96[] calldata fees,
        bytes32[] calldata outputHashes,
        Distribution memory soFar,
        ShardSums[] calldata shards
    ) external {
        Work memory work = _begin(epoch, batch, fees, outputHashes);
        _requireKept(epoch, batch, soFar);
        if (shards.length == 0 || shards.length > work.shards - soFar.shard) {
            revert WrongShardCount(shards.length, work.shards - soFar.shard);
        }
        _requireSettled(work, soFar.shard, shards);
        bool paid = soFar.paying && soFar.shard + shards.length == work.shards;
        _pass(work, soFar, shards);
        if (paid) {
            delete distributionHashOf[epoch][batch];
            _finish(work, soFar, fees, outputHashes);
            return;
        }
        distributionHashOf[epoch][batch] = keccak256(abi.encode(soFar));
        if (work.credited > 0) _tellCredits(work);
        emit DistributionAdvanced(epoch, batch, soFar);
    }

    /// @notice Credits a batch's whole fees to its payer when the epoch was not made final in time; anyone may.
    function refund(uint256 epoch, uint256 batch) external {
        (ReceiptBook.Epoch memory entry,,) = _closedEpoch(epoch);
        Progress storage progress = progressOf[epoch];
        if (progress.stage == Stage.Final) revert EpochNotSettling(epoch);
        if (progress.stage == Stage.Settling) {
            uint256 dueAt = uint256(entry.closedAt) + protocolTerms.at(entry.terms).refundTimeout;
            if (block.timestamp < dueAt) revert RefundNotDue(epoch, dueAt);
            progress.stage = Stage.Refunding;
            emit RefundsOpened(epoch);
        }
        if (isPaidOut[epoch][batch]) revert AlreadyRefunded(epoch, batch);
        isPaidOut[epoch][batch] = true;
        ReceiptBook.Batch memory posted = book.batchOf(epoch, batch);
        _credit(posted.payer, epoch, batch, Role.Refund, posted.fees);
    }

    /// @notice Pays the caller's credit out to the caller.
    function withdraw() external {
        withdrawTo(msg.sender);
    }

    /// @notice Pays the caller's credit out to another address.
    function withdrawTo(address to) public nonReentrant {
        _withdraw(msg.sender, to);
    }

    /// @notice Pays an account's credit out as it signed, so that whoever holds no ether can be paid; anyone may send it.
    /// @param deadline last second at which the signature counts
    /// @param signature of WITHDRAW_TYPEHASH with the account's next nonce; by a contract, too (EIP-1271)
    function withdrawSigned(address account, address to, uint256 deadline, bytes calldata signature)
        external
        nonReentrant
    {
        if (block.timestamp > deadline) revert SignatureExpired(deadline);
        bytes32 digest =
            _hashTypedDataV4(keccak256(abi.encode(WITHDRAW_TYPEHASH, account, to, _useNonce(account), deadline)));
        if (!SignatureChecker.isValidSignatureNow(account, digest, signature)) revert NotSignedByAccount(account);
        _withdraw(account, to);
    }

    function _withdraw(address account, address to) private {
        uint256 amount = creditOf[account];
        if (amount == 0) revert NothingToWithdraw(account);
        creditOf[account] = 0;
        emit Withdrawn(account, to, amount);
        token.safeTransfer(to, amount);
    }

    function _closedEpoch(uint256 epoch)
        private
        view
        returns (ReceiptBook.Epoch memory entry, uint256 shards, address modelOwner)
    {
        entry = book.epochOf(epoch);
        if (entry.settlement != address(this)) revert SettledElsewhere(epoch, entry.settlement);
        if (entry.closedAt == 0) revert EpochStillOpen(epoch);
        (modelOwner, shards,,) = indexes.terms(entry.index);
    }

    /// @notice The public signals that a proof of these scores at this place must have, and the sums that it proves.
    function _statement(uint256 epoch, Proven calldata proven)
        private
        view
        returns (uint256[4] memory signals, ScoreSums.Sums memory sums)
    {
        bytes calldata packed = proven.packedScores;
        address[] calldata slotContributors = proven.slotContributors;
        uint256 needed = ScoreSums.SCORE_BYTES * slots * queries;
        if (packed.length != needed) revert WrongScoreBytes(packed.length, needed);
        if (slotContributors.length != slots) revert WrongSlotCount(slotContributors.length, slots);
        if (sumsHashOf[epoch][proven.batch][proven.shard] != 0) {
            revert AlreadySettled(epoch, proven.shard, proven.batch);
        }
        if (progressOf[epoch].stage != Stage.Settling) revert EpochNotSettling(epoch);
        Challenge.Place memory place = _place(epoch, proven.shard, proven.batch, slotContributors);
        signals[0] = place.shardCommitment;
        signals[1] = place.queryBatchCommitment;
        signals[2] = Challenge.derive(place, packed);
        (signals[3], sums) = ScoreSums.evaluate(packed, slotContributors, queries, signals[2]);
    }

    /// @notice Looks up what the challenge binds, and checks the contributors against the registration.
    function _place(uint256 epoch, uint256 shard, uint256 batch, address[] calldata slotContributors)
        private
        view
        returns (Challenge.Place memory place)
    {
        (address settlement, bool closed, bytes32 index, uint256 queryBatchCommitment) = book.placeOf(epoch, batch);
        if (settlement != address(this)) revert SettledElsewhere(epoch, settlement);
        if (!closed) revert EpochStillOpen(epoch);
        (bool payableNow, uint256 shardCommitment, bytes32 registered) = indexes.placeOf(index, shard);
        if (!payableNow) revert IndexNotPayable(index);
        bytes32 given = _hash(slotContributors);
        if (given != registered) revert ContributorsMismatch(given, registered);
        place = Challenge.Place({
            circuitId: circuitId,
            epoch: epoch,
            shard: shard,
            batch: batch,
            shardCommitment: shardCommitment,
            queryBatchCommitment: queryBatchCommitment,
            contributorsHash: given
        });
    }

    /// @notice keccak256(abi.encode(accounts)) of the words as they came: dirty ones hash to nothing that was registered.
    function _hash(address[] calldata accounts) private pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, 0x20)
            mstore(add(start, 0x20), accounts.length)
            let size := shl(5, accounts.length)
            calldatacopy(add(start, 0x40), accounts.offset, size)
            result := keccak256(start, add(0x40, size))
        }
    }

    function _record(uint256 epoch, Proven calldata proven, uint256 rho, ScoreSums.Sums memory sums) private {
        bytes memory packedSums = ScoreSums.pack(sums.values);
        sumsHashOf[epoch][proven.batch][proven.shard] = keccak256(abi.encode(sums.contributors, packedSums));
        emit ShardSettled(epoch, proven.batch, proven.shard, rho, sums.contributors, packedSums);
    }

    /// @notice What a batch that is not paid yet has to give.
    function _begin(uint256 epoch, uint256 batch, uint96[] calldata fees, bytes32[] calldata outputHashes)
        private
        view
        returns (Work memory work)
    {
        if (progressOf[epoch].stage != Stage.Final) revert EpochNotFinal(epoch);
        if (isPaidOut[epoch][batch]) revert AlreadyDistributed(epoch, batch);
        ReceiptBook.Epoch memory entry;
        (entry, work.shards, work.modelOwnerAccount) = _closedEpoch(epoch);
        if (batch >= entry.batches) revert ReceiptBook.UnknownBatch(epoch, batch);
        bytes32 given = keccak256(abi.encode(fees, outputHashes));
        bytes32 posted = book.batchOf(epoch, batch).receiptsHash;
        if (given != posted) revert ReceiptsMismatch(given, posted);
        ProtocolTerms.Terms memory terms = protocolTerms.at(entry.terms);
        (work.epoch, work.batch, work.policy) = (epoch, batch, terms.policy);
        (work.stakersAccount, work.treasuryAccount) = (terms.stakers, terms.treasury);
        work.pools = new uint256[](fees.length);
        for (uint256 q = 0; q < fees.length; ++q) {
            FeeSplit.Parts memory parts = FeeSplit.split(fees[q], terms.platformBps, terms.betaBps, terms.gammaBps);
            work.platform += parts.platform;
            work.modelOwner += parts.modelOwner;
            work.stakers += parts.stakers;
            work.pools[q] = parts.pool;
            work.whole += parts.pool;
        }
    }

    function _requireKept(uint256 epoch, uint256 batch, Distribution memory soFar) private view {
        bytes32 given = keccak256(abi.encode(soFar));
        bytes32 kept = distributionHashOf[epoch][batch];
        if (kept == 0) {
            Distribution memory first;
            kept = keccak256(abi.encode(first));
        }
        if (given != kept) revert DistributionMismatch(given, kept);
    }

    function _requireSettled(Work memory work, uint256 first, ShardSums[] calldata shards) private view {
        mapping(uint256 shard => bytes32) storage settled = sumsHashOf[work.epoch][work.batch];
        for (uint256 i = 0; i < shards.length; ++i) {
            if (ScoreSums.hash(shards[i].contributors, shards[i].packedSums) != settled[first + i]) {
                revert SumsMismatch(first + i);
            }
        }
    }

    /// @notice Weighs the contributors of the next shards, or pays them. At the last shard of all the next pass begins.
    /// @dev A contributor's slots are one run: whoever is neither first nor last in a shard is whole in it. The last one is
    /// kept back until the next shard shows whether it goes on.
    function _pass(Work memory work, Distribution memory soFar, ShardSums[] calldata shards) private {
        if (soFar.paying) {
            uint256 capacity = 1;
            for (uint256 i = 0; i < shards.length; ++i) capacity += shards[i].contributors.length;
            work.credits = new bytes32[](capacity);
        }
        for (uint256 i = 0; i < shards.length; ++i) {
            _takeShard(work, soFar, shards[i].contributors, shards[i].packedSums);
        }
        soFar.shard += shards.length;
        if (soFar.shard < work.shards) return;
        _takeKept(work, soFar);
        (soFar.paying, soFar.shard, soFar.account, soFar.sums) = (true, 0, address(0), new int256[](0));
    }

    function _takeShard(
        Work memory work,
        Distribution memory soFar,
        address[] calldata accounts,
        bytes calldata packed
    ) private {
        uint256 first = 0;
        uint256 last = accounts.length - 1; // a shard has a contributor at least
        if (accounts[0] == soFar.account) {
            ScoreSums.add(soFar.sums, packed, 0);
            if (last == 0) return;
            first = 1;
        }
        _takeKept(work, soFar);
        if (first < last) {
            uint256 rowBytes = ScoreSums.SUM_BYTES * queries;
            bytes calldata rows = packed[first * rowBytes:last * rowBytes];
            uint256[] memory amounts = _ask(work, soFar, rows, ScoreSums.SUM_BYTES, last - first);
            for (uint256 c = 0; c < amounts.length; ++c) _creditContributor(work, accounts[first + c], amounts[c]);
        }
        (soFar.account, soFar.sums) = (accounts[last], new int256[](queries));
        ScoreSums.add(soFar.sums, packed, last);
    }

    /// @notice Takes the contributor that was kept back, now that all its sums are there.
    function _takeKept(Work memory work, Distribution memory soFar) private {
        if (soFar.account == address(0)) return;
        uint256[] memory amounts = _ask(work, soFar, abi.encodePacked(soFar.sums), 0x20, 1);
        if (amounts.length > 0) _creditContributor(work, soFar.account, amounts[0]);
    }

    /// @notice Has the policy weigh contributors, or say what they get; nothing while they are weighed.
    /// @dev What a policy gives out is checked, because governance may name any: no more than there was.
    function _ask(Work memory work, Distribution memory soFar, bytes memory rows, uint256 width, uint256 accounts)
        private
        pure
        returns (uint256[] memory amounts)
    {
        if (!soFar.paying) {
            soFar.weights = work.policy.weigh(work.pools, soFar.weights, rows, width);
            return amounts;
        }
        amounts = work.policy.share(work.pools, soFar.weights, rows, width);
        if (amounts.length != accounts) revert PolicyOutOfBounds(work.policy);
        for (uint256 c = 0; c < accounts; ++c) {
            if (amounts[c] > work.whole - soFar.given) revert PolicyOutOfBounds(work.policy);
            soFar.given += amounts[c];
        }
    }

    function _creditContributor(Work memory work, address account, uint256 amount) private {
        if (amount == 0) return;
        creditOf[account] += amount;
        // a batch's fees are below 2^96
        work.credits[work.credited++] = bytes32(uint256(uint160(account)) << 96 | amount);
    }

    function _tellCredits(Work memory work) private {
        (bytes32[] memory credits, uint256 credited) = (work.credits, work.credited);
        assembly ("memory-safe") {
            mstore(credits, credited) // of what was allocated for those who got nothing
        }
        emit ContributorsCredited(work.epoch, work.batch, credits);
    }

    /// @notice Credits what is not the contributors', with what was left of their part.
    function _finish(
        Work memory work,
        Distribution memory soFar,
        uint96[] calldata fees,
        bytes32[] calldata outputHashes
    ) private {
        isPaidOut[work.epoch][work.batch] = true;
        for (uint256 q = 0; q < fees.length; ++q) {
            if (outputHashes[q] == 0) continue;
            emit ReceiptPaid(work.epoch, work.batch, q, outputHashes[q], fees[q], work.pools[q]);
        }
        if (work.credited > 0) _tellCredits(work);
        uint256 dust = work.whole - soFar.given;
        _credit(work.modelOwnerAccount, work.epoch, work.batch, Role.ModelOwner, work.modelOwner);
        _credit(work.stakersAccount, work.epoch, work.batch, Role.Stakers, work.stakers);
        _credit(work.treasuryAccount, work.epoch, work.batch, Role.Treasury, work.platform + dust);
        emit BatchPaid(work.epoch, work.batch, dust);
    }

    function _credit(address account, uint256 epoch, uint256 batch, Role role, uint256 amount) private {
        if (amount == 0) return;
        creditOf[account] += amount;
        emit Credited(account, epoch, batch, role, amount);
    }
}
