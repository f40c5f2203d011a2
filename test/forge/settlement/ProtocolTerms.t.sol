// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Test} from "forge-std/Test.sol";
import {IPayoutPolicy} from "../../../contracts/IPayoutPolicy.sol";
import {ProtocolTerms} from "../../../contracts/ProtocolTerms.sol";
import {PositivePart} from "../../../contracts/policies/PositivePart.sol";

/// set: not the owner ✗, parts that are not whole ✗, more than all for the platform ✗, no treasury or stakers ✗, a policy
///   without code ✗, else the next version, and all others stay
contract ProtocolTermsTest is Test {
    ProtocolTerms private terms;
    address private timelock = makeAddr("timelock");
    IPayoutPolicy private policy = new PositivePart();

    function setUp() public {
        terms = new ProtocolTerms(first(), timelock);
    }

    function first() private returns (ProtocolTerms.Terms memory) {
        return ProtocolTerms.Terms({
            platformBps: 500,
            betaBps: 3000,
            gammaBps: 1000,
            deltaBps: 6000,
            treasury: makeAddr("treasury"),
            refundTimeout: 1000,
            stakers: makeAddr("stakers"),
            indexBond: 77,
            policy: policy,
            longestOpen: 10_000,
            challengeWindow: 50
        });
    }

    function refused(ProtocolTerms.Terms memory next, bytes memory error) private {
        vm.prank(timelock);
        vm.expectRevert(error);
        terms.set(next);
        vm.expectRevert(error);
        new ProtocolTerms(next, timelock);
    }

    function testFuzz_OnlyTheTimelockSets(address caller) public {
        vm.assume(caller != timelock);
        ProtocolTerms.Terms memory next = first();
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller));
        terms.set(next);
        assertEq(terms.current(), 0);
    }

    function testFuzz_PartsAreWholeOrRefused(uint16 beta, uint16 gamma, uint16 delta, uint16 platform) public {
        ProtocolTerms.Terms memory next = first();
        (next.betaBps, next.gammaBps, next.deltaBps) = (beta, gamma, delta);
        uint256 parts = uint256(beta) + gamma + delta;
        if (parts != 10_000) refused(next, abi.encodeWithSelector(ProtocolTerms.PartsNotWhole.selector, parts));
        next.betaBps = beta % 10_001;
        next.gammaBps = gamma % (10_001 - next.betaBps);
        next.deltaBps = 10_000 - next.betaBps - next.gammaBps;
        next.platformBps = platform;
        if (platform > 10_000) {
            refused(next, abi.encodeWithSelector(ProtocolTerms.PartsNotWhole.selector, uint256(platform)));
        } else {
            vm.prank(timelock);
            terms.set(next);
            assertEq(abi.encode(terms.at(1)), abi.encode(next));
        }
    }

    function testFuzz_APolicyIsAContractAndMoneyGoesToSomebody(address account) public {
        vm.assume(account.code.length == 0);
        ProtocolTerms.Terms memory next = first();
        next.policy = IPayoutPolicy(account);
        refused(next, abi.encodeWithSelector(ProtocolTerms.NotAPolicy.selector, account));
        next = first();
        next.treasury = address(0);
        refused(next, abi.encodeWithSelector(ProtocolTerms.ZeroAddress.selector));
        next = first();
        next.stakers = address(0);
        refused(next, abi.encodeWithSelector(ProtocolTerms.ZeroAddress.selector));
    }

    /// A vote changes what comes, never what was agreed.
    function testFuzz_VersionsAreKeptForEver(uint96[8] memory bonds) public {
        bytes[] memory set = new bytes[](9);
        set[0] = abi.encode(first());
        for (uint256 v = 1; v <= 8; ++v) {
            ProtocolTerms.Terms memory next = first();
            (next.indexBond, next.challengeWindow) = (bonds[v - 1], uint32(v));
            set[v] = abi.encode(next);
            vm.expectEmit(address(terms));
            emit ProtocolTerms.TermsSet(v, next);
            vm.prank(timelock);
            terms.set(next);
            assertEq(terms.current(), v);
            (uint96 bond, uint32 window) = terms.indexTerms();
            assertEq(bond, bonds[v - 1]);
            assertEq(window, v);
            for (uint256 old = 0; old <= v; ++old) assertEq(abi.encode(terms.at(old)), set[old]);
        }
        vm.expectRevert(abi.encodeWithSelector(ProtocolTerms.UnknownVersion.selector, 9));
        terms.at(9);
    }

    /// An epoch keeps its version in three bytes: there must never be one that they cannot hold.
    function test_VersionsDoNotOutgrowTheirNumber() public {
        ProtocolTerms.Terms memory next = first();
        uint256 versions = 2 ** 24;
        vm.store(address(terms), bytes32(uint256(1)), bytes32(versions)); // as if so many had been set
        assertEq(terms.current(), type(uint24).max);
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(ProtocolTerms.UnknownVersion.selector, versions));
        terms.set(next);
    }
}
