// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {DatanetRegistry} from "./DatanetRegistry.sol";
import {Bn254} from "./libraries/Bn254.sol";

/// @title Influence indexes: whose rows stand behind which committed slot
/// @notice Registration checks everything that integers can say: that the slots tile the rows, each row once, that every
/// contributor is approved for the data set, and that the commitments are field elements. What integers cannot say (that
/// the sketches come from the model) is open to challenge for a window; until it has passed the index pays nothing, and
/// the arbiter may disable it.
contract IndexRegistry {
    /// One slot: rows [end of the slot before, end), all of one contributor.
    struct Slot {
        uint32 end;
        address contributor;
    }

    struct Registration {
        bytes32 datasetId;
        /// Field element inside every commitment of the index.
        uint256 indexId;
        bytes32 modelId;
        bytes32 encoderHash;
        /// Root of the Poseidon tree over the index's leaves.
        uint256 indexRoot;
        /// Number of rows that the slots tile.
        uint32 rows;
        /// S of the circuit that will prove scores.
        uint32 slotsPerShard;
        Slot[] slots;
        /// One a shard of slotsPerShard slots, ceil(slots / slotsPerShard) of them.
        uint256[] shardCommitments;
    }

    struct Index {
        address owner;
        uint64 payableFrom;
        uint32 slotsPerShard;
        bool disabled;
        bytes32 datasetId;
        uint256 indexId;
        uint256 indexRoot;
        uint32 rows;
        uint32 shards;
    }

    struct Shard {
        uint256 commitment;
        bytes32 contributorsHash;
    }

    /// 256 rows of int8 entries sum to at most 32512, which fits 16 bits.
    uint256 public constant SLOT_ROWS_MAX = 256;
    /// Bounds what one distribution has to read, so that it always fits a block.
    uint256 public constant SLOTS_MAX = 256;

    event IndexRegistered(
        bytes32 indexed index,
        bytes32 indexed datasetId,
        address indexed owner,
        uint256 indexId,
        bytes32 modelId,
        bytes32 encoderHash,
        uint256 indexRoot,
        uint32 rows,
        uint32 slotsPerShard,
        uint64 payableFrom
    );
    event SlotsRegistered(bytes32 indexed index, Slot[] slots, uint256[] shardCommitments);
    event IndexDisabled(bytes32 indexed index);

    error IndexAlreadyRegistered(bytes32 index);
    error UnknownIndex(bytes32 index);
    error UnknownShard(bytes32 index, uint256 shard);
    error TooManyRows(uint256 rows, uint256 datasetRows);
    error SlotCountOutOfRange(uint256 slots);
    error SlotsDoNotTile(uint256 slot, uint256 start, uint256 end);
    error ContributorNotApproved(bytes32 datasetId, address contributor);
    error WrongShardCount(uint256 given, uint256 needed);
    error NotArbiter(address caller);
    error ChallengeWindowOver(bytes32 index);

    DatanetRegistry public immutable datanets;
    uint64 public immutable challengeWindow;
    /// May disable an index while its window is open: the contract or committee that judges challenges.
    address public immutable arbiter;

    mapping(bytes32 index => Index) private _indexes;
    mapping(bytes32 index => mapping(uint256 shard => Shard)) private _shards;

    /// @param challengeWindow_ seconds between registration and the first payout; 0 on a development chain
    constructor(DatanetRegistry datanets_, uint64 challengeWindow_, address arbiter_) {
        datanets = datanets_;
        challengeWindow = challengeWindow_;
        arbiter = arbiter_;
    }

    /// @notice Registers an index; the caller becomes its owner and is paid the model owner's part of every fee.
    function register(Registration calldata r) external returns (bytes32 index) {
        index = keyOf(msg.sender, r.datasetId, r.indexId);
        if (_indexes[index].owner != address(0)) revert IndexAlreadyRegistered(index);
        if (r.indexId >= Bn254.SCALAR_MODULUS) revert Bn254.NotAFieldElement(r.indexId);
        Bn254.requireCommitment(r.indexRoot);
        uint256 datasetRows = datanets.datasetOf(r.datasetId).rows;
        if (r.rows > datasetRows) revert TooManyRows(r.rows, datasetRows);
        _requireTiling(r.slots, r.rows);
        _requireApproved(r.datasetId, r.slots);
        uint256 shards = _storeShards(index, r.slots, r.shardCommitments, r.slotsPerShard);
        uint64 payableFrom = uint64(block.timestamp) + challengeWindow;
        _indexes[index] = Index({
            owner: msg.sender,
            payableFrom: payableFrom,
            slotsPerShard: r.slotsPerShard,
            disabled: false,
            datasetId: r.datasetId,
            indexId: r.indexId,
            indexRoot: r.indexRoot,
            rows: r.rows,
            shards: uint32(shards)
        });
        emit IndexRegistered(
            index,
            r.datasetId,
            msg.sender,
            r.indexId,
            r.modelId,
            r.encoderHash,
            r.indexRoot,
            r.rows,
            r.slotsPerShard,
            payableFrom
        );
        emit SlotsRegistered(index, r.slots, r.shardCommitments);
    }

    /// @notice Takes an index out of payment for good, before it has paid anything.
    function disable(bytes32 index) external {
        if (msg.sender != arbiter) revert NotArbiter(msg.sender);
        Index storage entry = _indexes[index];
        if (entry.owner == address(0)) revert UnknownIndex(index);
        if (block.timestamp >= entry.payableFrom) revert ChallengeWindowOver(index);
        entry.disabled = true;
        emit IndexDisabled(index);
    }

    function indexOf(bytes32 index) external view returns (Index memory entry) {
        entry = _indexes[index];
        if (entry.owner == address(0)) revert UnknownIndex(index);
    }

    /// @notice Owner, number of shards, slots a shard, and whether the index may pay now.
    function terms(bytes32 index)
        external
        view
        returns (address owner, uint256 shards, uint256 slotsPerShard, bool payableNow)
    {
        Index storage entry = _indexes[index];
        owner = entry.owner;
        if (owner == address(0)) revert UnknownIndex(index);
        shards = entry.shards;
        slotsPerShard = entry.slotsPerShard;
        payableNow = !entry.disabled && block.timestamp >= entry.payableFrom;
    }

    function shardOf(bytes32 index, uint256 shard) external view returns (Shard memory entry) {
        entry = _shards[index][shard];
        if (entry.commitment == 0) revert UnknownShard(index, shard);
    }

    /// @notice The owner is part of the key, so that a registration cannot be front-run.
    function keyOf(address owner, bytes32 datasetId, uint256 indexId) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), owner, datasetId, indexId));
    }

    function _requireTiling(Slot[] calldata slots, uint256 rows) private pure {
        if (slots.length == 0 || slots.length > SLOTS_MAX) revert SlotCountOutOfRange(slots.length);
        uint256 start = 0;
        for (uint256 k = 0; k < slots.length; ++k) {
            uint256 end = slots[k].end;
            if (end <= start || end - start > SLOT_ROWS_MAX) revert SlotsDoNotTile(k, start, end);
            start = end;
        }
        if (start != rows) revert SlotsDoNotTile(slots.length, start, rows);
    }

    function _requireApproved(bytes32 datasetId, Slot[] calldata slots) private view {
        address checked = address(0);
        for (uint256 k = 0; k < slots.length; ++k) {
            address contributor = slots[k].contributor;
            if (contributor != address(0) && contributor == checked) continue;
            if (!datanets.isApproved(datasetId, contributor)) revert ContributorNotApproved(datasetId, contributor);
            checked = contributor;
        }
    }

    function _storeShards(
        bytes32 index,
        Slot[] calldata slots,
        uint256[] calldata commitments,
        uint256 slotsPerShard
    ) private returns (uint256 shards) {
        shards = slotsPerShard == 0 ? 0 : (slots.length + slotsPerShard - 1) / slotsPerShard;
        if (shards == 0 || commitments.length != shards) revert WrongShardCount(commitments.length, shards);
        for (uint256 shard = 0; shard < shards; ++shard) {
            Bn254.requireCommitment(commitments[shard]);
            address[] memory contributors = new address[](slotsPerShard); // zero beyond the last slot
            for (uint256 k = 0; k < slotsPerShard && shard * slotsPerShard + k < slots.length; ++k) {
                contributors[k] = slots[shard * slotsPerShard + k].contributor;
            }
            _shards[index][shard] = Shard(commitments[shard], keccak256(abi.encode(contributors)));
        }
    }
}
