// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IValidatorStaking} from "./IValidatorStaking.sol";
import {StakePositions} from "./StakePositions.sol";
import {StakerYield} from "./StakerYield.sol";
import {StakePool} from "./libraries/StakePool.sol";

/// @title Stake of validators and of those who delegate to them: who slashes, who locks, and what that does
/// @notice A slash takes a share of all stake of a validator, own and delegated alike, that was active or unbonding at the time of
/// the offence and is still here. Whoever joins after an offence loses nothing for it; whoever asks to leave before it is found does.
/// Immutable; no role moves a user's tokens but by a slash, which a staker agrees to by staking.
/// @dev Invariants: token balance ≥ `held`; deposits = waiting + active + unbonding + withdrawn + slashed, to the unit;
/// slashed = rewards + burned. At most half of what is taken of the validator's *own* stake goes to the challenger. Half of all
/// that is taken would let a validator with large delegations earn by slashing itself.
contract ValidatorStaking is IValidatorStaking, StakePositions {
    using StakePool for StakePool.Pool;

    /// Own stake that a locker reserved.
    struct Bond {
        address validator;
        uint96 amount;
    }

    event RolesAppointed(address indexed slasher, address[] lockers);
    event Slashed(
        address indexed validator,
        bytes32 indexed offenceId,
        address indexed challenger,
        uint256 offenceAt,
        uint256 share,
        uint256 ownTaken,
        uint256 delegatedTaken,
        uint256 reward
    );
    event Burned(uint256 amount);
    event RewardClaimed(address indexed challenger, address indexed to, uint256 amount);
    event Frozen(address indexed validator, uint256 until);
    event Locked(address indexed validator, address indexed locker, bytes32 indexed id, uint256 amount);
    event Unlocked(address indexed validator, address indexed locker, bytes32 indexed id, uint256 amount);

    error NotAppointer(address caller);
    error AlreadyAppointed();
    error NotAppointed();
    error NotSlasher(address caller);
    error NotLocker(address caller);
    error BondNeedsStake(uint256 amount, uint256 available);
    error BondExists(address locker, bytes32 id);
    error UnknownBond(address locker, bytes32 id);
    error OffenceAlreadySlashed(bytes32 offenceId);
    error OffenceOutOfReach(uint256 offenceAt);
    error ShareOutOfRange(uint256 share);
    error FreezeTooLong(uint256 until, uint256 longest);
    error NothingToBurn();
    error NothingToClaim(address account);

    uint256 public constant REWARD_SHARE_MAX = StakePool.WAD / 2;

    /// May appoint slasher and lockers, once.
    address public immutable appointer;

    address public slasher;
    mapping(address account => bool) public isLocker;
    /// Slashed token units that are not burned yet.
    uint256 public burnable;
    mapping(address challenger => uint256) public rewardOf;
    mapping(bytes32 offenceId => bool) public isSlashed;
    mapping(address locker => mapping(bytes32 id => Bond)) public bondOf;

    /// @param treasury_ funds the stream
    /// @param appointer_ the timelock: it names slasher and lockers once, because they are deployed later
    constructor(
        IERC20 token_,
        address treasury_,
        address appointer_,
        uint256 minimumOwnStake_,
        StakePool.Clock memory clock
    ) StakerYield(token_, treasury_, clock) StakePositions(minimumOwnStake_) {
        if (appointer_ == address(0)) revert ZeroAddress();
        appointer = appointer_;
    }

    /// @notice Names who slashes and who locks, for ever; nobody can stake before.
    function appoint(address slasher_, address[] calldata lockers) external {
        if (msg.sender != appointer) revert NotAppointer(msg.sender);
        if (slasher != address(0)) revert AlreadyAppointed();
        if (slasher_ == address(0)) revert ZeroAddress();
        slasher = slasher_;
        for (uint256 i = 0; i < lockers.length; ++i) isLocker[lockers[i]] = true;
        emit RolesAppointed(slasher_, lockers);
    }

    // ---- slasher and lockers ----

    /// @inheritdoc IValidatorStaking
    function slash(
        address validator,
        bytes32 offenceId,
        uint256 offenceAt,
        uint256 share,
        address challenger,
        uint256 rewardShare
    ) external nonReentrant returns (uint256 taken, uint256 reward) {
        if (msg.sender != slasher) revert NotSlasher(msg.sender);
        if (share == 0 || share > StakePool.WAD) revert ShareOutOfRange(share);
        if (rewardShare > REWARD_SHARE_MAX) revert ShareOutOfRange(rewardShare);
        if (challenger == address(0)) revert ZeroAddress();
        if (isSlashed[offenceId]) revert OffenceAlreadySlashed(offenceId);
        isSlashed[offenceId] = true;
        Validator storage entry = _known(validator);
        (StakePool.Cut memory own, StakePool.Cut memory delegated) = _cut(entry, offenceAt, share);
        uint256 ownTaken = own.active + own.leaving;
        uint256 delegatedTaken = delegated.active + delegated.leaving;
        taken = ownTaken + delegatedTaken;
        reward = ownTaken * rewardShare / StakePool.WAD;
        rewardOf[challenger] += reward;
        burnable += taken - reward;
        emit Slashed(validator, offenceId, challenger, offenceAt, share, ownTaken, delegatedTaken, reward);
    }

    function _cut(Validator storage entry, uint256 offenceAt, uint256 share)
        private
        returns (StakePool.Cut memory own, StakePool.Cut memory delegated)
    {
        Reading memory reading = _advance();
        uint256 current = reading.period;
        StakePool.Clock memory clock = _clock();
        uint256 offence = _offencePeriod(offenceAt);
        entry.own.roll(clock, current);
        entry.delegated.roll(clock, current);
        own = entry.own.slash(clock, current, offence, share);
        delegated = entry.delegated.slash(clock, current, offence, share);
        _total.reduce(own.active + delegated.active);
        Mark memory mark = Mark(_fees.perUnit, reading.treasury.perUnit);
        entry.slashes.push(Slash(uint64(share), uint32(offence), mark));
    }

    /// @notice Burns what slashes left to burn; anyone may.
    function burnSlashed() external nonReentrant returns (uint256 amount) {
        amount = burnable;
        if (amount == 0) revert NothingToBurn();
        burnable = 0;
        held -= amount;
        emit Burned(amount);
        ERC20Burnable(address(token)).burn(amount);
    }

    /// @notice Pays the caller what it is owed for its challenges.
    function claimReward(address to) external nonReentrant returns (uint256 amount) {
        amount = rewardOf[msg.sender];
        if (amount == 0) revert NothingToClaim(msg.sender);
        rewardOf[msg.sender] = 0;
        emit RewardClaimed(msg.sender, to, amount);
        _pay(to, amount);
    }

    /// @inheritdoc IValidatorStaking
    function freeze(address validator, uint256 until) external {
        if (msg.sender != slasher) revert NotSlasher(msg.sender);
        uint256 longest = block.timestamp + freezePeriods * periodLength;
        if (until > longest) revert FreezeTooLong(until, longest);
        _known(validator).frozenUntil = uint48(until);
        emit Frozen(validator, until);
    }

    /// @inheritdoc IValidatorStaking
    function lock(address validator, uint256 amount, bytes32 id) external {
        if (!isLocker[msg.sender]) revert NotLocker(msg.sender);
        if (amount == 0) revert ZeroAmount();
        if (bondOf[msg.sender][id].validator != address(0)) revert BondExists(msg.sender, id);
        uint256 available = isBonded(validator) ? freeStake(validator) : 0;
        if (amount > available) revert BondNeedsStake(amount, available);
        _validators[validator].locked += uint128(amount);
        bondOf[msg.sender][id] = Bond(validator, uint96(amount));
        emit Locked(validator, msg.sender, id, amount);
    }

    /// @inheritdoc IValidatorStaking
    function unlock(bytes32 id) external {
        Bond memory bond = bondOf[msg.sender][id];
        if (bond.validator == address(0)) revert UnknownBond(msg.sender, id);
        delete bondOf[msg.sender][id];
        _validators[bond.validator].locked -= bond.amount;
        emit Unlocked(bond.validator, msg.sender, id, bond.amount);
    }

    // ---- views ----

    /// @inheritdoc IValidatorStaking
    function ownStake(address validator) public view returns (uint256) {
        return _validators[validator].own.activeNow(block.timestamp / periodLength);
    }

    /// @inheritdoc IValidatorStaking
    function freeStake(address validator) public view returns (uint256) {
        uint256 own = ownStake(validator);
        uint256 locked = _validators[validator].locked;
        return own > locked ? own - locked : 0;
    }

    /// @notice Active stake delegated to a validator now.
    function delegatedStake(address validator) external view returns (uint256) {
        return _validators[validator].delegated.activeNow(block.timestamp / periodLength);
    }

    /// @notice Active stake of all validators now: what yield is shared by.
    function totalStake() external view returns (uint256) {
        return _read().stake;
    }

    /// @inheritdoc IValidatorStaking
    function isBonded(address validator) public view returns (bool) {
        return ownStake(validator) >= minimumOwnStake;
    }

    function lockedStake(address validator) external view returns (uint256) {
        return _validators[validator].locked;
    }

    function frozenUntil(address validator) external view returns (uint256) {
        return _validators[validator].frozenUntil;
    }

    /// @inheritdoc IValidatorStaking
    function exposedStake(address validator, uint256 offenceAt)
        external
        view
        returns (uint256 own, uint256 delegated)
    {
        Validator storage entry = _known(validator);
        uint256 current = block.timestamp / periodLength;
        uint256 offence = _offencePeriod(offenceAt);
        own = entry.own.exposed(_clock(), current, offence);
        delegated = entry.delegated.exposed(_clock(), current, offence);
    }

    /// @inheritdoc IValidatorStaking
    function stakeAt(address validator, uint256 timestamp) external view returns (uint256 own, uint256 delegated) {
        _requirePast(timestamp);
        own = _validators[validator].own.activeAt(_clock(), timestamp);
        delegated = _validators[validator].delegated.activeAt(_clock(), timestamp);
    }

    /// @notice Active stake of all validators at the end of a past second.
    function totalStakeAt(uint256 timestamp) external view returns (uint256) {
        _requirePast(timestamp);
        return _total.activeAt(_clock(), timestamp);
    }

    /// @notice Stake that joins in, and stake not withdrawn that was requested in, a period; own and delegated.
    function queueOf(address validator, uint256 period)
        external
        view
        returns (uint256[2] memory joining, uint256[2] memory leaving)
    {
        Validator storage entry = _validators[validator];
        joining = [entry.own.joining[period], entry.delegated.joining[period]];
        leaving = [entry.own.leaving[period], entry.delegated.leaving[period]];
    }

    /// @notice How often a validator was slashed.
    function slashesOf(address validator) external view returns (uint256) {
        return _validators[validator].slashes.length;
    }

    function _requireOpen() internal view override {
        if (slasher == address(0)) revert NotAppointed();
    }

    function _requirePast(uint256 timestamp) private view {
        if (timestamp >= block.timestamp) revert FutureLookup(timestamp, block.timestamp);
    }

    function _offencePeriod(uint256 offenceAt) private view returns (uint256) {
        uint256 reach = evidencePeriods * periodLength;
        if (offenceAt > block.timestamp || block.timestamp - offenceAt > reach) revert OffenceOutOfReach(offenceAt);
        return offenceAt / periodLength;
    }
}
