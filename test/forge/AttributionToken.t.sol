// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {Test} from "forge-std/Test.sol";
import {AttributionToken} from "../../contracts/AttributionToken.sol";

contract AttributionTokenTest is Test {
    uint256 internal constant CAP = 1e27;
    bytes32 internal constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    AttributionToken internal token;
    address internal owner = makeAddr("owner");
    address internal alice;
    uint256 internal aliceKey;
    address internal bob = makeAddr("bob");

    function setUp() public {
        (alice, aliceKey) = makeAddrAndKey("alice");
        vm.warp(1_800_000_000);
        token = new AttributionToken(CAP, owner);
    }

    function mint(address to, uint256 amount) internal {
        vm.prank(owner);
        token.mint(to, amount);
    }

    // ---- cap and burning ----

    function test_CapStaysBelowTheFeeType() public {
        uint256 maximum = type(uint96).max;
        new AttributionToken(maximum, owner);
        vm.expectRevert(abi.encodeWithSelector(AttributionToken.CapExceedsFeeType.selector, maximum + 1, maximum));
        new AttributionToken(maximum + 1, owner);
    }

    function testFuzz_OnlyTheOwnerMints(address caller) public {
        vm.assume(caller != owner);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller));
        token.mint(caller, 1);
    }

    function testFuzz_NoMoreThanTheCapIsMinted(uint256 first, uint256 second) public {
        first = bound(first, 0, CAP);
        second = bound(second, CAP - first + 1, type(uint256).max - CAP);
        mint(alice, first);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ERC20Capped.ERC20ExceededCap.selector, first + second, CAP));
        token.mint(alice, second);
    }

    function testFuzz_BurntUnitsAreNeverMintedAgain(uint256 amount) public {
        amount = bound(amount, 1, CAP);
        mint(alice, CAP);
        vm.prank(alice);
        token.burn(amount);
        assertEq(token.totalSupply(), CAP - amount);
        assertEq(token.cap(), CAP - amount);
        assertEq(token.burned(), amount);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(ERC20Capped.ERC20ExceededCap.selector, CAP - amount + 1, CAP - amount));
        token.mint(alice, 1);
    }

    function test_BurningTakesAllowanceAndBalance() public {
        mint(alice, 10);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, bob, 0, 1));
        token.burnFrom(alice, 1);
        vm.prank(alice);
        token.approve(bob, 4);
        vm.prank(bob);
        token.burnFrom(alice, 4);
        assertEq(token.allowance(alice, bob), 0);
        assertEq(token.balanceOf(alice), 6);
        vm.prank(alice);
        vm.expectRevert(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, alice, 6, 7));
        token.burn(7);
    }

    function test_BurningTakesTheVotesAlong() public {
        mint(alice, 10);
        vm.startPrank(alice);
        token.delegate(bob);
        token.burn(3);
        assertEq(token.getVotes(bob), 7);
    }

    // ---- votes ----

    function test_TheClockRunsInSeconds() public {
        assertEq(token.CLOCK_MODE(), "mode=timestamp");
        assertEq(token.clock(), vm.getBlockTimestamp());
        skip(5);
        vm.roll(block.number + 1000);
        assertEq(token.clock(), vm.getBlockTimestamp());
    }

    function test_BalanceCountsNothingUntilSelfDelegationAndThenFromItsCheckpointOn() public {
        mint(alice, 10);
        assertEq(token.getVotes(alice), 0);
        skip(10);
        uint256 before = vm.getBlockTimestamp();
        skip(1);
        uint256 at = vm.getBlockTimestamp();
        vm.prank(alice);
        token.delegate(alice);
        assertEq(token.getVotes(alice), 10);
        assertEq(token.numCheckpoints(alice), 1);
        assertEq(token.checkpoints(alice, 0)._key, at);
        vm.expectRevert(abi.encodeWithSelector(Votes.ERC5805FutureLookup.selector, at, at));
        token.getPastVotes(alice, at);
        skip(1);
        assertEq(token.getPastVotes(alice, before), 0);
        assertEq(token.getPastVotes(alice, at), 10);
    }

    function test_AttackFlashLoanedVotesLeaveNoCheckpoint() public {
        mint(bob, CAP);
        vm.prank(alice);
        token.delegate(alice);
        skip(1);
        uint256 at = vm.getBlockTimestamp();
        vm.prank(bob);
        token.transfer(alice, CAP);
        assertEq(token.getVotes(alice), CAP); // within the loan
        vm.prank(alice);
        token.transfer(bob, CAP);
        skip(1);
        assertEq(token.getPastVotes(alice, at), 0);
    }

    // ---- permit ----

    function sign(uint256 value, uint256 nonce, uint256 deadline) internal view returns (uint8, bytes32, bytes32) {
        bytes32 message = keccak256(abi.encode(PERMIT_TYPEHASH, alice, bob, value, nonce, deadline));
        return vm.sign(aliceKey, keccak256(abi.encodePacked("\x19\x01", token.DOMAIN_SEPARATOR(), message)));
    }

    function test_AttackPermitReplay() public {
        uint256 deadline = vm.getBlockTimestamp() + 1 hours;
        (uint8 v, bytes32 r, bytes32 s) = sign(7, 0, deadline);
        token.permit(alice, bob, 7, deadline, v, r, s);
        assertEq(token.allowance(alice, bob), 7);
        assertEq(token.nonces(alice), 1);
        vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
        token.permit(alice, bob, 7, deadline, v, r, s);
    }

    function test_AttackPermitReplayOnAnotherChain() public {
        uint256 deadline = vm.getBlockTimestamp() + 1 hours;
        (uint8 v, bytes32 r, bytes32 s) = sign(7, 0, deadline);
        vm.chainId(10);
        vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
        token.permit(alice, bob, 7, deadline, v, r, s);
    }

    function test_AttackPermitReplayOnAnotherToken() public {
        uint256 deadline = vm.getBlockTimestamp() + 1 hours;
        (uint8 v, bytes32 r, bytes32 s) = sign(7, 0, deadline);
        AttributionToken other = new AttributionToken(CAP, owner);
        vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
        other.permit(alice, bob, 7, deadline, v, r, s);
    }

    function testFuzz_APermitIsForItsOwnValueAndTime(uint256 value, uint256 late) public {
        value = bound(value, 0, type(uint256).max - 1);
        uint256 deadline = vm.getBlockTimestamp() + 1 hours;
        (uint8 v, bytes32 r, bytes32 s) = sign(value, 0, deadline);
        vm.expectPartialRevert(ERC20Permit.ERC2612InvalidSigner.selector);
        token.permit(alice, bob, value + 1, deadline, v, r, s);
        vm.warp(bound(late, deadline + 1, deadline + 3650 days));
        vm.expectRevert(abi.encodeWithSelector(ERC20Permit.ERC2612ExpiredSignature.selector, deadline));
        token.permit(alice, bob, value, deadline, v, r, s);
    }

    function test_AttackThePermitOfNobody() public {
        // ecrecover answers zero for a bad signature; zero owns nothing, and the library refuses
        uint256 deadline = vm.getBlockTimestamp() + 1 hours;
        vm.expectPartialRevert(bytes4(keccak256("ECDSAInvalidSignature()")));
        token.permit(address(0), bob, 1, deadline, 27, bytes32(0), bytes32(0));
    }

    // ---- gas ----

    /// forge-config: default.isolate = true
    function test_Gas() public {
        mint(alice, 100);
        vm.prank(alice);
        token.transfer(bob, 10);
        vm.startPrank(alice);
        token.transfer(bob, 10);
        vm.snapshotGasLastCall("AttributionToken", "transfer, nobody delegates");
        token.delegate(alice);
        vm.snapshotGasLastCall("AttributionToken", "first self-delegation");
        skip(1);
        token.transfer(bob, 10);
        vm.snapshotGasLastCall("AttributionToken", "transfer, the sender delegates");
        token.burn(10);
        vm.snapshotGasLastCall("AttributionToken", "first burn");
    }
}
