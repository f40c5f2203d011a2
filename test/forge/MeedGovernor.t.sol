// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {Vm} from "forge-std/Vm.sol";
import {AttributionToken} from "../../contracts/AttributionToken.sol";
import {Groth16Verifier} from "../../contracts/Groth16Verifier.sol";
import {VerifierRouter} from "../../contracts/VerifierRouter.sol";
import {MeedGovernor} from "../../contracts/governance/MeedGovernor.sol";
import {Governed} from "./support/Governed.sol";
import {TestKeys} from "./support/TestKeys.sol";

/// @notice Lends its tokens for the length of one call and takes them back.
contract FlashLender {
    AttributionToken private immutable _token;

    constructor(AttributionToken token) {
        _token = token;
    }

    function lend(FlashBorrower borrower) external {
        uint256 amount = _token.balanceOf(address(this));
        _token.transfer(address(borrower), amount);
        borrower.use();
        require(_token.balanceOf(address(this)) == amount, "the loan was not paid back");
    }
}

/// @notice Does one call with what it borrowed.
contract FlashBorrower {
    AttributionToken private immutable _token;
    FlashLender private immutable _lender;
    address private _target;
    bytes private _data;

    constructor(AttributionToken token, FlashLender lender) {
        _token = token;
        _lender = lender;
        token.delegate(address(this));
    }

    function plan(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function use() external {
        if (_target != address(0)) {
            (bool works, bytes memory answer) = _target.call(_data);
            if (!works) {
                assembly ("memory-safe") {
                    revert(add(answer, 0x20), mload(answer))
                }
            }
        }
        _token.transfer(address(_lender), _token.balanceOf(address(this)));
    }
}

/// propose ── below the threshold → refused; at it → pending for one day
/// vote ── before the snapshot → refused; weight is that of the snapshot
/// after one week ── no quorum, or no majority → defeated; otherwise succeeded
/// queue → one week → execute; earlier → refused; twice → refused
contract MeedGovernorTest is Governed {
    uint256 internal constant SUPPLY = 1_000_000 ether;
    uint256 internal constant THRESHOLD = 10_000 ether;

    address internal whale;
    address internal small;

    function setUp() public {
        deployGoverned();
        whale = voter("whale", 60_000 ether); // 6 %
        small = voter("small", THRESHOLD); // 1 %
        mint(makeAddr("everybody else"), SUPPLY - 70_000 ether);
        skip(1);
    }

    // ---- figures ----

    function test_Figures() public view {
        assertEq(governor.votingDelay(), 1 days);
        assertEq(governor.votingPeriod(), 7 days);
        assertEq(governor.proposalThreshold(), 10_000 * 10 ** token.decimals());
        assertEq(governor.quorum(vm.getBlockTimestamp() - 1), SUPPLY / 20);
        assertEq(governor.lateQuorumVoteExtension(), 2 days);
        assertEq(governor.timelock(), address(timelock));
        assertEq(timelock.getMinDelay(), 7 days);
        assertEq(governor.clock(), vm.getBlockTimestamp());
        assertEq(governor.CLOCK_MODE(), "mode=timestamp");
        assertTrue(governor.proposalNeedsQueuing(0));
    }

    function test_TheGovernorFitsTheCodeSizeLimit() public view {
        assertLe(address(governor).code.length, 24_576);
    }

    // ---- the way of a proposal ----

    function test_ProposeVoteQueueExecute() public {
        Motion memory motion = mintMotion(small, 7 ether);
        uint256 at = vm.getBlockTimestamp();
        uint256 proposal = propose(small, motion);
        assertEq(governor.proposalSnapshot(proposal), at + 1 days);
        assertEq(governor.proposalDeadline(proposal), at + 8 days);

        vm.warp(at + 1 days);
        assertEq(uint8(governor.state(proposal)), uint8(IGovernor.ProposalState.Pending));
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        vote(whale, proposal, 1);
        vm.warp(at + 1 days + 1);
        vote(whale, proposal, 1);
        vm.expectPartialRevert(IGovernor.GovernorAlreadyCastVote.selector);
        vote(whale, proposal, 1);
        vm.warp(at + 8 days);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        queue(motion);
        vm.warp(at + 8 days + 1);
        assertEq(uint8(governor.state(proposal)), uint8(IGovernor.ProposalState.Succeeded));
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        execute(motion);
        queue(motion);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        queue(motion);
        assertEq(governor.proposalEta(proposal), at + 15 days + 1);

        vm.warp(at + 15 days);
        vm.expectPartialRevert(TimelockController.TimelockUnexpectedOperationState.selector);
        execute(motion);
        vm.warp(at + 15 days + 1);
        execute(motion);
        assertEq(token.balanceOf(small), THRESHOLD + 7 ether);
        vm.expectPartialRevert(IGovernor.GovernorUnexpectedProposalState.selector);
        execute(motion);
    }

    function testFuzz_ProposingTakesTheThreshold(uint256 amount) public {
        amount = bound(amount, 0, THRESHOLD - 1);
        address below = voter("below", amount);
        skip(1);
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = listsOf(mintMotion(below, 1));
        vm.prank(below);
        vm.expectRevert(
            abi.encodeWithSelector(IGovernor.GovernorInsufficientProposerVotes.selector, below, amount, THRESHOLD)
        );
        governor.propose(targets, values, calls, "mint");
    }

    function testFuzz_WithoutQuorumNothingPasses(uint256 amount) public {
        uint256 supply = SUPPLY;
        amount = bound(amount, 0, supply / 20 - 1);
        address some = makeAddr("some");
        vm.prank(whale);
        token.transfer(some, amount);
        vm.prank(some);
        token.delegate(some);
        uint256 proposal = propose(small, mintMotion(small, 1));
        vm.warp(governor.proposalSnapshot(proposal) + 1);
        vote(some, proposal, 1);
        vm.warp(governor.proposalDeadline(proposal) + 1);
        assertEq(uint8(governor.state(proposal)), uint8(IGovernor.ProposalState.Defeated));
    }

    function testFuzz_AMajorityOfForOverAgainstDecides(uint256 against) public {
        against = bound(against, 0, 60_000 ether);
        address opponent = makeAddr("opponent");
        vm.prank(whale);
        token.transfer(opponent, against);
        vm.prank(opponent);
        token.delegate(opponent);
        address abstainer = voter("abstainer", 60_000 ether); // the quorum is there in any case
        uint256 proposal = propose(small, mintMotion(small, 1));
        vm.warp(governor.proposalSnapshot(proposal) + 1);
        vote(whale, proposal, 1);
        vote(opponent, proposal, 0);
        vote(abstainer, proposal, 2);
        vm.warp(governor.proposalDeadline(proposal) + 1);
        IGovernor.ProposalState expected =
            60_000 ether - against > against ? IGovernor.ProposalState.Succeeded : IGovernor.ProposalState.Defeated;
        assertEq(uint8(governor.state(proposal)), uint8(expected));
    }

    function test_OnlyItsProposerCancelsAndOnlyWhileItWaits() public {
        Motion memory motion = mintMotion(small, 1);
        uint256 proposal = propose(small, motion);
        vm.prank(whale);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, proposal, whale));
        cancel(motion);
        vm.prank(small);
        cancel(motion);
        assertEq(uint8(governor.state(proposal)), uint8(IGovernor.ProposalState.Canceled));
        motion.description = "mint, again";
        proposal = propose(small, motion);
        vm.warp(governor.proposalSnapshot(proposal) + 1);
        vm.prank(small);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, proposal, small));
        cancel(motion);
    }

    function test_AQuorumReachedLateExtendsTheVoteOnce() public {
        uint256 proposal = propose(small, mintMotion(small, 1));
        uint256 deadline = governor.proposalDeadline(proposal);
        vm.warp(deadline);
        vm.expectEmit(address(governor));
        emit GovernorPreventLateQuorum.ProposalExtended(proposal, uint64(deadline + 2 days));
        vote(whale, proposal, 1);
        assertEq(governor.proposalDeadline(proposal), deadline + 2 days);
        address opponent = makeAddr("everybody else"); // holds most and delegated too late
        vm.prank(opponent);
        token.delegate(opponent);
        vm.warp(deadline + 2 days);
        vote(opponent, proposal, 0);
        vote(small, proposal, 0);
        assertEq(governor.proposalDeadline(proposal), deadline + 2 days);
        vm.warp(deadline + 2 days + 1);
        assertEq(uint8(governor.state(proposal)), uint8(IGovernor.ProposalState.Succeeded));
    }

    function test_AttackLateQuorumIsAnswered() public {
        address sleeper = voter("sleeper", 70_000 ether);
        skip(1);
        uint256 proposal = propose(small, mintMotion(small, CAP / 2));
        uint256 deadline = governor.proposalDeadline(proposal);
        vm.warp(deadline);
        vote(whale, proposal, 1); // in the last second
        vm.warp(deadline + 1);
        vote(sleeper, proposal, 0);
        vm.warp(governor.proposalDeadline(proposal) + 1);
        assertEq(uint8(governor.state(proposal)), uint8(IGovernor.ProposalState.Defeated));
    }

    function test_AnEarlyQuorumExtendsNothing() public {
        uint256 proposal = propose(small, mintMotion(small, 1));
        uint256 deadline = governor.proposalDeadline(proposal);
        vm.warp(deadline - 2 days);
        vote(whale, proposal, 1);
        assertEq(governor.proposalDeadline(proposal), deadline);
    }

    // ---- what governance governs ----

    function test_AVoteChangesTheGovernorsOwnFigures() public {
        bytes memory data = abi.encodeCall(governor.setVotingPeriod, (10 days));
        carry(whale, Motion(address(governor), data, "longer votes"));
        assertEq(governor.votingPeriod(), 10 days);
    }

    function test_AVoteChangesTheTimelocksDelay() public {
        bytes memory data = abi.encodeCall(timelock.updateDelay, (2 weeks));
        carry(whale, Motion(address(timelock), data, "longer wait"));
        assertEq(timelock.getMinDelay(), 2 weeks);
    }

    function test_AVoteRoutesACircuit() public {
        Groth16Verifier verifier = new Groth16Verifier(TestKeys.words(1));
        bytes32 circuitId = keccak256("circuit");
        bytes memory data = abi.encodeCall(router.announce, (circuitId, verifier, verifier.keyHash()));
        carry(whale, Motion(address(router), data, "a verifier"));
        skip(ACTIVATION_DELAY);
        router.activate(circuitId);
        assertEq(address(router.verifierOf(circuitId)), address(verifier));
    }

    // ---- attacks ----

    function test_AttackExtraTimelockProposers() public {
        // every role ever granted, from the logs of a deployment
        deployGoverned();
        Vm.Log[] memory logs = vm.getRecordedLogs();
        bytes32 admin = timelock.DEFAULT_ADMIN_ROLE();
        uint256 granted;
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != address(timelock)) continue;
            if (logs[i].topics[0] != IAccessControl.RoleGranted.selector) continue;
            bytes32 role = logs[i].topics[1];
            address account = address(uint160(uint256(logs[i].topics[2])));
            if (!timelock.hasRole(role, account)) {
                assertEq(account, deployer); // renounced
                continue;
            }
            ++granted;
            assertEq(account, role == admin ? address(timelock) : address(governor));
        }
        assertEq(granted, 4); // admin, proposer, canceller, executor

        // and nobody can add one
        bytes32 proposer = timelock.PROPOSER_ROLE();
        address[4] memory callers = [deployer, whale, address(governor), address(token)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            vm.expectRevert(
                abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, callers[i], admin)
            );
            timelock.grantRole(proposer, callers[i]);
        }
    }

    function testFuzz_OnlyTheGovernorUsesTheTimelock(address caller) public {
        vm.assume(caller != address(governor) && caller != address(timelock));
        bytes32[3] memory roles = [timelock.PROPOSER_ROLE(), timelock.CANCELLER_ROLE(), timelock.EXECUTOR_ROLE()];
        bytes memory data = abi.encodeCall(AttributionToken.mint, (caller, 1));
        vm.startPrank(caller);
        vm.expectRevert(unauthorized(caller, roles[0]));
        timelock.schedule(address(token), 0, data, 0, 0, TIMELOCK_DELAY);
        vm.expectRevert(unauthorized(caller, roles[1]));
        timelock.cancel(keccak256("any"));
        vm.expectRevert(unauthorized(caller, roles[2]));
        timelock.execute(address(token), 0, data, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(TimelockController.TimelockUnauthorizedCaller.selector, caller));
        timelock.updateDelay(0);
    }

    function testFuzz_AttackOwnershipLeftWithTheDeployer(address caller) public {
        vm.assume(caller != address(timelock));
        assertEq(token.owner(), address(timelock));
        assertEq(router.timelock(), address(timelock));
        nothingIsLeftFor(caller);
        nothingIsLeftFor(deployer);
    }

    function nothingIsLeftFor(address caller) private {
        bytes32 admin = timelock.DEFAULT_ADMIN_ROLE();
        bytes32 executor = timelock.EXECUTOR_ROLE();
        bytes memory stranger = abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller);
        bytes memory notTimelock = abi.encodeWithSelector(VerifierRouter.NotTimelock.selector, caller);
        bytes memory notExecutor = abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, caller);
        vm.startPrank(caller);
        vm.expectRevert(stranger);
        token.mint(caller, 1);
        vm.expectRevert(stranger);
        token.transferOwnership(caller);
        vm.expectRevert(stranger);
        token.renounceOwnership();
        vm.expectRevert(notTimelock);
        router.cancel(0);
        vm.expectRevert(unauthorized(caller, admin));
        timelock.grantRole(executor, caller);
        vm.expectRevert(unauthorized(caller, admin));
        timelock.revokeRole(executor, address(governor));
        vm.expectRevert(notExecutor);
        governor.setVotingDelay(0);
        vm.expectRevert(notExecutor);
        governor.setVotingPeriod(1);
        vm.expectRevert(notExecutor);
        governor.setProposalThreshold(0);
        vm.expectRevert(notExecutor);
        governor.updateQuorumNumerator(0);
        vm.expectRevert(notExecutor);
        governor.setLateQuorumVoteExtension(0);
        vm.expectRevert(notExecutor);
        governor.updateTimelock(TimelockController(payable(caller)));
        vm.expectRevert(notExecutor);
        governor.relay(address(token), 0, "");
        vm.stopPrank();
    }

    function test_TheTimelockItselfChangesTheGovernorOnlyByAVote() public {
        // a call that no proposal holds is refused even from the timelock
        vm.prank(address(timelock));
        vm.expectRevert();
        governor.setVotingPeriod(1 days);
        assertEq(governor.votingPeriod(), 7 days);
    }

    function lend() private returns (FlashLender lender, FlashBorrower borrower) {
        lender = new FlashLender(token);
        borrower = new FlashBorrower(token, lender);
        mint(address(lender), SUPPLY);
        skip(1);
    }

    function test_AttackFlashLoanProposes() public {
        (FlashLender lender, FlashBorrower borrower) = lend();
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) =
            listsOf(mintMotion(address(borrower), CAP));
        borrower.plan(address(governor), abi.encodeCall(governor.propose, (targets, values, calls, "loot")));
        vm.expectRevert(
            abi.encodeWithSelector(
                IGovernor.GovernorInsufficientProposerVotes.selector, address(borrower), 0, THRESHOLD
            )
        );
        lender.lend(borrower);
    }

    function test_AttackFlashLoanVotes() public {
        (FlashLender lender, FlashBorrower borrower) = lend();
        uint256 proposal = propose(small, mintMotion(address(borrower), CAP / 2));
        uint256 snapshot = governor.proposalSnapshot(proposal);
        // a loan in the very second of the snapshot leaves nothing in it
        vm.warp(snapshot);
        borrower.plan(address(0), "");
        lender.lend(borrower);
        // and a loan during the vote comes too late
        vm.warp(snapshot + 1);
        borrower.plan(address(governor), abi.encodeCall(governor.castVote, (proposal, 1)));
        lender.lend(borrower);
        assertTrue(governor.hasVoted(proposal, address(borrower)));
        (uint256 against, uint256 infavour, uint256 abstain) = governor.proposalVotes(proposal);
        assertEq(against + infavour + abstain, 0);
        vm.warp(governor.proposalDeadline(proposal) + 1);
        assertEq(uint8(governor.state(proposal)), uint8(IGovernor.ProposalState.Defeated));
    }

    function test_AttackVotesBoughtDuringTheVoteCountNothing() public {
        uint256 proposal = propose(small, mintMotion(small, 1));
        vm.warp(governor.proposalSnapshot(proposal) + 1);
        address buyer = voter("buyer", SUPPLY);
        vote(buyer, proposal, 1);
        (, uint256 infavour,) = governor.proposalVotes(proposal);
        assertEq(infavour, 0);
    }

    function test_AttackVotingTwiceByPassingTokensOn() public {
        uint256 proposal = propose(small, mintMotion(small, 1));
        vm.warp(governor.proposalSnapshot(proposal) + 1);
        vote(whale, proposal, 1);
        address second = makeAddr("second");
        vm.prank(whale);
        token.transfer(second, 60_000 ether);
        vm.startPrank(second);
        token.delegate(second);
        governor.castVote(proposal, 1);
        vm.stopPrank();
        (, uint256 infavour,) = governor.proposalVotes(proposal);
        assertEq(infavour, 60_000 ether);
    }

    function test_AttackMintedAwayQuorumIsThatOfTheSnapshot() public {
        uint256 proposal = propose(small, mintMotion(small, 1));
        uint256 snapshot = governor.proposalSnapshot(proposal);
        vm.warp(snapshot + 1);
        uint256 quorum = governor.quorum(snapshot);
        mint(makeAddr("late"), SUPPLY);
        vm.prank(makeAddr("everybody else"));
        token.burn(SUPPLY / 2);
        skip(1);
        assertEq(governor.quorum(snapshot), quorum);
    }

    function unauthorized(address caller, bytes32 role) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IAccessControl.AccessControlUnauthorizedAccount.selector, caller, role);
    }

    // ---- gas ----

    /// forge-config: default.isolate = true
    function test_Gas() public {
        Motion memory motion = mintMotion(small, 1);
        uint256 proposal = propose(small, motion);
        vm.snapshotGasLastCall("MeedGovernor", "propose one call");
        vm.warp(governor.proposalSnapshot(proposal) + 1);
        vote(whale, proposal, 1);
        vm.snapshotGasLastCall("MeedGovernor", "castVote");
        vm.warp(governor.proposalDeadline(proposal) + 1);
        queue(motion);
        vm.snapshotGasLastCall("MeedGovernor", "queue");
        skip(TIMELOCK_DELAY);
        execute(motion);
        vm.snapshotGasLastCall("MeedGovernor", "execute a mint");
    }
}

