// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Bn254} from "./Bn254.sol";

/// @title The challenge rho
/// @notice rho depends on every score and on where they count (chain, contract, circuit, epoch, shard, batch), so a proof
/// for one place is worthless in any other, and scores cannot be chosen after rho is known.
/// @dev Scores come packed, five bytes each: a word each would cost three times as much calldata, and six times for negative
/// ones. They are hashed as they come: five bytes say one number only, so nobody can write the same scores otherwise.
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

    /// @notice keccak256(abi.encode(chainid, this, circuitId, epoch, shard, batch, commitments, contributorsHash,
    /// bytes packedScores)) mod r
    function derive(Place memory place, bytes calldata packed) internal view returns (uint256 rho) {
        uint256 modulus = Bn254.SCALAR_MODULUS;
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore(start, chainid())
            mstore(add(start, 0x20), address())
            mcopy(add(start, 0x40), place, 0xe0) // the seven words of Place
            mstore(add(start, 0x120), 0x140) // offset of the bytes
            mstore(add(start, 0x140), packed.length)
            let to := add(start, 0x160)
            let padded := and(add(packed.length, 0x1f), not(0x1f))
            mstore(add(to, sub(padded, 0x20)), 0) // the padding, where there is one
            mstore(sub(to, 0x20), packed.length) // again, for no bytes at all
            calldatacopy(to, packed.offset, packed.length)
            rho := mod(keccak256(start, sub(add(to, padded), start)), modulus)
        }
    }
}
