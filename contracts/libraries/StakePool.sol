// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title Sums of stake by period, so that a slash finds what was exposed at the time of an offence
/// @notice Time runs in periods. Stake put in during one period is active from the start of the next, and stays until a request
/// moves it to the queue. A slash for an offence in period o takes a share of what was active or in the queue in o and
/// is still here: joiners of later periods are left out, and so are requests whose unbonding ended before o.
/// @dev There are no shares, so no price that a donation or a slash could bend: a sum is only ever an upper bound of
/// the amounts of its positions. A slash rounds the part taken down here and what is kept down at each position; the
/// difference (less than one unit a position and slash) stays in the sum as stake of nobody, and burns with later slashes.
/// The trap: `joining[p]` must be exact only while an offence before p can still be slashed (`evidence` periods);
/// nobody may leave before that, so leaving never has to look at it.
library StakePool {
    using Checkpoints for Checkpoints.Trace208;

    /// A share of one: 18 decimals.
    uint256 internal constant WAD = 1e18;

    struct Pool {
        /// Token units active now, the joiners of periods up to `rolledTo` among them.
        uint128 active;
        uint32 rolledTo;
        /// Active stake by timestamp.
        Checkpoints.Trace208 history;
        /// Token units by the first period in which they are active.
        mapping(uint256 period => uint256) joining;
        /// Token units not yet withdrawn, by the period of the request.
        mapping(uint256 period => uint256) leaving;
    }

    /// Seconds of a period, and three spans counted in periods.
    struct Clock {
        uint256 length;
        uint256 evidence;
        uint256 unbonding;
        uint256 freezing;
    }

    struct Cut {
        uint256 active;
        uint256 leaving;
    }

    function periodOf(Clock memory clock, uint256 timestamp) internal pure returns (uint256) {
        return timestamp / clock.length;
    }

    /// @notice When a request made in `period` has served its unbonding, in seconds.
    function releaseOf(Clock memory clock, uint256 period) internal pure returns (uint256) {
        return (period + 1 + clock.unbonding) * clock.length;
    }

    /// @notice Whether an offence in `offence` finds a request made in `request` still unbonding.
    function isExposed(Clock memory clock, uint256 request, uint256 offence) internal pure returns (bool) {
        return request + clock.unbonding >= offence;
    }

    /// @notice Makes the joiners of the period after the last one seen active, if it has begun. Call before anything else.
    /// @dev Joiners are only ever taken for the period after `rolledTo`, so there is one to look at.
    function roll(Pool storage pool, Clock memory clock, uint256 current) internal {
        uint256 rolledTo = pool.rolledTo;
        if (rolledTo == current) return;
        uint256 joined = pool.joining[rolledTo + 1];
        if (joined > 0) {
            _record(pool, (rolledTo + 1) * clock.length, pool.active + joined);
        }
        pool.rolledTo = uint32(current);
    }

    function leave(Pool storage pool, uint256 current, uint256 amount) internal {
        reduce(pool, amount);
        pool.leaving[current] += amount;
    }

    function reduce(Pool storage pool, uint256 amount) internal {
        if (amount > 0) _record(pool, block.timestamp, pool.active - amount);
    }

    /// @notice Takes `share` (WAD) of what an offence in period `offence` exposes.
    function slash(Pool storage pool, Clock memory clock, uint256 current, uint256 offence, uint256 share)
        internal
        returns (Cut memory cut)
    {
        uint256 settled = pool.active;
        for (uint256 period = current + 1 - clock.evidence; period <= current; ++period) {
            uint256 joined = pool.joining[period];
            settled -= joined;
            if (period > offence || joined == 0) continue;
            uint256 taken = joined * share / WAD;
            pool.joining[period] = joined - taken;
            cut.active += taken;
        }
        cut.active += settled * share / WAD;
        reduce(pool, cut.active);
        for (uint256 period = offence - clock.unbonding; period <= current; ++period) {
            uint256 left = pool.leaving[period];
            if (left == 0) continue;
            uint256 taken = left * share / WAD;
            pool.leaving[period] = left - taken;
            cut.leaving += taken;
        }
    }

    /// @notice What a slash of the whole would take, in token units.
    function exposed(Pool storage pool, Clock memory clock, uint256 current, uint256 offence)
        internal
        view
        returns (uint256 sum)
    {
        sum = activeNow(pool, current);
        for (uint256 period = offence + 1; period <= current; ++period) sum -= pool.joining[period];
        for (uint256 period = offence - clock.unbonding; period <= current; ++period) sum += pool.leaving[period];
    }

    /// @notice Active stake in the period that runs, whether it was rolled to or not.
    function activeNow(Pool storage pool, uint256 current) internal view returns (uint256) {
        return pool.active + (pool.rolledTo < current ? pool.joining[uint256(pool.rolledTo) + 1] : 0);
    }

    /// @notice Active stake at the end of a past second.
    function activeAt(Pool storage pool, Clock memory clock, uint256 timestamp) internal view returns (uint256 amount) {
        amount = pool.history.upperLookupRecent(uint48(timestamp));
        uint256 next = uint256(pool.rolledTo) + 1;
        if (timestamp >= next * clock.length) amount += pool.joining[next];
    }

    function _record(Pool storage pool, uint256 timestamp, uint256 active) private {
        pool.active = uint128(active);
        pool.history.push(uint48(timestamp), uint208(active));
    }
}
