// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title Who gets which part of a batch's pools
/// @notice A policy is pure arithmetic on proven scores. A batch may be paid to more accounts than fit a transaction, so it sees
/// them a few at a time and twice over: first it weighs all of them, then it says what each gets, given what all weigh.
/// The settlement checks that no more is given out than there is, and what is left goes to the treasury: a wrong policy can
/// misplace a batch's pools and nothing else.
/// @dev Each account comes once in each pass, with its sums over all its slots. How they are grouped is up to whoever
/// distributes, so neither answer may depend on it.
interface IPayoutPolicy {
    /// @param pools of each receipt, Q, token units below 2^96 in all
    /// @param weights of the accounts so far, as this function gave them; empty at first
    /// @param rows accounts × Q sums of scores, row by row, below 2^63 in magnitude
    /// @param width bytes of each sum: two's complement, most significant first
    /// @return the weights with these accounts, as many as it likes
    function weigh(uint256[] calldata pools, uint256[] calldata weights, bytes calldata rows, uint256 width)
        external
        pure
        returns (uint256[] memory);

    /// @param weights of all accounts
    /// @return amounts of each account of `rows`, over all receipts
    function share(uint256[] calldata pools, uint256[] calldata weights, bytes calldata rows, uint256 width)
        external
        pure
        returns (uint256[] memory amounts);
}
