// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {FeeSplit} from "../../../contracts/libraries/FeeSplit.sol";

/// What must hold of any split, whatever the arithmetic: whole to the last unit, and nobody but the pool gets more than
/// the share that was agreed.
contract FeeSplitTest is Test {
    uint256 private constant WHOLE = 10_000;

    struct Policy {
        uint256 platform;
        uint256 beta;
        uint256 gamma;
    }

    function policyOf(uint256 platform, uint256 beta, uint256 gamma) private pure returns (Policy memory policy) {
        policy.platform = bound(platform, 0, WHOLE);
        policy.beta = bound(beta, 0, WHOLE);
        policy.gamma = bound(gamma, 0, WHOLE - policy.beta);
    }

    function split(uint256 fee, Policy memory policy) private pure returns (FeeSplit.Parts memory) {
        return FeeSplit.split(fee, policy.platform, policy.beta, policy.gamma);
    }

    function testFuzz_ThePartsAreTheFee(uint96 fee, uint256 platform, uint256 beta, uint256 gamma) public pure {
        FeeSplit.Parts memory parts = split(fee, policyOf(platform, beta, gamma));
        assertEq(parts.platform + parts.modelOwner + parts.stakers + parts.pool, fee);
    }

    /// part ≤ exact < part + 1, in ten-thousandths of units so that nothing is divided here.
    function testFuzz_OnlyThePoolIsRoundedUp(uint96 fee, uint256 platform, uint256 beta, uint256 gamma) public pure {
        Policy memory policy = policyOf(platform, beta, gamma);
        FeeSplit.Parts memory parts = split(fee, policy);
        uint256 net = fee - parts.platform;
        roundedDown(parts.platform, fee * policy.platform);
        roundedDown(parts.modelOwner, net * policy.beta);
        roundedDown(parts.stakers, net * policy.gamma);
        assertGe(parts.pool * WHOLE, net * (WHOLE - policy.beta - policy.gamma));
        assertLt(parts.pool * WHOLE, net * (WHOLE - policy.beta - policy.gamma) + 2 * WHOLE);
    }

    function roundedDown(uint256 part, uint256 exact) private pure {
        assertLe(part * WHOLE, exact);
        assertLt(exact, (part + 1) * WHOLE);
    }

    /// No part shrinks when the fee grows, so that nobody gains by splitting a receipt in two but by rounding: four units.
    function testFuzz_AHigherFeePaysNobodyLess(uint96 fee, uint96 more, uint256 platform, uint256 beta, uint256 gamma)
        public
        pure
    {
        Policy memory policy = policyOf(platform, beta, gamma);
        FeeSplit.Parts memory less = split(fee, policy);
        FeeSplit.Parts memory both = split(uint256(fee) + more, policy);
        assertGe(both.platform, less.platform);
        assertGe(both.modelOwner, less.modelOwner);
        assertGe(both.stakers, less.stakers);
        FeeSplit.Parts memory rest = split(more, policy);
        assertApproxEqAbs(both.pool, less.pool + rest.pool, 4);
    }

    function test_TheEnds() public pure {
        FeeSplit.Parts memory parts = FeeSplit.split(type(uint96).max, 10_000, 3000, 1000);
        assertEq(parts.platform, type(uint96).max);
        parts = FeeSplit.split(type(uint96).max, 0, 0, 0);
        assertEq(parts.pool, type(uint96).max);
        parts = FeeSplit.split(type(uint96).max, 0, 10_000, 0);
        assertEq(parts.modelOwner, type(uint96).max);
        parts = FeeSplit.split(1, 9_999, 9_999, 1);
        assertEq(parts.pool, 1);
        parts = FeeSplit.split(1_000_003, 500, 3000, 1000); // 50,000 of the fee; 285,000.9 and 95,000.3 of 950,003
        assertEq(parts.platform, 50_000);
        assertEq(parts.modelOwner, 285_000);
        assertEq(parts.stakers, 95_000);
        assertEq(parts.pool, 570_003);
    }
}
