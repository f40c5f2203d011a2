// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {StakerYield} from "./StakerYield.sol";
import {StakePool} from "./libraries/StakePool.sol";
import {YieldIndex} from "./libraries/YieldIndex.sol";

/// @title Positions: what one account staked with one validator at one time
/// @notice A position goes: staked → active from the next period → (part of it) requested → released → withdrawn. It earns while
/// active, and is exposed to slashing while active or unbonding. It can be requested once it was active for the evidence
/// span, and unbonding takes no less than that, so all stake of the time of an offence is still here when it is found.
/// @dev Positions are exact and know nothing of each other: each walks through the slashes of its validator, and rounds down
/// what it keeps of each. Only its owner moves its tokens.
abstract contract StakePositions is StakerYield {
    using StakePool for StakePool.Pool;
    using StakePool for StakePool.Clock;

    struct Position {
        address owner;
        /// First period in which it is active.
        uint32 activeFrom;
        /// Period of the request to leave; zero before.
        uint32 requestedIn;
        /// Slashes of its validator that were applied to `amount`, or passed it by.
        uint32 slashesSeen;
        address validator;
        uint96 amount;
        /// Indexes up to which its yield is credited; zero stands for those at its activation.
        Mark creditedTo;
    }

    struct Slash {
        /// Taken of what was exposed, WAD.
        uint64 share;
        /// Period of the offence.
        uint32 offence;
        /// Indexes when it was executed.
        Mark mark;
    }

    struct Validator {
        bool isRegistered;
        uint48 frozenUntil;
        uint128 locked;
        StakePool.Pool own;
        StakePool.Pool delegated;
        Slash[] slashes;
    }

    event ValidatorRegistered(address indexed validator);
    event Staked(
        uint256 indexed position,
        address indexed validator,
        address indexed owner,
        uint256 amount,
        uint256 activeFrom
    );
    event StakeCancelled(uint256 indexed position, uint256 amount);
    event UnbondingRequested(
        uint256 indexed position, uint256 indexed request, address indexed validator, uint256 amount, uint256 releaseAt
    );
    event StakeWithdrawn(uint256 indexed request, address indexed owner, address indexed to, uint256 amount);
    event PositionReduced(uint256 indexed position, uint256 lost);

    error AlreadyRegistered(address validator);
    error UnknownValidator(address validator);
    error OwnStakeTooSmall(uint256 amount, uint256 minimum);
    error ValidatorNotBonded(address validator);
    error UnknownPosition(uint256 position);
    error NotPositionOwner(uint256 position, address caller);
    error AlreadyActive(uint256 position);
    error UnbondableFrom(uint256 position, uint256 timestamp);
    error AlreadyUnbonding(uint256 position);
    error NotUnbonding(uint256 position);
    error AmountExceedsStake(uint256 amount, uint256 available);
    error WithdrawableFrom(uint256 request, uint256 timestamp);
    error StakeLocked(uint256 remaining, uint256 locked);

    /// Own stake below which a validator gets no delegations and no bonds, in token units.
    uint256 public immutable minimumOwnStake;

    /// Positions ever made; their numbers begin at one.
    uint256 public positions;
    mapping(uint256 position => Position) private _positions;
    mapping(address validator => Validator) internal _validators;

    constructor(uint256 minimumOwnStake_) {
        if (minimumOwnStake_ == 0) revert ZeroAmount();
        minimumOwnStake = minimumOwnStake_;
    }

    /// @notice Reverts while nobody can slash yet.
    function _requireOpen() internal view virtual;

    // ---- stake ----

    /// @notice Makes the caller a validator with an own stake.
    function register(uint256 amount) external nonReentrant returns (uint256 position) {
        _requireOpen();
        if (amount < minimumOwnStake) revert OwnStakeTooSmall(amount, minimumOwnStake);
        Validator storage validator = _validators[msg.sender];
        if (validator.isRegistered) revert AlreadyRegistered(msg.sender);
        validator.isRegistered = true;
        emit ValidatorRegistered(msg.sender);
        position = _stake(validator.own, msg.sender, amount);
    }

    /// @notice Adds stake: own stake if the caller is the validator, else a delegation. Active from the next period.
    function stake(address validator, uint256 amount) external nonReentrant returns (uint256 position) {
        if (amount == 0) revert ZeroAmount();
        Validator storage entry = _known(validator);
        if (validator == msg.sender) return _stake(entry.own, validator, amount);
        uint256 current = block.timestamp / periodLength;
        if (entry.own.activeNow(current) + entry.own.joining[current + 1] < minimumOwnStake) {
            revert ValidatorNotBonded(validator);
        }
        position = _stake(entry.delegated, validator, amount);
    }

    function _stake(StakePool.Pool storage pool, address validator, uint256 amount) private returns (uint256 position) {
        uint256 current = _advance().period;
        pool.roll(_clock(), current);
        pool.joining[current + 1] += amount;
        _total.joining[current + 1] += amount;
        position = ++positions;
        Position storage created = _positions[position];
        created.owner = msg.sender;
        created.activeFrom = uint32(current + 1);
        created.slashesSeen = SafeCast.toUint32(_validators[validator].slashes.length);
        created.validator = validator;
        created.amount = SafeCast.toUint96(amount);
        emit Staked(position, validator, msg.sender, amount, (current + 1) * periodLength);
        _pull(amount);
    }

    /// @notice Takes a position back before it becomes active.
    function cancel(uint256 position) external nonReentrant {
        Position memory taken = _ownedBy(position, msg.sender);
        if (taken.activeFrom <= block.timestamp / periodLength) revert AlreadyActive(position);
        delete _positions[position];
        _poolOf(taken).joining[taken.activeFrom] -= taken.amount;
        _total.joining[taken.activeFrom] -= taken.amount;
        emit StakeCancelled(position, taken.amount);
        _pay(msg.sender, taken.amount);
    }

    /// @notice Asks for a part of a position, or all of it: it earns no more, and can be withdrawn when unbonding is over.
    /// @return request the position that unbonds: the same if all of it does
    function unbond(uint256 position, uint256 amount) external nonReentrant returns (uint256 request) {
        Position storage from = _ownedBy(position, msg.sender);
        if (from.requestedIn != 0) revert AlreadyUnbonding(position);
        Reading memory reading = _advance();
        uint256 current = reading.period;
        uint256 earliest = from.activeFrom + evidencePeriods;
        if (current < earliest) revert UnbondableFrom(position, earliest * periodLength);
        _sync(position, reading, type(uint256).max);
        if (amount == 0) revert ZeroAmount();
        if (amount > from.amount) revert AmountExceedsStake(amount, from.amount);
        StakePool.Pool storage pool = _poolOf(from);
        pool.roll(_clock(), current);
        pool.leave(current, amount);
        _total.reduce(amount);
        if (from.owner == from.validator) {
            uint256 locked = _validators[from.validator].locked;
            if (pool.active < locked) revert StakeLocked(pool.active, locked);
        }
        request = amount < from.amount ? _split(from, uint96(amount)) : position;
        _positions[request].requestedIn = uint32(current);
        emit UnbondingRequested(position, request, from.validator, amount, _clock().releaseOf(current));
    }

    function _split(Position storage from, uint96 amount) private returns (uint256 position) {
        position = ++positions;
        from.amount -= amount;
        Position storage part = _positions[position];
        part.owner = from.owner;
        part.activeFrom = from.activeFrom;
        part.slashesSeen = from.slashesSeen;
        part.validator = from.validator;
        part.amount = amount;
    }

    /// @notice Pays out a request whose unbonding is over.
    function withdraw(uint256 request) external {
        withdrawTo(request, msg.sender);
    }

    /// @notice Pays out a request whose unbonding is over to another address.
    function withdrawTo(uint256 request, address to) public nonReentrant {
        Position storage from = _ownedBy(request, msg.sender);
        uint256 due = _withdrawableFrom(request, from);
        if (block.timestamp < due) revert WithdrawableFrom(request, due);
        _sync(request, _read(), type(uint256).max);
        uint256 amount = from.amount;
        _poolOf(from).leaving[from.requestedIn] -= amount;
        delete _positions[request];
        emit StakeWithdrawn(request, msg.sender, to, amount);
        _pay(to, amount);
    }

    // ---- yield ----

    /// @notice Pays the caller's yield, of both kinds, after crediting it for these positions.
    function claimYield(uint256[] calldata ids) external {
        claimYieldTo(ids, msg.sender);
    }

    /// @notice Pays the caller's yield to another address.
    function claimYieldTo(uint256[] calldata ids, address to) public nonReentrant {
        Reading memory reading = _advance();
        for (uint256 i = 0; i < ids.length; ++i) {
            _ownedBy(ids[i], msg.sender);
            _sync(ids[i], reading, type(uint256).max);
        }
        _claimYield(to);
    }

    /// @notice Applies at most `slashes` further slashes to a position and credits its owner's yield; anyone may. Only a position
    /// with more slashes behind it than a transaction has gas for needs this.
    function sync(uint256 position, uint256 slashes) external nonReentrant {
        if (_positions[position].owner == address(0)) revert UnknownPosition(position);
        _sync(position, _advance(), slashes);
    }

    // ---- views ----

    /// @notice A position as it is now: every slash applied; `creditedTo` as if its yield were credited.
    function positionOf(uint256 position) external view returns (Position memory at) {
        at = _positions[position];
        if (at.owner == address(0)) revert UnknownPosition(position);
        (at,) = _walk(at, _read(), type(uint256).max);
    }

    /// @notice When a request can be withdrawn, unless a freeze is added or lifted.
    function withdrawableFrom(uint256 request) external view returns (uint256) {
        return _withdrawableFrom(request, _positions[request]);
    }

    /// @notice Fee-funded yield of an account: what is credited, and what these positions of it have earned since.
    function feesEarned(address account, uint256[] calldata ids) external view returns (uint256) {
        return _earned(account, ids).fees >> YieldIndex.FRACTION_BITS;
    }

    /// @notice Treasury-funded yield of an account: what is credited, and what these positions of it have earned since.
    function treasuryEarned(address account, uint256[] calldata ids) external view returns (uint256) {
        return _earned(account, ids).treasury >> YieldIndex.FRACTION_BITS;
    }

    // ---- positions ----

    function _earned(address account, uint256[] calldata ids) private view returns (Mark memory sum) {
        sum = _owed[account];
        Reading memory reading = _read();
        for (uint256 i = 0; i < ids.length; ++i) {
            (, Mark memory earned) = _walk(_ownedBy(ids[i], account), reading, type(uint256).max);
            sum.fees += earned.fees;
            sum.treasury += earned.treasury;
        }
    }

    /// @notice Applies slashes to a position and credits its owner with what it earned.
    function _sync(uint256 position, Reading memory reading, uint256 slashes) private {
        Position storage at = _positions[position];
        (Position memory walked, Mark memory earned) = _walk(at, reading, slashes);
        if (walked.amount < at.amount) emit PositionReduced(position, at.amount - walked.amount);
        at.amount = walked.amount;
        at.slashesSeen = walked.slashesSeen;
        at.creditedTo = walked.creditedTo;
        _credit(at.owner, earned);
    }

    /// @notice Goes through the next `limit` slashes of the position's validator: what it has then, and what it earned (× 2^96).
    /// @dev Only slashes that hit change its stake, so only they part its earnings. A slash that hits an active position was
    /// executed after its activation, so its mark is no earlier.
    function _walk(Position memory at, Reading memory reading, uint256 limit)
        private
        view
        returns (Position memory, Mark memory earned)
    {
        Slash[] storage slashes = _validators[at.validator].slashes;
        uint256 length = slashes.length;
        bool earns = at.requestedIn == 0 && at.activeFrom <= reading.period;
        if (earns && at.creditedTo.fees == 0 && at.creditedTo.treasury == 0) {
            at.creditedTo = at.activeFrom == reading.joined ? reading.joinedAt : _markOf[at.activeFrom];
        }
        uint256 seen = at.slashesSeen;
        for (; seen < length && limit > 0; --limit) {
            Slash storage slash = slashes[seen++];
            if (!_hits(slash.offence, at)) continue;
            if (earns) _earn(earned, at, slash.mark);
            at.amount = uint96(at.amount * (StakePool.WAD - slash.share) / StakePool.WAD);
        }
        if (earns && seen == length) _earn(earned, at, Mark(_fees.perUnit, reading.treasury.perUnit));
        at.slashesSeen = uint32(seen);
        return (at, earned);
    }

    function _hits(uint256 offence, Position memory at) private view returns (bool) {
        if (at.requestedIn == 0) return offence >= at.activeFrom;
        return _clock().isExposed(at.requestedIn, offence);
    }

    function _earn(Mark memory earned, Position memory at, Mark memory until) private pure {
        earned.fees += at.amount * (until.fees - at.creditedTo.fees);
        earned.treasury += at.amount * (until.treasury - at.creditedTo.treasury);
        at.creditedTo = until;
    }

    function _withdrawableFrom(uint256 request, Position memory at) private view returns (uint256) {
        if (at.requestedIn == 0) revert NotUnbonding(request);
        uint256 released = _clock().releaseOf(at.requestedIn);
        uint256 latest = released + freezePeriods * periodLength;
        uint256 frozen = _validators[at.validator].frozenUntil;
        if (frozen <= released) return released;
        return frozen < latest ? frozen : latest;
    }

    function _ownedBy(uint256 position, address account) private view returns (Position storage at) {
        at = _positions[position];
        if (at.owner == address(0)) revert UnknownPosition(position);
        if (at.owner != account) revert NotPositionOwner(position, account);
    }

    function _poolOf(Position memory at) private view returns (StakePool.Pool storage) {
        Validator storage validator = _validators[at.validator];
        return at.owner == at.validator ? validator.own : validator.delegated;
    }

    function _known(address validator) internal view returns (Validator storage entry) {
        entry = _validators[validator];
        if (!entry.isRegistered) revert UnknownValidator(validator);
    }
}
