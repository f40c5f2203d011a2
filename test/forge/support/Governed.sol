// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Test} from "forge-std/Test.sol";
import {AttributionToken} from "../../../contracts/AttributionToken.sol";
import {VerifierRouter} from "../../../contracts/VerifierRouter.sol";
import {MeedGovernor} from "../../../contracts/governance/MeedGovernor.sol";

/// @title Token, timelock, governor and router as they are deployed: handed over and renounced
abstract contract Governed is Test {
    uint256 internal constant CAP = 1e27;
    uint64 internal constant ACTIVATION_DELAY = 3 days;
    uint256 internal constant TIMELOCK_DELAY = 1 weeks;

    address internal deployer = makeAddr("deployer");
    AttributionToken internal token;
    TimelockController internal timelock;
    MeedGovernor internal governor;
    VerifierRouter internal router;

    /// One call and its description.
    struct Motion {
        address target;
        bytes data;
        string description;
    }

    /// @dev Beneath a recording of logs, so that a test can replay every role that was ever granted.
    function deployGoverned() internal {
        vm.warp(1_800_000_000);
        vm.recordLogs();
        vm.startPrank(deployer);
        token = new AttributionToken(CAP, deployer);
        timelock = new TimelockController(TIMELOCK_DELAY, new address[](0), new address[](0), deployer);
        governor = new MeedGovernor(token, timelock);
        router = new VerifierRouter(address(timelock), ACTIVATION_DELAY);
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        timelock.grantRole(timelock.EXECUTOR_ROLE(), address(governor));
        token.transferOwnership(address(timelock));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), deployer);
        vm.stopPrank();
    }

    function mint(address to, uint256 amount) internal {
        vm.prank(address(timelock));
        token.mint(to, amount);
    }

    /// @notice An account with votes that count from now on.
    function voter(string memory name, uint256 amount) internal returns (address account) {
        account = makeAddr(name);
        mint(account, amount);
        vm.prank(account);
        token.delegate(account);
    }

    function mintMotion(address to, uint256 amount) internal view returns (Motion memory) {
        return Motion(address(token), abi.encodeCall(AttributionToken.mint, (to, amount)), "mint");
    }

    function propose(address proposer, Motion memory motion) internal returns (uint256) {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = listsOf(motion);
        vm.prank(proposer);
        return governor.propose(targets, values, calls, motion.description);
    }

    function vote(address account, uint256 proposal, uint8 support) internal {
        vm.prank(account);
        governor.castVote(proposal, support);
    }

    function queue(Motion memory motion) internal {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = listsOf(motion);
        governor.queue(targets, values, calls, keccak256(bytes(motion.description)));
    }

    function execute(Motion memory motion) internal {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = listsOf(motion);
        governor.execute(targets, values, calls, keccak256(bytes(motion.description)));
    }

    function cancel(Motion memory motion) internal {
        (address[] memory targets, uint256[] memory values, bytes[] memory calls) = listsOf(motion);
        governor.cancel(targets, values, calls, keccak256(bytes(motion.description)));
    }

    /// @notice Takes a motion from its proposal to its execution, with the votes of its proposer.
    function carry(address proposer, Motion memory motion) internal {
        uint256 proposal = propose(proposer, motion);
        vm.warp(governor.proposalSnapshot(proposal) + 1);
        vote(proposer, proposal, 1);
        vm.warp(governor.proposalDeadline(proposal) + 1);
        queue(motion);
        skip(TIMELOCK_DELAY);
        execute(motion);
    }

    function listsOf(Motion memory motion)
        internal
        pure
        returns (address[] memory targets, uint256[] memory values, bytes[] memory calls)
    {
        targets = new address[](1);
        values = new uint256[](1);
        calls = new bytes[](1);
        (targets[0], calls[0]) = (motion.target, motion.data);
    }
}
