// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {StakePool} from "./libraries/StakePool.sol";
import {YieldIndex} from "./libraries/YieldIndex.sol";

/// @title What credits an account and pays it when asked: EpochSettlement, for one
interface IFeeSource {
    /// @notice Pays the caller's credit out to the caller.
    function withdraw() external;
}

/// @title Yield of stakers: fees, and a stream that the treasury paid for in advance
/// @notice The two kinds never mix: each has its own index, its own debts, its own events and views. All active stake earns alike,
/// with whichever validator it is. Whoever calls, yield is owed to the owner of the stake.
/// @dev `held` is every token that is somebody's: stake, yield, rewards, what is to be burned, what a stream promises. Tokens
/// above it are fees that nobody has counted yet. A remainder of a division is carried to the next one (YieldIndex); a part of
/// a unit that an account is owed stays owed.
abstract contract StakerYield is ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using StakePool for StakePool.Pool;
    using YieldIndex for YieldIndex.Index;
    using YieldIndex for YieldIndex.Stream;

    /// Both indexes at one moment.
    struct Mark {
        uint256 fees;
        uint256 treasury;
    }

    /// The clockwork at one moment: everything that time alone changes.
    struct Reading {
        uint256 period;
        uint256 stake;
        /// The period whose start was passed since the last reading and had joiners; zero if none.
        uint256 joined;
        Mark joinedAt;
        YieldIndex.Index treasury;
        YieldIndex.Stream stream;
        uint256 reserve;
    }

    event FeesReceived(uint256 amount, uint256 stake);
    event StreamFunded(uint256 amount, uint256 rate, uint256 end);
    event FeeYieldClaimed(address indexed account, address indexed to, uint256 amount);
    event TreasuryYieldClaimed(address indexed account, address indexed to, uint256 amount);

    error ZeroAmount();
    error ZeroAddress();
    error TermsOutOfRange();
    error TransferFellShort(uint256 received, uint256 expected);
    error NotTreasury(address caller);
    error StreamTooShort(uint256 end, uint256 promisedEnd);
    error StreamTooThin(uint256 rate, uint256 promisedRate);
    error NoYield(address account);
    error FutureLookup(uint256 timestamp, uint256 now_);

    IERC20 public immutable token;
    /// May fund the stream. It cannot take anything back.
    address public immutable treasury;
    /// Seconds of a period; the three spans in periods.
    uint256 public immutable periodLength;
    uint256 public immutable evidencePeriods;
    uint256 public immutable unbondingPeriods;
    uint256 public immutable freezePeriods;

    /// Tokens that are accounted for.
    uint256 public held;
    YieldIndex.Stream public stream;
    /// Treasury's tokens that are not promised: the remainder of the rate's division, and what was released to nobody.
    uint256 public reserve;
    YieldIndex.Index internal _fees;
    YieldIndex.Index internal _treasury;
    StakePool.Pool internal _total;
    /// Indexes at the start of a period that had joiners.
    mapping(uint256 period => Mark) internal _markOf;
    /// Token units × 2^96.
    mapping(address account => Mark) internal _owed;

    constructor(IERC20 token_, address treasury_, StakePool.Clock memory clock) {
        if (address(token_) == address(0) || treasury_ == address(0)) revert ZeroAddress();
        // a minute at least, so that a period's number fits 32 bits; the sum bounds the loops of a slash
        uint256 spans = clock.evidence + clock.unbonding;
        bool inRange = clock.length >= 60 && clock.evidence > 0 && clock.unbonding >= clock.evidence && spans <= 100;
        if (!inRange || block.timestamp / clock.length <= spans) revert TermsOutOfRange();
        token = token_;
        treasury = treasury_;
        periodLength = clock.length;
        evidencePeriods = clock.evidence;
        unbondingPeriods = clock.unbonding;
        freezePeriods = clock.freezing;
    }

    // ---- what comes in ----

    /// @notice Counts every token that arrived without being anybody's as fees; anyone may.
    function notifyFees() external nonReentrant returns (uint256 amount) {
        amount = _notifyFees();
    }

    /// @notice Pays fees from the caller's tokens, as allowed to this contract.
    function payFees(uint256 amount) external nonReentrant {
        if (amount == 0) revert ZeroAmount();
        token.safeTransferFrom(msg.sender, address(this), amount);
        _notifyFees();
    }

    /// @notice Fetches what a settlement contract has credited to this one and counts it as fees; anyone may, from any contract:
    /// only tokens that really came are counted.
    function collectFees(IFeeSource source) external nonReentrant returns (uint256 amount) {
        source.withdraw();
        amount = _notifyFees();
    }

    /// @notice Pays for a stream in advance, together with what is left of the one that runs; treasury only.
    /// @dev A promise is kept: neither the rate nor the end of a running stream can be lowered.
    /// @param duration seconds from now until the stream ends
    function fundStream(uint256 amount, uint256 duration) external nonReentrant {
        if (msg.sender != treasury) revert NotTreasury(msg.sender);
        if (duration == 0) revert ZeroAmount();
        _advance();
        _pull(amount);
        YieldIndex.Stream memory running = stream;
        uint256 end = block.timestamp + duration;
        uint256 budget = reserve + amount;
        if (block.timestamp < running.end) {
            if (end < running.end) revert StreamTooShort(end, running.end);
            budget += running.rate * (running.end - block.timestamp);
        }
        uint256 rate = budget / duration;
        if (rate == 0) revert ZeroAmount();
        if (block.timestamp < running.end && rate < running.rate) revert StreamTooThin(rate, running.rate);
        stream = YieldIndex.Stream(SafeCast.toUint96(rate), SafeCast.toUint48(end), uint48(block.timestamp));
        reserve = budget % duration;
        emit StreamFunded(amount, rate, end);
    }

    // ---- what is owed ----

    /// @notice Pays the caller's yield of both kinds to `to`. Only what was credited by syncing its positions is paid.
    function _claimYield(address to) internal {
        Mark storage owed = _owed[msg.sender];
        uint256 fees = owed.fees >> YieldIndex.FRACTION_BITS;
        uint256 fromTreasury = owed.treasury >> YieldIndex.FRACTION_BITS;
        if (fees + fromTreasury == 0) revert NoYield(msg.sender);
        owed.fees -= fees << YieldIndex.FRACTION_BITS;
        owed.treasury -= fromTreasury << YieldIndex.FRACTION_BITS;
        if (fees > 0) emit FeeYieldClaimed(msg.sender, to, fees);
        if (fromTreasury > 0) emit TreasuryYieldClaimed(msg.sender, to, fromTreasury);
        _pay(to, fees + fromTreasury);
    }

    /// @param earned token units × 2^96
    function _credit(address account, Mark memory earned) internal {
        Mark storage owed = _owed[account];
        if (earned.fees > 0) owed.fees += earned.fees;
        if (earned.treasury > 0) owed.treasury += earned.treasury;
    }

    // ---- time ----

    /// @notice Brings periods and the stream up to now.
    function _advance() internal returns (Reading memory reading) {
        reading = _read();
        if (reading.joined > 0) _markOf[reading.joined] = reading.joinedAt;
        _total.roll(_clock(), reading.period);
        if (stream.accruedTo != reading.stream.accruedTo) {
            stream = reading.stream;
            _treasury = reading.treasury;
            if (reserve != reading.reserve) reserve = reading.reserve;
        }
    }

    /// @notice What `_advance` would store: the stream is released to the old stake up to the start of the new period, and to
    /// the new stake from there on.
    function _read() internal view returns (Reading memory reading) {
        reading.period = block.timestamp / periodLength;
        reading.stake = _total.active;
        reading.treasury = _treasury;
        reading.stream = stream;
        reading.reserve = reserve;
        uint256 next = uint256(_total.rolledTo) + 1;
        if (reading.period >= next && _total.joining[next] > 0) {
            _release(reading, next * periodLength);
            reading.joined = next;
            reading.joinedAt = Mark(_fees.perUnit, reading.treasury.perUnit);
            reading.stake += _total.joining[next];
        }
        _release(reading, block.timestamp);
    }

    function _release(Reading memory reading, uint256 timestamp) private pure {
        uint256 released = reading.stream.release(timestamp);
        if (released == 0) return;
        if (reading.stake == 0) reading.reserve += released;
        else reading.treasury.distribute(released, reading.stake);
    }

    function _clock() internal view returns (StakePool.Clock memory) {
        return StakePool.Clock(periodLength, evidencePeriods, unbondingPeriods, freezePeriods);
    }

    // ---- tokens ----

    function _notifyFees() private returns (uint256 amount) {
        _advance();
        amount = token.balanceOf(address(this)) - held;
        if (amount == 0) revert ZeroAmount();
        held += amount;
        YieldIndex.Index memory index = _fees;
        index.distribute(amount, _total.active);
        _fees = index;
        emit FeesReceived(amount, _total.active);
    }

    /// @notice Takes tokens of the caller; all of them must arrive.
    function _pull(uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert TransferFellShort(received, amount);
        held += amount;
    }

    function _pay(address to, uint256 amount) internal {
        held -= amount;
        token.safeTransfer(to, amount);
    }
}
