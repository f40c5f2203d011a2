// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Bn254} from "./Bn254.sol";

/// @title Sums of scores by contributor, and the score matrix's value at the challenge
/// @notice Contributors appear in the order of their first slot; a row of Q sums stands for each. Scores are packed in five
/// bytes and sums in six, two's complement, most significant first.
/// @dev The trap: sums are not checked for overflow. Proven scores are below 2^39 in magnitude and an index has at most
/// 256 slots, so a sum stays below 2^47 and fits its six bytes; use sums only of scores whose proof holds.
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
            uint256 position = find(contributors, count, contributor);
            if (position == count) contributors[count++] = contributor;
            places[k] = position + 1;
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

    /// @notice Position of the account among the first `count`, or `count` when it is not there.
    function find(address[] memory accounts, uint256 count, address account) internal pure returns (uint256 position) {
        assembly ("memory-safe") {
            let at := add(accounts, 0x20)
            for {} lt(position, count) { position := add(position, 1) } {
                if eq(mload(at), account) { break }
                at := add(at, 0x20)
            }
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

    /// @notice Adds one shard's sums, packed in calldata, to the sums over all shards.
    /// @return the number of accounts then
    function merge(
        address[] memory accounts,
        int64[] memory totals,
        uint256 count,
        address[] calldata contributors,
        bytes calldata packed,
        uint256 queries
    ) internal pure returns (uint256) {
        for (uint256 c = 0; c < contributors.length; ++c) {
            uint256 position = find(accounts, count, contributors[c]);
            if (position == count) accounts[count++] = contributors[c];
            assembly ("memory-safe") {
                let to := add(add(totals, 0x20), shl(5, mul(position, queries)))
                let at := add(packed.offset, mul(mul(6, queries), c))
                for { let end := add(at, mul(6, queries)) } lt(at, end) { at := add(at, 6) } {
                    mstore(to, add(mload(to), sar(208, calldataload(at))))
                    to := add(to, 0x20)
                }
            }
        }
        return count;
    }
}
