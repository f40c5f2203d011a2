// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title Sums of scores by contributor
/// @notice Contributors appear in the order of their first slot; a row of Q sums stands for each.
/// @dev The trap: sums are not checked for overflow. Proven scores are below 2^39 in magnitude and an index has at most
/// 256 slots, so a sum stays below 2^47; call this only for scores whose proof holds.
library ScoreSums {
    /// @notice Sums the slots of each contributor of one shard.
    /// @return contributors distinct, without the zero address
    /// @return sums contributors × queries, row by row
    function byContributor(int64[] memory scores, address[] calldata slotContributors, uint256 queries)
        internal
        pure
        returns (address[] memory contributors, int64[] memory sums)
    {
        contributors = new address[](slotContributors.length);
        sums = new int64[](scores.length);
        uint256 count = 0;
        for (uint256 k = 0; k < slotContributors.length; ++k) {
            address contributor = slotContributors[k];
            if (contributor == address(0)) continue;
            uint256 from;
            assembly ("memory-safe") {
                from := add(add(scores, 0x20), shl(5, mul(k, queries)))
            }
            uint256 position = find(contributors, count, contributor);
            if (position == count) contributors[count++] = contributor;
            _add(sums, position * queries, from, queries);
        }
        assembly ("memory-safe") {
            mstore(contributors, count)
            mstore(sums, mul(count, queries))
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

    /// @notice sums[row + q] += the q-th word of memory from `from`.
    function _add(int64[] memory sums, uint256 row, uint256 from, uint256 queries) private pure {
        assembly ("memory-safe") {
            let to := add(add(sums, 0x20), shl(5, row))
            for { let end := add(from, shl(5, queries)) } lt(from, end) { from := add(from, 0x20) } {
                mstore(to, add(mload(to), mload(from)))
                to := add(to, 0x20)
            }
        }
    }

    /// @notice Adds one shard's sums, from calldata, to the sums over all shards.
    function merge(
        address[] memory accounts,
        int64[] memory totals,
        uint256 count,
        address[] calldata contributors,
        int64[] calldata sums,
        uint256 queries
    ) internal pure returns (uint256) {
        for (uint256 c = 0; c < contributors.length; ++c) {
            uint256 position = find(accounts, count, contributors[c]);
            if (position == count) accounts[count++] = contributors[c];
            uint256 from;
            assembly ("memory-safe") {
                from := mload(0x40)
                calldatacopy(from, add(sums.offset, shl(5, mul(c, queries))), shl(5, queries))
            }
            _add(totals, position * queries, from, queries);
        }
        return count;
    }
}
