// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {HostChains} from "./HostChains.sol";
import {IEpochSettlement} from "./IEpochSettlement.sol";
import {IFolds} from "./IFolds.sol";
import {IReceipts} from "./IReceipts.sol";
import {IndexRegistry} from "./IndexRegistry.sol";
import {Prepayments} from "./Prepayments.sol";
import {ProtocolTerms} from "./ProtocolTerms.sol";
import {Bn254} from "./libraries/Bn254.sol";
import {ReceiptsHash} from "./libraries/ReceiptsHash.sol";
import {Tariff} from "./libraries/Tariff.sol";

/// @title Receipts of one index, in epochs of batches
/// @notice The index's owner opens an epoch and names the settlement contract that will split its fees. Batches of Q
/// receipts are posted by their payer, by anyone with the payer's signature (EIP-712, one nonce each), or by a host out
/// of what the payer prepaid to it; the fees go straight to that settlement contract. Nothing can be left out
/// afterwards: batches are numbered, chained in an accumulator, and every one must be settled before any is paid.
/// @dev Why payers are admitted by name: a batch with a commitment that nobody can open blocks its whole epoch.
contract ReceiptBook is IReceipts, HostChains, Prepayments, EIP712, Nonces {
    using SafeERC20 for IERC20;

    /// Q receipts and their commitment.
    struct Post {
        uint256 epoch;
        /// queryBatchCommitment
        uint256 commitment;
        /// Exactly Q, or from 1 on where receipts fold; zero marks an unused position, whose fee must be zero too.
        bytes32[] outputHashes;
        /// Token units, as many.
        uint96[] fees;
    }

    /// keccak256 of what a payer signs for one batch.
    bytes32 public constant POST_TYPEHASH = keccak256(
        "Post(address payer,uint256 epoch,uint256 commitment,bytes32 receiptsHash,uint256 nonce,uint256 deadline)"
    );

    struct Epoch {
        address settlement;
        /// 0 while the epoch is open.
        uint64 closedAt;
        /// Q, or most receipts of a batch where they fold.
        uint32 queries;
        bytes32 index;
        address owner;
        uint40 openedAt;
        /// Version of the terms that hold for the epoch.
        uint24 terms;
        uint32 batches;
        /// Hash chain over the batches, in order.
        bytes32 accumulator;
        uint160 fees;
        /// Token units of a quantum where receipts fold, else 0.
        uint96 quantum;
    }

    struct Batch {
        uint256 commitment;
        /// keccak256(abi.encode(uint96[] fees, bytes32[] outputHashes))
        bytes32 receiptsHash;
        address payer;
        uint96 fees;
    }

    event EpochOpened(
        uint256 indexed epoch, bytes32 indexed index, address indexed settlement, address owner, uint32 queries
    );
    /// @notice The epoch's receipts are folded by host: its settlement reads them from `folds`.
    event EpochFolds(uint256 indexed epoch, IFolds indexed folds, uint96 quantum);
    event PayerAdmitted(uint256 indexed epoch, address indexed payer);
    event BatchPosted(
        uint256 indexed epoch,
        uint256 indexed batch,
        address indexed payer,
        uint256 commitment,
        bytes32[] outputHashes,
        uint96[] fees,
        bytes32 accumulator
    );
    /// @notice Rates per thousand tokens in and out, and what every inference costs besides, in quanta.
    event RatesSet(uint256 indexed epoch, uint64 input, uint64 output, uint64 platform);
    /// @notice Tokens in · 2^32 + tokens out of each receipt.
    event UsageMetered(uint256 indexed epoch, uint256 indexed batch, uint64[] usage);
    event EpochClosed(uint256 indexed epoch, uint32 batches, uint256 fees, bytes32 accumulator);

    error NotIndexOwner(bytes32 index, address caller);
    error WrongSlotsPerShard(uint256 index, uint256 settlement);
    error EpochAlreadyClosed(uint256 epoch);
    error NotEpochOwner(uint256 epoch, address caller);
    error PayerNotAdmitted(uint256 epoch, address payer);
    error WrongReceiptCount(uint256 outputs, uint256 fees, uint256 needed);
    error FeeWithoutReceipt(uint256 receipt);
    error SignatureExpired(uint256 deadline);
    error NotSignedByPayer(address payer);
    error EpochNotMetered(uint256 epoch);
    error BatchesPosted(uint256 epoch);
    error OtherBook(IReceipts book);
    error PrepaidNotFolded(uint256 epoch);

    IndexRegistry public immutable indexes;
    ProtocolTerms public immutable protocolTerms;

    uint256 public epochCount;
    mapping(uint256 epoch => Epoch) private _epochs;
    mapping(uint256 epoch => mapping(uint256 batch => Batch)) private _batches;
    mapping(uint256 epoch => mapping(address payer => bool)) public isAdmitted;
    /// What an inference of the epoch costs by its tokens, fixed before anything is posted; all zero for agreed fees.
    mapping(uint256 epoch => Tariff.Rates) public ratesOf;

    constructor(IERC20 token_, IndexRegistry indexes_, uint64 reclaimNotice_)
        Prepayments(token_, reclaimNotice_)
        EIP712("Meed receipt book", "1")
    {
        indexes = indexes_;
        protocolTerms = indexes_.protocolTerms();
    }

    /// @notice Opens an epoch of an index; epochs are numbered from 0.
    /// @param settlement receives the fees and splits them; its S must be the index's slots a shard. If it does not read
    /// its receipts here, the epoch folds: payers are hosts, which pay themselves
    function open(bytes32 index, IEpochSettlement settlement, address[] calldata payers)
        external
        returns (uint256 epoch)
    {
        (address owner,, uint256 slotsPerShard,) = indexes.terms(index);
        if (owner != msg.sender) revert NotIndexOwner(index, msg.sender);
        if (settlement.slots() != slotsPerShard) revert WrongSlotsPerShard(slotsPerShard, settlement.slots());
        epoch = epochCount++;
        Epoch storage entry = _epochs[epoch];
        entry.owner = msg.sender;
        entry.openedAt = uint40(block.timestamp);
        entry.terms = protocolTerms.current();
        entry.queries = SafeCast.toUint32(settlement.queries());
        entry.index = index;
        entry.settlement = address(settlement);
        address receipts = address(settlement.book());
        if (receipts != address(this)) _openFolding(epoch, entry, IFolds(receipts));
        emit EpochOpened(epoch, index, address(settlement), msg.sender, entry.queries);
        _admit(epoch, payers);
    }

    /// @notice Lets more accounts post batches.
    function admit(uint256 epoch, address[] calldata payers) external {
        Epoch storage entry = _openEpoch(epoch);
        if (entry.owner != msg.sender) revert NotEpochOwner(epoch, msg.sender);
        _admit(epoch, payers);
    }

    /// @notice Fixes what an inference costs by its tokens; only the epoch's owner, before the first batch.
    function setRates(uint256 epoch, Tariff.Rates calldata rates) external {
        Epoch storage entry = _openEpoch(epoch);
        if (entry.owner != msg.sender) revert NotEpochOwner(epoch, msg.sender);
        if (entry.batches != 0) revert BatchesPosted(epoch);
        ratesOf[epoch] = rates;
        emit RatesSet(epoch, rates.input, rates.output, rates.platform);
    }

    /// @notice Posts a batch and pays its fees from the caller's allowance.
    function postBatch(Post calldata post) external nonReentrant returns (uint256 batch) {
        Epoch storage entry = _openEpoch(post.epoch);
        uint96 total;
        (batch, total) = _post(entry, post.epoch, post.commitment, post.outputHashes, post.fees, msg.sender);
        token.safeTransferFrom(msg.sender, entry.settlement, total);
    }

    /// @notice Posts a batch whose fees follow from the tokens of each inference and the epoch's rates.
    /// @param usage tokens in · 2^32 + tokens out of each receipt, Q; zero at unused positions
    function postMetered(
        uint256 epoch,
        uint256 commitment,
        bytes32[] calldata outputHashes,
        uint64[] calldata usage
    ) external nonReentrant returns (uint256 batch) {
        Epoch storage entry = _openEpoch(epoch);
        uint96[] memory fees = _feesOf(epoch, outputHashes, usage);
        uint96 total;
        (batch, total) = _post(entry, epoch, commitment, outputHashes, fees, msg.sender);
        emit UsageMetered(epoch, batch, usage);
        token.safeTransferFrom(msg.sender, entry.settlement, total);
    }

    /// @notice Posts a batch for a payer who signed it, and pays its fees from the payer's allowance.
    /// @param deadline last second at which the signature counts
    /// @param signature of POST_TYPEHASH with the payer's next nonce; by a contract, too (EIP-1271)
    function postSigned(Post calldata post, address payer, uint256 deadline, bytes calldata signature)
        external
        nonReentrant
        returns (uint256 batch)
    {
        if (block.timestamp > deadline) revert SignatureExpired(deadline);
        Epoch storage entry = _openEpoch(post.epoch);
        bytes32 receiptsHash = ReceiptsHash.hash(post.fees, post.outputHashes);
        bytes32 digest = _hashTypedDataV4(
            keccak256(
                abi.encode(
                    POST_TYPEHASH, payer, post.epoch, post.commitment, receiptsHash, _useNonce(payer), deadline
                )
            )
        );
        if (!SignatureChecker.isValidSignatureNow(payer, digest, signature)) revert NotSignedByPayer(payer);
        uint96 total;
        (batch, total) = _post(entry, post.epoch, post.commitment, post.outputHashes, post.fees, payer);
        token.safeTransferFrom(payer, entry.settlement, total);
    }

    /// @notice Posts a batch and pays its fees out of what the payer prepaid to the caller.
    /// @dev Not where receipts fold: whoever posted for a payer could spoil the payer's chain.
    function postPrepaid(Post calldata post, address payer) external nonReentrant returns (uint256 batch) {
        Epoch storage entry = _openEpoch(post.epoch);
        if (entry.quantum != 0) revert PrepaidNotFolded(post.epoch);
        uint96 total;
        (batch, total) = _post(entry, post.epoch, post.commitment, post.outputHashes, post.fees, payer);
        _spend(payer, msg.sender, total);
        token.safeTransfer(entry.settlement, total);
    }

    /// @notice Ends an epoch: no batch can be added, and settlement may begin. Its owner may, and after the longest time that
    /// an epoch may be open anyone, so that no owner holds fees by leaving it open.
    function close(uint256 epoch) external {
        Epoch storage entry = _openEpoch(epoch);
        if (entry.owner != msg.sender) {
            uint256 dueAt = uint256(entry.openedAt) + protocolTerms.at(entry.terms).longestOpen;
            if (block.timestamp < dueAt) revert NotEpochOwner(epoch, msg.sender);
        }
        entry.closedAt = uint64(block.timestamp);
        emit EpochClosed(epoch, entry.batches, entry.fees, entry.accumulator);
    }

    function epochOf(uint256 epoch) external view returns (Epoch memory entry) {
        entry = _epochs[epoch];
        if (entry.owner == address(0)) revert UnknownEpoch(epoch);
    }

    function batchOf(uint256 epoch, uint256 batch) external view returns (Batch memory entry) {
        entry = _batches[epoch][batch];
        if (entry.commitment == 0) revert UnknownBatch(epoch, batch);
    }

    /// @inheritdoc IReceipts
    function summaryOf(uint256 epoch) external view returns (Summary memory) {
        Epoch storage entry = _epochs[epoch];
        address settlement = entry.settlement;
        if (settlement == address(0)) revert UnknownEpoch(epoch);
        return Summary(settlement, entry.closedAt, entry.batches, entry.terms, entry.index);
    }

    /// @inheritdoc IReceipts
    function receiptsHashOf(uint256 epoch, uint256 batch) external view returns (bytes32 receiptsHash) {
        receiptsHash = _batches[epoch][batch].receiptsHash;
        if (receiptsHash == 0) revert UnknownBatch(epoch, batch);
    }

    /// @inheritdoc IReceipts
    function refundOf(uint256 epoch, uint256 number) external view returns (address payer, uint96 fees) {
        Batch storage entry = _batches[epoch][number];
        (payer, fees) = (entry.payer, entry.fees);
        if (payer == address(0)) revert UnknownBatch(epoch, number);
    }

    /// @inheritdoc IReceipts
    function placeOf(uint256 epoch, uint256 batch)
        external
        view
        returns (address settlement, bool closed, bytes32 index, uint256 commitment)
    {
        Epoch storage entry = _epochs[epoch];
        (settlement, closed, index) = (entry.settlement, entry.closedAt != 0, entry.index);
        if (settlement == address(0)) revert UnknownEpoch(epoch);
        commitment = _batches[epoch][batch].commitment;
        if (commitment == 0) revert UnknownBatch(epoch, batch);
    }

    /// @notice What a fold of a host's receipts rests on; the accumulator is final once the epoch is closed. Hosts are
    /// numbered from 0.
    function hostOf(uint256 epoch, address account)
        external
        view
        returns (bool closed, bytes32 accumulator, uint256 number, Host memory host)
    {
        Epoch storage entry = _epochs[epoch];
        (closed, accumulator) = (entry.closedAt != 0, entry.accumulator);
        (number, host) = _hostOf(epoch, account);
    }

    function _openFolding(uint256 epoch, Epoch storage entry, IFolds folds) private {
        IReceipts book = folds.book();
        if (address(book) != address(this)) revert OtherBook(book);
        (entry.queries, entry.quantum) = (folds.receiptsPerBatch(), folds.quantum());
        emit EpochFolds(epoch, folds, entry.quantum);
    }

    function _openEpoch(uint256 epoch) private view returns (Epoch storage entry) {
        entry = _epochs[epoch];
        if (entry.owner == address(0)) revert UnknownEpoch(epoch);
        if (entry.closedAt != 0) revert EpochAlreadyClosed(epoch);
    }

    function _admit(uint256 epoch, address[] calldata payers) private {
        for (uint256 i = 0; i < payers.length; ++i) {
            isAdmitted[epoch][payers[i]] = true;
            emit PayerAdmitted(epoch, payers[i]);
        }
    }

    /// @notice Numbers a batch and chains it. Nothing is paid here.
    function _post(
        Epoch storage entry,
        uint256 epoch,
        uint256 commitment,
        bytes32[] calldata outputHashes,
        uint96[] memory fees,
        address payer
    ) private returns (uint256 batch, uint96 total) {
        if (!isAdmitted[epoch][payer]) revert PayerNotAdmitted(epoch, payer);
        Bn254.requireCommitment(commitment);
        uint256 quantum = entry.quantum;
        _requireCount(outputHashes.length, fees.length, entry.queries, quantum);
        total = _sum(outputHashes, fees);
        batch = entry.batches++;
        bytes32 receiptsHash = ReceiptsHash.hashMemory(fees, outputHashes);
        bytes32 accumulator = keccak256(abi.encode(entry.accumulator, batch, commitment, receiptsHash, payer, total));
        entry.accumulator = accumulator;
        entry.fees += total;
        if (quantum == 0) _batches[epoch][batch] = Batch(commitment, receiptsHash, payer, total);
        else _extend(epoch, payer, quantum, commitment, receiptsHash, fees, total);
        emit BatchPosted(epoch, batch, payer, commitment, outputHashes, fees, accumulator);
    }

    function _feesOf(uint256 epoch, bytes32[] calldata outputHashes, uint64[] calldata usage)
        private
        view
        returns (uint96[] memory fees)
    {
        Tariff.Rates memory rates = ratesOf[epoch];
        if (rates.input | rates.output | rates.platform == 0) revert EpochNotMetered(epoch);
        fees = new uint96[](usage.length);
        for (uint256 q = 0; q < usage.length; ++q) {
            // an unused position costs nothing; one with tokens but without an output is refused when fees are summed
            bool unused = q < outputHashes.length && outputHashes[q] == 0 && usage[q] == 0;
            if (!unused) fees[q] = Tariff.feeOf(rates, usage[q] >> 32, uint32(usage[q]));
        }
    }

    /// @notice Q receipts, or 1 to as many where they fold.
    function _requireCount(uint256 outputs, uint256 fees, uint256 queries, uint256 quantum) private pure {
        bool fits = quantum == 0 ? outputs == queries : outputs > 0 && outputs <= queries;
        if (!fits || fees != outputs) revert WrongReceiptCount(outputs, fees, queries);
    }

    function _sum(bytes32[] calldata outputHashes, uint96[] memory fees) private pure returns (uint96) {
        uint256 total = 0;
        uint256 count = fees.length;
        // below 2^96 · 2^32 in all
        unchecked {
            for (uint256 q = 0; q < count; ++q) {
                uint256 fee = fees[q];
                if (fee != 0 && outputHashes[q] == 0) revert FeeWithoutReceipt(q);
                total += fee;
            }
        }
        return SafeCast.toUint96(total);
    }
}
