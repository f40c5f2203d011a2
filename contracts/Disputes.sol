// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IndexRegistry} from "./IndexRegistry.sol";
import {IStatementVerifier} from "./IStatementVerifier.sol";
import {IValidatorStaking} from "./IValidatorStaking.sol";

/// @title Disputes about an index while its window is open
/// @notice Integer facts are shown by a proof and decided at once, by nobody's judgement: a running sum that does not add
/// up, a row out of range, a slot that is not its last running sum. What integers cannot say (whether the sketches are
/// the model's) is for the committee, which may only disable. Either way the index never pays, and its bond is forfeited; a
/// proof also takes a share of the stake that the owner, as a validator, had when it registered.
/// @dev Everything that a statement is about comes from the registration, never from who disputes: docs/protocol.md,
/// "Disputes". The claimant is a public signal, so a proof copied from the mempool serves whom it was made for.
/// A verdict is about registered numbers that never change, so no honest index can be disputed, at any price.
contract Disputes {
    event IndexDisputed(bytes32 indexed index, address indexed challenger, Ground indexed ground, uint256 row);
    /// @notice The owner's stake was not slashed, for the reason that the staking contract gave: it has none, say.
    event StakeNotSlashed(bytes32 indexed index, address indexed owner, bytes reason);
    event IndexJudged(bytes32 indexed index, address indexed committee, bytes32 evidence);

    /// The slots of one shard, exactly as registered.
    struct ShardSlots {
        uint256 shard;
        /// Where its first slot begins.
        uint256 firstRow;
        IndexRegistry.Slot[] slots;
    }

    enum Ground {
        SumStep,
        RowRange,
        SlotIsPrefix
    }

    error UnknownRow(bytes32 index, uint256 row);
    error UnusedSlot(bytes32 index, uint256 shard, uint256 position);
    error TreeTooDeep(uint256 depth, uint256 levels);
    error WrongSlotsForCircuit(uint256 registered, uint256 circuit);
    error DisputeRejected(bytes32 index, Ground ground);
    error NotCommittee(address caller);
    error SlashWithoutGas(bytes32 index);
    error ShareOutOfRange(uint256 share);
    error NotSignals(IStatementVerifier verifier, uint256 given, uint256 needed);

    IndexRegistry public immutable indexes;
    IStatementVerifier public immutable sumStep;
    IStatementVerifier public immutable rowRange;
    IStatementVerifier public immutable slotIsPrefix;
    /// D of the circuits: most levels of an index tree.
    uint256 public immutable levels;
    /// S of SlotIsPrefix.
    uint256 public immutable slots;
    /// Judges what no proof can: bonded auditors or the governor's timelock.
    address public immutable committee;
    /// Of validators; the zero address where none are slashed.
    IValidatorStaking public immutable staking;
    /// Of the owner's stake that a proof takes, WAD.
    uint256 public immutable slashShare;

    uint256 private constant WAD = 1e18;

    constructor(
        IndexRegistry indexes_,
        IStatementVerifier sumStep_,
        IStatementVerifier rowRange_,
        IStatementVerifier slotIsPrefix_,
        uint256 levels_,
        uint256 slots_,
        address committee_,
        IValidatorStaking staking_,
        uint256 slashShare_
    ) {
        if (slashShare_ > WAD || (slashShare_ == 0 && address(staking_) != address(0))) revert ShareOutOfRange(slashShare_);
        _requireSignals(sumStep_, 5);
        _requireSignals(rowRange_, 4);
        _requireSignals(slotIsPrefix_, 7);
        indexes = indexes_;
        sumStep = sumStep_;
        rowRange = rowRange_;
        slotIsPrefix = slotIsPrefix_;
        levels = levels_;
        slots = slots_;
        committee = committee_;
        staking = staking_;
        slashShare = slashShare_;
    }

    /// @notice Shows that a row and the running sum before it do not add up to the row's running sum.
    /// @param registered the shard in which the row lies
    /// @param proof of SumStep(d, D) for the caller
    function disputeSum(
        bytes32 index,
        ShardSlots calldata registered,
        uint256 row,
        uint256[8] calldata proof
    ) external {
        (IndexRegistry.Index memory entry,) = _entry(index, registered, row);
        uint256[] memory signals = new uint256[](5);
        signals[0] = entry.indexRoot;
        signals[1] = row;
        signals[2] = _depth(entry.rows);
        signals[3] = _beginsSlot(registered, row) ? 1 : 0;
        signals[4] = uint160(msg.sender);
        _decide(index, Ground.SumStep, sumStep, proof, signals, row);
    }

    /// @notice Shows that a committed row is no vector of int8 entries in [−127, 127].
    /// @param proof of RowRange(d, D) for the caller
    function disputeRow(
        bytes32 index,
        ShardSlots calldata registered,
        uint256 row,
        uint256[8] calldata proof
    ) external {
        (IndexRegistry.Index memory entry,) = _entry(index, registered, row);
        uint256[] memory signals = new uint256[](4);
        signals[0] = entry.indexRoot;
        signals[1] = row;
        signals[2] = _depth(entry.rows);
        signals[3] = uint160(msg.sender);
        _decide(index, Ground.RowRange, rowRange, proof, signals, row);
    }

    /// @notice Shows that a shard commits to another index id (position 0), or that its slot number `position`, from 1 on,
    /// is not the running sum at the slot's last row.
    /// @param proof of SlotIsPrefix(S, d, D) for the caller
    function disputeSlot(bytes32 index, ShardSlots calldata registered, uint256 position, uint256[8] calldata proof)
        external
    {
        // position 0 is about the index id alone, and any row will do
        uint256 used = position == 0 ? 1 : position;
        if (used > registered.slots.length) revert UnusedSlot(index, registered.shard, position);
        uint256 row = uint256(registered.slots[used - 1].end) - 1;
        (IndexRegistry.Index memory entry, uint256 commitment) = _entry(index, registered, row);
        if (entry.slotsPerShard != slots) revert WrongSlotsForCircuit(entry.slotsPerShard, slots);
        uint256[] memory signals = new uint256[](7);
        signals[0] = commitment;
        signals[1] = position;
        signals[2] = entry.indexId;
        signals[3] = entry.indexRoot;
        signals[4] = row;
        signals[5] = _depth(entry.rows);
        signals[6] = uint160(msg.sender);
        _decide(index, Ground.SlotIsPrefix, slotIsPrefix, proof, signals, row);
    }

    /// @notice The committee's verdict on what no proof can show: sketches that are not the model's, or openings withheld.
    /// @param evidence hash of what the verdict rests on
    /// @param challenger who is paid half of the bond; zero for nobody
    function judge(bytes32 index, bytes32 evidence, address challenger) external {
        if (msg.sender != committee) revert NotCommittee(msg.sender);
        emit IndexJudged(index, msg.sender, evidence);
        indexes.disable(index, challenger);
    }

    function _decide(
        bytes32 index,
        Ground ground,
        IStatementVerifier verifier,
        uint256[8] calldata proof,
        uint256[] memory signals,
        uint256 row
    ) private {
        if (!verifier.verify(proof, signals)) revert DisputeRejected(index, ground);
        emit IndexDisputed(index, msg.sender, ground, row);
        indexes.disable(index, msg.sender);
        if (address(staking) != address(0)) _slash(index);
    }

    /// @dev An owner need not be a validator, so a refusal must not stop the dispute. But a call that ran out of gas gives
    /// no reason, and an owner who disputes itself must not save its stake by sending too little.
    function _slash(bytes32 index) private {
        IndexRegistry.Index memory entry = indexes.indexOf(index);
        try staking.slash(entry.owner, index, entry.registeredAt, slashShare, msg.sender, WAD / 2) {}
        catch (bytes memory reason) {
            if (reason.length == 0) revert SlashWithoutGas(index);
            emit StakeNotSlashed(index, entry.owner, reason);
        }
    }

    function _entry(bytes32 index, ShardSlots calldata registered, uint256 row)
        private
        view
        returns (IndexRegistry.Index memory entry, uint256 commitment)
    {
        (entry, commitment) = indexes.disputed(index, registered.shard, registered.firstRow, registered.slots);
        // a registered shard has a slot at least
        uint256 end = registered.slots[registered.slots.length - 1].end;
        if (row < registered.firstRow || row >= end) revert UnknownRow(index, row);
    }

    /// @notice Levels of the tree over so many leaves: ceil(log2(rows)).
    function _depth(uint256 rows) private view returns (uint256 depth) {
        while (1 << depth < rows) ++depth;
        if (depth > levels) revert TreeTooDeep(depth, levels);
    }

    function _beginsSlot(ShardSlots calldata registered, uint256 row) private pure returns (bool) {
        if (row == registered.firstRow) return true;
        for (uint256 k = 0; k < registered.slots.length; ++k) {
            if (registered.slots[k].end >= row) return registered.slots[k].end == row;
        }
        return false;
    }

    function _requireSignals(IStatementVerifier verifier, uint256 needed) private view {
        uint256 given = verifier.signalCount();
        if (given != needed) revert NotSignals(verifier, given, needed);
    }
}
