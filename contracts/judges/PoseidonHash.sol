// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Bn254} from "../libraries/Bn254.sol";

/// @title Poseidon over BN254's scalar field with circomlib's constants, for one number of inputs
/// @notice Costs hundreds of thousands of gas at ten inputs, so nothing computes it but who shows a stated hash to be wrong.
/// @dev The constants (those of all rounds, then the matrix by rows) are too large for one contract, so they lie behind a STOP in
/// the code of up to three. They are compared with circomlib's by their hash: no other table makes a contract. The plain
/// permutation, as it is defined: a full matrix product a round.
contract PoseidonHash {
    error WrongTable(uint256 inputs, bytes32 tableHash);
    error WrongInputCount(uint256 given, uint256 needed);

    uint256 private constant FULL_ROUNDS = 8;
    /// Rounds with one S-box, by the number of inputs from 1 on.
    bytes private constant PARTIAL_ROUNDS = hex"3839383c3c3f403f3c423c41463c4044";
    /// keccak256 of the table, by the number of inputs from 1 on.
    bytes private constant TABLE_HASHES = hex"866ab11ab8558cc37b4843bf53290ce642bc4b1b9ee2934f908464c24d2fa3d671feb613ee90092dfb39db92ea6de277c3062752678a67d53b9ca036d4e45a71c585f2056a7d4f8bfcaf482ad0999b3b56fe4a54f7f19a08b606364f49a152adad18383c02971dc88b87575f735d6b9cd648fbfd6c2fc36ee722485ce2c5f5c4520cac2fe8ac729026d9e0a37df38571ccdfa729c90765100c8f71dbf53b7b1240684c904d8ffff3ce3340f0437e5becc4372f62902d089d7dba2f10c2348019e49083c3af5671f6a797315b4911ee82aa68a3bde7429e50fda599842beb102f0854546648c0a63565110461d01452fe11364cbccb671289acde1117de64bfe6f942a2f98009eb1e5a6f76bc216404261655184dc0d59e112a7666d366713f7648a03cf427cfab348aaf083b21a99cc6b2c0c0a128106422be9639a3ec17c3f47e4cce1cbab9271dacf2c1ccf9deaf312ceb017a5a816f0c940e0103b834c41288950b832e3777de84683860544d9ce92fa1c1184769ff64edf0b1b6b67c2028032fa5356a223bb5bc1d33227148e021266dce7b274c02f5ca224746051c5a4f80a83218244a5d96096b1b641255f52382e4dce9c4ef7f0ffb2907459dade6e3d7164a436305d9c240c424fc993d55d007b185c88e2392ca678b05bf39491f5527ddc52f41e95dfd39b5b4b08282e0b83e53a4b5db6c0f607b54ce5a36e9a64d";

    uint256 public immutable inputs;
    uint256 private immutable _rounds;
    address private immutable _first;
    address private immutable _second;
    address private immutable _third;

    /// @param inputs_ 1 to 16
    /// @param tables codes that hold the table one after the other, each behind a STOP; the zero address for none
    constructor(uint256 inputs_, address[3] memory tables) {
        if (inputs_ == 0 || inputs_ > PARTIAL_ROUNDS.length) revert WrongInputCount(inputs_, PARTIAL_ROUNDS.length);
        inputs = inputs_;
        _rounds = FULL_ROUNDS + uint8(PARTIAL_ROUNDS[inputs_ - 1]);
        (_first, _second, _third) = (tables[0], tables[1], tables[2]);
        bytes memory hashes = TABLE_HASHES;
        bytes32 expected;
        assembly ("memory-safe") {
            expected := mload(add(hashes, shl(5, inputs_)))
        }
        for (uint256 i = 0; i < tables.length; ++i) {
            bytes memory code = tables[i].code;
            // what does not begin with STOP could be run, and destroy itself
            if (code.length > 0 && code[0] != 0) revert WrongTable(inputs_, keccak256(code));
        }
        (uint256 table, uint256 size) = _load();
        bytes32 found;
        assembly ("memory-safe") {
            found := keccak256(table, size)
        }
        if (found != expected) revert WrongTable(inputs_, found);
    }

    /// @param values as many as `inputs`; a value of r or more counts as its remainder
    function hash(uint256[] memory values) external view returns (uint256 out) {
        if (values.length != inputs) revert WrongInputCount(values.length, inputs);
        uint256 modulus = Bn254.SCALAR_MODULUS;
        uint256 width = inputs + 1;
        uint256 rounds = _rounds;
        (uint256 table,) = _load();
        uint256 lastPartial = rounds - FULL_ROUNDS / 2;
        assembly ("memory-safe") {
            function fifth(x, r) -> y {
                y := mulmod(x, x, r)
                y := mulmod(mulmod(y, y, r), x, r)
            }
            let size := shl(5, width)
            let state := mload(0x40)
            let next := add(state, size)
            let matrix := add(table, mul(size, rounds))
            mstore(state, 0)
            mcopy(add(state, 0x20), add(values, 0x20), sub(size, 0x20))
            for { let round := 0 } lt(round, rounds) { round := add(round, 1) } {
                for { let i := 0 } lt(i, size) { i := add(i, 0x20) } {
                    mstore(add(state, i), addmod(mload(add(state, i)), mload(add(table, i)), modulus))
                }
                table := add(table, size)
                let boxes := size
                if and(gt(round, 3), lt(round, lastPartial)) { boxes := 0x20 }
                for { let i := 0 } lt(i, boxes) { i := add(i, 0x20) } {
                    mstore(add(state, i), fifth(mload(add(state, i)), modulus))
                }
                let factor := matrix
                for { let to := next } lt(to, add(next, size)) { to := add(to, 0x20) } {
                    let sum := 0
                    for { let from := state } lt(from, add(state, size)) { from := add(from, 0x20) } {
                        sum := addmod(sum, mulmod(mload(factor), mload(from), modulus), modulus)
                        factor := add(factor, 0x20)
                    }
                    mstore(to, sum)
                }
                let old := state
                state := next
                next := old
            }
            out := mload(state)
        }
    }

    /// @notice Reads the whole table into memory: where it lies there, and its bytes.
    function _load() private view returns (uint256 table, uint256 size) {
        address[3] memory tables = [_first, _second, _third];
        assembly ("memory-safe") {
            table := mload(0x40)
            for { let i := 0 } lt(i, 3) { i := add(i, 1) } {
                let code := mload(add(tables, shl(5, i)))
                let length := extcodesize(code)
                if length {
                    extcodecopy(code, add(table, size), 1, sub(length, 1))
                    size := add(size, sub(length, 1))
                }
            }
            mstore(0x40, and(add(add(table, size), 0x1f), not(0x1f)))
        }
    }
}
