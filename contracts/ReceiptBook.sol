// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {IEpochSettlement} from "./IEpochSettlement.sol";
import {IndexRegistry} from "./IndexRegistry.sol";
import {Bn254} from "./libraries/Bn254.sol";

/// @title Receipts of one index, in epochs of batches
/// @notice The index's owner opens an epoch and names the settlement contract that will split its fees. Admitted payers
/// post batches of Q receipts and pay at once; the fees go straight to that settlement contract. Nothing can be left out
/// afterwards: batches are numbered, chained in an accumulator, and every one must be settled before any is paid.
/// @dev Why payers are admitted by name: a batch with a commitment that nobody can open blocks its whole epoch.
contract ReceiptBook is ReentrancyGuard {
    using SafeERC20 for IERC20;

    /// What every settlement asks for lies in the first two words.
    struct Epoch {
        address settlement;
        /// 0 while the epoch is open.
        uint64 closedAt;
        uint32 queries;
        bytes32 index;
        address owner;
        uint64 openedAt;
        uint32 batches;
        /// Hash chain over the batches, in order.
        bytes32 accumulator;
        uint256 fees;
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
    event EpochClosed(uint256 indexed epoch, uint32 batches, uint256 fees, bytes32 accumulator);

    error NotIndexOwner(bytes32 index, address caller);
    error WrongSlotsPerShard(uint256 index, uint256 settlement);
    error UnknownEpoch(uint256 epoch);
    error UnknownBatch(uint256 epoch, uint256 batch);
    error EpochAlreadyClosed(uint256 epoch);
    error NotEpochOwner(uint256 epoch, address caller);
    error PayerNotAdmitted(uint256 epoch, address payer);
    error WrongReceiptCount(uint256 outputs, uint256 fees, uint256 needed);
    error FeeWithoutReceipt(uint256 receipt);

    IERC20 public immutable token;
    IndexRegistry public immutable indexes;
    /// After so many seconds anyone may close an epoch, so that no owner can hold fees by leaving it open.
    uint64 public immutable longestOpen;

    uint256 public epochCount;
    mapping(uint256 epoch => Epoch) private _epochs;
    mapping(uint256 epoch => mapping(uint256 batch => Batch)) private _batches;
    mapping(uint256 epoch => mapping(address payer => bool)) public isAdmitted;

    constructor(IERC20 token_, IndexRegistry indexes_, uint64 longestOpen_) {
        token = token_;
        indexes = indexes_;
        longestOpen = longestOpen_;
    }

    /// @notice Opens an epoch of an index; epochs are numbered from 0.
    /// @param settlement receives the fees and splits them; its S must be the index's slots a shard
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
        entry.openedAt = uint64(block.timestamp);
        entry.queries = SafeCast.toUint32(settlement.queries());
        entry.index = index;
        entry.settlement = address(settlement);
        emit EpochOpened(epoch, index, address(settlement), msg.sender, entry.queries);
        _admit(epoch, payers);
    }

    /// @notice Lets more accounts post batches.
    function admit(uint256 epoch, address[] calldata payers) external {
        Epoch storage entry = _openEpoch(epoch);
        if (entry.owner != msg.sender) revert NotEpochOwner(epoch, msg.sender);
        _admit(epoch, payers);
    }

    /// @notice Posts a batch and pays its fees from the caller's allowance.
    /// @param commitment queryBatchCommitment
    /// @param outputHashes exactly Q; zero marks an unused position, whose fee must be zero too
    function postBatch(
        uint256 epoch,
        uint256 commitment,
        bytes32[] calldata outputHashes,
        uint96[] calldata fees
    ) external nonReentrant returns (uint256 batch) {
        Epoch storage entry = _openEpoch(epoch);
        if (!isAdmitted[epoch][msg.sender]) revert PayerNotAdmitted(epoch, msg.sender);
        Bn254.requireCommitment(commitment);
        uint96 total = _sum(outputHashes, fees, entry.queries);
        batch = entry.batches++;
        bytes32 receiptsHash = keccak256(abi.encode(fees, outputHashes));
        bytes32 accumulator =
            keccak256(abi.encode(entry.accumulator, batch, commitment, receiptsHash, msg.sender, total));
        entry.accumulator = accumulator;
        entry.fees += total;
        _batches[epoch][batch] = Batch(commitment, receiptsHash, msg.sender, total);
        emit BatchPosted(epoch, batch, msg.sender, commitment, outputHashes, fees, accumulator);
        token.safeTransferFrom(msg.sender, entry.settlement, total);
    }

    /// @notice Ends an epoch: no batch can be added, and settlement may begin.
    function close(uint256 epoch) external {
        Epoch storage entry = _openEpoch(epoch);
        if (entry.owner != msg.sender && block.timestamp < entry.openedAt + longestOpen) {
            revert NotEpochOwner(epoch, msg.sender);
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

    /// @notice What a settlement binds to a batch, read at the least cost.
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

    function _sum(bytes32[] calldata outputHashes, uint96[] calldata fees, uint256 queries)
        private
        pure
        returns (uint96)
    {
        if (outputHashes.length != queries || fees.length != queries) {
            revert WrongReceiptCount(outputHashes.length, fees.length, queries);
        }
        uint256 total = 0;
        for (uint256 q = 0; q < queries; ++q) {
            if (outputHashes[q] == 0 && fees[q] != 0) revert FeeWithoutReceipt(q);
            total += fees[q];
        }
        return SafeCast.toUint96(total);
    }
}
