// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title What a Groth16 verification key must be before anything is trusted to it
/// @notice Two keys that anybody can forge against are refused. gamma = ±delta: what snarkjs exports when no phase-2
/// contribution was made. And Meed's development key, whose secrets are public so that tests need no ceremony: its delta
/// is sha256("meed development key: delta") mod r times the G2 generator, and no other key has that delta.
/// @dev A key is alpha | beta | gamma | delta | IC_0 … IC_n, n being the number of public signals, G2 coordinates with
/// the imaginary part first: 16 + 2n words.
library Groth16Key {
    /// x of the development key's delta, imaginary part first; x alone also covers −delta.
    uint256 internal constant DEVELOPMENT_DELTA_X1 =
        21143968729057999302115787582452985956821065258138870958822533271768036480642;
    uint256 internal constant DEVELOPMENT_DELTA_X0 =
        3690447125038241572931432816337289511675275435568491449119848201216176909813;
    uint256 internal constant DEVELOPMENT_CHAIN = 31337;

    uint256 internal constant BETA = 2;
    uint256 internal constant GAMMA = 6;
    uint256 internal constant DELTA = 10;
    uint256 internal constant INPUT = 14;

    error WrongKeyLength(uint256 words);
    error GammaEqualsDelta();
    error DevelopmentKeyOnPublicChain(uint256 chainId);
    error ZeroKeyPoint(uint256 word);
    error KeyPointNotOnCurve(uint256 word);

    /// @notice Reverts unless every point is one of its group and the key is none that anybody can forge against.
    function requireSound(uint256[] memory key) internal view {
        if (key.length < INPUT + 4 || key.length % 2 != 0) revert WrongKeyLength(key.length);
        _requireG1(key, 0);
        for (uint256 word = BETA; word < INPUT; word += 4) _requireG2(key, word);
        for (uint256 word = INPUT; word < key.length; word += 2) _requireG1(key, word);
        // equal x: gamma = ±delta
        if (key[GAMMA] == key[DELTA] && key[GAMMA + 1] == key[DELTA + 1]) revert GammaEqualsDelta();
        bool development = key[DELTA] == DEVELOPMENT_DELTA_X1 && key[DELTA + 1] == DEVELOPMENT_DELTA_X0;
        if (development && block.chainid != DEVELOPMENT_CHAIN) revert DevelopmentKeyOnPublicChain(block.chainid);
    }

    /// @notice keccak256 of the words, as abi.encode of an array of fixed length gives them.
    function hash(uint256[] memory key) internal pure returns (bytes32 result) {
        assembly ("memory-safe") {
            result := keccak256(add(key, 0x20), shl(5, mload(key)))
        }
    }

    /// @dev The addition precompile refuses coordinates ≥ q and points off the curve.
    function _requireG1(uint256[] memory key, uint256 word) private view {
        if (key[word] == 0 && key[word + 1] == 0) revert ZeroKeyPoint(word);
        bool works;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mcopy(free, add(key, shl(5, add(word, 1))), 0x40)
            mstore(add(free, 0x40), 0)
            mstore(add(free, 0x60), 0)
            works := staticcall(gas(), 6, free, 0x80, 0, 0x40)
        }
        if (!works) revert KeyPointNotOnCurve(word);
    }

    /// @dev The pairing precompile refuses points off the curve or outside the subgroup, also beside a zero.
    function _requireG2(uint256[] memory key, uint256 word) private view {
        if (key[word] | key[word + 1] | key[word + 2] | key[word + 3] == 0) revert ZeroKeyPoint(word);
        bool works;
        assembly ("memory-safe") {
            let free := mload(0x40)
            mstore(free, 0)
            mstore(add(free, 0x20), 0)
            mcopy(add(free, 0x40), add(key, shl(5, add(word, 1))), 0x80)
            works := staticcall(gas(), 8, free, 0xc0, 0, 0x20)
        }
        if (!works) revert KeyPointNotOnCurve(word);
    }
}
