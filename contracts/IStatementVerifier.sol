// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title Verifier of proofs of one circuit, whatever its number of public signals
interface IStatementVerifier {
    /// @notice keccak256 of the key's words
    function keyHash() external view returns (bytes32);

    /// @notice Number of public signals.
    function signalCount() external view returns (uint256);

    /// @param proof A.x A.y | B.x1 B.x0 B.y1 B.y0 | C.x C.y
    /// @param signals in the circuit's order; false for another number of them
    function verify(uint256[8] calldata proof, uint256[] calldata signals) external view returns (bool);
}
