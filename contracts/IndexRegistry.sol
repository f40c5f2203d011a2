// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {DatanetRegistry} from "./DatanetRegistry.sol";
import {ProtocolTerms} from "./ProtocolTerms.sol";
import {Bn254} from "./libraries/Bn254.sol";

/// @title Influence indexes: whose rows stand behind which committed slot
/// @notice Registration checks everything that integers can say at once: that the slots tile the rows, each row once, that
/// every contributor is approved for the data set and stands in one run of slots, and that the commitments are field
/// elements. An index too large for one transaction is registered in parts, and is nothing until its slots tile all rows.
/// The rest is open to challenge for a window that begins then; until it has passed the index pays nothing, and the arbiter may
/// disable it. The owner puts a bond behind it: it comes back after the window, or goes to who showed the index wrong, half
/// of it, and is burned.
/// @dev Invariant: the bonds of all indexes that are neither disabled nor released ≤ the token balance. Only the owner is
/// paid its bond, only once, and only the arbiter can take it. Contributors come in the order of their places in the data set
/// (DatanetRegistry.placeOf): only so is one run each checked without looking back, and whoever adds up by
/// contributor never has to search.
contract IndexRegistry is ReentrancyGuardTransient {
    using SafeERC20 for ERC20Burnable;

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
        /// The slots of the first part, or all of them; ends in the order of rows.
        Slot[] slots;
        /// One a shard of slotsPerShard slots, ceil(slots / slotsPerShard) of them.
        uint256[] shardCommitments;
    }

    /// What every settlement asks for lies in the first word.
    struct Index {
        address owner;
        /// UNFINISHED until the slots tile all rows.
        uint40 payableFrom;
        bool disabled;
        uint16 slotsPerShard;
        /// So far.
        uint24 shards;
        bytes32 datasetId;
        uint256 indexId;
        uint256 indexRoot;
        uint32 rows;
        /// Rows that the slots tile so far.
        uint32 tiled;
        /// Of the last part so far.
        uint64 registeredAt;
        /// Place of the last slot's contributor.
        uint64 lastPlace;
        /// Token units that the owner put behind the index; 0 once they are released or forfeited.
        uint96 bond;
    }

    struct Shard {
        uint256 commitment;
        /// keccak256(abi.encode(address[])) of slotsPerShard contributors, zero at unused slots.
        bytes32 contributorsHash;
        /// keccak256(abi.encode(uint256 firstRow, Slot[])): what disputes are checked against.
        bytes32 slotsHash;
    }

    /// 256 rows of int8 entries sum to at most 32512, which fits 16 bits.
    uint256 public constant SLOT_ROWS_MAX = 256;
    /// 256 scores below 2^39 sum to less than 2^47, which a packed sum holds.
    uint256 public constant SHARD_SLOTS_MAX = 256;
    /// 2^24 scores sum to less than 2^63.
    uint256 public constant SLOTS_MAX = 2 ** 24;
    /// payableFrom of an index of which parts are missing.
    uint40 public constant UNFINISHED = type(uint40).max;

    event IndexRegistered(
        bytes32 indexed index,
        bytes32 indexed datasetId,
        address indexed owner,
        uint256 indexId,
        bytes32 modelId,
        bytes32 encoderHash,
        uint256 indexRoot,
        uint32 rows,
        uint32 slotsPerShard
    );
    /// @notice Slots from `firstRow` on and their shards from `firstShard` on.
    event SlotsRegistered(
        bytes32 indexed index, uint256 firstShard, uint256 firstRow, Slot[] slots, uint256[] shardCommitments
    );
    /// @notice The slots tile all rows: the window has begun.
    event IndexCompleted(bytes32 indexed index, uint256 shards, uint256 payableFrom);
    event IndexAbandoned(bytes32 indexed index);
    event IndexDisabled(bytes32 indexed index);
    event BondReleased(bytes32 indexed index, address indexed owner, uint256 amount);
    /// @notice `reward` went to who showed the index wrong, `burned` to nobody.
    event BondForfeited(bytes32 indexed index, address indexed challenger, uint256 reward, uint256 burned);

    error IndexAlreadyRegistered(bytes32 index);
    error UnknownIndex(bytes32 index);
    error UnknownShard(bytes32 index, uint256 shard);
    error ConsentViolated(bytes32 datasetId);
    error TooManyRows(uint256 rows, uint256 datasetRows);
    error SlotCountOutOfRange(uint256 slots);
    error ShardNotFilled(uint256 slots, uint256 slotsPerShard);
    error ContributorOutOfOrder(uint256 slot, address contributor);
    error NotIndexOwner(bytes32 index, address caller);
    error IndexUnfinished(bytes32 index, uint256 tiled, uint256 rows);
    error IndexComplete(bytes32 index);
    error SlotsDoNotTile(uint256 slot, uint256 start, uint256 end);
    error ContributorNotApproved(bytes32 datasetId, address contributor);
    error WrongShardCount(uint256 given, uint256 needed);
    error NotArbiter(address caller);
    error ChallengeWindowOver(bytes32 index);
    error ChallengeWindowOpen(bytes32 index, uint256 until);
    error AlreadyDisabled(bytes32 index);
    error NoBond(bytes32 index);
    error SlotsMismatch(bytes32 given, bytes32 registered);

    DatanetRegistry public immutable datanets;
    /// Of bonds; burned in part when they are forfeited.
    ERC20Burnable public immutable token;
    /// Say the window and the bond of a registration.
    ProtocolTerms public immutable protocolTerms;
    /// May disable an index while its window is open: the contract or committee that judges challenges.
    address public immutable arbiter;

    mapping(bytes32 index => Index) private _indexes;
    mapping(bytes32 index => mapping(uint256 shard => Shard)) private _shards;

    constructor(DatanetRegistry datanets_, ERC20Burnable token_, ProtocolTerms protocolTerms_, address arbiter_) {
        datanets = datanets_;
        token = token_;
        protocolTerms = protocolTerms_;
        arbiter = arbiter_;
    }

    /// @notice Registers an index, or its first part; the caller becomes its owner, is paid the model owner's part of every
    /// fee, and pays the bond from its allowance.
    function register(Registration calldata r) external nonReentrant returns (bytes32 index) {
        index = keyOf(msg.sender, r.datasetId, r.indexId);
        if (_indexes[index].owner != address(0)) revert IndexAlreadyRegistered(index);
        if (r.indexId >= Bn254.SCALAR_MODULUS) revert Bn254.NotAFieldElement(r.indexId);
        Bn254.requireCommitment(r.indexRoot);
        uint256 datasetRows = datanets.datasetOf(r.datasetId).rows;
        if (r.rows > datasetRows) revert TooManyRows(r.rows, datasetRows);
        if (r.slotsPerShard == 0 || r.slotsPerShard > SHARD_SLOTS_MAX) revert SlotCountOutOfRange(r.slotsPerShard);
        (uint96 bond,) = protocolTerms.indexTerms();
        Index memory entry;
        (entry.owner, entry.payableFrom, entry.slotsPerShard) = (msg.sender, UNFINISHED, uint16(r.slotsPerShard));
        (entry.datasetId, entry.indexId, entry.indexRoot) = (r.datasetId, r.indexId, r.indexRoot);
        (entry.rows, entry.bond) = (r.rows, bond);
        emit IndexRegistered(
            index, r.datasetId, msg.sender, r.indexId, r.modelId, r.encoderHash, r.indexRoot, r.rows, r.slotsPerShard
        );
        _add(index, entry, r.slots, r.shardCommitments);
        _indexes[index] = entry;
        if (bond > 0) token.safeTransferFrom(msg.sender, address(this), bond);
    }

    /// @notice Goes on with an unfinished registration; only its owner may.
    /// @param slots the next ones: whole shards, but for the last of the index
    function addShards(bytes32 index, Slot[] calldata slots, uint256[] calldata shardCommitments) external nonReentrant {
        Index memory entry = _unfinished(index);
        _add(index, entry, slots, shardCommitments);
        _indexes[index] = entry;
    }

    /// @notice Gives an unfinished registration up: its bond comes back, and it may be begun anew.
    function abandon(bytes32 index) external nonReentrant {
        uint256 bond = _unfinished(index).bond;
        delete _indexes[index];
        emit IndexAbandoned(index);
        if (bond > 0) {
            emit BondReleased(index, msg.sender, bond);
            token.safeTransfer(msg.sender, bond);
        }
    }

    /// @notice Takes an index out of payment for good, before it has paid anything, and forfeits its bond.
    /// @param challenger is paid half of the bond, rounded down; nobody (zero): all of it is burned
    function disable(bytes32 index, address challenger) external nonReentrant {
        if (msg.sender != arbiter) revert NotArbiter(msg.sender);
        Index storage entry = _indexes[index];
        if (entry.owner == address(0)) revert UnknownIndex(index);
        if (entry.disabled) revert AlreadyDisabled(index);
        if (block.timestamp >= entry.payableFrom) revert ChallengeWindowOver(index);
        entry.disabled = true;
        uint256 forfeited = entry.bond;
        entry.bond = 0;
        emit IndexDisabled(index);
        if (forfeited == 0) return;
        uint256 reward = challenger == address(0) ? 0 : forfeited / 2;
        emit BondForfeited(index, challenger, reward, forfeited - reward);
        token.burn(forfeited - reward);
        if (reward > 0) token.safeTransfer(challenger, reward);
    }

    /// @notice Gives the bond back to the owner once the window has passed; anyone may ask for it.
    function releaseBond(bytes32 index) external nonReentrant {
        Index storage entry = _indexes[index];
        address owner = entry.owner;
        if (owner == address(0)) revert UnknownIndex(index);
        if (block.timestamp < entry.payableFrom) revert ChallengeWindowOpen(index, entry.payableFrom);
        uint256 amount = entry.bond;
        if (amount == 0) revert NoBond(index);
        entry.bond = 0;
        emit BondReleased(index, owner, amount);
        token.safeTransfer(owner, amount);
    }

    /// @notice What a dispute needs, for slots that are those of the shard.
    function disputed(bytes32 index, uint256 shard, uint256 firstRow, Slot[] calldata slots)
        external
        view
        returns (Index memory entry, uint256 commitment)
    {
        entry = _indexes[index];
        if (entry.owner == address(0)) revert UnknownIndex(index);
        Shard memory found = _shardOf(index, shard);
        bytes32 given = keccak256(abi.encode(firstRow, slots));
        if (given != found.slotsHash) revert SlotsMismatch(given, found.slotsHash);
        commitment = found.commitment;
    }

    function indexOf(bytes32 index) external view returns (Index memory entry) {
        entry = _indexes[index];
        if (entry.owner == address(0)) revert UnknownIndex(index);
    }

    /// @notice Owner, number of shards, slots a shard, and whether the index may pay now; of whole indexes only.
    function terms(bytes32 index)
        external
        view
        returns (address owner, uint256 shards, uint256 slotsPerShard, bool payableNow)
    {
        Index storage entry = _indexes[index];
        owner = entry.owner;
        if (owner == address(0)) revert UnknownIndex(index);
        if (entry.payableFrom == UNFINISHED) revert IndexUnfinished(index, entry.tiled, entry.rows);
        shards = entry.shards;
        slotsPerShard = entry.slotsPerShard;
        payableNow = !entry.disabled && block.timestamp >= entry.payableFrom;
    }

    /// @notice What a settlement binds to a shard, read at the least cost.
    function placeOf(bytes32 index, uint256 shard)
        external
        view
        returns (bool payableNow, uint256 commitment, bytes32 contributorsHash)
    {
        Index storage entry = _indexes[index];
        payableNow = !entry.disabled && block.timestamp >= entry.payableFrom;
        // an abandoned registration may have left shards beyond the last
        if (shard >= entry.shards) revert UnknownShard(index, shard);
        Shard storage found = _shards[index][shard];
        (commitment, contributorsHash) = (found.commitment, found.contributorsHash);
    }

    function shardOf(bytes32 index, uint256 shard) external view returns (Shard memory) {
        return _shardOf(index, shard);
    }

    /// @notice The owner is part of the key, so that a registration cannot be front-run.
    function keyOf(address owner, bytes32 datasetId, uint256 indexId) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), owner, datasetId, indexId));
    }

    function _shardOf(bytes32 index, uint256 shard) private view returns (Shard memory) {
        if (shard >= _indexes[index].shards) revert UnknownShard(index, shard);
        return _shards[index][shard];
    }

    function _unfinished(bytes32 index) private view returns (Index memory entry) {
        entry = _indexes[index];
        if (entry.owner == address(0)) revert UnknownIndex(index);
        if (entry.owner != msg.sender) revert NotIndexOwner(index, msg.sender);
        if (entry.payableFrom != UNFINISHED) revert IndexComplete(index);
        if (entry.disabled) revert AlreadyDisabled(index);
    }

    /// @notice Adds whole shards to what is there, and begins the window once all rows are tiled.
    function _add(bytes32 index, Index memory entry, Slot[] calldata slots, uint256[] calldata commitments) private {
        if (datanets.violationsOf(entry.datasetId) != 0) revert ConsentViolated(entry.datasetId);
        uint256 size = entry.slotsPerShard;
        uint256 shards = (slots.length + size - 1) / size;
        if (shards == 0 || (entry.shards + shards) * size > SLOTS_MAX) revert SlotCountOutOfRange(slots.length);
        if (commitments.length != shards) revert WrongShardCount(commitments.length, shards);
        emit SlotsRegistered(index, entry.shards, entry.tiled, slots, commitments);
        for (uint256 i = 0; i < shards; ++i) {
            uint256 end = (i + 1) * size;
            Slot[] calldata own = slots[i * size:end < slots.length ? end : slots.length];
            bytes32 slotsHash = keccak256(abi.encode(uint256(entry.tiled), own));
            bytes32 contributorsHash = _fill(entry, own, i * size);
            Bn254.requireCommitment(commitments[i]);
            _shards[index][entry.shards++] = Shard(commitments[i], contributorsHash, slotsHash);
        }
        if (entry.tiled > entry.rows) revert SlotsDoNotTile(slots.length, entry.tiled, entry.rows);
        entry.registeredAt = uint64(block.timestamp);
        if (entry.tiled < entry.rows) {
            if (slots.length % size != 0) revert ShardNotFilled(slots.length, size);
            return;
        }
        (, uint32 challengeWindow) = protocolTerms.indexTerms();
        entry.payableFrom = uint40(block.timestamp + challengeWindow);
        emit IndexCompleted(index, entry.shards, entry.payableFrom);
    }

    /// @notice One shard's slots: each begins where the one before it ended, and no contributor comes before an earlier one.
    /// @param first number of the first slot in what was given, for errors
    function _fill(Index memory entry, Slot[] calldata slots, uint256 first) private view returns (bytes32) {
        address[] memory contributors = new address[](entry.slotsPerShard); // zero beyond the last slot
        address checked = address(0);
        for (uint256 k = 0; k < slots.length; ++k) {
            (uint256 end, address contributor) = (slots[k].end, slots[k].contributor);
            if (end <= entry.tiled || end - entry.tiled > SLOT_ROWS_MAX) {
                revert SlotsDoNotTile(first + k, entry.tiled, end);
            }
            entry.tiled = uint32(end);
            contributors[k] = contributor;
            if (contributor == checked && k > 0) continue;
            uint256 place = datanets.placeOf(entry.datasetId, contributor);
            if (place == 0) revert ContributorNotApproved(entry.datasetId, contributor);
            if (place < entry.lastPlace) revert ContributorOutOfOrder(first + k, contributor);
            (entry.lastPlace, checked) = (uint64(place), contributor);
        }
        return keccak256(abi.encode(contributors));
    }
}
