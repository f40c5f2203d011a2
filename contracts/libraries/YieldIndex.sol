// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title Yield per unit of stake
/// @notice An index only grows: by amount/stake at each distribution. What a position earned between two moments is its stake times
/// the growth between them, so whoever joins later earns nothing of the past.
/// @dev One is 2^96. The token's cap is below 2^96, so one step of an index is worth less than one token unit to all stake together.
/// The remainder of each division is carried in `residue` to the next distribution, and what an account is owed keeps its
/// fraction: so however often either is divided, an account has what exact rationals give it but for less than one unit.
/// Overflow: stake × growth ≤ 2^96 × everything ever distributed, which fits while that is below 2^160 units. `perUnit` itself
/// grows by at most 2^192 at a distribution (to a single unit of stake), so 2^64 of those fit.
library YieldIndex {
    /// Binary digits behind the point of an index and of an amount owed.
    uint256 internal constant FRACTION_BITS = 96;

    struct Index {
        uint256 perUnit;
        /// Token units × 2^96 received and not distributed: the last remainder, or what came while nobody had a stake.
        uint256 residue;
    }

    /// A promise of `rate` token units a second until `end`, paid for in advance.
    struct Stream {
        uint96 rate;
        uint48 end;
        /// Up to when the rate was distributed.
        uint48 accruedTo;
    }

    /// @notice Adds an amount for `stake` units to share; kept for later while there is no stake.
    function distribute(Index memory index, uint256 amount, uint256 stake) internal pure {
        uint256 scaled = (amount << FRACTION_BITS) + index.residue;
        if (stake > 0) {
            index.perUnit += scaled / stake;
            scaled %= stake;
        }
        index.residue = scaled;
    }

    /// @notice Token units that a stream releases up to `timestamp`.
    function release(Stream memory stream, uint256 timestamp) internal pure returns (uint256 amount) {
        uint256 until = timestamp < stream.end ? timestamp : stream.end;
        if (until <= stream.accruedTo) return 0;
        amount = stream.rate * (until - stream.accruedTo);
        stream.accruedTo = uint48(until);
    }
}
