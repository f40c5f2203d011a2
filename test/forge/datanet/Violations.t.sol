// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {DatanetRegistry} from "../../../contracts/DatanetRegistry.sol";
import {Rfc6962} from "../../../contracts/libraries/Rfc6962.sol";
import {RegistryTest} from "./Registry.sol";

/// A version that contains a withdrawn contribution can be shown to, by anyone; nobody else can be accused.
contract ViolationsTest is RegistryTest {
    bytes32 private withdrawn;
    bytes32 private standing;

    function setUp() public override {
        super.setUp();
        withdrawn = approved(alice, "withdrawn");
        standing = approved(bob, "standing");
    }

    function test_a_withdrawn_contribution_in_a_later_version_is_put_on_record() public {
        withdraw(alice, withdrawn);
        bytes32 version = publish(two(standing, withdrawn));
        bytes32[] memory path = words(Rfc6962.leafHash(standing));
        vm.expectEmit();
        emit DatanetRegistry.ViolationShown(version, withdrawn, stranger.addr);
        vm.startPrank(stranger.addr);
        registry.showViolation(version, withdrawn, 1, path);
        assertEq(registry.violationsOf(version), 1);
        assertTrue(registry.isViolation(version, withdrawn));
        vm.expectRevert(abi.encodeWithSelector(DatanetRegistry.ViolationKnown.selector, version, withdrawn));
        registry.showViolation(version, withdrawn, 1, path);
        vm.stopPrank();
        assertEq(registry.violationsOf(version), 1);
    }

    function test_a_contribution_never_approved_and_withdrawn_may_be_in_no_version() public {
        bytes32 open = propose(alice, "open");
        bytes32 version = publish(words(open));
        refused(version, open, DatanetRegistry.ConsentStood.selector);
        withdraw(alice, open);
        registry.showViolation(version, open, 0, new bytes32[](0));
        assertEq(registry.violationsOf(version), 1);
    }

    function test_attack_accusing_a_version_that_was_published_before_the_withdrawal() public {
        bytes32 version = publish(words(withdrawn));
        withdraw(alice, withdrawn); // in the same second: the count decides, not the clock
        refused(version, withdrawn, DatanetRegistry.ConsentStood.selector);
        bytes32 later = publish(words(withdrawn));
        registry.showViolation(later, withdrawn, 0, new bytes32[](0));
        assertEq(registry.violationsOf(version), 0);
        assertEq(registry.violationsOf(later), 1);
    }

    function test_attack_accusing_by_a_consent_that_stands() public {
        withdraw(alice, withdrawn);
        bytes32 version = publish(two(standing, withdrawn));
        bytes32[] memory path = words(Rfc6962.leafHash(withdrawn));
        vm.expectRevert(abi.encodeWithSelector(DatanetRegistry.ConsentStood.selector, version, standing));
        registry.showViolation(version, standing, 0, path);
    }

    function test_attack_accusing_a_version_that_left_the_contribution_out() public {
        withdraw(alice, withdrawn);
        bytes32 version = publish(words(standing));
        refused(version, withdrawn, DatanetRegistry.NotContained.selector);
        bytes32 empty = publish(new bytes32[](0));
        refused(empty, withdrawn, DatanetRegistry.NotContained.selector);
    }

    function test_attack_accusing_by_a_withdrawal_in_another_datanet() public {
        withdraw(alice, withdrawn);
        bytes32 first = datanetId;
        vm.prank(bob.addr);
        datanetId = registry.createDatanet("another");
        bytes32 version = publish(words(withdrawn)); // names an id that is none of its contributions
        refused(version, withdrawn, DatanetRegistry.ConsentStood.selector);
        assertEq(registry.tombstoneOf(datanetId, withdrawn).withdrawnAt, 0);
        assertGt(registry.tombstoneOf(first, withdrawn).withdrawnAt, 0);
    }

    /// A contributor sees the publication coming and withdraws in front of it, to put its publisher on record.
    function test_attack_withdrawing_in_front_of_a_publication() public {
        DatanetRegistry.VersionDraft memory draft = draftOf(two(withdrawn, standing));
        withdraw(alice, withdrawn);
        vm.prank(owner.addr);
        vm.expectRevert(abi.encodeWithSelector(DatanetRegistry.WithdrawalsNotSeen.selector, 0, 1));
        registry.publishVersion(draft, new address[](0));
        bytes32 version = publish(words(standing));
        assertEq(registry.datasetOf(version).withdrawalsSeen, 1);
    }

    /// What nobody approved holds no publication up, however often it is proposed and withdrawn.
    function test_attack_holding_publications_up_by_withdrawing_proposals() public {
        DatanetRegistry.VersionDraft memory draft = draftOf(words(standing));
        for (uint256 i = 0; i < 5; ++i) {
            withdraw(stranger, propose(stranger, bytes32(i + 1)));
        }
        vm.prank(owner.addr);
        registry.publishVersion(draft, new address[](0));
    }

    function test_a_publisher_cannot_claim_withdrawals_that_are_yet_to_come() public {
        DatanetRegistry.VersionDraft memory draft = draftOf(words(withdrawn));
        draft.withdrawalsSeen = 1;
        vm.prank(owner.addr);
        vm.expectRevert(abi.encodeWithSelector(DatanetRegistry.WithdrawalsNotSeen.selector, 1, 0));
        registry.publishVersion(draft, new address[](0));
    }

    function test_of_an_unknown_version_nothing_is_shown() public {
        withdraw(alice, withdrawn);
        vm.expectRevert(abi.encodeWithSelector(DatanetRegistry.UnknownDataset.selector, bytes32("none")));
        registry.showViolation("none", withdrawn, 0, new bytes32[](0));
        vm.expectRevert(abi.encodeWithSelector(DatanetRegistry.UnknownDataset.selector, bytes32("none")));
        registry.datasetOf("none");
        vm.expectRevert(abi.encodeWithSelector(DatanetRegistry.UnknownDataset.selector, bytes32("none")));
        registry.ownerOf("none");
    }

    function refused(bytes32 version, bytes32 id, bytes4 error) private {
        vm.expectRevert(abi.encodeWithSelector(error, version, id));
        registry.showViolation(version, id, 0, new bytes32[](0));
    }
}
