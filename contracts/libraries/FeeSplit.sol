// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title How a fee is split, to the last unit
/// @notice Every division rounds down; what is left goes to the contributors' pool, and what is left of the pool is dust.
library FeeSplit {
    uint256 internal constant BASIS_POINTS = 10_000;

    struct Policy {
        /// Of the fee, before anything else.
        uint16 platformBps;
        /// Of the rest: model owner, stakers, contributors; exactly 10000 together.
        uint16 betaBps;
        uint16 gammaBps;
        uint16 deltaBps;
        address treasury;
        address stakers;
    }

    struct Parts {
        uint256 platform;
        uint256 modelOwner;
        uint256 stakers;
        uint256 pool;
    }

    function split(uint256 fee, uint256 platformBps, uint256 betaBps, uint256 gammaBps)
        internal
        pure
        returns (Parts memory parts)
    {
        parts.platform = fee * platformBps / BASIS_POINTS;
        uint256 net = fee - parts.platform;
        parts.modelOwner = net * betaBps / BASIS_POINTS;
        parts.stakers = net * gammaBps / BASIS_POINTS;
        parts.pool = net - parts.modelOwner - parts.stakers;
    }

    /// @notice Adds to each of the first `count` accounts its share of a receipt's pool, by positive score.
    /// @dev The loops run once for each contributor and receipt, so they read the arrays by pointer. Nothing overflows:
    /// a pool is below 2^96, a score below 2^63, and there are at most 256 accounts.
    /// @param totals accounts × queries scores
    /// @return dust what rounding leaves, or the whole pool when no score is positive
    function share(
        uint256 pool,
        int64[] memory totals,
        uint256 count,
        uint256 queries,
        uint256 query,
        uint256[] memory amounts
    ) internal pure returns (uint256 dust) {
        dust = pool;
        assembly ("memory-safe") {
            let stride := shl(5, queries)
            let first := add(add(totals, 0x20), shl(5, query))
            let end := add(first, mul(stride, count))
            let positive := 0
            for { let at := first } lt(at, end) { at := add(at, stride) } {
                let score := mload(at)
                positive := add(positive, mul(score, sgt(score, 0)))
            }
            if positive {
                let to := add(amounts, 0x20)
                for { let at := first } lt(at, end) { at := add(at, stride) } {
                    let score := mload(at)
                    let part := div(mul(pool, mul(score, sgt(score, 0))), positive)
                    mstore(to, add(mload(to), part))
                    dust := sub(dust, part)
                    to := add(to, 0x20)
                }
            }
        }
    }
}
