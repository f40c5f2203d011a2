// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Bn254} from "./Bn254.sol";

/// @title The challenge rho and the score matrix's value at it
/// @notice rho depends on every score and on where they count (chain, contract, circuit, epoch, shard, batch), so a proof
/// for one place is worthless in any other, and scores cannot be chosen after rho is known.
/// @dev Scores come packed, five bytes each: a word each would cost three times as much calldata, and six times for negative
/// ones. They are unpacked once, behind the head of what is hashed, so that nothing is copied.
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

    /// Bytes of a packed score: two's complement, most significant first. Proven scores are below 2^39 in magnitude.
    uint256 internal constant SCORE_BYTES = 5;

    /// @notice keccak256(abi.encode(chainid, this, circuitId, epoch, shard, batch, commitments, contributorsHash, scores)) mod r
    /// @return rho the challenge
    /// @return scores as int64, one a word
    function derive(Place memory place, bytes calldata packed)
        internal
        view
        returns (uint256 rho, int64[] memory scores)
    {
        uint256 modulus = Bn254.SCALAR_MODULUS;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, chainid())
            mstore(add(start, 0x20), address())
            mcopy(add(start, 0x40), place, 0xe0) // the seven words of Place
            mstore(add(start, 0x120), 0x140) // offset of the dynamic array
            scores := add(start, 0x140)
            let count := div(packed.length, SCORE_BYTES)
            mstore(scores, count)
            let to := add(scores, 0x20)
            let end := add(to, shl(5, count))
            for { let at := packed.offset } lt(to, end) { at := add(at, SCORE_BYTES) } {
                mstore(to, sar(216, calldataload(at)))
                to := add(to, 0x20)
            }
            mstore(0x40, end)
            rho := mod(keccak256(start, sub(end, start)), modulus)
        }
    }

    /// @notice Σ scores[i]·rho^i mod r, by Horner's rule from the last score down.
    function evaluate(int64[] memory scores, uint256 rho) internal pure returns (uint256 value) {
        uint256 modulus = Bn254.SCALAR_MODULUS;
        assembly ("memory-safe") {
            for { let at := add(scores, shl(5, mload(scores))) } gt(at, scores) { at := sub(at, 0x20) } {
                // score + r is r − |score| for a negative score, and positive in any case
                value := addmod(mulmod(value, rho, modulus), add(mload(at), modulus), modulus)
            }
        }
    }
}
