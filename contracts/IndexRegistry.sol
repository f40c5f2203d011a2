// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {DatanetRegistry} from "./DatanetRegistry.sol";
import {ProtocolTerms} from "./ProtocolTerms.sol";
import {Bn254} from "./libraries/Bn254.sol";

/// @title Influence indexes: whose rows stand behind which committed slot
/// @notice Registration checks everything that integers can say at once: that the slots tile the rows, each row once, that
/// every contributor is approved for the data set, and that the commitments are field elements. The rest is open to
/// challenge for a window; until it has passed the index pays nothing, and the arbiter may disable it. The owner puts a
/// bond behind it: it comes back after the window, or goes to who showed the index wrong, half of it, and is burned.
/// @dev Invariant: the bonds of all indexes that are neither disabled nor released ≤ the token balance. Only the owner is
/// paid its bond, only once, and only the arbiter can take it.
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
        Slot[] slots;
        /// One a shard of slotsPerShard slots, ceil(slots / slotsPerShard) of them.
        uint256[] shardCommitments;
    }

    /// What every settlement asks for lies in the first word.
    struct Index {
        address owner;
        uint64 payableFrom;
        bool disabled;
        uint16 slotsPerShard;
        bytes32 datasetId;
        uint256 indexId;
        uint256 indexRoot;
        uint32 rows;
        uint32 shards;
        uint64 registeredAt;
        /// Token units that the owner put behind the index; 0 once they are released or forfeited.
        uint96 bond;
        /// keccak256(abi.encode(Slot[])): what disputes are checked against.
        bytes32 slotsHash;
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
    /// @notice The window stays open until `until`, because something about the index is being decided.
    event IndexHeld(bytes32 indexed index, uint64 until);
    event BondReleased(bytes32 indexed index, address indexed owner, uint256 amount);
    /// @notice `reward` went to who showed the index wrong, `burned` to nobody.
    event BondForfeited(bytes32 indexed index, address indexed challenger, uint256 reward, uint256 burned);

    error IndexAlreadyRegistered(bytes32 index);
    error UnknownIndex(bytes32 index);
    error UnknownShard(bytes32 index, uint256 shard);
    error ConsentViolated(bytes32 datasetId);
    error TooManyRows(uint256 rows, uint256 datasetRows);
    error SlotCountOutOfRange(uint256 slots);
    error SlotsDoNotTile(uint256 slot, uint256 start, uint256 end);
    error ContributorNotApproved(bytes32 datasetId, address contributor);
    error WrongShardCount(uint256 given, uint256 needed);
    error NotArbiter(address caller);
    error ChallengeWindowOver(bytes32 index);
    error ChallengeWindowOpen(bytes32 index, uint256 until);
    error AlreadyDisabled(bytes32 index);
    error HoldTooLong(bytes32 index, uint256 until, uint256 latest);
    error NoBond(bytes32 index);
    error SlotsMismatch(bytes32 given, bytes32 registered);

    DatanetRegistry public immutable datanets;
    /// Of bonds; burned in part when they are forfeited.
    ERC20Burnable public immutable token;
    /// Say the window and the bond of a registration.
    ProtocolTerms public immutable protocolTerms;
    /// May disable an index while its window is open: the contract or committee that judges challenges.
    address public immutable arbiter;
    /// Most seconds by which holds prolong a window, all of them together.
    uint256 public immutable longestHold;

    /// Seconds by which holds prolonged the window of an index.
    mapping(bytes32 index => uint256) public heldFor;
    mapping(bytes32 index => Index) private _indexes;
    mapping(bytes32 index => mapping(uint256 shard => Shard)) private _shards;

    constructor(
        DatanetRegistry datanets_,
        ERC20Burnable token_,
        ProtocolTerms protocolTerms_,
        address arbiter_,
        uint256 longestHold_
    ) {
        longestHold = longestHold_;
        datanets = datanets_;
        token = token_;
        protocolTerms = protocolTerms_;
        arbiter = arbiter_;
    }

    /// @notice Registers an index; the caller becomes its owner, is paid the model owner's part of every fee, and pays the
    /// bond from its allowance.
    function register(Registration calldata r) external nonReentrant returns (bytes32 index) {
        index = keyOf(msg.sender, r.datasetId, r.indexId);
        if (_indexes[index].owner != address(0)) revert IndexAlreadyRegistered(index);
        if (r.indexId >= Bn254.SCALAR_MODULUS) revert Bn254.NotAFieldElement(r.indexId);
        Bn254.requireCommitment(r.indexRoot);
        if (datanets.violationsOf(r.datasetId) != 0) revert ConsentViolated(r.datasetId);
        uint256 datasetRows = datanets.datasetOf(r.datasetId).rows;
        if (r.rows > datasetRows) revert TooManyRows(r.rows, datasetRows);
        _requireTiling(r.slots, r.rows);
        _requireApproved(r.datasetId, r.slots);
        uint256 shards = _storeShards(index, r.slots, r.shardCommitments, r.slotsPerShard);
        (uint96 bond, uint32 challengeWindow) = protocolTerms.indexTerms();
        uint64 payableFrom = uint64(block.timestamp) + challengeWindow;
        _indexes[index] = Index({
            owner: msg.sender,
            payableFrom: payableFrom,
            disabled: false,
            slotsPerShard: SafeCast.toUint16(r.slotsPerShard),
            datasetId: r.datasetId,
            indexId: r.indexId,
            indexRoot: r.indexRoot,
            rows: r.rows,
            shards: uint32(shards),
            registeredAt: uint64(block.timestamp),
            bond: bond,
            slotsHash: keccak256(abi.encode(r.slots))
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
        if (bond > 0) token.safeTransferFrom(msg.sender, address(this), bond);
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

    /// @notice Keeps the window open until a time, so that what was asked while it ran can be decided; the arbiter only.
    /// @dev Holds do not add up: each is measured from the window of the registration, in which alone they are made. So all
    /// of them together prolong it by `longestHold` at most, and none takes the room of another.
    function hold(bytes32 index, uint64 until) external {
        if (msg.sender != arbiter) revert NotArbiter(msg.sender);
        Index storage entry = _indexes[index];
        if (entry.owner == address(0)) revert UnknownIndex(index);
        if (entry.disabled) revert AlreadyDisabled(index);
        uint256 payableFrom = entry.payableFrom;
        uint256 windowEnd = payableFrom - heldFor[index];
        if (block.timestamp >= windowEnd) revert ChallengeWindowOver(index);
        if (until > windowEnd + longestHold) revert HoldTooLong(index, until, windowEnd + longestHold);
        if (until <= payableFrom) return;
        heldFor[index] = until - windowEnd;
        entry.payableFrom = until;
        emit IndexHeld(index, until);
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

    /// @notice What a dispute needs, for slots that are those registered.
    function disputed(bytes32 index, Slot[] calldata slots) external view returns (Index memory entry) {
        entry = _indexes[index];
        if (entry.owner == address(0)) revert UnknownIndex(index);
        bytes32 given = keccak256(abi.encode(slots));
        if (given != entry.slotsHash) revert SlotsMismatch(given, entry.slotsHash);
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

    /// @notice What a settlement binds to a shard, read at the least cost.
    function placeOf(bytes32 index, uint256 shard)
        external
        view
        returns (bool payableNow, uint256 commitment, bytes32 contributorsHash)
    {
        Index storage entry = _indexes[index];
        payableNow = !entry.disabled && block.timestamp >= entry.payableFrom;
        Shard storage found = _shards[index][shard];
        (commitment, contributorsHash) = (found.commitment, found.contributorsHash);
        if (commitment == 0) revert UnknownShard(index, shard);
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
