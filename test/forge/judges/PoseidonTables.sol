// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {PoseidonHash} from "../../../contracts/judges/PoseidonHash.sol";

/// Poseidon contracts made from circomlib's own constants, read from the package. What stands in a code is put there as by a
/// creation that returns it.
abstract contract PoseidonTables is Test {
    string private constant FILE = "node_modules/circomlibjs/src/poseidon_constants.json";
    uint256 private constant CHUNK = 24_544; // 767 words: with the STOP, below the size of a code

    mapping(uint256 inputs => PoseidonHash) private _made;

    function poseidon(uint256 inputs) internal returns (PoseidonHash made) {
        made = _made[inputs];
        if (address(made) != address(0)) return made;
        made = new PoseidonHash(inputs, tablesOf(tableOf(inputs)));
        _made[inputs] = made;
    }

    function tableOf(uint256 inputs) internal view returns (bytes memory table) {
        string memory at = vm.toString(inputs - 1);
        table = abi.encodePacked(this.constantsAt(string.concat(".C[", at, "]")));
        for (uint256 row = 0; row <= inputs; ++row) {
            string memory path = string.concat(".M[", at, "][", vm.toString(row), "]");
            table = bytes.concat(table, abi.encodePacked(this.constantsAt(path)));
        }
    }

    /// @dev A call of its own, so that the memory for a megabyte of text is given back.
    function constantsAt(string calldata path) external view returns (uint256[] memory) {
        return vm.parseJsonUintArray(vm.readFile(FILE), path);
    }

    function tablesOf(bytes memory table) internal returns (address[3] memory tables) {
        for (uint256 i = 0; i * CHUNK < table.length; ++i) {
            uint256 length = table.length - i * CHUNK < CHUNK ? table.length - i * CHUNK : CHUNK;
            bytes memory part = new bytes(length);
            assembly ("memory-safe") {
                mcopy(add(part, 0x20), add(add(table, 0x20), mul(i, CHUNK)), length)
            }
            tables[i] = stored(bytes.concat(hex"00", part));
        }
    }

    function stored(bytes memory code) internal returns (address at) {
        // PUSH2 size, DUP1, PUSH1 12, PUSH1 0, CODECOPY, PUSH1 0, RETURN: twelve bytes with the size
        bytes memory creation = abi.encodePacked(hex"61", uint16(code.length), hex"80600c6000396000f3", code);
        assembly ("memory-safe") {
            at := create(0, add(creation, 0x20), mload(creation))
        }
        assertEq(at.code.length, code.length);
    }
}