/// @notice Anybody calls anything with anything; nothing that only a vote may change has changed.
contract GovernedInvariantTest is Governed {
    address private holder = makeAddr("holder");
    address private stranger = makeAddr("stranger");

    function setUp() public {
        deployGoverned();
        mint(holder, 1_000_000 ether);
        targetContract(address(token));
        targetContract(address(router));
        targetContract(address(timelock));
        targetContract(address(governor));
        targetSender(deployer);
        targetSender(holder);
        targetSender(stranger);
    }

    function invariant_OnlyTheTimelockChangesParameters() public view {
        assertEq(token.owner(), address(timelock));
        assertEq(timelock.getMinDelay(), TIMELOCK_DELAY);
        assertEq(governor.votingDelay(), 1 days);
        assertEq(governor.votingPeriod(), 1 weeks);
        assertEq(governor.proposalThreshold(), 10_000 ether);
        assertEq(governor.quorumNumerator(), 5);
        assertEq(governor.lateQuorumVoteExtension(), 2 days);
        assertEq(governor.timelock(), address(timelock));
        assertLe(token.totalSupply(), 1_000_000 ether);
    }

    function invariant_OnlyTheGovernorHasRoles() public view {
        bytes32[4] memory roles = [
            timelock.DEFAULT_ADMIN_ROLE(), timelock.PROPOSER_ROLE(), timelock.CANCELLER_ROLE(), timelock.EXECUTOR_ROLE()
        ];
        address[4] memory others = [deployer, holder, stranger, address(router)];
        for (uint256 r = 0; r < roles.length; ++r) {
            for (uint256 i = 0; i < others.length; ++i) {
                assertFalse(timelock.hasRole(roles[r], others[i]));
            }
        }
        assertTrue(timelock.hasRole(roles[0], address(timelock)));
    }
}
