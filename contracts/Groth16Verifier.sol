// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IGroth16Verifier} from "./IGroth16Verifier.sol";
import {Bn254} from "./libraries/Bn254.sol";
import {Groth16Key} from "./libraries/Groth16Key.sol";

/// @title Groth16 on BN254, for four public signals
/// @notice One contract for every circuit instance: the key is given at deployment and kept in the code.
contract Groth16Verifier is IGroth16Verifier {
    /// x of the development key's delta, which is refused on every other chain than the development chain.
    uint256 public constant DEVELOPMENT_DELTA_X1 = Groth16Key.DEVELOPMENT_DELTA_X1;
    uint256 public constant DEVELOPMENT_DELTA_X0 = Groth16Key.DEVELOPMENT_DELTA_X0;

    /// One pair of the pairing precompile: a point of G1, a point of G2.
    uint256 private constant PAIR_WORDS = 6;

    bytes32 public immutable keyHash;

    uint256 private immutable _alphaX;
    uint256 private immutable _alphaY;
    uint256 private immutable _betaX1;
    uint256 private immutable _betaX0;
    uint256 private immutable _betaY1;
    uint256 private immutable _betaY0;
    uint256 private immutable _gammaX1;
    uint256 private immutable _gammaX0;
    uint256 private immutable _gammaY1;
    uint256 private immutable _gammaY0;
    uint256 private immutable _deltaX1;
    uint256 private immutable _deltaX0;
    uint256 private immutable _deltaY1;
    uint256 private immutable _deltaY0;
    uint256 private immutable _ic0X;
    uint256 private immutable _ic0Y;
    uint256 private immutable _ic1X;
    uint256 private immutable _ic1Y;
    uint256 private immutable _ic2X;
    uint256 private immutable _ic2Y;
    uint256 private immutable _ic3X;
    uint256 private immutable _ic3Y;
    uint256 private immutable _ic4X;
    uint256 private immutable _ic4Y;

    /// @param key alpha | beta | gamma | delta | IC_0 … IC_4, G2 coordinates with the imaginary part first
    constructor(uint256[24] memory key) {
        uint256[] memory words = new uint256[](24);
        for (uint256 i = 0; i < 24; ++i) words[i] = key[i];
        Groth16Key.requireSound(words);
        keyHash = Groth16Key.hash(words);
        (_alphaX, _alphaY) = (key[0], key[1]);
        (_betaX1, _betaX0, _betaY1, _betaY0) = (key[2], key[3], key[4], key[5]);
        (_gammaX1, _gammaX0, _gammaY1, _gammaY0) = (key[6], key[7], key[8], key[9]);
        (_deltaX1, _deltaX0, _deltaY1, _deltaY0) = (key[10], key[11], key[12], key[13]);
        (_ic0X, _ic0Y) = (key[14], key[15]);
        (_ic1X, _ic1Y) = (key[16], key[17]);
        (_ic2X, _ic2Y) = (key[18], key[19]);
        (_ic3X, _ic3Y) = (key[20], key[21]);
        (_ic4X, _ic4Y) = (key[22], key[23]);
    }

    /// @inheritdoc IGroth16Verifier
    /// @dev A signal of r or more is refused, or pub + r would verify wherever pub does. Proofs are malleable all the
    /// same: never use a proof's hash as its identity.
    function verify(uint256[8] calldata proof, uint256[4] calldata signals) external view returns (bool) {
        for (uint256 i = 0; i < 4; ++i) {
            if (signals[i] >= Bn254.SCALAR_MODULUS) return false;
        }
        for (uint256 i = 0; i < 8; ++i) {
            if (proof[i] >= Bn254.BASE_MODULUS) return false;
        }
        uint256[2] memory input = _input([uint256(1), signals[0], signals[1], signals[2], signals[3]]);
        // e(−A, B) · e(alpha, beta) · e(input, gamma) · e(C, delta) = 1
        uint256[24] memory pairs = [
            proof[0],
            (Bn254.BASE_MODULUS - proof[1]) % Bn254.BASE_MODULUS,
            proof[2],
            proof[3],
            proof[4],
            proof[5],
            _alphaX,
            _alphaY,
            _betaX1,
            _betaX0,
            _betaY1,
            _betaY0,
            input[0],
            input[1],
            _gammaX1,
            _gammaX0,
            _gammaY1,
            _gammaY0,
            proof[6],
            proof[7],
            _deltaX1,
            _deltaX0,
            _deltaY1,
            _deltaY0
        ];
        bool works;
        uint256 product;
        assembly ("memory-safe") {
            works := staticcall(gas(), 8, pairs, 0x300, 0, 0x20)
            product := mload(0)
        }
        return works && product == 1;
    }

    /// @inheritdoc IGroth16Verifier
    /// @dev Π e(w_i A_i, B_i) · e(−Σ w_i α, β) · e(−Σ_j (Σ_i w_i x_ij) IC_j, γ) · e(−Σ w_i C_i, δ) = 1. If one proof's
    /// equation is false the product is 1 for at most one value of its weight in 2^128, provided the weights depend on
    /// everything that a prover may choose: they are hashes of the key, the number of proofs, all proofs and all
    /// signals. The first may be 1, since only the ratios count.
    function verifyBatch(uint256[8][] calldata proofs, uint256[4][] calldata signals) external view returns (bool) {
        uint256 count = proofs.length;
        if (count == 0 || signals.length != count || !_inRange(proofs, signals)) return false;
        uint256 seed = _transcript(proofs, signals);
        uint256[] memory pairs = new uint256[](PAIR_WORDS * (count + 3));
        uint256[5] memory scalars; // of IC_0 … IC_4; the first is Σ w_i
        uint256[2] memory c;
        for (uint256 i = 0; i < count; ++i) {
            uint256 weight = i == 0 ? 1 : _weight(seed, i);
            if (!_setProduct(pairs, i, proofs[i][0], proofs[i][1], weight)) return false;
            _setG2(pairs, i, proofs[i][2], proofs[i][3], proofs[i][4], proofs[i][5]);
            if (!_addProduct(c, proofs[i][6], proofs[i][7], weight)) return false;
            scalars[0] += weight;
            for (uint256 j = 0; j < 4; ++j) {
                uint256 product = mulmod(weight, signals[i][j], Bn254.SCALAR_MODULUS);
                scalars[j + 1] = addmod(scalars[j + 1], product, Bn254.SCALAR_MODULUS);
            }
        }
        assert(_setProduct(pairs, count, _alphaX, Bn254.BASE_MODULUS - _alphaY, scalars[0]));
        _setG2(pairs, count, _betaX1, _betaX0, _betaY1, _betaY0);
        _setNegated(pairs, count + 1, _input(scalars));
        _setG2(pairs, count + 1, _gammaX1, _gammaX0, _gammaY1, _gammaY0);
        _setNegated(pairs, count + 2, c);
        _setG2(pairs, count + 2, _deltaX1, _deltaX0, _deltaY1, _deltaY0);
        bool works;
        uint256 result;
        assembly ("memory-safe") {
            works := staticcall(gas(), 8, add(pairs, 0x20), shl(5, mload(pairs)), 0, 0x20)
            result := mload(0)
        }
        return works && result == 1;
    }

    /// @notice Whether every coordinate is below q and every signal below r.
    function _inRange(uint256[8][] calldata proofs, uint256[4][] calldata signals) private pure returns (bool within) {
        uint256 base = Bn254.BASE_MODULUS;
        uint256 scalars = Bn254.SCALAR_MODULUS;
        within = true;
        assembly ("memory-safe") {
            let end := add(proofs.offset, shl(8, proofs.length))
            for { let at := proofs.offset } lt(at, end) { at := add(at, 0x20) } {
                within := and(within, lt(calldataload(at), base))
            }
            end := add(signals.offset, shl(7, signals.length))
            for { let at := signals.offset } lt(at, end) { at := add(at, 0x20) } {
                within := and(within, lt(calldataload(at), scalars))
            }
        }
    }

    /// @notice keccak256(key hash, number of proofs, every word of every proof, every signal)
    function _transcript(uint256[8][] calldata proofs, uint256[4][] calldata signals)
        private
        view
        returns (uint256 seed)
    {
        bytes32 key = keyHash;
        assembly ("memory-safe") {
            let start := mload(0x40)
            let proofBytes := shl(8, proofs.length)
            let signalBytes := shl(7, signals.length)
            mstore(start, key)
            mstore(add(start, 0x20), proofs.length)
            calldatacopy(add(start, 0x40), proofs.offset, proofBytes)
            calldatacopy(add(add(start, 0x40), proofBytes), signals.offset, signalBytes)
            seed := keccak256(start, add(0x40, add(proofBytes, signalBytes)))
        }
    }

    /// @notice The low 128 bits of keccak256(seed, i)
    function _weight(uint256 seed, uint256 i) private pure returns (uint256) {
        return uint128(uint256(keccak256(abi.encode(seed, i))));
    }

    /// @notice Σ scalars[j] · IC_j; the points come from the key, so the precompiles cannot fail on them.
    function _input(uint256[5] memory scalars) private view returns (uint256[2] memory sum) {
        if (scalars[0] == 1) (sum[0], sum[1]) = (_ic0X, _ic0Y);
        else assert(_addProduct(sum, _ic0X, _ic0Y, scalars[0]));
        assert(_addProduct(sum, _ic1X, _ic1Y, scalars[1]));
        assert(_addProduct(sum, _ic2X, _ic2Y, scalars[2]));
        assert(_addProduct(sum, _ic3X, _ic3Y, scalars[3]));
        assert(_addProduct(sum, _ic4X, _ic4Y, scalars[4]));
    }

    /// @notice sum += scalar · (x, y)
    /// @return works false when (x, y) is not on the curve; most of the gas is then gone
    function _addProduct(uint256[2] memory sum, uint256 x, uint256 y, uint256 scalar)
        private
        view
        returns (bool works)
    {
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, x)
            mstore(add(free, 0x20), y)
            mstore(add(free, 0x40), scalar)
            works := staticcall(gas(), 7, free, 0x60, free, 0x40)
            mcopy(add(free, 0x40), sum, 0x40)
            works := and(works, staticcall(gas(), 6, free, 0x80, sum, 0x40))
        }
    }

    /// @notice The G1 point of a pair becomes scalar · (x, y).
    /// @return works false when (x, y) is not on the curve; most of the gas is then gone
    function _setProduct(uint256[] memory pairs, uint256 pair, uint256 x, uint256 y, uint256 scalar)
        private
        view
        returns (bool works)
    {
        assembly ("memory-safe") {
            let to := add(add(pairs, 0x20), mul(pair, 0xc0))
            mstore(to, x)
            mstore(add(to, 0x20), y)
            mstore(add(to, 0x40), scalar)
            works := staticcall(gas(), 7, to, 0x60, to, 0x40)
        }
    }

    /// @notice The G1 point of a pair becomes −point.
    function _setNegated(uint256[] memory pairs, uint256 pair, uint256[2] memory point) private pure {
        pairs[PAIR_WORDS * pair] = point[0];
        pairs[PAIR_WORDS * pair + 1] = (Bn254.BASE_MODULUS - point[1]) % Bn254.BASE_MODULUS;
    }

    /// @notice Sets the G2 point of a pair.
    function _setG2(uint256[] memory pairs, uint256 pair, uint256 x1, uint256 x0, uint256 y1, uint256 y0)
        private
        pure
    {
        assembly ("memory-safe") {
            let to := add(add(pairs, 0x60), mul(pair, 0xc0))
            mstore(to, x1)
            mstore(add(to, 0x20), x0)
            mstore(add(to, 0x40), y1)
            mstore(add(to, 0x60), y0)
        }
    }
}
