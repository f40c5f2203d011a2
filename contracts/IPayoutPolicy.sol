// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title Who gets which part of a batch's pools
/// @notice A policy is pure arithmetic on proven scores. The settlement checks that what it gives out is exactly what there
/// was, so a wrong policy can misplace a batch's pools and nothing else.
interface IPayoutPolicy {
    /// @param pools of each receipt, Q, token units below 2^96 each
    /// @param totals accounts × Q scores, row by row, below 2^47 in magnitude
    /// @param accounts how many rows
    /// @return amounts of each account, over all receipts
    /// @return dust of each receipt, Q: what nobody gets, for the treasury; Σ amounts + Σ dust = Σ pools
    function share(uint256[] calldata pools, int64[] calldata totals, uint256 accounts)
        external
        pure
        returns (uint256[] memory amounts, uint256[] memory dust);
}
