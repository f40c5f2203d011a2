// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {StakePositions} from "../../../contracts/StakePositions.sol";
import {StakerYield} from "../../../contracts/StakerYield.sol";
import {ValidatorStaking} from "../../../contracts/ValidatorStaking.sol";
import {StakePool} from "../../../contracts/libraries/StakePool.sol";
import {StakingWorld} from "./StakingWorld.sol";

/// From a stake to its withdrawal, without slashing:
///   register: before roles are named ✗, below the minimum ✗, twice ✗, else own stake
///   stake: nothing ✗, with an unknown validator ✗, with one below the minimum ✗, else active from the next period
///   cancel: before it is active, else ✗; by another ✗
///   unbond: before the evidence span ✗, nothing ✗, too much ✗, twice ✗, locked ✗, a part, all
///   withdraw: not requested ✗, before its release ✗, frozen ✗ (bounded), by another ✗, twice ✗
contract StakingLifeTest is StakingWorld {
    function test_nobodyStakesBeforeRolesAreNamed() public {
        staking = new ValidatorStaking(token, TREASURY, TIMELOCK, MINIMUM, _terms());
        _give(VALIDATOR, MINIMUM);
        vm.prank(VALIDATOR);
        _refused(ValidatorStaking.NotAppointed.selector);
        staking.register(MINIMUM);
    }

    function test_rolesAreNamedOnceByTheTimelock() public {
        address[] memory none = new address[](0);
        _refused(ValidatorStaking.NotAppointer.selector);
        staking.appoint(ALICE, none);
        vm.startPrank(TIMELOCK);
        _refused(ValidatorStaking.AlreadyAppointed.selector);
        staking.appoint(ALICE, none);
        ValidatorStaking fresh = new ValidatorStaking(token, TREASURY, TIMELOCK, MINIMUM, _terms());
        _refused(StakerYield.ZeroAddress.selector);
        fresh.appoint(address(0), none);
        assertEq(staking.slasher(), SLASHER);
        assertTrue(staking.isLocker(LOCKER));
        assertFalse(staking.isLocker(SLASHER));
    }

    function test_termsOutOfRangeAreRefused() public {
        _refusedTerms(StakePool.Clock(59, 7, 14, 5));
        _refusedTerms(StakePool.Clock(1 days, 0, 14, 5));
        _refusedTerms(StakePool.Clock(1 days, 8, 7, 5));
        _refusedTerms(StakePool.Clock(1 days, 50, 51, 5));
        _refusedTerms(StakePool.Clock(1000 days, 7, 14, 5));
        _refused(StakerYield.ZeroAddress.selector);
        new ValidatorStaking(token, address(0), TIMELOCK, MINIMUM, _terms());
        _refused(StakerYield.ZeroAddress.selector);
        new ValidatorStaking(token, TREASURY, address(0), MINIMUM, _terms());
        _refused(StakerYield.ZeroAmount.selector);
        new ValidatorStaking(token, TREASURY, TIMELOCK, 0, _terms());
    }

    function _refusedTerms(StakePool.Clock memory clock) private {
        _refused(StakerYield.TermsOutOfRange.selector);
        new ValidatorStaking(token, TREASURY, TIMELOCK, MINIMUM, clock);
    }

    function test_aValidatorRegistersOnceWithTheMinimum() public {
        _give(VALIDATOR, 3 * MINIMUM);
        vm.startPrank(VALIDATOR);
        vm.expectRevert(abi.encodeWithSelector(StakePositions.OwnStakeTooSmall.selector, MINIMUM - 1, MINIMUM));
        staking.register(MINIMUM - 1);
        staking.register(MINIMUM);
        _refused(StakePositions.AlreadyRegistered.selector);
        staking.register(MINIMUM);
        staking.stake(VALIDATOR, 7);
        _periods(1);
        assertEq(staking.ownStake(VALIDATOR), MINIMUM + 7);
        assertEq(staking.delegatedStake(VALIDATOR), 0);
        assertTrue(staking.isBonded(VALIDATOR));
    }

    function test_delegationNeedsAValidatorWithItsMinimum() public {
        _give(ALICE, 100);
        vm.startPrank(ALICE);
        _refused(StakePositions.UnknownValidator.selector);
        staking.stake(VALIDATOR, 100);
        vm.stopPrank();
        uint256 own = _register(VALIDATOR, MINIMUM);
        vm.prank(ALICE);
        _refused(StakerYield.ZeroAmount.selector);
        staking.stake(VALIDATOR, 0);
        _stake(ALICE, VALIDATOR, 100); // a validator's own stake counts while it waits
        vm.prank(VALIDATOR);
        staking.cancel(own);
        vm.prank(ALICE);
        _refused(StakePositions.ValidatorNotBonded.selector);
        staking.stake(VALIDATOR, 100);
    }

    function test_stakeIsActiveFromTheNextPeriod() public {
        _wait(5 hours);
        uint256 staked = _now();
        _register(VALIDATOR, MINIMUM);
        uint256 position = _stake(ALICE, VALIDATOR, 70);
        assertEq(staking.totalStake(), 0);
        _periods(1);
        uint256 start = _now();
        assertEq(staking.totalStake(), MINIMUM + 70);
        assertEq(staking.delegatedStake(VALIDATOR), 70);
        assertEq(staking.positionOf(position).activeFrom, start / LENGTH);
        _wait(1 days);
        _stake(BOB, VALIDATOR, 30);
        _periods(1);
        _wait(1);
        _assertStakeAt(staked, 0, 0);
        _assertStakeAt(start - 1, 0, 0);
        _assertStakeAt(start, MINIMUM, 70);
        _assertStakeAt(start + 2 days - 1, MINIMUM, 70);
        _assertStakeAt(start + 2 days, MINIMUM, 100);
        assertEq(staking.totalStakeAt(start + 2 days), MINIMUM + 100);
        uint256 today = _now();
        vm.expectRevert(abi.encodeWithSelector(StakerYield.FutureLookup.selector, today, today));
        staking.stakeAt(VALIDATOR, today);
        vm.expectRevert(abi.encodeWithSelector(StakerYield.FutureLookup.selector, today, today));
        staking.totalStakeAt(today);
    }

    function _assertStakeAt(uint256 timestamp, uint256 own, uint256 delegated) private view {
        (uint256 ownThen, uint256 delegatedThen) = staking.stakeAt(VALIDATOR, timestamp);
        assertEq(ownThen, own);
        assertEq(delegatedThen, delegated);
    }

    function test_whatWaitsCanBeCancelled() public {
        _register(VALIDATOR, MINIMUM);
        uint256 position = _stake(ALICE, VALIDATOR, 70);
        uint256 second = _stake(ALICE, VALIDATOR, 5);
        vm.prank(BOB);
        _refused(StakePositions.NotPositionOwner.selector);
        staking.cancel(position);
        vm.prank(ALICE);
        staking.cancel(position);
        assertEq(token.balanceOf(ALICE), 70);
        vm.startPrank(ALICE);
        _refused(StakePositions.UnknownPosition.selector);
        staking.cancel(position);
        _periods(1);
        _refused(StakePositions.AlreadyActive.selector);
        staking.cancel(second);
        assertEq(staking.delegatedStake(VALIDATOR), 5);
    }

    function test_aRequestIsWithdrawnWhenItsUnbondingIsOver() public {
        _register(VALIDATOR, MINIMUM);
        uint256 position = _stake(ALICE, VALIDATOR, 100);
        _periods(1 + EVIDENCE);
        uint256 request = _unbond(ALICE, position, 100);
        assertEq(request, position);
        uint256 release = (_now() / LENGTH + 1 + UNBONDING) * LENGTH;
        assertEq(staking.withdrawableFrom(request), release);
        assertEq(staking.delegatedStake(VALIDATOR), 0);
        vm.startPrank(ALICE);
        _refused(StakePositions.AlreadyUnbonding.selector);
        staking.unbond(request, 1);
        vm.warp(release - 1);
        vm.expectRevert(abi.encodeWithSelector(StakePositions.WithdrawableFrom.selector, request, release));
        staking.withdraw(request);
        vm.warp(release);
        vm.stopPrank();
        vm.prank(BOB);
        _refused(StakePositions.NotPositionOwner.selector);
        staking.withdraw(request);
        vm.startPrank(ALICE);
        staking.withdrawTo(request, BOB);
        assertEq(token.balanceOf(BOB), 100);
        _refused(StakePositions.UnknownPosition.selector);
        staking.withdraw(request);
    }

    function test_severalRequestsOfOnePositionGoTheirOwnWays() public {
        _register(VALIDATOR, MINIMUM);
        uint256 position = _stake(ALICE, VALIDATOR, 100);
        _periods(1 + EVIDENCE);
        uint256 first = _unbond(ALICE, position, 30);
        _periods(3);
        uint256 second = _unbond(ALICE, position, 20);
        assertEq(_amountOf(position), 50);
        assertEq(staking.delegatedStake(VALIDATOR), 50);
        (, uint256[2] memory leaving) = staking.queueOf(VALIDATOR, _now() / LENGTH);
        assertEq(leaving[1], 20);
        vm.warp(staking.withdrawableFrom(first));
        _withdraw(ALICE, first);
        vm.prank(ALICE);
        _refused(StakePositions.WithdrawableFrom.selector);
        staking.withdraw(second);
        _periods(3);
        _withdraw(ALICE, second);
        assertEq(token.balanceOf(ALICE), 50);
    }

    function test_aPositionStaysForTheEvidenceSpan() public {
        _register(VALIDATOR, MINIMUM);
        uint256 position = _stake(ALICE, VALIDATOR, 100);
        _periods(EVIDENCE);
        vm.startPrank(ALICE);
        uint256 earliest = _now() + LENGTH;
        vm.expectRevert(abi.encodeWithSelector(StakePositions.UnbondableFrom.selector, position, earliest));
        staking.unbond(position, 100);
        _periods(1);
        _refused(StakerYield.ZeroAmount.selector);
        staking.unbond(position, 0);
        vm.expectRevert(abi.encodeWithSelector(StakePositions.AmountExceedsStake.selector, 101, 100));
        staking.unbond(position, 101);
        _refused(StakePositions.NotUnbonding.selector);
        staking.withdraw(position);
        _refused(StakePositions.NotUnbonding.selector);
        staking.withdrawableFrom(position);
        staking.unbond(position, 100);
    }

    function test_lockedStakeDoesNotUnbond() public {
        uint256 position = _register(VALIDATOR, 2 * MINIMUM);
        _refused(ValidatorStaking.NotLocker.selector);
        staking.lock(VALIDATOR, 1, "bond");
        vm.startPrank(LOCKER);
        _refused(ValidatorStaking.BondNeedsStake.selector);
        staking.lock(VALIDATOR, 1, "bond");
        _periods(1 + EVIDENCE);
        _refused(StakerYield.ZeroAmount.selector);
        staking.lock(VALIDATOR, 0, "bond");
        staking.lock(VALIDATOR, MINIMUM, "bond");
        _refused(ValidatorStaking.BondExists.selector);
        staking.lock(VALIDATOR, 1, "bond");
        staking.lock(VALIDATOR, MINIMUM - 1, "second");
        _refused(ValidatorStaking.BondNeedsStake.selector);
        staking.lock(VALIDATOR, 2, "third");
        vm.stopPrank();
        assertEq(staking.freeStake(VALIDATOR), 1);
        assertEq(staking.lockedStake(VALIDATOR), 2 * MINIMUM - 1);
        vm.prank(VALIDATOR);
        _refused(StakePositions.StakeLocked.selector);
        staking.unbond(position, 2);
        _unbond(VALIDATOR, position, 1);
        vm.startPrank(LOCKER);
        staking.unlock("bond");
        _refused(ValidatorStaking.UnknownBond.selector);
        staking.unlock("bond");
        vm.stopPrank();
        _unbond(VALIDATOR, position, MINIMUM);
        assertFalse(staking.isBonded(VALIDATOR));
        vm.prank(LOCKER);
        _refused(ValidatorStaking.BondNeedsStake.selector);
        staking.lock(VALIDATOR, 1, "fourth");
    }

    function test_aFreezeHoldsWithdrawalsBackAndCanBeLifted() public {
        _register(VALIDATOR, MINIMUM);
        uint256 position = _stake(ALICE, VALIDATOR, 100);
        _periods(1 + EVIDENCE);
        _unbond(ALICE, position, 100);
        uint256 release = staking.withdrawableFrom(position);
        vm.warp(release - 1 days);
        _refused(ValidatorStaking.NotSlasher.selector);
        staking.freeze(VALIDATOR, release);
        vm.startPrank(SLASHER);
        uint256 longest = _now() + FREEZING * LENGTH;
        vm.expectRevert(abi.encodeWithSelector(ValidatorStaking.FreezeTooLong.selector, longest + 1, longest));
        staking.freeze(VALIDATOR, longest + 1);
        _refused(StakePositions.UnknownValidator.selector);
        staking.freeze(BOB, longest);
        staking.freeze(VALIDATOR, longest);
        vm.stopPrank();
        assertEq(staking.frozenUntil(VALIDATOR), longest);
        assertEq(staking.withdrawableFrom(position), longest);
        vm.warp(longest - 1);
        vm.prank(ALICE);
        _refused(StakePositions.WithdrawableFrom.selector);
        staking.withdraw(position);
        vm.prank(SLASHER);
        staking.freeze(VALIDATOR, 0);
        _withdraw(ALICE, position);
    }

    /// Whatever is staked comes back to the unit when nobody is slashed.
    function testFuzz_everythingComesBack(uint96[4] memory amounts, uint8[4] memory waits, uint96 part) public {
        uint256 own = _register(VALIDATOR, MINIMUM);
        uint256[4] memory ids;
        for (uint256 i = 0; i < 4; ++i) {
            amounts[i] = uint96(bound(amounts[i], 2, 1e27));
            ids[i] = _stake(ALICE, VALIDATOR, amounts[i]);
            _wait(uint256(waits[i]) * 1 hours);
        }
        _periods(1 + EVIDENCE);
        part = uint96(bound(part, 1, amounts[0] - 1));
        uint256 first = _unbond(ALICE, ids[0], part);
        for (uint256 i = 0; i < 4; ++i) _unbond(ALICE, ids[i], _amountOf(ids[i]));
        _unbond(VALIDATOR, own, MINIMUM);
        _periods(1 + UNBONDING);
        _withdraw(ALICE, first);
        for (uint256 i = 0; i < 4; ++i) _withdraw(ALICE, ids[i]);
        _withdraw(VALIDATOR, own);
        uint256 sum = uint256(amounts[0]) + amounts[1] + amounts[2] + amounts[3];
        assertEq(token.balanceOf(ALICE), sum);
        assertEq(token.balanceOf(VALIDATOR), MINIMUM);
        assertEq(token.balanceOf(address(staking)), 0);
        assertEq(staking.held(), 0);
    }
}
