// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IStatementVerifier} from "./IStatementVerifier.sol";
import {Bn254} from "./libraries/Bn254.sol";
import {Groth16Key} from "./libraries/Groth16Key.sol";

/// @title Groth16 on BN254 for any circuit: disputes and folds
/// @notice `Groth16Verifier` does the same for the four signals of a score matrix, at less gas.
/// @dev The key is the code of a contract of its own (behind a STOP, so that nobody can run it): reading it costs one cold
/// account, where storage would cost a cold slot a word.
contract StatementVerifier is IStatementVerifier {
    error KeyNotStored();

    bytes32 public immutable keyHash;
    uint256 public immutable signalCount;
    address private immutable _key;

    /// @param key as in Groth16Key
    constructor(uint256[] memory key) {
        Groth16Key.requireSound(key);
        keyHash = Groth16Key.hash(key);
        signalCount = (key.length - Groth16Key.INPUT) / 2 - 1;
        _key = _store(key);
    }

    /// @inheritdoc IStatementVerifier
    /// @dev A signal of r or more is refused, or pub + r would verify wherever pub does. Proofs are malleable all the
    /// same: never use a proof's hash as its identity.
    function verify(uint256[8] calldata proof, uint256[] calldata signals) external view returns (bool) {
        if (signals.length != signalCount) return false;
        for (uint256 i = 0; i < 8; ++i) {
            if (proof[i] >= Bn254.BASE_MODULUS) return false;
        }
        uint256[] memory key = _load();
        uint256[2] memory input = [key[Groth16Key.INPUT], key[Groth16Key.INPUT + 1]];
        for (uint256 i = 0; i < signals.length; ++i) {
            if (signals[i] >= Bn254.SCALAR_MODULUS) return false;
            _addProduct(input, key, Groth16Key.INPUT + 2 * (i + 1), signals[i]);
        }
        // e(−A, B) · e(alpha, beta) · e(input, gamma) · e(C, delta) = 1
        uint256[24] memory pairs;
        (pairs[0], pairs[1]) = (proof[0], (Bn254.BASE_MODULUS - proof[1]) % Bn254.BASE_MODULUS);
        for (uint256 i = 2; i < 6; ++i) pairs[i] = proof[i];
        for (uint256 i = 0; i < 6; ++i) pairs[6 + i] = key[i];
        (pairs[12], pairs[13]) = (input[0], input[1]);
        for (uint256 i = 0; i < 4; ++i) pairs[14 + i] = key[Groth16Key.GAMMA + i];
        (pairs[18], pairs[19]) = (proof[6], proof[7]);
        for (uint256 i = 0; i < 4; ++i) pairs[20 + i] = key[Groth16Key.DELTA + i];
        bool works;
        uint256 product;
        assembly ("memory-safe") {
            works := staticcall(gas(), 8, pairs, 0x300, 0, 0x20)
            product := mload(0)
        }
        return works && product == 1;
    }

    /// @notice sum += scalar · (the point of the key at `word`), which lies on the curve, so the precompiles cannot fail.
    function _addProduct(uint256[2] memory sum, uint256[] memory key, uint256 word, uint256 scalar) private view {
        bool works;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mcopy(free, add(key, shl(5, add(word, 1))), 0x40)
            mstore(add(free, 0x40), scalar)
            works := staticcall(gas(), 7, free, 0x60, free, 0x40)
            mcopy(add(free, 0x40), sum, 0x40)
            works := and(works, staticcall(gas(), 6, free, 0x80, sum, 0x40))
        }
        assert(works);
    }

    /// @dev The creation code returns all that follows it: a STOP and the words.
    function _store(uint256[] memory key) private returns (address stored) {
        bytes memory words = abi.encodePacked(key);
        if (words.length >= type(uint16).max) revert KeyNotStored(); // its size would be cut, and the key read as zeros
        // PUSH2 size, DUP1, PUSH1 12, PUSH1 0, CODECOPY, PUSH1 0, RETURN
        bytes memory code =
            abi.encodePacked(hex"61", uint16(words.length + 1), hex"80600c6000396000f3", hex"00", words);
        assembly ("memory-safe") {
            stored := create(0, add(code, 0x20), mload(code))
        }
        if (stored == address(0)) revert KeyNotStored();
    }

    function _load() private view returns (uint256[] memory key) {
        key = new uint256[](Groth16Key.INPUT + 2 * (signalCount + 1));
        address stored = _key;
        assembly ("memory-safe") {
            extcodecopy(stored, add(key, 0x20), 1, shl(5, mload(key)))
        }
    }
}
