// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {IPayoutPolicy} from "../../../contracts/IPayoutPolicy.sol";
import {PooledPerBatch} from "../../../contracts/policies/PooledPerBatch.sol";
import {PositivePart} from "../../../contracts/policies/PositivePart.sol";
import {Scores} from "../support/Scores.sol";

/// What every policy owes the settlement: its answers do not depend on how accounts are grouped or how wide a sum is
/// written, and it gives out no more than there is. And what each of the two is: its formula, one account at a time.
contract PayoutPoliciesTest is Test {
    uint256 private constant ACCOUNTS = 5;
    uint256 private constant QUERIES = 3;

    IPayoutPolicy private positivePart = new PositivePart();
    IPayoutPolicy private pooled = new PooledPerBatch();

    struct Case {
        uint256[] pools;
        int64[] sums;
    }

    /// Pools of all sizes, below 2^96 together, and sums that fit six bytes; small ones and zeros among both.
    function caseOf(uint256 seed) private pure returns (Case memory made) {
        (made.pools, made.sums) = (new uint256[](QUERIES), new int64[](ACCOUNTS * QUERIES));
        for (uint256 q = 0; q < QUERIES; ++q) {
            uint256 random = uint256(keccak256(abi.encode(seed, q)));
            made.pools[q] = random % 3 == 0 ? random >> 250 : random >> 162;
        }
        for (uint256 i = 0; i < made.sums.length; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, "sum", i)));
            int64 magnitude = random % 4 == 0 ? int64(2) : int64(2 ** 47);
            made.sums[i] = int64(int256((random >> 8) % uint256(uint64(2 * magnitude)))) - magnitude;
        }
    }

    function rowsOf(int64[] memory sums, uint256 from, uint256 to, uint256 width) private pure returns (bytes memory) {
        int64[] memory part = new int64[]((to - from) * QUERIES);
        for (uint256 i = 0; i < part.length; ++i) part[i] = sums[from * QUERIES + i];
        if (width == 6) return Scores.packSums(part);
        bytes memory rows;
        for (uint256 i = 0; i < part.length; ++i) rows = abi.encodePacked(rows, int256(part[i]));
        return rows;
    }

    function testFuzz_TheGroupsAndTheWidthChangeNothing(uint256 seed, uint256 cut) public view {
        Case memory c = caseOf(seed);
        cut = bound(cut, 1, ACCOUNTS - 1);
        for (uint256 i = 0; i < 2; ++i) {
            IPayoutPolicy policy = i == 0 ? positivePart : pooled;
            uint256[] memory weights = policy.weigh(c.pools, new uint256[](0), rowsOf(c.sums, 0, ACCOUNTS, 6), 6);
            uint256[] memory parts = policy.weigh(c.pools, new uint256[](0), rowsOf(c.sums, cut, ACCOUNTS, 32), 32);
            parts = policy.weigh(c.pools, parts, rowsOf(c.sums, 0, cut, 6), 6);
            assertEq(parts, weights);
            uint256[] memory amounts = policy.share(c.pools, weights, rowsOf(c.sums, 0, ACCOUNTS, 6), 6);
            uint256[] memory first = policy.share(c.pools, weights, rowsOf(c.sums, 0, cut, 32), 32);
            uint256[] memory rest = policy.share(c.pools, weights, rowsOf(c.sums, cut, ACCOUNTS, 6), 6);
            assertEq(first.length + rest.length, ACCOUNTS);
            for (uint256 a = 0; a < ACCOUNTS; ++a) assertEq(amounts[a], a < cut ? first[a] : rest[a - cut]);
        }
    }

    function testFuzz_NoMoreIsGivenThanThereIsAndLittleIsLeft(uint256 seed) public view {
        Case memory c = caseOf(seed);
        uint256 whole = c.pools[0] + c.pools[1] + c.pools[2];
        (uint256 byReceipt, uint256 earned) = (sum(amountsOf(positivePart, c)), 0);
        for (uint256 q = 0; q < QUERIES; ++q) {
            for (uint256 a = 0; a < ACCOUNTS; ++a) {
                if (c.sums[a * QUERIES + q] <= 0) continue;
                earned += c.pools[q];
                break;
            }
        }
        assertLe(byReceipt, earned);
        assertLe(earned - byReceipt, ACCOUNTS * QUERIES); // a unit each at most
        uint256 inAll = sum(amountsOf(pooled, c));
        assertLe(inAll, whole);
        assertTrue(inAll == 0 || whole - inAll <= ACCOUNTS);
    }

    function testFuzz_ThePositivePartIsPaidReceiptByReceipt(uint256 seed) public view {
        Case memory c = caseOf(seed);
        uint256[] memory amounts = amountsOf(positivePart, c);
        for (uint256 a = 0; a < ACCOUNTS; ++a) {
            uint256 expected = 0;
            for (uint256 q = 0; q < QUERIES; ++q) {
                uint256 all = 0;
                for (uint256 b = 0; b < ACCOUNTS; ++b) all += positive(c.sums[b * QUERIES + q]);
                if (all > 0) expected += c.pools[q] * positive(c.sums[a * QUERIES + q]) / all;
            }
            assertEq(amounts[a], expected);
        }
    }

    function testFuzz_PooledIsTheNetClaimOverTheBatch(uint256 seed) public view {
        Case memory c = caseOf(seed);
        uint256[] memory claims = new uint256[](ACCOUNTS);
        uint256 all = 0;
        for (uint256 a = 0; a < ACCOUNTS; ++a) {
            claims[a] = positive(claimOf(c, a));
            all += claims[a];
        }
        uint256[] memory amounts = amountsOf(pooled, c);
        uint256 whole = c.pools[0] + c.pools[1] + c.pools[2];
        for (uint256 a = 0; a < ACCOUNTS; ++a) assertEq(amounts[a], all == 0 ? 0 : whole * claims[a] / all);
    }

    function test_NobodyPositiveNobodyPaid() public view {
        Case memory c = caseOf(1);
        for (uint256 i = 0; i < c.sums.length; ++i) c.sums[i] = i % 2 == 0 ? int64(0) : int64(-5);
        assertEq(sum(amountsOf(positivePart, c)), 0);
        assertEq(sum(amountsOf(pooled, c)), 0);
    }

    /// Whoever splits into two accounts with half of every sum each gets what it got, but for rounding.
    function testFuzz_AttackSplittingEvenlyGainsNothing(uint256 seed) public view {
        Case memory c = caseOf(seed);
        for (uint256 q = 0; q < QUERIES; ++q) (c.sums[q], c.sums[QUERIES + q]) = (c.sums[q] / 2, c.sums[q] / 2);
        Case memory merged = Case(c.pools, new int64[](c.sums.length));
        for (uint256 i = 0; i < c.sums.length; ++i) merged.sums[i] = c.sums[i];
        for (uint256 q = 0; q < QUERIES; ++q) (merged.sums[q], merged.sums[QUERIES + q]) = (2 * c.sums[q], 0);
        for (uint256 i = 0; i < 2; ++i) {
            IPayoutPolicy policy = i == 0 ? positivePart : pooled;
            uint256[] memory apart = amountsOf(policy, c);
            assertLe(apart[0] + apart[1], amountsOf(policy, merged)[0]);
        }
    }

    function amountsOf(IPayoutPolicy policy, Case memory c) private view returns (uint256[] memory) {
        bytes memory rows = rowsOf(c.sums, 0, ACCOUNTS, 6);
        return policy.share(c.pools, policy.weigh(c.pools, new uint256[](0), rows, 6), rows, 6);
    }

    function claimOf(Case memory c, uint256 a) private pure returns (int256 claim) {
        for (uint256 q = 0; q < QUERIES; ++q) claim += int256(c.pools[q]) * c.sums[a * QUERIES + q];
    }

    function positive(int256 value) private pure returns (uint256) {
        return value > 0 ? uint256(value) : 0;
    }

    function sum(uint256[] memory values) private pure returns (uint256 all) {
        for (uint256 i = 0; i < values.length; ++i) all += values[i];
    }
}
