// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Bn254} from "../../../contracts/libraries/Bn254.sol";

/// @title Verification keys whose secrets are known, and the proofs that anybody can forge with them
/// @notice beta = gamma = the generator of G2, delta = twice it; alpha and the inputs are small multiples of G1's. So with
/// B = the generator of G2 the equation of Groth16 is a = alpha + input + 2c in the exponent, and every c makes a proof of
/// any signals. No circuit is needed to test who believes a proof, and what for.
library TestKeys {
    uint256 private constant G2_X1 = 11559732032986387107991004021392285783925812861821192530917403151452391805634;
    uint256 private constant G2_X0 = 10857046999023057135944570762232829481370756359578518086990519993285655852781;
    uint256 private constant G2_Y1 = 4082367875863433681332203403145435568316851327593401208105741076214120093531;
    uint256 private constant G2_Y0 = 8495653923123431417604973247489272438418190587263600148770280649306958101930;
    uint256 private constant DOUBLE_X1 = 14583779054894525174450323658765874724019480979794335525732096752006891875705;
    uint256 private constant DOUBLE_X0 = 18029695676650738226693292988307914797657423701064905010927197838374790804409;
    uint256 private constant DOUBLE_Y1 = 11474861747383700316476719153975578001603231366361248090558603872215261634898;
    uint256 private constant DOUBLE_Y0 = 2140229616977736810657479771656733941598412651537078903776637920509952744750;

    /// @param first a small number above zero; another one makes another key
    /// @return key of a score matrix: four signals
    function words(uint256 first) internal view returns (uint256[24] memory key) {
        uint256[] memory any = statement(first, 4);
        for (uint256 i = 0; i < 24; ++i) key[i] = any[i];
    }

    /// @notice The key of a circuit with so many signals.
    function statement(uint256 first, uint256 signals) internal view returns (uint256[] memory key) {
        key = new uint256[](16 + 2 * signals);
        (key[0], key[1]) = multiple(first);
        for (uint256 word = 2; word < 10; word += 4) {
            (key[word], key[word + 1], key[word + 2], key[word + 3]) = (G2_X1, G2_X0, G2_Y1, G2_Y0);
        }
        (key[10], key[11], key[12], key[13]) = (DOUBLE_X1, DOUBLE_X0, DOUBLE_Y1, DOUBLE_Y0);
        for (uint256 i = 0; i <= signals; ++i) {
            (key[14 + 2 * i], key[15 + 2 * i]) = multiple(first + i + 1);
        }
    }

    /// @notice A proof of these signals, a different one for each c.
    function forge(uint256 first, uint256[] memory signals, uint256 c) internal view returns (uint256[8] memory) {
        return proofOf(exponentOfA(first, signals, c), c);
    }

    /// @notice As `forge`, for the four signals of a score matrix.
    function forge(uint256 first, uint256[4] memory signals, uint256 c) internal view returns (uint256[8] memory) {
        return forge(first, listOf(signals), c);
    }

    function listOf(uint256[4] memory signals) internal pure returns (uint256[] memory list) {
        list = new uint256[](4);
        for (uint256 i = 0; i < 4; ++i) list[i] = signals[i];
    }

    /// @notice What a must be for these signals and this c.
    function exponentOfA(uint256 first, uint256[] memory signals, uint256 c) internal pure returns (uint256 a) {
        uint256 r = Bn254.SCALAR_MODULUS;
        a = addmod(2 * first + 1, mulmod(2, c, r), r);
        for (uint256 i = 0; i < signals.length; ++i) a = addmod(a, mulmod(signals[i], first + i + 2, r), r);
    }

    /// @notice The proof a·G1, G2, c·G1.
    function proofOf(uint256 a, uint256 c) internal view returns (uint256[8] memory proof) {
        (proof[0], proof[1]) = multiple(a);
        (proof[2], proof[3], proof[4], proof[5]) = (G2_X1, G2_X0, G2_Y1, G2_Y0);
        (proof[6], proof[7]) = multiple(c);
    }

    /// @notice scalar · (1, 2), by the precompile
    function multiple(uint256 scalar) internal view returns (uint256 x, uint256 y) {
        (bool works, bytes memory point) = address(7).staticcall(abi.encode(uint256(1), uint256(2), scalar));
        require(works, "the multiplication precompile refused");
        return abi.decode(point, (uint256, uint256));
    }
}
