// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IFeeSource, StakerYield} from "../../../contracts/StakerYield.sol";
import {StakePositions} from "../../../contracts/StakePositions.sol";
import {ValidatorStaking} from "../../../contracts/ValidatorStaking.sol";
import {StakingWorld} from "./StakingWorld.sol";
import {CallingToken, MoodyToken, OpenToken} from "./Tokens.sol";

/// A settlement contract that calls back instead of paying.
contract CallingSource is IFeeSource {
    ValidatorStaking private immutable STAKING;
    bytes private _call;

    constructor(ValidatorStaking staking, bytes memory call) {
        STAKING = staking;
        _call = call;
    }

    function withdraw() external {
        (bool ok, bytes memory answer) = address(STAKING).call(_call);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
    }
}

/// Each test is an attack, named by it, and shows that it does not pay.
contract StakingAttacksTest is StakingWorld {
    address internal immutable MALLORY = makeAddr("mallory");

    function test_attack_inflationOfTheFirstShare() public {
        uint256 first = _register(MALLORY, MINIMUM);
        uint256 dust = _stake(MALLORY, MALLORY, 1);
        token.mint(address(staking), 1e30); // the donation that would make a share dear
        uint256 victim = _stake(ALICE, MALLORY, 999);
        _periods(1);
        staking.notifyFees();
        _periods(EVIDENCE);
        assertEq(_amountOf(victim), 999);
        assertEq(_amountOf(dust), 1);
        _unbond(ALICE, victim, 999);
        _periods(1 + UNBONDING);
        _withdraw(ALICE, victim);
        assertEq(token.balanceOf(ALICE), 999);
        // the donation is shared by all stake, the victim's included
        assertApproxEqAbs(staking.feesEarned(ALICE, new uint256[](0)), uint256(1e30) * 999 / (MINIMUM + 1000), 1);
        assertEq(_amountOf(first), MINIMUM);
    }

    function test_attack_donationToBendASlash() public {
        uint256 own = _register(VALIDATOR, MINIMUM);
        uint256 alice = _stake(ALICE, VALIDATOR, 3 * MINIMUM);
        _periods(1);
        token.mint(address(staking), 1e27);
        (uint256 taken,) = _slash(VALIDATOR, _now(), HALF);
        assertEq(taken, 2 * MINIMUM);
        assertEq(_amountOf(own), MINIMUM / 2);
        assertEq(_amountOf(alice), 3 * MINIMUM / 2);
    }

    /// Mallory has much delegated to her, slashes herself through a friend, and looks at what both have.
    function testFuzz_attack_selfSlashingToTakeDelegatorsTokens(uint96 ownStake, uint96 delegated, uint64 share) public {
        ownStake = uint96(bound(ownStake, MINIMUM, 1e26));
        delegated = uint96(bound(delegated, 1, 1e27));
        share = uint64(bound(share, 1, WAD));
        uint256 own = _register(MALLORY, ownStake);
        _stake(ALICE, MALLORY, delegated);
        _periods(1);
        (, uint256 reward) = _slash(MALLORY, _now(), share);
        uint256 lost = ownStake - _amountOf(own);
        assertLe(reward, lost / 2);
    }

    function test_attack_unbondBeforeTheSlash() public {
        uint256 own = _register(MALLORY, 2 * MINIMUM);
        _periods(1 + EVIDENCE);
        uint256 offenceAt = _now();
        uint256 request = _unbond(MALLORY, own, MINIMUM); // at once after the offence
        _unbond(MALLORY, own, MINIMUM);
        vm.warp(offenceAt + EVIDENCE * LENGTH); // the last moment at which it can be found
        vm.prank(MALLORY);
        _refused(StakePositions.WithdrawableFrom.selector);
        staking.withdraw(request);
        _slash(MALLORY, offenceAt, HALF);
        vm.warp(staking.withdrawableFrom(request));
        _withdraw(MALLORY, request);
        _withdraw(MALLORY, own);
        assertEq(token.balanceOf(MALLORY), MINIMUM);
    }

    /// What unbonds already when it offends might be released before it is found; the freeze closes that.
    function test_attack_offendJustBeforeTheRelease() public {
        uint256 own = _register(MALLORY, MINIMUM);
        _periods(1 + EVIDENCE);
        _unbond(MALLORY, own, MINIMUM);
        vm.warp(staking.withdrawableFrom(own) - 1);
        uint256 offenceAt = _now();
        vm.prank(SLASHER);
        staking.freeze(MALLORY, offenceAt + FREEZING * LENGTH);
        _wait(1);
        vm.prank(MALLORY);
        _refused(StakePositions.WithdrawableFrom.selector);
        staking.withdraw(own);
        _wait(2 days);
        _slash(MALLORY, offenceAt, WAD);
        assertEq(_amountOf(own), 0);
    }

    /// Out before the slash is mined and in again after it, or in before and out after: no better than who stood still.
    function test_attack_sandwichTheSlash() public {
        _register(VALIDATOR, 2 * MINIMUM);
        uint256 still = _stake(ALICE, VALIDATOR, 100e18);
        uint256 moving = _stake(MALLORY, VALIDATOR, 100e18);
        _periods(1 + EVIDENCE);
        uint256 offenceAt = _now();
        uint256 request = _unbond(MALLORY, moving, 100e18); // sees the slash coming
        _slash(VALIDATOR, offenceAt, HALF);
        uint256 again = _stake(MALLORY, VALIDATOR, 100e18); // and buys in behind it, at no discount
        _periods(1);
        assertEq(_amountOf(request), _amountOf(still));
        assertEq(_amountOf(again), 100e18);
        assertEq(staking.delegatedStake(VALIDATOR), 50e18 + 100e18);
        _payFees(1150e18);
        assertApproxEqAbs(_fees(MALLORY, again), 2 * _fees(ALICE, still), 2); // by stake, no share that a slash made cheap
    }

    function test_attack_joinForTheYieldOfThePast() public {
        uint256 own = _register(VALIDATOR, MINIMUM);
        _periods(1);
        _fund(1e18 * 10 days, 10 days);
        _payFees(500e18);
        _wait(1.5 days);
        uint256 late = _stake(MALLORY, VALIDATOR, 1e27);
        _payFees(7e18);
        assertEq(_fees(MALLORY, late) + _streamed(MALLORY, late), 0);
        uint256 owed = _streamed(VALIDATOR, own);
        assertApproxEqAbs(owed, 1.5 days * 1e18, 1);
        _periods(1);
        assertEq(_fees(MALLORY, late) + _streamed(MALLORY, late), 0);
        assertApproxEqAbs(_streamed(VALIDATOR, own), 2 days * 1e18, 1);
        assertApproxEqAbs(_fees(VALIDATOR, own), 507e18, 1);
    }

    /// In, fees, out, in one transaction.
    function test_attack_flashStakeForAFeePayment() public {
        _register(VALIDATOR, MINIMUM);
        _periods(1);
        token.mint(address(staking), 500e18);
        uint256 flash = _stake(MALLORY, VALIDATOR, 1e27);
        staking.notifyFees();
        assertEq(_fees(MALLORY, flash), 0);
        vm.startPrank(MALLORY);
        _refused(StakePositions.UnbondableFrom.selector);
        staking.unbond(flash, 1e27);
        staking.cancel(flash);
        _refused(StakerYield.NoYield.selector);
        staking.claimYield(new uint256[](0));
    }

    /// A thousand stakes of one unit cannot round a slash away: each loses its one unit.
    function test_attack_dustToRoundASlashAway() public {
        _register(VALIDATOR, MINIMUM);
        uint256[] memory ids = new uint256[](50);
        for (uint256 i = 0; i < 50; ++i) ids[i] = _stake(MALLORY, VALIDATOR, 1);
        _periods(1);
        (uint256 taken,) = _slash(VALIDATOR, _now(), 0.1e18);
        assertEq(taken, MINIMUM / 10 + 5);
        for (uint256 i = 0; i < 50; ++i) assertEq(_amountOf(ids[i]), 0);
        assertEq(staking.delegatedStake(VALIDATOR), 45); // of nobody; it burns with later slashes
    }

    function test_attack_endlessFreeze() public {
        uint256 own = _register(VALIDATOR, MINIMUM);
        _periods(1 + EVIDENCE);
        _unbond(VALIDATOR, own, MINIMUM);
        uint256 release = staking.withdrawableFrom(own);
        vm.warp(release - 1 days);
        for (uint256 day = 0; day <= FREEZING; ++day) {
            uint256 until = _now() + FREEZING * LENGTH;
            vm.prank(SLASHER);
            staking.freeze(VALIDATOR, until);
            assertLe(staking.withdrawableFrom(own), release + FREEZING * LENGTH);
            _wait(1 days);
        }
        assertEq(_now(), release + FREEZING * LENGTH);
        _withdraw(VALIDATOR, own);
    }

    /// So many slashes that no transaction could apply them all: they are applied in parts.
    function test_attack_manySlashesToBrickAPosition() public {
        uint256 own = _register(VALIDATOR, MINIMUM);
        _periods(1);
        _payFees(1e18);
        for (uint256 i = 0; i < 300; ++i) _slash(VALIDATOR, _now(), 0.001e18);
        uint256 expected = _amountOf(own);
        uint256 earned = _fees(VALIDATOR, own);
        for (uint256 i = 0; i < 3; ++i) staking.sync{gas: 700_000}(own, 100);
        assertEq(_amountOf(own), expected);
        assertEq(_fees(VALIDATOR, own), earned);
        _payFees(1e18);
        assertApproxEqAbs(_fees(VALIDATOR, own), 2e18, 1000);
        _refused(StakePositions.UnknownPosition.selector);
        staking.sync(99, 1);
    }

    function test_attack_promiseOfAStreamThatIsNotFunded() public {
        _register(VALIDATOR, MINIMUM);
        _periods(1);
        _give(TREASURY, 1e18);
        vm.startPrank(TREASURY);
        token.approve(address(staking), 0);
        vm.expectRevert();
        staking.fundStream(1e18, 1 days);
        vm.stopPrank();
        token.mint(address(staking), 5e18); // tokens of the stakers that lie there do not fund it either
        vm.startPrank(TREASURY);
        vm.expectRevert();
        staking.fundStream(1e18, 1 days);
    }

    function test_attack_feeSourceThatStakesInsteadOfPaying() public {
        _register(VALIDATOR, MINIMUM);
        _periods(1);
        bytes[4] memory calls = [
            abi.encodeCall(StakerYield.notifyFees, ()),
            abi.encodeCall(StakePositions.stake, (VALIDATOR, 1)),
            abi.encodeCall(StakePositions.sync, (1, 1)),
            abi.encodeCall(ValidatorStaking.burnSlashed, ())
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            CallingSource source = new CallingSource(staking, calls[i]);
            _refused(bytes4(keccak256("ReentrancyGuardReentrantCall()")));
            staking.collectFees(source);
        }
    }
}

