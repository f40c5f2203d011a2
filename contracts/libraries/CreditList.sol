// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title Credits of many accounts, added up and told in one event
/// @notice An entry is 20 bytes of the account and 12 of the amount. The list is written as it stands in the event's data.
/// @dev The loop runs once for each contributor of a batch, and its two accesses of storage are most of what it costs. The
/// trap: nothing is checked for overflow, so all that one batch gives out must be below 2^96 (`left` bounds it), and all that
/// is credited must be backed by tokens, of which there are fewer than 2^256.
library CreditList {
    struct List {
        /// Where the data begin: an offset of 32, the count, the entries.
        uint256 start;
        uint256 count;
    }

    /// @notice An empty list with room for so many entries.
    function allocate(uint256 capacity) internal pure returns (List memory list) {
        uint256 start;
        assembly ("memory-safe") {
            start := mload(0x40)
            mstore(0x40, add(start, shl(5, add(capacity, 2))))
            mstore(start, 0x20)
        }
        list.start = start;
    }

    /// @notice Credits each account its amount; accounts that get nothing are left out.
    /// @param left what may be given out at most
    /// @return after_ what is left then
    /// @return enough whether there was as much
    function add(
        List memory list,
        mapping(address account => uint256) storage creditOf,
        address[] calldata accounts,
        uint256[] memory amounts,
        uint256 left
    ) internal returns (uint256 after_, bool enough) {
        enough = true;
        assembly ("memory-safe") {
            let count := mload(add(list, 0x20))
            let to := add(mload(list), shl(5, add(count, 2)))
            let first := to
            let account := accounts.offset
            let at := add(amounts, 0x20)
            mstore(0x20, creditOf.slot)
            for { let end := add(at, shl(5, mload(amounts))) } lt(at, end) { at := add(at, 0x20) } {
                let amount := mload(at)
                if amount {
                    if gt(amount, left) {
                        enough := 0
                        break
                    }
                    left := sub(left, amount)
                    mstore(0, calldataload(account))
                    let slot := keccak256(0, 0x40)
                    sstore(slot, add(sload(slot), amount))
                    mstore(to, or(shl(96, calldataload(account)), amount))
                    to := add(to, 0x20)
                }
                account := add(account, 0x20)
            }
            mstore(add(list, 0x20), add(count, shr(5, sub(to, first))))
        }
        after_ = left;
    }

    /// @notice Emits an event of two indexed words with the list, unless it is empty.
    function emitAs(List memory list, bytes32 signature, uint256 epoch, uint256 batch) internal {
        assembly ("memory-safe") {
            let start := mload(list)
            let count := mload(add(list, 0x20))
            mstore(add(start, 0x20), count)
            if count { log3(start, shl(5, add(count, 2)), signature, epoch, batch) }
        }
    }
}
