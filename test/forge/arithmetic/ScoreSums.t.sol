// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {ScoreSums} from "../../../contracts/libraries/ScoreSums.sol";
import {Scores} from "../support/Scores.sol";

/// The library behind calls of its own: calldata as in a settlement.
contract Adder {
    function evaluate(bytes calldata packed, address[] calldata slotContributors, uint256 queries, uint256 rho)
        external
        pure
        returns (uint256 value, address[] memory contributors, int64[] memory sums, bytes memory packedSums)
    {
        ScoreSums.Sums memory found;
        (value, found) = ScoreSums.evaluate(packed, slotContributors, queries, rho);
        return (value, found.contributors, found.values, ScoreSums.pack(found.values));
    }
}

/// Scores one by one in the test against the packed, unrolled pass of the contract.
contract ScoreSumsTest is Test {
    uint256 private constant R = Bn254.SCALAR_MODULUS;
    Adder private adder = new Adder();

    /// Slots with few owners, each in one run, some unused; scores all over their range, small ones and the ends among them.
    function matrixOf(uint256 seed, uint256 slots, uint256 queries)
        private
        pure
        returns (address[] memory owners, int64[] memory scores)
    {
        owners = new address[](slots);
        scores = new int64[](slots * queries);
        uint160 last = 1;
        for (uint256 k = 0; k < slots; ++k) {
            uint256 choice = uint256(keccak256(abi.encode(seed, k))) % 4;
            if (choice == 0) continue;
            if (choice == 1) ++last;
            owners[k] = address(last);
            for (uint256 q = 0; q < queries; ++q) {
                uint256 random = uint256(keccak256(abi.encode(seed, k, q)));
                int256 magnitude = random % 3 == 0 ? int256(2) : int256(2 ** 39);
                scores[k * queries + q] = int64(int256((random >> 8) % uint256(2 * magnitude)) - magnitude);
            }
        }
    }

    function testFuzz_ValueAndSumsAreThoseOfTheDefinition(uint256 seed, uint256 slots, uint256 queries, uint256 rho)
        public
        view
    {
        (slots, queries, rho) = (bound(slots, 1, 6), bound(queries, 1, 19), bound(rho, 0, R - 1));
        (address[] memory owners, int64[] memory scores) = matrixOf(seed, slots, queries);
        (uint256 value, address[] memory contributors, int64[] memory sums, bytes memory packedSums) =
            adder.evaluate(Scores.pack(scores), owners, queries, rho);
        assertEq(value, Scores.evaluate(scores, rho));
        (address[] memory expected, int64[] memory totals) = Scores.sumsOf(scores, owners, queries);
        assertEq(contributors, expected);
        assertEq(sums.length, totals.length);
        for (uint256 i = 0; i < sums.length; ++i) assertEq(sums[i], totals[i]);
        assertEq(packedSums, Scores.packSums(totals));
    }

    /// A score is bound by the value: another one has another value, but for at most S·Q values of rho in r.
    function testFuzz_AnotherScoreHasAnotherValue(uint256 seed, uint256 at, uint256 rho) public view {
        rho = bound(rho, 2 ** 100, R - 1);
        (address[] memory owners, int64[] memory scores) = matrixOf(seed, 3, 5);
        for (uint256 k = 0; k < 3; ++k) if (owners[k] == address(0)) owners[k] = address(1);
        (uint256 value,,,) = adder.evaluate(Scores.pack(scores), owners, 5, rho);
        at %= 15;
        scores[at] = scores[at] == 7 ? int64(8) : int64(7);
        (uint256 other,,,) = adder.evaluate(Scores.pack(scores), owners, 5, rho);
        assertNotEq(value, other);
    }

    function testFuzz_AttackAScoreAtAnUnusedSlot(uint256 at) public {
        address[] memory owners = new address[](3);
        (owners[0], owners[2]) = (address(1), address(2));
        bytes memory packed = new bytes(3 * 4 * 5);
        at = bound(at, 20, 39);
        packed[at] = bytes1(uint8(1));
        vm.expectRevert(abi.encodeWithSelector(ScoreSums.UnusedSlotScored.selector, 1));
        adder.evaluate(packed, owners, 4, 5);
        packed[at] = 0;
        packed[19] = bytes1(uint8(1));
        packed[40] = bytes1(uint8(1));
        adder.evaluate(packed, owners, 4, 5);
    }

    /// 256 slots of the largest scores: what the sums' six bytes must hold.
    function test_TheLargestSumsFit() public view {
        for (uint256 sign = 0; sign < 2; ++sign) {
            int64 score = sign == 0 ? int64(2 ** 39 - 1) : -int64(2 ** 39);
            address[] memory owners = new address[](256);
            int64[] memory scores = new int64[](256);
            for (uint256 k = 0; k < 256; ++k) (owners[k], scores[k]) = (address(1), score);
            (,, int64[] memory sums, bytes memory packedSums) = adder.evaluate(Scores.pack(scores), owners, 1, 5);
            assertEq(sums[0], 256 * score);
            assertEq(packedSums, abi.encodePacked(int48(256 * score)));
        }
    }
}
