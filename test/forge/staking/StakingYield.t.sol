// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IFeeSource, StakerYield} from "../../../contracts/StakerYield.sol";
import {StakePositions} from "../../../contracts/StakePositions.sol";
import {StakingWorld} from "./StakingWorld.sol";

/// Owes its balance to whoever asks first, as a settlement contract owes its stakers.
contract OpenPot is IFeeSource {
    IERC20 private immutable TOKEN;

    constructor(IERC20 token) {
        TOKEN = token;
    }

    function withdraw() external {
        assert(TOKEN.transfer(msg.sender, TOKEN.balanceOf(address(this))));
    }
}

contract StakingYieldTest is StakingWorld {
    uint256 private own;

    function setUp() public override {
        super.setUp();
        own = _register(VALIDATOR, 3 * MINIMUM);
    }

    function test_feesAreSharedByActiveStake() public {
        uint256 alice = _stake(ALICE, VALIDATOR, MINIMUM);
        _periods(1);
        _payFees(400);
        assertApproxEqAbs(_fees(VALIDATOR, own), 300, 1);
        assertApproxEqAbs(_fees(ALICE, alice), 100, 1);
        assertEq(_streamed(ALICE, alice), 0);
        vm.prank(ALICE);
        staking.claimYieldTo(_one(alice), BOB);
        assertApproxEqAbs(token.balanceOf(BOB), 100, 1);
        assertEq(_fees(ALICE, alice), 0);
        vm.startPrank(ALICE);
        _refused(StakerYield.NoYield.selector);
        staking.claimYield(_one(alice));
        _refused(StakePositions.NotPositionOwner.selector);
        staking.claimYield(_one(own));
        _refused(StakePositions.NotPositionOwner.selector);
        staking.feesEarned(ALICE, _one(own));
        _refused(StakePositions.UnknownPosition.selector);
        staking.claimYield(_one(99));
    }

    function test_aPositionGivenTwiceEarnsOnce() public {
        _periods(1);
        _payFees(300);
        uint256[] memory twice = new uint256[](2);
        (twice[0], twice[1]) = (own, own);
        vm.prank(VALIDATOR);
        staking.claimYield(twice);
        assertApproxEqAbs(token.balanceOf(VALIDATOR), 300, 1);
    }

    function test_tokensThatJustArriveAreFees() public {
        _periods(1);
        vm.expectRevert(StakerYield.ZeroAmount.selector);
        staking.notifyFees();
        token.mint(address(staking), 17);
        assertEq(staking.notifyFees(), 17);
        _refused(StakerYield.ZeroAmount.selector);
        staking.payFees(0);
        OpenPot pot = new OpenPot(token);
        token.mint(address(pot), 4);
        assertEq(staking.collectFees(pot), 4);
        assertApproxEqAbs(_fees(VALIDATOR, own), 21, 1); // a part of a unit stays owed until it is whole
        vm.expectRevert(StakerYield.ZeroAmount.selector);
        staking.collectFees(pot);
    }

    function test_feesThatNobodyHadStakeForGoToTheNextDistribution() public {
        _payFees(1000);
        _periods(1);
        assertEq(_fees(VALIDATOR, own), 0);
        _payFees(2000);
        assertApproxEqAbs(_fees(VALIDATOR, own), 3000, 1);
    }

    function test_theStreamPaysItsRateUntilItsEnd() public {
        _periods(1);
        _fund(1_000_000, 999);
        (uint96 rate, uint48 end,) = staking.stream();
        assertEq(rate, 1001);
        assertEq(end, _now() + 999);
        assertEq(staking.reserve(), 1_000_000 - 999 * 1001);
        _wait(500);
        assertApproxEqAbs(_streamed(VALIDATOR, own), 500 * 1001, 1);
        assertEq(_fees(VALIDATOR, own), 0);
        _wait(100 days);
        assertApproxEqAbs(_streamed(VALIDATOR, own), 999 * 1001, 1);
        uint256 paid = _claim(VALIDATOR, own);
        assertApproxEqAbs(paid, 999 * 1001, 1);
        _wait(1);
        assertEq(_streamed(VALIDATOR, own), 0);
    }

    function test_onlyTheTreasuryFundsAndItKeepsItsPromise() public {
        _periods(1);
        _refused(StakerYield.NotTreasury.selector);
        staking.fundStream(1, 1);
        _give(TREASURY, 1e24);
        vm.startPrank(TREASURY);
        _refused(StakerYield.ZeroAmount.selector);
        staking.fundStream(1000, 0);
        _refused(StakerYield.ZeroAmount.selector);
        staking.fundStream(1000, 1001);
        staking.fundStream(1000, 100);
        _wait(50);
        _refused(StakerYield.StreamTooShort.selector);
        staking.fundStream(10_000, 49);
        vm.expectRevert(abi.encodeWithSelector(StakerYield.StreamTooThin.selector, 9, 10));
        staking.fundStream(499, 100);
        staking.fundStream(500, 100);
        (uint96 rate,,) = staking.stream();
        assertEq(rate, 10);
        vm.stopPrank();
        _wait(1000);
        assertApproxEqAbs(_streamed(VALIDATOR, own), 1500, 1);
        vm.prank(TREASURY);
        staking.fundStream(100, 100);
        (rate,,) = staking.stream();
        assertEq(rate, 1);
    }

    function test_whatIsReleasedToNobodyGoesIntoTheNextStream() public {
        _fund(86_400 * 2, 2 days); // the validator is active from tomorrow
        _periods(2);
        uint256 streamed = _streamed(VALIDATOR, own);
        assertApproxEqAbs(streamed, 1 days, 1);
        _periods(2);
        assertApproxEqAbs(_streamed(VALIDATOR, own), 1 days, 1);
        _fund(1 days, 1 days);
        (uint96 rate,,) = staking.stream();
        assertEq(rate, 2);
        _periods(1);
        assertApproxEqAbs(_streamed(VALIDATOR, own), 3 days, 1);
    }

    function test_unbondingStakeEarnsNothing() public {
        uint256 alice = _stake(ALICE, VALIDATOR, MINIMUM);
        _periods(1 + EVIDENCE);
        _payFees(400);
        _unbond(ALICE, alice, MINIMUM);
        _payFees(300);
        assertApproxEqAbs(_fees(ALICE, alice), 100, 1);
        assertApproxEqAbs(_fees(VALIDATOR, own), 600, 1);
        _periods(1 + UNBONDING);
        _withdraw(ALICE, alice);
        vm.prank(ALICE);
        staking.claimYield(new uint256[](0)); // yield outlives its position
        assertApproxEqAbs(token.balanceOf(ALICE), MINIMUM + 100, 1);
    }

    function test_yieldIsNotSlashed() public {
        uint256 alice = _stake(ALICE, VALIDATOR, MINIMUM);
        _periods(1);
        _payFees(400);
        _slash(VALIDATOR, _now(), WAD);
        assertApproxEqAbs(_fees(ALICE, alice), 100, 1);
        assertApproxEqAbs(_claim(ALICE, alice), 100, 1);
    }

    // ---- the reference ----

    /// Least common multiple of 1 … 64: every share of up to 64 units is a whole number of this denominator.
    uint256 private constant DENOMINATOR = 1182266884102822267511361600;
    uint256 private constant PEOPLE = 4;
    uint256 private constant NEVER = type(uint256).max;

    struct Person {
        uint256 units;
        uint256 position;
        uint256 activeFrom;
        uint256 fees;
        uint256 streamed;
    }

    Person[] private people;
    uint256 private promised;
    uint256 private promisedUntil;
    uint256 private seenAt;

    /// Exact rationals beside the contract: every reward is shared by whole units of stake, one event at a time, no index, no
    /// division that leaves anything. Stakes join at different times, are slashed by halves for offences now and before, and two
    /// kinds of yield come at once. Each person must have what the rationals say, to one unit.
    function testFuzz_yieldIsWhatExactRationalsSay(uint256 seed) public {
        vm.prank(VALIDATOR);
        staking.cancel(own);
        people.push(Person(16, _stake(VALIDATOR, VALIDATOR, 16 * MINIMUM), _now() / LENGTH + 1, 0, 0));
        address[3] memory delegators = [ALICE, BOB, makeAddr("carol")];
        seenAt = _now();
        uint256 slashes = 0;
        for (uint256 step = 0; step < 24; ++step) {
            uint256 draw = uint256(keccak256(abi.encode(seed, step)));
            _wait(draw % 30 hours);
            _referenceUntil(_now());
            uint256 action = (draw >> 32) % 6;
            uint256 amount = 1 + (draw >> 64) % 1e24;
            if (action == 0 && people.length < PEOPLE) {
                _join(delegators[people.length - 1], 8 * (1 + amount % 2));
            } else if (action == 1 || action == 0) {
                _referenceFees(amount);
            } else if (action == 2 && slashes < 3) {
                ++slashes;
                _referenceSlash(_now() - (draw >> 128) % 3 days);
            } else if (action == 3 && _now() >= promisedUntil && people[0].activeFrom <= _now() / LENGTH) {
                (promised, promisedUntil) = (amount, _now() + 2 days);
                _fund(amount * 2 days, 2 days);
            } else if (action == 4) {
                staking.sync(people[draw % people.length].position, NEVER);
            }
            _assertReference();
        }
    }

    function _join(address who, uint256 units) private {
        people.push(Person(units, _stake(who, VALIDATOR, units * MINIMUM), _now() / LENGTH + 1, 0, 0));
    }

    function _referenceUntil(uint256 time) private {
        while (seenAt < time) {
            uint256 boundary = (seenAt / LENGTH + 1) * LENGTH;
            uint256 until = boundary < time ? boundary : time;
            uint256 last = until < promisedUntil ? until : promisedUntil;
            if (last > seenAt) _share(promised * (last - seenAt), seenAt / LENGTH, false);
            seenAt = until;
        }
    }

    function _referenceFees(uint256 amount) private {
        if (people[0].activeFrom > _now() / LENGTH) return;
        _payFees(amount);
        _share(amount, _now() / LENGTH, true);
    }

    function _share(uint256 amount, uint256 period, bool isFee) private {
        uint256 total = 0;
        for (uint256 i = 0; i < people.length; ++i) {
            if (people[i].activeFrom <= period) total += people[i].units;
        }
        if (total == 0) {
            assertFalse(isFee);
            return;
        }
        for (uint256 i = 0; i < people.length; ++i) {
            Person storage person = people[i];
            if (person.activeFrom > period) continue;
            uint256 part = amount * person.units * (DENOMINATOR / total);
            if (isFee) person.fees += part;
            else person.streamed += part;
        }
    }

    function _referenceSlash(uint256 offenceAt) private {
        _slash(VALIDATOR, offenceAt, HALF);
        for (uint256 i = 0; i < people.length; ++i) {
            if (people[i].activeFrom <= offenceAt / LENGTH) people[i].units /= 2;
        }
    }

    function _assertReference() private view {
        for (uint256 i = 0; i < people.length; ++i) {
            Person memory person = people[i];
            StakePositions.Position memory at = staking.positionOf(person.position);
            assertEq(at.amount, person.units * MINIMUM);
            assertApproxEqAbs(_fees(at.owner, person.position), person.fees / DENOMINATOR, 1);
            assertApproxEqAbs(_streamed(at.owner, person.position), person.streamed / DENOMINATOR, 1);
        }
    }
}
