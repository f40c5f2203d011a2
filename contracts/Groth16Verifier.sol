// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IGroth16Verifier} from "./IGroth16Verifier.sol";
import {Bn254} from "./libraries/Bn254.sol";

/// @title Groth16 on BN254, for four public signals
/// @notice One contract for every circuit instance: the key is given at deployment and kept in the code.
/// @dev Two keys that anybody can forge against are refused. gamma = ±delta: what snarkjs exports when no phase-2
/// contribution was made. And Meed's development key, whose secrets are public so that tests need no ceremony: its delta
/// is sha256("meed development key: delta") mod r times the G2 generator, and no other key has that delta.
contract Groth16Verifier is IGroth16Verifier {
    /// x of the development key's delta, imaginary part first; x alone also covers −delta.
    uint256 public constant DEVELOPMENT_DELTA_X1 =
        21143968729057999302115787582452985956821065258138870958822533271768036480642;
    uint256 public constant DEVELOPMENT_DELTA_X0 =
        3690447125038241572931432816337289511675275435568491449119848201216176909813;
    uint256 public constant DEVELOPMENT_CHAIN = 31337;

    error GammaEqualsDelta();
    error DevelopmentKeyOnPublicChain(uint256 chainId);
    error ZeroKeyPoint(uint256 word);
    error KeyPointNotOnCurve(uint256 word);

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
        _requireG1(key, 0);
        for (uint256 word = 2; word < 14; word += 4) _requireG2(key, word);
        for (uint256 word = 14; word < 24; word += 2) _requireG1(key, word);
        if (key[6] == key[10] && key[7] == key[11]) revert GammaEqualsDelta(); // equal x: gamma = ±delta
        bool development = key[10] == DEVELOPMENT_DELTA_X1 && key[11] == DEVELOPMENT_DELTA_X0;
        if (development && block.chainid != DEVELOPMENT_CHAIN) revert DevelopmentKeyOnPublicChain(block.chainid);
        keyHash = keccak256(abi.encode(key));
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
        uint256[2] memory input = [_ic0X, _ic0Y];
        _addProduct(input, _ic1X, _ic1Y, signals[0]);
        _addProduct(input, _ic2X, _ic2Y, signals[1]);
        _addProduct(input, _ic3X, _ic3Y, signals[2]);
        _addProduct(input, _ic4X, _ic4Y, signals[3]);
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

    /// @notice sum += scalar · (x, y); the points come from the key, so the precompiles cannot fail on them.
    function _addProduct(uint256[2] memory sum, uint256 x, uint256 y, uint256 scalar) private view {
        uint256[4] memory words = [sum[0], sum[1], x, y];
        bool works;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, x)
            mstore(add(free, 0x20), y)
            mstore(add(free, 0x40), scalar)
            works := staticcall(gas(), 7, free, 0x60, add(words, 0x40), 0x40)
            works := and(works, staticcall(gas(), 6, words, 0x80, sum, 0x40))
        }
        assert(works);
    }

    /// @dev The addition precompile refuses coordinates ≥ q and points off the curve.
    function _requireG1(uint256[24] memory key, uint256 word) private view {
        if (key[word] == 0 && key[word + 1] == 0) revert ZeroKeyPoint(word);
        bool works;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mcopy(free, add(key, shl(5, word)), 0x40)
            mstore(add(free, 0x40), 0)
            mstore(add(free, 0x60), 0)
            works := staticcall(gas(), 6, free, 0x80, 0, 0x40)
        }
        if (!works) revert KeyPointNotOnCurve(word);
    }

    /// @dev The pairing precompile refuses points off the curve or outside the subgroup, also beside a zero.
    function _requireG2(uint256[24] memory key, uint256 word) private view {
        if (key[word] | key[word + 1] | key[word + 2] | key[word + 3] == 0) revert ZeroKeyPoint(word);
        bool works;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, 0)
            mstore(add(free, 0x20), 0)
            mcopy(add(free, 0x40), add(key, shl(5, word)), 0x80)
            works := staticcall(gas(), 8, free, 0xc0, 0, 0x20)
        }
        if (!works) revert KeyPointNotOnCurve(word);
    }
}
