// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";

/// The library behind a call of its own, so that a test can see it revert.
contract FieldChecks {
    function requireCommitment(uint256 value) external pure {
        Bn254.requireCommitment(value);
    }
}

contract Bn254Test is Test {
    FieldChecks private checks = new FieldChecks();

    function testFuzz_ACommitmentIsAboveZeroAndBelowR(uint256 value) public {
        value = bound(value, 1, Bn254.SCALAR_MODULUS - 1);
        checks.requireCommitment(value);
        uint256 beyond = bound(value, Bn254.SCALAR_MODULUS, type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(Bn254.NotAFieldElement.selector, beyond));
        checks.requireCommitment(beyond);
    }

    function test_TheEnds() public {
        vm.expectRevert(Bn254.ZeroFieldElement.selector);
        checks.requireCommitment(0);
        checks.requireCommitment(1);
        checks.requireCommitment(Bn254.SCALAR_MODULUS - 1);
        vm.expectRevert(abi.encodeWithSelector(Bn254.NotAFieldElement.selector, Bn254.SCALAR_MODULUS));
        checks.requireCommitment(Bn254.SCALAR_MODULUS);
    }

    /// By the curve itself: r is the order of the generator, and a coordinate equal to q is none.
    function test_TheModuliAreThoseOfThePrecompiles() public view {
        (bool works, bytes memory point) =
            address(7).staticcall(abi.encode(uint256(1), uint256(2), Bn254.SCALAR_MODULUS));
        assertTrue(works);
        assertEq(point, abi.encode(uint256(0), uint256(0)));
        (works, point) = address(7).staticcall(abi.encode(uint256(1), uint256(2), Bn254.SCALAR_MODULUS - 1));
        assertEq(point, abi.encode(uint256(1), Bn254.BASE_MODULUS - 2));
        (works,) = address(7).staticcall(abi.encode(Bn254.BASE_MODULUS + 1, uint256(2), uint256(1)));
        assertFalse(works);
    }
}
