// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title The two moduli of BN254
library Bn254 {
    /// Order of the groups: public signals, commitments and challenges are below it.
    uint256 internal constant SCALAR_MODULUS =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;
    /// Modulus of the base field: coordinates of points are below it.
    uint256 internal constant BASE_MODULUS =
        21888242871839275222246405745257275088696311157297823662689037894645226208583;

    error NotAFieldElement(uint256 value);
    error ZeroFieldElement();

    /// @notice Reverts unless 0 < value < r: a commitment of zero is always a mistake or an attack.
    function requireCommitment(uint256 value) internal pure {
        if (value == 0) revert ZeroFieldElement();
        if (value >= SCALAR_MODULUS) revert NotAFieldElement(value);
    }
}
