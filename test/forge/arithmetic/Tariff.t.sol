// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {Tariff} from "../../../contracts/libraries/Tariff.sol";

/// The library behind a call of its own, so that a test can see it revert.
contract Meter {
    function feeOf(Tariff.Rates memory rates, uint256 tokensIn, uint256 tokensOut) external pure returns (uint96) {
        return Tariff.feeOf(rates, tokensIn, tokensOut);
    }
}

contract TariffTest is Test {
    Meter private meter = new Meter();

    /// Rates and tokens whose fee stays below 2^30 quanta.
    function small(Tariff.Rates memory rates) private pure {
        rates.input %= 2 ** 15;
        rates.output %= 2 ** 15;
        rates.platform %= 2 ** 15;
    }

    /// exact − 1 quantum < fee ≤ exact, in thousandths of quanta so that nothing is divided here.
    function testFuzz_ThePayerKeepsWhatIsLeftOfAQuantum(Tariff.Rates memory rates, uint24 tokensIn, uint24 tokensOut)
        public
        view
    {
        small(rates);
        uint256 exact =
            uint256(tokensIn) * rates.input + uint256(tokensOut) * rates.output + 1000 * uint256(rates.platform);
        uint256 fee = meter.feeOf(rates, tokensIn, tokensOut);
        assertEq(fee % 1e9, 0);
        assertLe(fee / 1e9 * 1000, exact);
        assertLt(exact, (fee / 1e9 + 1) * 1000);
    }

    function testFuzz_MoreTokensNeverCostLess(Tariff.Rates memory rates, uint24 tokensIn, uint24 tokensOut) public view {
        small(rates);
        uint256 fee = meter.feeOf(rates, tokensIn, tokensOut);
        assertGe(meter.feeOf(rates, uint256(tokensIn) + 1, tokensOut), fee);
        assertGe(meter.feeOf(rates, tokensIn, uint256(tokensOut) + 1), fee);
    }

    /// What folds count on: no fee reaches 2^30 quanta, and no product overflows on the way to saying so.
    function testFuzz_AFeeOf2To30QuantaOrMoreIsRefused(Tariff.Rates memory rates, uint32 tokensIn, uint32 tokensOut)
        public
    {
        uint256 quanta = (uint256(tokensIn) * rates.input + uint256(tokensOut) * rates.output) / 1000 + rates.platform;
        if (quanta >= 2 ** 30) vm.expectRevert(abi.encodeWithSelector(Tariff.FeeTooLarge.selector, quanta));
        uint96 fee = meter.feeOf(rates, tokensIn, tokensOut);
        if (quanta < 2 ** 30) assertEq(fee, quanta * 1e9);
    }

    function test_TheEnds() public {
        assertEq(meter.feeOf(Tariff.Rates(0, 0, 2 ** 30 - 1), 0, 0), (2 ** 30 - 1) * 1e9);
        vm.expectRevert(abi.encodeWithSelector(Tariff.FeeTooLarge.selector, 2 ** 30));
        meter.feeOf(Tariff.Rates(0, 0, 2 ** 30), 0, 0);
        vm.expectRevert(abi.encodeWithSelector(Tariff.FeeTooLarge.selector, 2 ** 30));
        meter.feeOf(Tariff.Rates(1000, 0, 0), 2 ** 30, 0);
        assertEq(meter.feeOf(Tariff.Rates(1500, 4000, 7), 1234, 567), 4126e9); // 1851 + 2268 + 7
        assertEq(meter.feeOf(Tariff.Rates(999, 999, 0), 1, 0), 0);
        assertEq(meter.feeOf(Tariff.Rates(500, 500, 0), 1, 1), 1e9); // divided once: two halves make one
    }
}
