// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Bn254} from "../../../contracts/libraries/Bn254.sol";

/// @title Score matrices by their definitions, one score after the other
/// @notice Slow and plain on purpose: what the contracts' packed and unrolled arithmetic is held against.
library Scores {
    /// @notice Five bytes a score.
    function pack(int64[] memory scores) internal pure returns (bytes memory packed) {
        packed = new bytes(5 * scores.length);
        for (uint256 i = 0; i < scores.length; ++i) {
            bytes5 five = bytes5(uint40(int40(scores[i])));
            for (uint256 b = 0; b < 5; ++b) packed[5 * i + b] = five[b];
        }
    }

    /// @notice Six bytes a sum.
    function packSums(int64[] memory sums) internal pure returns (bytes memory packed) {
        packed = new bytes(6 * sums.length);
        for (uint256 i = 0; i < sums.length; ++i) {
            bytes6 six = bytes6(uint48(int48(sums[i])));
            for (uint256 b = 0; b < 6; ++b) packed[6 * i + b] = six[b];
        }
    }

    /// @notice Σ scores[i]·rho^i mod r
    function evaluate(int64[] memory scores, uint256 rho) internal pure returns (uint256 value) {
        uint256 r = Bn254.SCALAR_MODULUS;
        uint256 power = 1;
        for (uint256 i = 0; i < scores.length; ++i) {
            uint256 magnitude = uint256(int256(scores[i] < 0 ? -scores[i] : scores[i]));
            uint256 term = mulmod(magnitude, power, r);
            value = addmod(value, scores[i] < 0 ? r - term : term, r);
            power = mulmod(power, rho, r);
        }
    }

    /// @notice Distinct owners in the order of their first slot, and each one's row of Q sums.
    function sumsOf(int64[] memory scores, address[] memory slotOwners, uint256 queries)
        internal
        pure
        returns (address[] memory contributors, int64[] memory sums)
    {
        contributors = distinct(slotOwners);
        sums = new int64[](contributors.length * queries);
        for (uint256 k = 0; k < slotOwners.length; ++k) {
            for (uint256 c = 0; c < contributors.length; ++c) {
                if (contributors[c] != slotOwners[k]) continue;
                for (uint256 q = 0; q < queries; ++q) sums[c * queries + q] += scores[k * queries + q];
            }
        }
    }

    /// @notice The accounts without zeros and repetitions.
    function distinct(address[] memory accounts) internal pure returns (address[] memory found) {
        found = new address[](accounts.length);
        uint256 count = 0;
        for (uint256 i = 0; i < accounts.length; ++i) {
            bool known = accounts[i] == address(0);
            for (uint256 j = 0; j < count && !known; ++j) known = found[j] == accounts[i];
            if (!known) found[count++] = accounts[i];
        }
        assembly ("memory-safe") {
            mstore(found, count)
        }
    }
}