/// Tokens that misbehave: nothing is paid twice, nothing is lost that a good day of the token cannot pay.
contract StakingTokenAttacksTest is StakingWorld {
    function _newToken() internal override returns (OpenToken) {
        return new CallingToken();
    }

    /// Mallory is called in the middle of her own payout and tries to be paid again.
    function test_attack_reentrancyThroughTheToken() public {
        CallingToken calling = CallingToken(address(token));
        _register(VALIDATOR, MINIMUM);
        Thief thief = new Thief(staking, calling);
        uint256 position = thief.stake(VALIDATOR, 100);
        _stake(ALICE, VALIDATOR, 100);
        _periods(1 + EVIDENCE);
        _payFees(1e22);
        thief.aim(abi.encodeCall(StakePositions.claimYield, (_one(position))));
        thief.run(abi.encodeCall(StakePositions.claimYield, (_one(position))));
        assertTrue(calling.called() && calling.refused());
        thief.run(abi.encodeCall(StakePositions.unbond, (position, 100)));
        _periods(1 + UNBONDING);
        thief.aim(abi.encodeCall(StakePositions.withdraw, (position)));
        thief.run(abi.encodeCall(StakePositions.withdraw, (position)));
        assertTrue(calling.refused());
        uint256 second = thief.stake(VALIDATOR, 7);
        thief.aim(abi.encodeCall(StakePositions.cancel, (second)));
        thief.run(abi.encodeCall(StakePositions.cancel, (second)));
        assertTrue(calling.refused());
        assertApproxEqAbs(token.balanceOf(address(thief)), 100 + 7 + 1e22 * 100 / (MINIMUM + 200), 1);
    }

    function test_attack_reentrancyThroughTheDeposit() public {
        CallingToken calling = CallingToken(address(token));
        _register(VALIDATOR, MINIMUM);
        _periods(1);
        token.mint(address(staking), 50);
        Thief thief = new Thief(staking, calling);
        thief.aim(abi.encodeCall(StakerYield.notifyFees, ())); // counting the deposit as fees while it arrives
        thief.stake(VALIDATOR, 100);
        assertTrue(calling.called() && calling.refused());
        assertEq(staking.notifyFees(), 50);
    }
}

