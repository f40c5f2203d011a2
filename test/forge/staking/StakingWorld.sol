// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {StakePositions} from "../../../contracts/StakePositions.sol";
import {ValidatorStaking} from "../../../contracts/ValidatorStaking.sol";
import {StakePool} from "../../../contracts/libraries/StakePool.sol";
import {OpenToken} from "./Tokens.sol";

/// A staking contract with days for periods, and people around it. The trap: the optimiser may read block.timestamp once for
/// a whole function, so tests that move the clock ask the machine instead.
abstract contract StakingWorld is Test {
    uint256 internal constant LENGTH = 1 days;
    uint256 internal constant EVIDENCE = 7;
    uint256 internal constant UNBONDING = 14;
    uint256 internal constant FREEZING = 5;
    uint256 internal constant MINIMUM = 1000e18;
    uint256 internal constant WAD = 1e18;
    uint256 internal constant HALF = 0.5e18;

    address internal immutable TREASURY = makeAddr("treasury");
    address internal immutable TIMELOCK = makeAddr("timelock");
    address internal immutable SLASHER = makeAddr("disputes");
    address internal immutable LOCKER = makeAddr("index registry");
    address internal immutable CHALLENGER = makeAddr("challenger");
    address internal immutable VALIDATOR = makeAddr("validator");
    address internal immutable ALICE = makeAddr("alice");
    address internal immutable BOB = makeAddr("bob");

    OpenToken internal token;
    ValidatorStaking internal staking;
    uint256 private _offences;

    function setUp() public virtual {
        vm.warp(20_000 * LENGTH);
        token = _newToken();
        staking = _newStaking();
    }

    function _newToken() internal virtual returns (OpenToken) {
        return new OpenToken();
    }

    function _newStaking() internal returns (ValidatorStaking made) {
        made = new ValidatorStaking(token, TREASURY, TIMELOCK, MINIMUM, _terms());
        address[] memory lockers = new address[](1);
        lockers[0] = LOCKER;
        vm.prank(TIMELOCK);
        made.appoint(SLASHER, lockers);
    }

    function _terms() internal pure returns (StakePool.Clock memory) {
        return StakePool.Clock(LENGTH, EVIDENCE, UNBONDING, FREEZING);
    }

    function _now() internal view returns (uint256) {
        return vm.getBlockTimestamp();
    }

    /// Moves to the start of the n-th next period.
    function _periods(uint256 n) internal {
        vm.warp((_now() / LENGTH + n) * LENGTH);
    }

    function _wait(uint256 time) internal {
        vm.warp(_now() + time);
    }

    function _give(address account, uint256 amount) internal {
        token.mint(account, amount);
        vm.prank(account);
        token.approve(address(staking), type(uint256).max);
    }

    function _register(address validator, uint256 amount) internal returns (uint256 position) {
        _give(validator, amount);
        vm.prank(validator);
        position = staking.register(amount);
    }

    function _stake(address owner, address validator, uint256 amount) internal returns (uint256 position) {
        _give(owner, amount);
        vm.prank(owner);
        position = staking.stake(validator, amount);
    }

    function _unbond(address owner, uint256 position, uint256 amount) internal returns (uint256 request) {
        vm.prank(owner);
        request = staking.unbond(position, amount);
    }

    function _withdraw(address owner, uint256 request) internal {
        vm.prank(owner);
        staking.withdraw(request);
    }

    function _slash(address validator, uint256 offenceAt, uint256 share)
        internal
        returns (uint256 taken, uint256 reward)
    {
        bytes32 id = keccak256(abi.encode("offence", ++_offences));
        vm.prank(SLASHER);
        return staking.slash(validator, id, offenceAt, share, CHALLENGER, HALF);
    }

    function _payFees(uint256 amount) internal {
        address payer = makeAddr("payer");
        _give(payer, amount);
        vm.prank(payer);
        staking.payFees(amount);
    }

    function _fund(uint256 amount, uint256 duration) internal {
        _give(TREASURY, amount);
        vm.prank(TREASURY);
        staking.fundStream(amount, duration);
    }

    function _amountOf(uint256 position) internal view returns (uint256) {
        return staking.positionOf(position).amount;
    }

    function _one(uint256 id) internal pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = id;
    }

    function _fees(address account, uint256 position) internal view returns (uint256) {
        return staking.feesEarned(account, _one(position));
    }

    function _streamed(address account, uint256 position) internal view returns (uint256) {
        return staking.treasuryEarned(account, _one(position));
    }

    function _claim(address account, uint256 position) internal returns (uint256 paid) {
        uint256 before = token.balanceOf(account);
        vm.prank(account);
        staking.claimYield(_one(position));
        paid = token.balanceOf(account) - before;
    }

    function _refused(bytes4 error) internal {
        vm.expectPartialRevert(error);
    }
}
