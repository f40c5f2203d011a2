// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title Verification keys of no circuit, for tests that need a real verifier and no proof
/// @notice beta = gamma = the generator of G2, delta = twice it; alpha and the inputs are small multiples of G1's.
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
    function words(uint256 first) internal view returns (uint256[24] memory key) {
        (key[0], key[1]) = _multiple(first);
        for (uint256 word = 2; word < 10; word += 4) {
            (key[word], key[word + 1], key[word + 2], key[word + 3]) = (G2_X1, G2_X0, G2_Y1, G2_Y0);
        }
        (key[10], key[11], key[12], key[13]) = (DOUBLE_X1, DOUBLE_X0, DOUBLE_Y1, DOUBLE_Y0);
        for (uint256 i = 0; i < 5; ++i) {
            (key[14 + 2 * i], key[15 + 2 * i]) = _multiple(first + i + 1);
        }
    }

    /// @notice The same for a statement of this many signals.
    function statement(uint256 first, uint256 signals) internal view returns (uint256[] memory key) {
        uint256[24] memory four = words(first);
        key = new uint256[](16 + 2 * signals);
        for (uint256 word = 0; word < 14; ++word) key[word] = four[word];
        for (uint256 i = 0; i <= signals; ++i) {
            (key[14 + 2 * i], key[15 + 2 * i]) = _multiple(first + i + 1);
        }
    }

    /// @notice scalar · (1, 2), by the precompile
    function _multiple(uint256 scalar) private view returns (uint256 x, uint256 y) {
        (bool works, bytes memory point) = address(7).staticcall(abi.encode(uint256(1), uint256(2), scalar));
        require(works, "the multiplication precompile refused");
        return abi.decode(point, (uint256, uint256));
    }
}