/// Stakes, and calls the staking contract whenever the token calls it.
contract Thief {
    ValidatorStaking private immutable STAKING;
    CallingToken private immutable TOKEN;
    bytes private _again;

    constructor(ValidatorStaking staking, CallingToken token) {
        STAKING = staking;
        TOKEN = token;
    }

    function aim(bytes calldata call) external {
        _again = call;
        TOKEN.onTransfer(address(this), abi.encodeCall(this.again, ()));
    }

    function again() external {
        run(_again);
    }

    function stake(address validator, uint256 amount) external returns (uint256) {
        // minting is a transfer too, so it must come before the token is aimed
        TOKEN.approve(address(STAKING), amount);
        bytes memory aimed = _again;
        if (aimed.length > 0) TOKEN.onTransfer(address(0), "");
        TOKEN.mint(address(this), amount);
        if (aimed.length > 0) TOKEN.onTransfer(address(this), abi.encodeCall(this.again, ()));
        return STAKING.stake(validator, amount);
    }

    function run(bytes memory call) public {
        (bool ok, bytes memory answer) = address(STAKING).call(call);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
    }
}

contract StakingFailingTokenTest is StakingWorld {
    function _newToken() internal override returns (OpenToken) {
        return new MoodyToken();
    }

    function test_attack_tokenThatTakesAFeeOnTransfer() public {
        _give(VALIDATOR, MINIMUM);
        MoodyToken(address(token)).setMood(MoodyToken.Mood.TakingAFee);
        vm.prank(VALIDATOR);
        vm.expectRevert(
            abi.encodeWithSelector(StakerYield.TransferFellShort.selector, MINIMUM * 99 / 100, MINIMUM)
        );
        staking.register(MINIMUM);
    }

    /// A token that fails holds payments back and nothing else: slashing goes on, and all is there when it works again.
    function test_attack_tokenThatFails() public {
        MoodyToken moody = MoodyToken(address(token));
        uint256 own = _register(VALIDATOR, MINIMUM);
        uint256 alice = _stake(ALICE, VALIDATOR, MINIMUM);
        _periods(1 + EVIDENCE);
        _payFees(1000);
        uint256 request = _unbond(ALICE, alice, MINIMUM);
        _periods(1 + UNBONDING);
        for (uint256 mood = 1; mood <= 2; ++mood) {
            moody.setMood(MoodyToken.Mood(mood));
            vm.startPrank(ALICE);
            vm.expectRevert();
            staking.withdraw(request);
            vm.expectRevert();
            staking.claimYield(new uint256[](0));
            vm.stopPrank();
        }
        moody.setMood(MoodyToken.Mood.Reverting);
        (uint256 taken, uint256 reward) = _slash(VALIDATOR, _now(), HALF);
        vm.expectRevert();
        staking.burnSlashed();
        vm.prank(CHALLENGER);
        vm.expectRevert();
        staking.claimReward(CHALLENGER);
        moody.setMood(MoodyToken.Mood.Good);
        _withdraw(ALICE, request);
        vm.prank(ALICE);
        staking.claimYield(new uint256[](0));
        staking.burnSlashed();
        vm.prank(CHALLENGER);
        staking.claimReward(CHALLENGER);
        assertApproxEqAbs(token.balanceOf(ALICE), MINIMUM + 500, 1);
        assertEq(token.balanceOf(CHALLENGER), reward);
        assertEq(_amountOf(own), MINIMUM - taken);
    }
}
