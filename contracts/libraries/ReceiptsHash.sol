// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title keccak256(abi.encode(uint96[] fees, bytes32[] outputHashes)), word by word as they came
/// @notice The same hash at a tenth of what encoding them costs. A fee in calldata may be dirty, of more than 96 bits: what
/// it hashes to is no hash of fees, so who compares it with one of clean fees needs no check.
library ReceiptsHash {
    function hash(uint96[] calldata fees, bytes32[] calldata outputHashes) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            let size := shl(5, fees.length)
            let outputs := add(start, add(0x60, size))
            mstore(start, 0x40)
            mstore(add(start, 0x20), add(0x60, size))
            mstore(add(start, 0x40), fees.length)
            calldatacopy(add(start, 0x60), fees.offset, size)
            mstore(outputs, outputHashes.length)
            calldatacopy(add(outputs, 0x20), outputHashes.offset, shl(5, outputHashes.length))
            result := keccak256(start, sub(add(add(outputs, 0x20), shl(5, outputHashes.length)), start))
        }
    }

    function hashMemory(uint96[] memory fees, bytes32[] calldata outputHashes) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            let start := mload(0x40)
            let size := add(0x20, shl(5, mload(fees)))
            let outputs := add(start, add(0x40, size))
            mstore(start, 0x40)
            mstore(add(start, 0x20), add(0x40, size))
            mcopy(add(start, 0x40), fees, size)
            mstore(outputs, outputHashes.length)
            calldatacopy(add(outputs, 0x20), outputHashes.offset, shl(5, outputHashes.length))
            result := keccak256(start, sub(add(add(outputs, 0x20), shl(5, outputHashes.length)), start))
        }
    }
}
