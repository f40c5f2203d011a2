// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {StakePositions} from "../../../contracts/StakePositions.sol";
import {ValidatorStaking} from "../../../contracts/ValidatorStaking.sol";
import {OpenToken} from "./Tokens.sol";
import {StakingWorld} from "./StakingWorld.sol";

/// Everything that people can do, in any order, by people who try what they may not. What is paid in and out is written
/// down here from the token's side, never from the contract's own sums.
contract StakingHandler is Test {
    uint256 private constant ACTORS = 5;
    uint256 private constant WAD = 1e18;

    ValidatorStaking private immutable STAKING;
    OpenToken private immutable TOKEN;
    address private immutable SLASHER;
    address private immutable LOCKER;
    address private immutable TREASURY;

    address[] public actors;
    address[] public challengers;
    uint256[] private _ids;
    bytes32[] private _bonds;
    uint256 private _count;

    uint256 public deposited;
    uint256 public returned;
    uint256 public slashed;
    uint256 public rewarded;
    uint256 public burned;
    uint256 public yieldIn;
    uint256 public yieldOut;
    uint256 public slashes;
    mapping(address account => uint256) public putIn;
    mapping(address account => uint256) public tookOut;
    mapping(bytes32 name => uint256) public done;

    constructor(ValidatorStaking staking, OpenToken token, address slasher, address locker, address treasury) {
        (STAKING, TOKEN, SLASHER, LOCKER, TREASURY) = (staking, token, slasher, locker, treasury);
        for (uint256 i = 0; i < ACTORS; ++i) {
            actors.push(makeAddr(string(abi.encodePacked("actor ", vm.toString(i)))));
            _approve(actors[i]);
        }
        _approve(treasury);
        _approve(address(this));
        challengers.push(makeAddr("honest challenger"));
        challengers.push(actors[0]); // who also challenges herself
    }

    function _approve(address account) private {
        vm.prank(account);
        TOKEN.approve(address(STAKING), type(uint256).max);
    }

    function _actor(uint256 draw) private view returns (address) {
        return actors[draw % ACTORS];
    }

    function _id(uint256 draw) private view returns (uint256) {
        return _ids.length == 0 ? 1 : _ids[draw % _ids.length];
    }

    /// Its owner, and sometimes somebody else.
    function _caller(uint256 id, uint256 draw) private view returns (address) {
        if (draw % 8 == 0) return _actor(draw >> 8);
        try STAKING.positionOf(id) returns (StakePositions.Position memory at) {
            return at.owner;
        } catch {
            return _actor(draw >> 8);
        }
    }

    function register(uint256 who, uint256 amount) external {
        amount = bound(amount, 1e20, 1e24);
        TOKEN.mint(_actor(who), amount);
        vm.prank(_actor(who));
        _ids.push(STAKING.register(amount));
        _deposit(_actor(who), amount, "register");
    }

    function stake(uint256 who, uint256 validator, uint256 amount) external {
        amount = bound(amount, 1, amount % 3 == 0 ? 9 : 1e24);
        TOKEN.mint(_actor(who), amount);
        vm.prank(_actor(who));
        _ids.push(STAKING.stake(_actor(validator), amount));
        _deposit(_actor(who), amount, "stake");
    }

    function _deposit(address who, uint256 amount, bytes32 name) private {
        deposited += amount;
        putIn[who] += amount;
        ++done[name];
    }

    function _return(address who, uint256 balanceBefore, bytes32 name) private {
        uint256 amount = TOKEN.balanceOf(who) - balanceBefore;
        returned += amount;
        tookOut[who] += amount;
        ++done[name];
    }

    function cancel(uint256 draw) external {
        uint256 id = _id(draw);
        address who = _caller(id, draw >> 64);
        uint256 before = TOKEN.balanceOf(who);
        vm.prank(who);
        STAKING.cancel(id);
        _return(who, before, "cancel");
    }

    function unbond(uint256 draw, uint256 amount) external {
        uint256 id = _id(draw);
        address who = _caller(id, draw >> 64);
        uint256 most = STAKING.positionOf(id).amount;
        amount = amount % 4 == 0 ? most : bound(amount, 0, most + 1);
        vm.prank(who);
        uint256 request = STAKING.unbond(id, amount);
        if (request != id) _ids.push(request);
        ++done["unbond"];
    }

    function withdraw(uint256 draw) external {
        uint256 id = _id(draw);
        address who = _caller(id, draw >> 64);
        uint256 before = TOKEN.balanceOf(who);
        vm.prank(who);
        STAKING.withdraw(id);
        _return(who, before, "withdraw");
    }

    function claimYield(uint256 draw) external {
        uint256 id = _id(draw);
        address who = _caller(id, draw >> 64);
        uint256 before = TOKEN.balanceOf(who);
        uint256[] memory twice = new uint256[](2);
        (twice[0], twice[1]) = (id, id);
        vm.prank(who);
        STAKING.claimYield(twice);
        yieldOut += TOKEN.balanceOf(who) - before;
        ++done["claimYield"];
    }

    function sync(uint256 draw, uint8 limit) external {
        STAKING.sync(_id(draw), limit % 3);
        ++done["sync"];
    }

    function payFees(uint256 amount) external {
        amount = bound(amount, 1, 1e24);
        TOKEN.mint(address(this), amount);
        STAKING.payFees(amount);
        yieldIn += amount;
        ++done["payFees"];
    }

    function donate(uint256 amount) external {
        amount = bound(amount, 1, 1e24);
        TOKEN.mint(address(STAKING), amount);
        uint256 counted = STAKING.notifyFees();
        assertEq(counted, amount);
        yieldIn += amount;
        ++done["donate"];
    }

    function fundStream(uint256 amount, uint256 duration) external {
        amount = bound(amount, 1, 1e24);
        TOKEN.mint(TREASURY, amount);
        vm.prank(TREASURY);
        STAKING.fundStream(amount, bound(duration, 1, 60 days));
        yieldIn += amount;
        ++done["fundStream"];
    }

    function slash(uint256 validator, uint256 ago, uint256 share, uint256 challenger) external {
        ago = bound(ago, 0, 7 days);
        share = share % 16 == 0 ? WAD : bound(share, 1, WAD / 2);
        vm.prank(SLASHER);
        (uint256 taken, uint256 reward) = STAKING.slash(
            _actor(validator),
            keccak256(abi.encode(++_count)),
            vm.getBlockTimestamp() - ago,
            share,
            challengers[challenger % 2],
            challenger % (WAD / 2 + 1)
        );
        assertLe(reward, taken / 2);
        slashed += taken;
        rewarded += reward;
        ++slashes;
        ++done["slash"];
    }

    function slashWithoutRight(uint256 who, uint256 validator) external {
        vm.prank(_actor(who));
        STAKING.slash(_actor(validator), "offence", vm.getBlockTimestamp(), WAD, _actor(who), WAD / 2);
        assertTrue(false, "a stranger slashed");
    }

    function burnSlashed() external {
        uint256 supply = TOKEN.totalSupply();
        STAKING.burnSlashed();
        burned += supply - TOKEN.totalSupply();
        ++done["burnSlashed"];
    }

    function freeze(uint256 validator, uint256 time) external {
        vm.prank(SLASHER);
        STAKING.freeze(_actor(validator), vm.getBlockTimestamp() + bound(time, 0, 5 days));
        ++done["freeze"];
    }

    function lock(uint256 validator, uint256 amount) external {
        bytes32 id = keccak256(abi.encode("bond", ++_count));
        vm.prank(LOCKER);
        STAKING.lock(_actor(validator), bound(amount, 1, 1e21), id);
        _bonds.push(id);
        ++done["lock"];
    }

    function unlock(uint256 draw) external {
        if (_bonds.length == 0) return;
        vm.prank(LOCKER);
        STAKING.unlock(_bonds[draw % _bonds.length]);
        ++done["unlock"];
    }

    function wait(uint256 time) external {
        time = time % 4 == 0 ? bound(time, 0, 25 days) : bound(time, 0, 2 days);
        vm.warp(vm.getBlockTimestamp() + time);
        ++done["wait"];
    }

    function unlockAll() external {
        for (uint256 i = 0; i < _bonds.length; ++i) {
            vm.prank(LOCKER);
            try STAKING.unlock(_bonds[i]) {} catch {}
        }
    }
}

