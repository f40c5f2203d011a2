// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IPayoutPolicy} from "../IPayoutPolicy.sol";

/// @title The positive part of a contributor's score, receipt by receipt
/// @notice Contributor c gets pool · S_c⁺ / Σ S⁺ of each receipt, rounded down. What rounding leaves, or the whole pool where
/// no score is positive, is dust. No receipt moves another's fee.
contract PositivePart is IPayoutPolicy {
    /// @inheritdoc IPayoutPolicy
    /// @dev The loops run once for each account and receipt, so they read calldata by offset. Nothing overflows: a pool is
    /// below 2^96 and a score below 2^63.
    function share(uint256[] calldata pools, int64[] calldata totals, uint256 accounts)
        external
        pure
        returns (uint256[] memory amounts, uint256[] memory dust)
    {
        amounts = new uint256[](accounts);
        dust = new uint256[](pools.length);
        uint256 stride = pools.length << 5;
        for (uint256 q = 0; q < pools.length; ++q) {
            uint256 left = pools[q];
            assembly ("memory-safe") {
                let pool := left
                let first := add(totals.offset, shl(5, q))
                let end := add(first, mul(stride, accounts))
                let positive := 0
                for { let at := first } lt(at, end) { at := add(at, stride) } {
                    let score := calldataload(at)
                    positive := add(positive, mul(score, sgt(score, 0)))
                }
                if positive {
                    let to := add(amounts, 0x20)
                    for { let at := first } lt(at, end) { at := add(at, stride) } {
                        let score := calldataload(at)
                        let part := div(mul(pool, mul(score, sgt(score, 0))), positive)
                        mstore(to, add(mload(to), part))
                        left := sub(left, part)
                        to := add(to, 0x20)
                    }
                }
            }
            dust[q] = left;
        }
    }
}
