// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Contributions} from "../../../contracts/datanet/Contributions.sol";
import {Datanets} from "../../../contracts/datanet/Datanets.sol";
import {PayoutWallets} from "../../../contracts/datanet/PayoutWallets.sol";
import {RegistryTest} from "./Registry.sol";

/// Proposed, decided about, appealed, withdrawn.
///
///   propose ─┬─ reviewer approves ──────────────────────────── Approved
///            ├─ owner approves ─────────────────────────────── Approved
///            ├─ owner rejects ──────────────────────────────── Refused
///            └─ reviewer rejects ─ appeal ─┬─ owner approves ─ Approved
///                                          └─ owner rejects ── Refused
///   consent is withdrawn from any of them ──────────────────── Withdrawn
contract ContributionsTest is RegistryTest {
    function test_a_reviewer_or_the_owner_approves() public {
        bytes32 first = propose(alice, "first");
        bytes32 second = propose(alice, "second");
        assertEq(registry.contributionOf(datanetId, first).contributor, alice.addr);
        assertEq(registry.contributionOf(datanetId, first).proposedAt, vm.getBlockTimestamp());
        vm.prank(reviewer.addr);
        assertEq(registry.approveContributions(datanetId, words(first)), 1);
        vm.prank(owner.addr);
        assertEq(registry.approveContributions(datanetId, words(second)), 1);
        assertTrue(statusOf(first) == Contributions.Status.Approved);
        assertTrue(statusOf(second) == Contributions.Status.Approved);
    }

    function test_a_rejection_gives_a_reason() public {
        bytes32 id = propose(alice, "rows");
        vm.expectEmit();
        emit Contributions.ContributionRejected(
            id, datanetId, alice.addr, reviewer.addr, REASON, Contributions.Status.Rejected
        );
        vm.startPrank(reviewer.addr);
        registry.rejectContributions(datanetId, words(id), REASON);
        vm.expectRevert(Contributions.ReasonMissing.selector);
        registry.rejectContributions(datanetId, words(id), 0);
        vm.stopPrank();
    }

    function test_a_reviewers_rejection_is_appealed_once_and_decided_by_the_owner_alone() public {
        bytes32 id = rejected("rows");
        vm.prank(alice.addr);
        registry.appeal(datanetId, id, "grounds");
        assertTrue(statusOf(id) == Contributions.Status.Appealed);
        vm.startPrank(reviewer.addr);
        vm.expectRevert(abi.encodeWithSelector(Datanets.NotDatanetOwner.selector, datanetId, reviewer.addr));
        registry.approveContributions(datanetId, words(id));
        vm.expectRevert(abi.encodeWithSelector(Datanets.NotDatanetOwner.selector, datanetId, reviewer.addr));
        registry.rejectContributions(datanetId, words(id), REASON);
        vm.stopPrank();
        vm.prank(owner.addr);
        registry.rejectContributions(datanetId, words(id), REASON);
        assertTrue(statusOf(id) == Contributions.Status.Refused);
        vm.prank(alice.addr);
        vm.expectRevert(abi.encodeWithSelector(Contributions.NotAppealable.selector, id, Contributions.Status.Refused));
        registry.appeal(datanetId, id, "grounds");
    }

    function test_an_appeal_can_succeed() public {
        bytes32 id = rejected("rows");
        vm.prank(alice.addr);
        registry.appeal(datanetId, id, "grounds");
        vm.prank(owner.addr);
        registry.approveContributions(datanetId, words(id));
        assertTrue(statusOf(id) == Contributions.Status.Approved);
    }

    function test_an_appeal_is_the_contributors_and_gives_grounds() public {
        bytes32 id = rejected("rows");
        bytes32 open = propose(alice, "open");
        vm.prank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(PayoutWallets.NotContributorWallet.selector, alice.addr, stranger.addr));
        registry.appeal(datanetId, id, "grounds");
        vm.startPrank(alice.addr);
        vm.expectRevert(Contributions.ReasonMissing.selector);
        registry.appeal(datanetId, id, 0);
        vm.expectRevert(
            abi.encodeWithSelector(Contributions.NotAppealable.selector, open, Contributions.Status.Proposed)
        );
        registry.appeal(datanetId, open, "grounds");
        vm.stopPrank();
    }

    function test_a_rejected_content_comes_back_only_changed_under_a_new_id() public {
        bytes32 id = rejected("rows");
        vm.startPrank(alice.addr);
        vm.expectRevert(abi.encodeWithSelector(Contributions.ContributionExists.selector, id));
        registry.propose(datanetId, words("rows"));
        vm.stopPrank();
        bytes32 corrected = propose(alice, "rows, corrected");
        assertNotEq(corrected, id);
        assertTrue(statusOf(corrected) == Contributions.Status.Proposed);
        assertTrue(statusOf(id) == Contributions.Status.Rejected);
    }

    function test_what_is_decided_stays_decided() public {
        bytes32 id = approved(alice, "rows");
        bytes memory decided =
            abi.encodeWithSelector(Contributions.ContributionDecided.selector, id, Contributions.Status.Approved);
        vm.startPrank(owner.addr);
        vm.expectRevert(decided);
        registry.rejectContributions(datanetId, words(id), REASON);
        vm.expectRevert(decided);
        registry.approveContributions(datanetId, words(id));
        vm.stopPrank();
    }

    function test_batches_are_bounded() public {
        bytes32[] memory contents = new bytes32[](registry.BATCH_MAX());
        bytes32[] memory ids = new bytes32[](contents.length);
        for (uint256 i = 0; i < contents.length; ++i) {
            contents[i] = keccak256(abi.encode(i));
            ids[i] = registry.contributionIdOf(datanetId, alice.addr, contents[i]);
        }
        vm.prank(alice.addr);
        registry.propose(datanetId, contents);
        vm.prank(reviewer.addr);
        assertEq(registry.approveContributions(datanetId, ids), 256);
        vm.prank(alice.addr);
        registry.withdrawConsent(datanetId, ids, REASON);
        assertEq(registry.datanetOf(datanetId).withdrawals, 256);

        bytes32[] memory many = new bytes32[](257);
        bytes memory tooMany = abi.encodeWithSelector(Contributions.BatchSizeOutOfRange.selector, 257);
        vm.expectRevert(tooMany);
        registry.propose(datanetId, many);
        vm.expectRevert(tooMany);
        registry.approveContributions(datanetId, many);
        vm.expectRevert(tooMany);
        registry.rejectContributions(datanetId, many, REASON);
        vm.expectRevert(tooMany);
        registry.withdrawConsent(datanetId, many, REASON);
        vm.expectRevert(abi.encodeWithSelector(Contributions.BatchSizeOutOfRange.selector, 0));
        registry.propose(datanetId, new bytes32[](0));
    }

    function test_an_empty_content_is_no_contribution() public {
        vm.expectRevert(Contributions.EmptyContribution.selector);
        registry.propose(datanetId, words(0));
    }

    // ---- consent ----

    function test_withdrawal_leaves_a_tombstone_and_is_counted_once_approved() public {
        bytes32 open = propose(alice, "open");
        bytes32 taken = approved(alice, "taken");
        assertEq(registry.tombstoneOf(datanetId, taken).withdrawnAt, 0);
        withdraw(alice, open);
        withdraw(alice, taken);
        Contributions.Tombstone memory stone = registry.tombstoneOf(datanetId, taken);
        assertEq(stone.reasonHash, REASON);
        assertEq(stone.withdrawnAt, vm.getBlockTimestamp());
        assertEq(stone.ordinal, 1);
        assertEq(registry.tombstoneOf(datanetId, open).ordinal, 0);
        assertEq(registry.datanetOf(datanetId).withdrawals, 1);
        vm.prank(alice.addr);
        vm.expectRevert(abi.encodeWithSelector(Contributions.AlreadyWithdrawn.selector, taken));
        registry.withdrawConsent(datanetId, words(taken), "another reason");
    }

    function test_consent_is_withdrawn_by_the_contributor_only() public {
        bytes32 id = approved(alice, "rows");
        address[3] memory others = [owner.addr, reviewer.addr, stranger.addr];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(abi.encodeWithSelector(PayoutWallets.NotContributorWallet.selector, alice.addr, others[i]));
            registry.withdrawConsent(datanetId, words(id), REASON);
        }
    }

    function test_attack_reusing_a_tombstoned_id() public {
        bytes32 id = approved(alice, "rows");
        withdraw(alice, id);
        bytes memory before = abi.encode(registry.tombstoneOf(datanetId, id));
        vm.warp(vm.getBlockTimestamp() + 365 days);
        vm.prank(alice.addr);
        vm.expectRevert(abi.encodeWithSelector(Contributions.ContributionExists.selector, id));
        registry.propose(datanetId, words("rows"));
        vm.prank(owner.addr);
        assertEq(registry.approveContributions(datanetId, words(id)), 0);
        vm.prank(owner.addr);
        assertEq(registry.rejectContributions(datanetId, words(id), REASON), 0);
        vm.prank(alice.addr);
        vm.expectRevert(
            abi.encodeWithSelector(Contributions.NotAppealable.selector, id, Contributions.Status.Withdrawn)
        );
        registry.appeal(datanetId, id, "grounds");
        assertEq(abi.encode(registry.tombstoneOf(datanetId, id)), before);
        assertTrue(statusOf(id) == Contributions.Status.Withdrawn);
    }

    // ---- attacks on the decision ----

    function test_attack_front_running_a_contribution() public {
        bytes32 hers = registry.contributionIdOf(datanetId, alice.addr, "rows");
        bytes32 copy = propose(stranger, "rows"); // sees Alice's transaction and is faster
        assertNotEq(copy, hers);
        assertEq(propose(alice, "rows"), hers);
        vm.prank(reviewer.addr);
        registry.approveContributions(datanetId, words(hers));
        assertEq(registry.contributionOf(datanetId, hers).contributor, alice.addr);
        assertTrue(statusOf(copy) == Contributions.Status.Proposed);
    }

    function test_attack_approving_ones_own_contribution_as_a_stranger() public {
        bytes32 id = propose(stranger, "rows");
        vm.startPrank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(Datanets.NotReviewer.selector, datanetId, stranger.addr));
        registry.approveContributions(datanetId, words(id));
        // nor through a datanet of one's own
        bytes32 own = registry.createDatanet("mine");
        vm.expectRevert(abi.encodeWithSelector(Contributions.UnknownContribution.selector, id));
        registry.approveContributions(own, words(id));
        vm.stopPrank();
    }

    function test_attack_approving_ones_own_contribution_as_a_reviewer() public {
        bytes32 id = propose(reviewer, "rows");
        vm.startPrank(reviewer.addr);
        vm.expectRevert(abi.encodeWithSelector(Contributions.SelfReview.selector, id, reviewer.addr));
        registry.approveContributions(datanetId, words(id));
        vm.stopPrank();
        vm.prank(owner.addr);
        registry.approveContributions(datanetId, words(id));
    }

    function test_attack_making_a_batch_fail_by_withdrawing_in_front_of_it() public {
        bytes32 first = propose(alice, "rows");
        bytes32 second = propose(bob, "rows");
        withdraw(alice, first);
        vm.prank(reviewer.addr);
        assertEq(registry.approveContributions(datanetId, two(first, second)), 1);
        assertTrue(statusOf(first) == Contributions.Status.Withdrawn);
        assertTrue(statusOf(second) == Contributions.Status.Approved);
    }

    function test_attack_one_id_twice_in_a_batch() public {
        bytes32 id = propose(alice, "rows");
        vm.startPrank(reviewer.addr);
        vm.expectRevert(
            abi.encodeWithSelector(Contributions.ContributionDecided.selector, id, Contributions.Status.Approved)
        );
        registry.approveContributions(datanetId, two(id, id));
        vm.stopPrank();
        vm.startPrank(alice.addr);
        vm.expectRevert(abi.encodeWithSelector(Contributions.ContributionExists.selector, id));
        registry.propose(datanetId, words("rows"));
        bytes32 other = registry.contributionIdOf(datanetId, alice.addr, "twice");
        vm.expectRevert(abi.encodeWithSelector(Contributions.ContributionExists.selector, other));
        registry.propose(datanetId, two("twice", "twice"));
        vm.stopPrank();
    }

    function rejected(bytes32 content) private returns (bytes32 id) {
        id = propose(alice, content);
        vm.prank(reviewer.addr);
        registry.rejectContributions(datanetId, words(id), REASON);
    }
}