contract StakingInvariantTest is StakingWorld {
    StakingHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new StakingHandler(staking, token, SLASHER, LOCKER, TREASURY);
        for (uint256 i = 0; i < 3; ++i) handler.register(i, 1e23); // so that a run begins with something to take
        targetContract(address(handler));
        bytes4[] memory left = new bytes4[](1);
        left[0] = StakingHandler.unlockAll.selector;
        excludeSelector(FuzzSelector(address(handler), left));
    }

    /// What waits, is active and unbonds, by the contract's sums.
    function _stakeHere() private view returns (uint256 sum) {
        uint256 current = _now() / LENGTH;
        for (uint256 i = 0; i < 5; ++i) {
            address validator = handler.actors(i);
            sum += staking.ownStake(validator) + staking.delegatedStake(validator);
            for (uint256 period = 20_000; period <= current; ++period) {
                (, uint256[2] memory leaving) = staking.queueOf(validator, period);
                sum += leaving[0] + leaving[1];
            }
            (uint256[2] memory joining,) = staking.queueOf(validator, current + 1);
            sum += joining[0] + joining[1];
        }
    }

    function _rewards() private view returns (uint256 sum) {
        for (uint256 i = 0; i < 2; ++i) sum += staking.rewardOf(handler.challengers(i));
    }

    function invariant_depositsAreWaitingActiveUnbondingReturnedOrSlashed() public view {
        assertEq(handler.deposited(), _stakeHere() + handler.returned() + handler.slashed());
    }

    function invariant_tokensAreStakeYieldRewardsAndWhatIsToBeBurned() public view {
        uint256 held = staking.held();
        assertEq(held, _stakeHere() + _rewards() + staking.burnable() + handler.yieldIn() - handler.yieldOut());
        assertGe(token.balanceOf(address(staking)), held);
    }

    function invariant_slashedIsRewardsAndBurned() public view {
        assertEq(handler.slashed(), handler.rewarded() + handler.burned() + staking.burnable());
        assertEq(handler.rewarded(), _rewards()); // nobody claims here
    }

    function invariant_sumsArePositionsButForRounding() public view {
        uint256 count = staking.positions();
        uint256 sum = 0;
        for (uint256 id = 1; id <= count; ++id) {
            try staking.positionOf(id) returns (StakePositions.Position memory at) {
                sum += at.amount;
            } catch {}
        }
        uint256 here = _stakeHere();
        assertLe(sum, here);
        assertLe(here, sum + count * handler.slashes());
    }

    function invariant_theTotalIsTheSumOverValidators() public view {
        uint256 sum = 0;
        for (uint256 i = 0; i < 5; ++i) {
            sum += staking.ownStake(handler.actors(i)) + staking.delegatedStake(handler.actors(i));
        }
        assertEq(staking.totalStake(), sum);
    }

    function invariant_nobodyTakesOutMoreThanItPutIn() public view {
        for (uint256 i = 0; i < 5; ++i) {
            assertLe(handler.tookOut(handler.actors(i)), handler.putIn(handler.actors(i)));
        }
    }

    function invariant_yieldOwedAndPaidIsNoMoreThanWhatCame() public view {
        uint256 count = staking.positions();
        uint256 owed = 0;
        for (uint256 i = 0; i < 5; ++i) {
            address who = handler.actors(i);
            uint256[] memory none = new uint256[](0);
            uint256 credited = staking.feesEarned(who, none) + staking.treasuryEarned(who, none);
            owed += credited;
            for (uint256 id = 1; id <= count; ++id) {
                try staking.positionOf(id) returns (StakePositions.Position memory at) {
                    if (at.owner == who) owed += _fees(who, id) + _streamed(who, id) - credited;
                } catch {}
            }
        }
        // whole units of each position: a position adds less than one to what its owner has in fractions
        assertLe(owed + handler.yieldOut(), handler.yieldIn() + 2 * count);
    }

    function invariant_locksNeverExceedOwnStakeButAfterASlash() public view {
        if (handler.slashes() > 0) return;
        for (uint256 i = 0; i < 5; ++i) {
            assertLe(staking.lockedStake(handler.actors(i)), staking.ownStake(handler.actors(i)));
        }
    }

    /// Whatever happened, everybody gets out, and what is left is what rounding left to nobody.
    function afterInvariant() public {
        handler.unlockAll();
        _periods(1 + EVIDENCE);
        uint256 count = staking.positions();
        for (uint256 id = 1; id <= count; ++id) {
            try staking.positionOf(id) returns (StakePositions.Position memory at) {
                if (at.requestedIn == 0 && at.amount > 0) _unbond(at.owner, id, at.amount);
            } catch {}
        }
        _periods(1 + UNBONDING + FREEZING);
        for (uint256 id = 1; id <= count; ++id) {
            try staking.positionOf(id) returns (StakePositions.Position memory at) {
                if (at.requestedIn != 0) _withdraw(at.owner, id);
            } catch {}
        }
        for (uint256 i = 0; i < 5; ++i) {
            vm.prank(handler.actors(i));
            try staking.claimYield(new uint256[](0)) {} catch {}
        }
        uint256 stakeLeft = _stakeHere();
        assertLe(stakeLeft, count * handler.slashes());
        emit log_named_uint("stake left to rounding, units", stakeLeft);
    }
}
