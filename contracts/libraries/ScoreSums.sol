// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Bn254} from "./Bn254.sol";

/// @title Sums of scores by contributor, and the score matrix's value at the challenge
/// @notice A contributor's slots are one run (IndexRegistry); a row of Q sums stands for each, in their order. Scores are packed
/// in five bytes and sums in six, two's complement, most significant first.
/// @dev The trap: sums are not checked for overflow. Proven scores are below 2^39 in magnitude and a shard has at most
/// 256 slots, so a sum stays below 2^47 and fits its six bytes; over 2^24 slots, an index's most, it stays below 2^63. Use
/// sums only of scores whose proof holds.
library ScoreSums {
    uint256 internal constant SCORE_BYTES = 5;
    uint256 internal constant SUM_BYTES = 6;

    error UnusedSlotScored(uint256 slot);

    /// Sums in memory, one a word.
    struct Sums {
        /// Distinct, without the zero address.
        address[] contributors;
        /// contributors × queries, row by row.
        int64[] values;
    }

    /// @notice One pass over the scores from the last down: Horner's rule, and each slot added to its contributor's row.
    /// @param packed S × Q scores
    /// @param slotContributors S addresses, zero at unused slots, whose scores must be zero
    /// @return value Σ scores[i]·rho^i mod r
    /// @return sums of each contributor
    function evaluate(bytes calldata packed, address[] calldata slotContributors, uint256 queries, uint256 rho)
        internal
        pure
        returns (uint256 value, Sums memory sums)
    {
        uint256[] memory rows;
        (sums, rows) = _rows(slotContributors, queries);
        uint256 modulus = Bn254.SCALAR_MODULUS;
        uint256 rowBytes = SCORE_BYTES * queries;
        for (uint256 k = slotContributors.length; k > 0; --k) {
            uint256 row = rows[k - 1];
            if (row == 0) {
                _requireUnscored(packed, k - 1, rowBytes);
                row = rows[slotContributors.length];
            }
            assembly ("memory-safe") {
                function step(v, at, to, rho_, modulus_) -> next {
                    let score := sar(216, calldataload(at))
                    mstore(to, add(mload(to), score))
                    // score + r is positive and ≡ score; the sum of both stays far below 2^256, so one reduction, in the
                    // next product, is enough
                    next := add(mulmod(v, rho_, modulus_), add(score, modulus_))
                }
                let first := add(packed.offset, mul(rowBytes, sub(k, 1)))
                let at := add(first, rowBytes)
                let to := add(row, shl(5, queries))
                for {} iszero(lt(sub(at, first), 40)) {} {
                    at := sub(at, 40)
                    to := sub(to, 0x100)
                    value := step(value, add(at, 35), add(to, 0xe0), rho, modulus)
                    value := step(value, add(at, 30), add(to, 0xc0), rho, modulus)
                    value := step(value, add(at, 25), add(to, 0xa0), rho, modulus)
                    value := step(value, add(at, 20), add(to, 0x80), rho, modulus)
                    value := step(value, add(at, 15), add(to, 0x60), rho, modulus)
                    value := step(value, add(at, 10), add(to, 0x40), rho, modulus)
                    value := step(value, add(at, 5), add(to, 0x20), rho, modulus)
                    value := step(value, at, to, rho, modulus)
                }
                for {} gt(at, first) {} {
                    at := sub(at, 5)
                    to := sub(to, 0x20)
                    value := step(value, at, to, rho, modulus)
                }
            }
        }
        value %= modulus;
    }

    /// @notice Allocates the rows and finds each slot's.
    /// @return sums without a value yet
    /// @return rows address in memory of each slot's row of sums, 0 for an unused slot; behind them that of a spare row
    function _rows(address[] calldata slotContributors, uint256 queries)
        private
        pure
        returns (Sums memory sums, uint256[] memory rows)
    {
        uint256 slots = slotContributors.length;
        address[] memory contributors = new address[](slots);
        uint256[] memory places = new uint256[](slots);
        uint256 count = 0;
        for (uint256 k = 0; k < slots; ++k) {
            address contributor = slotContributors[k];
            if (contributor == address(0)) continue;
            if (count == 0 || contributors[count - 1] != contributor) contributors[count++] = contributor;
            places[k] = count;
        }
        int64[] memory values = new int64[]((count + 1) * queries);
        rows = new uint256[](slots + 1);
        assembly ("memory-safe") {
            mstore(contributors, count)
            let bytesOfRow := shl(5, queries)
            let first := add(values, 0x20)
            mstore(add(rows, shl(5, add(slots, 1))), add(first, mul(count, bytesOfRow)))
            for { let k := 1 } iszero(gt(k, slots)) { k := add(k, 1) } {
                let place := mload(add(places, shl(5, k)))
                if place { mstore(add(rows, shl(5, k)), add(first, mul(sub(place, 1), bytesOfRow))) }
            }
            mstore(values, mul(count, queries))
        }
        sums = Sums(contributors, values);
    }

    function _requireUnscored(bytes calldata packed, uint256 slot, uint256 rowBytes) private pure {
        for (uint256 i = slot * rowBytes; i < (slot + 1) * rowBytes; ++i) {
            if (packed[i] != 0) revert UnusedSlotScored(slot);
        }
    }

    /// @notice The sums in six bytes each.
    function pack(int64[] memory values) internal pure returns (bytes memory packed) {
        packed = new bytes(SUM_BYTES * values.length + 0x20); // each sum is written as a whole word, of which six bytes stay
        assembly ("memory-safe") {
            let at := add(values, 0x20)
            let to := add(packed, 0x20)
            for { let end := add(at, shl(5, mload(values))) } lt(at, end) { at := add(at, 0x20) } {
                mstore(to, shl(208, mload(at)))
                to := add(to, 6)
            }
            mstore(packed, sub(mload(packed), 0x20))
        }
    }

    /// @notice keccak256(abi.encode(contributors, packed)) of the words as they came: dirty ones hash to nothing recorded.
    function hash(address[] calldata contributors, bytes calldata packed) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            let size := shl(5, contributors.length)
            let to := add(start, 0x60)
            mstore(start, 0x40)
            mstore(add(start, 0x20), add(0x60, size))
            mstore(sub(to, 0x20), contributors.length)
            calldatacopy(to, contributors.offset, size)
            to := add(to, size)
            mstore(to, packed.length)
            to := add(to, 0x20)
            let padded := and(add(packed.length, 0x1f), not(0x1f))
            if padded { mstore(add(to, sub(padded, 0x20)), 0) }
            calldatacopy(to, packed.offset, packed.length)
            result := keccak256(start, sub(add(to, padded), start))
        }
    }

    /// @notice Adds row number `row` of a shard's sums to `sums`.
    function add(int256[] memory sums, bytes calldata packed, uint256 row) internal pure {
        assembly ("memory-safe") {
            let count := mload(sums)
            let at := add(packed.offset, mul(mul(6, count), row))
            let to := add(sums, 0x20)
            for { let end := add(to, shl(5, count)) } lt(to, end) { to := add(to, 0x20) } {
                mstore(to, add(mload(to), sar(208, calldataload(at))))
                at := add(at, 6)
            }
        }
    }
}
