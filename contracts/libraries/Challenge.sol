// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Bn254} from "./Bn254.sol";

/// @title The challenge rho and the score matrix's value at it
/// @notice rho depends on every score and on where they count (chain, contract, circuit, epoch, shard, batch), so a proof
/// for one place is worthless in any other, and scores cannot be chosen after rho is known.
/// @dev The trap: calldata words of an int64[] are only checked when Solidity reads them one by one. The loops below read
/// them raw, so they check themselves that each is the sign extension of its low 64 bits.
library Challenge {
    struct Place {
        bytes32 circuitId;
        uint256 epoch;
        uint256 shard;
        uint256 batch;
        uint256 shardCommitment;
        uint256 queryBatchCommitment;
        bytes32 contributorsHash;
    }

    error ScoreNotInt64();

    /// @notice keccak256(abi.encode(chainid, this, circuitId, epoch, shard, batch, commitments, contributorsHash, scores)) mod r
    function derive(Place memory place, int64[] calldata scores) internal view returns (uint256 rho) {
        uint256 modulus = Bn254.SCALAR_MODULUS;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, chainid())
            mstore(add(start, 0x20), address())
            mcopy(add(start, 0x40), place, 0xe0) // the seven words of Place
            mstore(add(start, 0x120), 0x140) // offset of the dynamic array
            mstore(add(start, 0x140), scores.length)
            let size := shl(5, scores.length)
            calldatacopy(add(start, 0x160), scores.offset, size)
            rho := mod(keccak256(start, add(0x160, size)), modulus)
        }
    }

    /// @notice Σ scores[i]·rho^i mod r, by Horner's rule from the last score down.
    function evaluate(int64[] calldata scores, uint256 rho) internal pure returns (uint256 value) {
        uint256 modulus = Bn254.SCALAR_MODULUS;
        uint256 stray = 0;
        assembly ("memory-safe") {
            let at := add(scores.offset, shl(5, scores.length))
            for {} gt(at, scores.offset) {} {
                at := sub(at, 0x20)
                let score := calldataload(at)
                stray := or(stray, xor(score, signextend(7, score)))
                // score + r is r − |score| for a negative score, and positive in any case
                value := addmod(mulmod(value, rho, modulus), add(score, modulus), modulus)
            }
        }
        if (stray != 0) revert ScoreNotInt64();
    }
}
