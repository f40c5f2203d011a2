// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {Challenge} from "../../../contracts/libraries/Challenge.sol";

/// Derives a challenge as a settlement does, over memory that was used before.
contract Challenger {
    function derive(Challenge.Place memory place, bytes calldata packed) external view returns (uint256) {
        assembly {
            // what the padding must not keep
            let free := mload(0x40)
            for { let i := 0 } lt(i, 0x1000) { i := add(i, 0x20) } { mstore(add(free, i), not(0)) }
        }
        return Challenge.derive(place, packed);
    }
}

contract ChallengeTest is Test {
    Challenger private challenger = new Challenger();

    /// By the definition, with the compiler's encoding.
    function expected(address settlement, Challenge.Place memory place, bytes memory packed)
        private
        view
        returns (uint256)
    {
        bytes memory encoded = abi.encode(
            block.chainid,
            settlement,
            place.circuitId,
            place.epoch,
            place.shard,
            place.batch,
            place.shardCommitment,
            place.queryBatchCommitment,
            place.contributorsHash,
            packed
        );
        return uint256(keccak256(encoded)) % Bn254.SCALAR_MODULUS;
    }

    function testFuzz_IsTheHashOfItsDefinition(Challenge.Place memory place, bytes memory packed, uint64 chain)
        public
    {
        vm.chainId(bound(chain, 1, type(uint64).max));
        assertEq(challenger.derive(place, packed), expected(address(challenger), place, packed));
    }

    function test_EveryLengthOfPadding() public view {
        Challenge.Place memory place;
        bytes memory packed = new bytes(0);
        for (uint256 length = 0; length <= 100; ++length) {
            assertEq(challenger.derive(place, packed), expected(address(challenger), place, packed));
            packed = abi.encodePacked(packed, bytes1(0xff));
        }
    }

    function testFuzz_EveryWordOfThePlaceCounts(Challenge.Place memory place, bytes memory packed, uint256 change)
        public
    {
        uint256 rho = challenger.derive(place, packed);
        change = bound(change, 1, type(uint256).max);
        for (uint256 word = 0; word < 7; ++word) {
            flip(place, word, change);
            assertNotEq(challenger.derive(place, packed), rho);
            flip(place, word, change);
        }
        assertEq(challenger.derive(place, packed), rho);
        assertNotEq(new Challenger().derive(place, packed), rho);
        vm.chainId(block.chainid + 1);
        assertNotEq(challenger.derive(place, packed), rho);
    }

    function testFuzz_EveryScoreCounts(Challenge.Place memory place, bytes memory packed, uint256 at) public view {
        vm.assume(packed.length > 0);
        uint256 rho = challenger.derive(place, packed);
        assertNotEq(challenger.derive(place, abi.encodePacked(packed, bytes1(0))), rho);
        packed[at % packed.length] ^= bytes1(uint8(1));
        assertNotEq(challenger.derive(place, packed), rho);
    }

    function flip(Challenge.Place memory place, uint256 word, uint256 change) private pure {
        assembly ("memory-safe") {
            let at := add(place, shl(5, word))
            mstore(at, xor(mload(at), change))
        }
    }
}
