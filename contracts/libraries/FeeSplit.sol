// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title How a fee is split, to the last unit
/// @notice Every division rounds down; what is left goes to the contributors' pool.
library FeeSplit {
    uint256 internal constant BASIS_POINTS = 10_000;

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
}
