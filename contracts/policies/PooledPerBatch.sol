// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IPayoutPolicy} from "../IPayoutPolicy.sol";

/// @title The positive part of a contributor's score over a whole batch
/// @notice A contributor's claim is the positive part of Σ_q pool_q · score_q; the batch's pools together are shared in
/// proportion to claims, rounded down. Noise that averages out over outputs is not paid; but a receipt moves the fees of
/// the others in its batch, so this is for batches of one payer. What is left is dust of the first receipt.
contract PooledPerBatch is IPayoutPolicy {
    /// @inheritdoc IPayoutPolicy
    /// @dev A claim is below 2^96 · 2^47 · Q, and a batch's pool below 2^96 in all, so no product passes 2^255.
    function share(uint256[] calldata pools, int64[] calldata totals, uint256 accounts)
        external
        pure
        returns (uint256[] memory amounts, uint256[] memory dust)
    {
        uint256 queries = pools.length;
        amounts = new uint256[](accounts);
        dust = new uint256[](queries);
        uint256 pool = 0;
        for (uint256 q = 0; q < queries; ++q) pool += pools[q];
        uint256[] memory claims = new uint256[](accounts);
        uint256 all = 0;
        for (uint256 c = 0; c < accounts; ++c) {
            int256 claim = 0;
            for (uint256 q = 0; q < queries; ++q) claim += int256(pools[q]) * totals[c * queries + q];
            if (claim > 0) {
                claims[c] = uint256(claim);
                all += uint256(claim);
            }
        }
        uint256 left = pool;
        if (all > 0) {
            for (uint256 c = 0; c < accounts; ++c) {
                amounts[c] = pool * claims[c] / all;
                left -= amounts[c];
            }
        }
        if (queries > 0) dust[0] = left;
    }
}
