// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {StakePositions} from "../../../contracts/StakePositions.sol";
import {StakerYield} from "../../../contracts/StakerYield.sol";
import {ValidatorStaking} from "../../../contracts/ValidatorStaking.sol";
import {StakePool} from "../../../contracts/libraries/StakePool.sol";
import {StakingWorld} from "./StakingWorld.sol";

/// What a slash takes:
///   waiting ✗, active since the offence's period or before ✓, since later ✗
///   requested, unbonding at the offence ✓, released before the offence ✗ (also when not withdrawn), withdrawn ✗
///   of another validator ✗
contract StakingSlashTest is StakingWorld {
    uint256 private own;
    uint256 private alice;

    function setUp() public override {
        super.setUp();
        own = _register(VALIDATOR, 3 * MINIMUM);
        alice = _stake(ALICE, VALIDATOR, MINIMUM);
        _periods(1);
    }

    function test_ownStakeAndDelegationsLoseTheSameShare() public {
        address other = makeAddr("other validator");
        uint256 apart = _register(other, MINIMUM);
        _periods(1);
        (uint256 taken, uint256 reward) = _slash(VALIDATOR, _now(), 0.3e18);
        assertEq(taken, 4 * MINIMUM * 3 / 10);
        assertEq(reward, 3 * MINIMUM * 3 / 20);
        assertEq(_amountOf(own), 3 * MINIMUM * 7 / 10);
        assertEq(_amountOf(alice), MINIMUM * 7 / 10);
        assertEq(_amountOf(apart), MINIMUM);
        assertEq(staking.ownStake(VALIDATOR), 3 * MINIMUM * 7 / 10);
        assertEq(staking.totalStake(), 4 * MINIMUM * 7 / 10 + MINIMUM);
        assertEq(staking.slashesOf(VALIDATOR), 1);
    }

    function test_whatIsTakenIsPaidToTheChallengerOrBurned() public {
        (uint256 taken, uint256 reward) = _slash(VALIDATOR, _now(), 0.123456789e18);
        assertEq(staking.rewardOf(CHALLENGER), reward);
        assertEq(staking.burnable(), taken - reward);
        uint256 supply = token.totalSupply();
        staking.burnSlashed();
        assertEq(token.totalSupply(), supply - (taken - reward));
        _refused(ValidatorStaking.NothingToBurn.selector);
        staking.burnSlashed();
        _refused(ValidatorStaking.NothingToClaim.selector);
        staking.claimReward(ALICE);
        vm.prank(CHALLENGER);
        staking.claimReward(BOB);
        assertEq(token.balanceOf(BOB), reward);
        vm.prank(CHALLENGER);
        _refused(ValidatorStaking.NothingToClaim.selector);
        staking.claimReward(BOB);
        assertEq(token.balanceOf(address(staking)), 4 * MINIMUM - taken);
        assertEq(staking.held(), 4 * MINIMUM - taken);
    }

    function test_onlyTheSlasherSlashesAndEachOffenceOnce() public {
        uint256 time = _now();
        _refused(ValidatorStaking.NotSlasher.selector);
        staking.slash(VALIDATOR, "offence", time, HALF, CHALLENGER, 0);
        vm.startPrank(SLASHER);
        _refused(ValidatorStaking.ShareOutOfRange.selector);
        staking.slash(VALIDATOR, "offence", time, 0, CHALLENGER, 0);
        _refused(ValidatorStaking.ShareOutOfRange.selector);
        staking.slash(VALIDATOR, "offence", time, WAD + 1, CHALLENGER, 0);
        _refused(ValidatorStaking.ShareOutOfRange.selector);
        staking.slash(VALIDATOR, "offence", time, WAD, CHALLENGER, HALF + 1);
        _refused(StakerYield.ZeroAddress.selector);
        staking.slash(VALIDATOR, "offence", time, WAD, address(0), HALF);
        _refused(StakePositions.UnknownValidator.selector);
        staking.slash(ALICE, "offence", time, WAD, CHALLENGER, HALF);
        _refused(ValidatorStaking.OffenceOutOfReach.selector);
        staking.slash(VALIDATOR, "offence", time + 1, WAD, CHALLENGER, HALF);
        _refused(ValidatorStaking.OffenceOutOfReach.selector);
        staking.slash(VALIDATOR, "offence", time - EVIDENCE * LENGTH - 1, WAD, CHALLENGER, HALF);
        staking.slash(VALIDATOR, "offence", time - EVIDENCE * LENGTH, WAD, CHALLENGER, HALF);
        _refused(ValidatorStaking.OffenceAlreadySlashed.selector);
        staking.slash(VALIDATOR, "offence", time, WAD, CHALLENGER, HALF);
        vm.stopPrank();
        assertEq(_amountOf(own), 3 * MINIMUM); // nobody was active so long ago
    }

    /// Bob joins some periods before or after an offence that is found some periods later.
    function testFuzz_stakeThatJoinsAfterAnOffenceIsNotSlashedForIt(uint8 joins, uint8 offends, uint8 found) public {
        uint256 first = _now() / LENGTH;
        joins = uint8(bound(joins, 0, 12));
        offends = uint8(bound(offends, 0, 12));
        found = uint8(bound(found, 0, EVIDENCE - 1));
        uint256 offenceAt = (first + offends) * LENGTH + 1234;
        uint256 slashAt = offenceAt + uint256(found) * LENGTH;
        uint256 joinAt = (first + joins) * LENGTH + 77;
        uint256 bob;
        if (joinAt < slashAt) {
            vm.warp(joinAt);
            bob = _stake(BOB, VALIDATOR, 10e18);
        }
        vm.warp(slashAt);
        _slash(VALIDATOR, offenceAt, HALF);
        if (joinAt >= slashAt) {
            vm.warp(joinAt);
            bob = _stake(BOB, VALIDATOR, 10e18);
        }
        bool wasActive = joins + 1 <= offends;
        assertEq(_amountOf(bob), wasActive ? 5e18 : 10e18);
        assertEq(_amountOf(alice), MINIMUM / 2);
        _periods(EVIDENCE + 2);
        assertEq(staking.delegatedStake(VALIDATOR), MINIMUM / 2 + (wasActive ? 5e18 : 10e18));
        _unbond(BOB, bob, wasActive ? 5e18 : 10e18);
    }

    function test_aLaterSlashForAnEarlierOffencePassesYoungerStakeBy() public {
        uint256 early = _now();
        uint256 bob = _stake(BOB, VALIDATOR, 8e18);
        _periods(2);
        _slash(VALIDATOR, _now(), HALF); // bob is active
        assertEq(_amountOf(bob), 4e18);
        _periods(2);
        (uint256 taken,) = _slash(VALIDATOR, early, HALF); // he was not
        assertEq(taken, MINIMUM);
        assertEq(_amountOf(bob), 4e18);
        assertEq(_amountOf(alice), MINIMUM / 4);
        assertEq(staking.delegatedStake(VALIDATOR), MINIMUM / 4 + 4e18);
        assertEq(staking.totalStake(), MINIMUM + 4e18);
    }

    function test_unbondingStakeIsSlashedWhenItWasUnbondingAtTheOffence() public {
        _periods(EVIDENCE);
        uint256 request = _unbond(ALICE, alice, MINIMUM);
        uint256 release = staking.withdrawableFrom(request);
        vm.warp(release - 1);
        uint256 last = _now();
        _slash(VALIDATOR, last, 0.25e18);
        assertEq(_amountOf(request), MINIMUM * 3 / 4);
        vm.warp(release + 1 days);
        _slash(VALIDATOR, release, WAD); // released by then, and still here
        assertEq(_amountOf(request), MINIMUM * 3 / 4);
        _slash(VALIDATOR, last, HALF); // the one before it
        assertEq(_amountOf(request), MINIMUM * 3 / 8);
        _withdraw(ALICE, request);
        assertEq(token.balanceOf(ALICE), MINIMUM * 3 / 8);
    }

    function test_everythingCanBeTakenAndStakedAnew() public {
        uint256 request = _unbondHalfLater();
        (uint256 taken,) = _slash(VALIDATOR, _now(), WAD);
        assertEq(taken, 4 * MINIMUM);
        assertEq(staking.totalStake(), 0);
        assertEq(_amountOf(alice) + _amountOf(own) + _amountOf(request), 0);
        uint256 again = _stake(VALIDATOR, VALIDATOR, MINIMUM);
        uint256 bob = _stake(BOB, VALIDATOR, 5);
        _periods(1 + EVIDENCE);
        assertEq(_amountOf(again), MINIMUM);
        assertEq(staking.totalStake(), MINIMUM + 5);
        _unbond(BOB, bob, 5);
        vm.warp(staking.withdrawableFrom(request));
        _withdraw(ALICE, request); // of nothing, without harm
        assertEq(token.balanceOf(ALICE), 0);
    }

    function _unbondHalfLater() private returns (uint256 request) {
        _periods(EVIDENCE);
        request = _unbond(ALICE, alice, MINIMUM / 2);
        _periods(2);
    }

    function test_aSlashMayLeaveLessThanWhatIsLocked() public {
        vm.startPrank(LOCKER);
        staking.lock(VALIDATOR, 2 * MINIMUM, "bond");
        vm.stopPrank();
        _periods(EVIDENCE);
        _slash(VALIDATOR, _now(), HALF);
        assertEq(staking.freeStake(VALIDATOR), 0);
        assertEq(staking.lockedStake(VALIDATOR), 2 * MINIMUM);
        vm.prank(VALIDATOR);
        _refused(StakePositions.StakeLocked.selector);
        staking.unbond(own, 1);
        vm.prank(LOCKER);
        staking.unlock("bond");
        assertEq(staking.freeStake(VALIDATOR), MINIMUM * 3 / 2);
    }

    /// Any slash, after any history: what is said to be exposed is what a slash of the whole takes, to the unit; the sums
    /// are the positions' but for less than a unit a position and slash.
    function testFuzz_exposedIsWhatIsTaken(uint256 seed, uint64 share, uint8 ago, uint8 wait) public {
        uint256[6] memory ids;
        for (uint256 i = 0; i < 6; ++i) {
            ids[i] = _stake(i < 4 ? ALICE : VALIDATOR, VALIDATOR, 1 + uint256(keccak256(abi.encode(seed, i))) % 1e24);
            _periods(uint256(keccak256(abi.encode(seed, "wait", i))) % 4);
        }
        _periods(uint256(keccak256(abi.encode(seed, "more"))) % 12);
        for (uint256 i = 0; i < 6; ++i) {
            StakePositions.Position memory at = staking.positionOf(ids[i]);
            if (i % 2 == 0 && _now() / LENGTH >= at.activeFrom + EVIDENCE) {
                _unbond(at.owner, ids[i], (at.amount + 1) / 2);
            }
        }
        _slash(VALIDATOR, _now() - bound(wait, 0, EVIDENCE * LENGTH), bound(share, 1, WAD));
        _periods(bound(wait, 0, 20));
        uint256 offenceAt = _now() - bound(ago, 0, EVIDENCE) * LENGTH;
        (uint256 exposedOwn, uint256 exposedDelegated) = staking.exposedStake(VALIDATOR, offenceAt);
        _assertSums(1);
        uint256 snapshot = vm.snapshotState();
        (uint256 taken,) = _slash(VALIDATOR, offenceAt, WAD);
        assertEq(taken, exposedOwn + exposedDelegated);
        vm.revertToState(snapshot);
        (taken,) = _slash(VALIDATOR, offenceAt, bound(share, 1, WAD));
        assertApproxEqAbs(taken, (exposedOwn + exposedDelegated) * bound(share, 1, WAD) / WAD, 4 * (EVIDENCE + UNBONDING));
        _assertSums(2);
    }

    function _assertSums(uint256 slashes) private view {
        uint256 sum = 0;
        uint256 count = staking.positions();
        for (uint256 id = 1; id <= count; ++id) sum += _amountOf(id);
        uint256 here = staking.held() - staking.burnable() - staking.rewardOf(CHALLENGER);
        assertLe(sum, here);
        assertLt(here, sum + count * slashes + 1);
    }

    function test_aSlashAtTheLargestSpansFitsABlock() public {
        staking = new ValidatorStaking(token, TREASURY, TIMELOCK, MINIMUM, StakePool.Clock(LENGTH, 50, 50, 5));
        vm.prank(TIMELOCK);
        staking.appoint(SLASHER, new address[](0));
        own = _register(VALIDATOR, 1000 * MINIMUM);
        uint256[] memory ids = new uint256[](100);
        for (uint256 i = 0; i < 100; ++i) {
            ids[i] = _stake(i % 2 == 0 ? ALICE : VALIDATOR, VALIDATOR, 2 * MINIMUM);
            _stake(i % 2 == 0 ? VALIDATOR : ALICE, VALIDATOR, 2 * MINIMUM);
            if (i > 50) _unbond(i % 2 == 1 ? ALICE : VALIDATOR, ids[i - 51], MINIMUM);
            _periods(1);
        }
        vm.startSnapshotGas("slash at the largest spans");
        _slash(VALIDATOR, _now() - LENGTH, HALF);
        assertLt(vm.stopSnapshotGas(), 3_000_000);
    }
}
