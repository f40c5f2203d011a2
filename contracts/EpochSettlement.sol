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
import {IReceipts} from "./IReceipts.sol";
import {IndexRegistry} from "./IndexRegistry.sol";
import {ProtocolTerms} from "./ProtocolTerms.sol";
import {Challenge} from "./libraries/Challenge.sol";
import {FeeSplit} from "./libraries/FeeSplit.sol";
import {ScoreSums} from "./libraries/ScoreSums.sol";

/// @title From proven scores to credits
/// @notice An epoch goes: closed in the book → every (shard, batch) settled by a proof → finalized → every batch
/// distributed → credits withdrawn. If it is not final within the timeout, refunds open and it can never become final.
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

    /// Working memory of one distribution.
    struct Work {
        address[] accounts;
        int64[] totals;
        uint256 count;
        uint256 treasury;
        uint256 modelOwner;
        uint256 stakers;
        /// Of each receipt: what its contributors share, and what of it was dust.
        uint256[] pools;
        uint256[] dust;
    }

    /// keccak256 of what an account signs for one withdrawal.
    bytes32 public constant WITHDRAW_TYPEHASH =
        keccak256("Withdraw(address account,address to,uint256 nonce,uint256 deadline)");
    /// 512 products of 16-bit entries stay below 2^39, which a packed score holds.
    uint256 public constant COLUMNS_MAX = 512;

    IReceipts public immutable book;
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
    mapping(address account => uint256) public creditOf;

    /// @param slots_ S of the circuit, `queries_` its Q, `columns_` its d
    constructor(
        IReceipts book_,
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
        (IReceipts.Summary memory entry, uint256 shards,) = _closedEpoch(epoch);
        Progress storage progress = progressOf[epoch];
        if (progress.stage != Stage.Settling) revert EpochNotSettling(epoch);
        uint256 needed = shards * entry.batches;
        if (progress.settled != needed) revert EpochIncomplete(progress.settled, needed);
        progress.stage = Stage.Final;
        emit EpochFinalized(epoch);
    }

    /// @notice Splits the fees of one batch of a final epoch; anyone may. Everything given is checked against hashes.
    /// @param contributors of each shard, as in its ShardSettled event
    /// @param packedSums of each shard, as in its ShardSettled event
    function distribute(
        uint256 epoch,
        uint256 batch,
        uint96[] calldata fees,
        bytes32[] calldata outputHashes,
        address[][] calldata contributors,
        bytes[] calldata packedSums
    ) external {
        if (progressOf[epoch].stage != Stage.Final) revert EpochNotFinal(epoch);
        _takeBatch(epoch, batch);
        (IReceipts.Summary memory entry, uint256 shards, address modelOwner) = _closedEpoch(epoch);
        _requireReceipts(epoch, batch, fees, outputHashes);
        if (contributors.length != shards || packedSums.length != shards) {
            revert WrongShardCount(contributors.length, shards);
        }
        Work memory work = _mergeShards(epoch, batch, contributors, packedSums);
        ProtocolTerms.Terms memory terms = protocolTerms.at(entry.terms);
        uint256[] memory amounts = _split(work, terms, fees);
        for (uint256 q = 0; q < fees.length; ++q) {
            if (outputHashes[q] == 0) continue;
            emit ReceiptPaid(epoch, batch, q, outputHashes[q], fees[q], work.pools[q], work.dust[q]);
        }
        for (uint256 c = 0; c < work.count; ++c) {
            _credit(work.accounts[c], epoch, batch, Role.Contributor, amounts[c]);
        }
        _credit(modelOwner, epoch, batch, Role.ModelOwner, work.modelOwner);
        _credit(terms.stakers, epoch, batch, Role.Stakers, work.stakers);
        _credit(terms.treasury, epoch, batch, Role.Treasury, work.treasury);
    }

    /// @notice Credits a batch's whole fees to its payer when the epoch was not made final in time; anyone may.
    /// @param batch number under which the receipts name a payer and fees to return: a batch, or a host where receipts fold
    function refund(uint256 epoch, uint256 batch) external {
        (IReceipts.Summary memory entry,,) = _closedEpoch(epoch);
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
        (address payer, uint96 fees) = book.refundOf(epoch, batch);
        _credit(payer, epoch, batch, Role.Refund, fees);
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
        returns (IReceipts.Summary memory entry, uint256 shards, address modelOwner)
    {
        entry = book.summaryOf(epoch);
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

    function _takeBatch(uint256 epoch, uint256 batch) private {
        if (isPaidOut[epoch][batch]) revert AlreadyDistributed(epoch, batch);
        isPaidOut[epoch][batch] = true;
    }

    function _requireReceipts(
        uint256 epoch,
        uint256 batch,
        uint96[] calldata fees,
        bytes32[] calldata outputHashes
    ) private view {
        bytes32 given = keccak256(abi.encode(fees, outputHashes));
        bytes32 posted = book.receiptsHashOf(epoch, batch);
        if (given != posted) revert ReceiptsMismatch(given, posted);
    }

    /// @notice Checks every shard's sums against its hash and adds them up by contributor.
    function _mergeShards(
        uint256 epoch,
        uint256 batch,
        address[][] calldata contributors,
        bytes[] calldata packedSums
    ) private view returns (Work memory work) {
        uint256 capacity = 0;
        for (uint256 shard = 0; shard < contributors.length; ++shard) {
            bytes32 given = keccak256(abi.encode(contributors[shard], packedSums[shard]));
            if (given != sumsHashOf[epoch][batch][shard]) revert SumsMismatch(shard);
            capacity += contributors[shard].length;
        }
        work.accounts = new address[](capacity);
        work.totals = new int64[](capacity * queries);
        for (uint256 shard = 0; shard < contributors.length; ++shard) {
            work.count = ScoreSums.merge(
                work.accounts, work.totals, work.count, contributors[shard], packedSums[shard], queries
            );
        }
    }

    /// @notice Splits each fee, and each pool by the policy; adds up what is not the contributors'.
    /// @dev What a policy gives out is checked, because governance may name any: nothing is made, and nothing is lost.
    function _split(Work memory work, ProtocolTerms.Terms memory terms, uint96[] calldata fees)
        private
        view
        returns (uint256[] memory amounts)
    {
        uint256[] memory pools = new uint256[](fees.length);
        uint256 whole = 0;
        for (uint256 q = 0; q < fees.length; ++q) {
            FeeSplit.Parts memory parts =
                FeeSplit.split(fees[q], terms.platformBps, terms.betaBps, terms.gammaBps);
            work.treasury += parts.platform;
            work.modelOwner += parts.modelOwner;
            work.stakers += parts.stakers;
            pools[q] = parts.pool;
            whole += parts.pool;
        }
        int64[] memory totals = work.totals;
        uint256 used = work.count * queries;
        assembly ("memory-safe") {
            mstore(totals, used) // of what was allocated for accounts that were the same in several shards
        }
        uint256[] memory dust;
        (amounts, dust) = terms.policy.share(pools, totals, work.count);
        if (amounts.length != work.count || dust.length != pools.length) revert PolicyNotWhole(terms.policy);
        uint256 given = 0;
        for (uint256 c = 0; c < amounts.length; ++c) given += amounts[c];
        for (uint256 q = 0; q < dust.length; ++q) {
            given += dust[q];
            work.treasury += dust[q];
        }
        if (given != whole) revert PolicyNotWhole(terms.policy);
        (work.pools, work.dust) = (pools, dust);
    }

    function _credit(address account, uint256 epoch, uint256 batch, Role role, uint256 amount) private {
        if (amount == 0) return;
        creditOf[account] += amount;
        emit Credited(account, epoch, batch, role, amount);
    }
}
