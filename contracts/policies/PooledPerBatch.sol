// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IPayoutPolicy} from "../IPayoutPolicy.sol";

/// @title The positive part of a contributor's score over a whole batch
/// @notice A contributor's claim is the positive part of Σ_q pool_q · score_q; the batch's pools together are shared in
/// proportion to claims, rounded down. Noise that averages out over outputs is not paid; but a receipt moves the fees of
/// the others in its batch, so this is for batches of one payer. The only weight is the sum of all claims.
/// @dev A batch's pools are below 2^96 in all and a sum of scores below 2^63, so a claim is below 2^159 and its product with
/// the pools below 2^255.
contract PooledPerBatch is IPayoutPolicy {
    /// @inheritdoc IPayoutPolicy
    function weigh(uint256[] calldata pools, uint256[] calldata weights, bytes calldata rows, uint256 width)
        external
        pure
        returns (uint256[] memory after_)
    {
        after_ = new uint256[](1);
        if (weights.length > 0) after_[0] = weights[0];
        uint256[] memory claims = _claims(pools, rows, width);
        for (uint256 c = 0; c < claims.length; ++c) after_[0] += claims[c];
    }

    /// @inheritdoc IPayoutPolicy
    function share(uint256[] calldata pools, uint256[] calldata weights, bytes calldata rows, uint256 width)
        external
        pure
        returns (uint256[] memory amounts)
    {
        amounts = _claims(pools, rows, width);
        if (weights[0] == 0) return amounts; // nobody claims anything
        uint256 whole = 0;
        for (uint256 q = 0; q < pools.length; ++q) whole += pools[q];
        for (uint256 c = 0; c < amounts.length; ++c) amounts[c] = whole * amounts[c] / weights[0];
    }

    function _claims(uint256[] calldata pools, bytes calldata rows, uint256 width)
        private
        pure
        returns (uint256[] memory claims)
    {
        uint256 shift = 256 - 8 * width;
        claims = new uint256[](rows.length / (width * pools.length));
        uint256 at = 0;
        for (uint256 c = 0; c < claims.length; ++c) {
            int256 claim = 0;
            for (uint256 q = 0; q < pools.length; ++q) {
                int256 score;
                assembly ("memory-safe") {
                    score := sar(shift, calldataload(add(rows.offset, at)))
                }
                claim += int256(pools[q]) * score;
                at += width;
            }
            if (claim > 0) claims[c] = uint256(claim);
        }
    }
}
