// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IPayoutPolicy} from "../IPayoutPolicy.sol";

/// @title The positive part of a contributor's score, receipt by receipt
/// @notice Contributor c gets pool · S_c⁺ / Σ S⁺ of each receipt, rounded down. What rounding leaves, or the whole pool where
/// no score is positive, is dust. No receipt moves another's fee. The weights are Σ S⁺ of each receipt.
/// @dev The loops run once for each account and receipt, so they read calldata by offset. Nothing overflows: a pool is
/// below 2^96 and a sum of scores below 2^63.
contract PositivePart is IPayoutPolicy {
    /// @inheritdoc IPayoutPolicy
    function weigh(uint256[] calldata pools, uint256[] calldata weights, bytes calldata rows, uint256 width)
        external
        pure
        returns (uint256[] memory after_)
    {
        uint256 queries = pools.length;
        after_ = new uint256[](queries);
        uint256 shift = 256 - 8 * width;
        uint256 stride = width * queries;
        for (uint256 q = 0; q < queries; ++q) {
            uint256 positive = weights.length == 0 ? 0 : weights[q];
            assembly ("memory-safe") {
                let at := add(rows.offset, mul(q, width))
                let end := add(rows.offset, rows.length)
                for {} lt(at, end) { at := add(at, stride) } {
                    let score := sar(shift, calldataload(at))
                    positive := add(positive, mul(score, sgt(score, 0)))
                }
            }
            after_[q] = positive;
        }
    }

    /// @inheritdoc IPayoutPolicy
    function share(uint256[] calldata pools, uint256[] calldata weights, bytes calldata rows, uint256 width)
        external
        pure
        returns (uint256[] memory amounts)
    {
        uint256 queries = pools.length;
        uint256 shift = 256 - 8 * width;
        uint256 stride = width * queries;
        amounts = new uint256[](rows.length / stride);
        for (uint256 q = 0; q < queries; ++q) {
            (uint256 pool, uint256 positive) = (pools[q], weights[q]);
            if (positive == 0) continue;
            assembly ("memory-safe") {
                let at := add(rows.offset, mul(q, width))
                let end := add(rows.offset, rows.length)
                let to := add(amounts, 0x20)
                for {} lt(at, end) { at := add(at, stride) } {
                    let score := sar(shift, calldataload(at))
                    if sgt(score, 0) { mstore(to, add(mload(to), div(mul(pool, score), positive))) }
                    to := add(to, 0x20)
                }
            }
        }
    }
}
