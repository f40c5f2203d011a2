// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title Verifier of ScoreMatrix proofs
interface IGroth16Verifier {
    /// @notice keccak256(abi.encode(uint256[24] key words))
    function keyHash() external view returns (bytes32);

    /// @param proof A.x A.y | B.x1 B.x0 B.y1 B.y0 | C.x C.y
    /// @param signals shardCommitment, queryBatchCommitment, rho, evaluation
    function verify(uint256[8] calldata proof, uint256[4] calldata signals) external view returns (bool);

    /// @notice Whether all the proofs hold: false for none at all, and for lists of different lengths.
    /// @param proofs as in verify
    /// @param signals of each proof, as in verify
    function verifyBatch(uint256[8][] calldata proofs, uint256[4][] calldata signals) external view returns (bool);
}
