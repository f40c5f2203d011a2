// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {DatanetRegistry} from "../../../contracts/DatanetRegistry.sol";
import {Datanets} from "../../../contracts/datanet/Datanets.sol";
import {RegistryTest} from "./Registry.sol";

/// Datanets change hands in two steps; their versions form a line and never change.
contract VersionsTest is RegistryTest {
    function test_a_datanet_changes_hands_only_when_the_new_owner_accepts() public {
        vm.prank(owner.addr);
        registry.transferDatanet(datanetId, bob.addr);
        assertEq(registry.datanetOf(datanetId).owner, owner.addr);
        vm.prank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(Datanets.NotPendingOwner.selector, datanetId, stranger.addr));
        registry.acceptDatanet(datanetId);
        vm.prank(bob.addr);
        registry.acceptDatanet(datanetId);
        assertEq(registry.datanetOf(datanetId).owner, bob.addr);
        assertEq(registry.datanetOf(datanetId).pendingOwner, address(0));
        vm.prank(owner.addr);
        vm.expectRevert(abi.encodeWithSelector(Datanets.NotDatanetOwner.selector, datanetId, owner.addr));
        registry.transferDatanet(datanetId, owner.addr);
    }

    function test_an_offer_can_be_taken_back() public {
        vm.startPrank(owner.addr);
        registry.transferDatanet(datanetId, bob.addr);
        registry.transferDatanet(datanetId, address(0));
        vm.stopPrank();
        vm.prank(bob.addr);
        vm.expectRevert(abi.encodeWithSelector(Datanets.NotPendingOwner.selector, datanetId, bob.addr));
        registry.acceptDatanet(datanetId);
    }

    function test_reviewers_go_with_the_owner_who_named_them() public {
        bytes32 id = propose(alice, "rows");
        vm.prank(owner.addr);
        registry.transferDatanet(datanetId, bob.addr);
        assertTrue(registry.isReviewer(datanetId, reviewer.addr));
        vm.prank(bob.addr);
        registry.acceptDatanet(datanetId);
        assertFalse(registry.isReviewer(datanetId, reviewer.addr));
        assertFalse(registry.isReviewer(datanetId, owner.addr));
        assertTrue(registry.isReviewer(datanetId, bob.addr));
        vm.prank(reviewer.addr);
        vm.expectRevert(abi.encodeWithSelector(Datanets.NotReviewer.selector, datanetId, reviewer.addr));
        registry.approveContributions(datanetId, words(id));
    }

    function test_a_dismissed_reviewer_decides_no_more() public {
        vm.prank(owner.addr);
        registry.dismissReviewers(datanetId, addresses(reviewer.addr));
        assertFalse(registry.isReviewer(datanetId, reviewer.addr));
        vm.prank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(Datanets.NotDatanetOwner.selector, datanetId, stranger.addr));
        registry.appointReviewers(datanetId, addresses(stranger.addr));
    }

    function test_of_an_unknown_datanet_there_is_nothing() public {
        bytes32 none = keccak256("none");
        bytes memory unknown = abi.encodeWithSelector(Datanets.UnknownDatanet.selector, none);
        vm.expectRevert(unknown);
        registry.datanetOf(none);
        vm.expectRevert(unknown);
        registry.transferDatanet(none, bob.addr);
        vm.expectRevert(unknown);
        registry.propose(none, words("rows"));
        vm.expectRevert(unknown);
        registry.approveContributions(none, words("id"));
        assertFalse(registry.isReviewer(none, address(0)));
        vm.prank(address(0)); // the owner that no datanet has
        vm.expectRevert(unknown);
        registry.appointReviewers(none, addresses(stranger.addr));
    }

    function test_versions_form_a_line() public {
        bytes32 first = publish(new bytes32[](0));
        DatanetRegistry.VersionDraft memory draft = draftOf(new bytes32[](0));
        assertEq(draft.predecessor, first);
        draft.predecessor = 0;
        vm.startPrank(owner.addr);
        vm.expectRevert(abi.encodeWithSelector(DatanetRegistry.NotLatestVersion.selector, datanetId, first));
        registry.publishVersion(draft, new address[](0));
        vm.stopPrank();
        bytes32 second = publish(new bytes32[](0));
        assertEq(registry.datasetOf(second).predecessor, first);
        assertEq(registry.datasetOf(first).version, 1);
        assertEq(registry.datasetOf(second).version, 2);
        assertEq(registry.datasetOf(second).publishedAt, vm.getBlockTimestamp());
        assertEq(registry.datanetOf(datanetId).latest, second);
        assertEq(registry.datanetOf(datanetId).versions, 2);
    }

    function test_old_versions_stay_when_the_datanet_changes_hands_and_the_new_owner_speaks_for_them() public {
        bytes32 version = publish(new bytes32[](0));
        DatanetRegistry.Dataset memory before = registry.datasetOf(version);
        vm.prank(owner.addr);
        registry.transferDatanet(datanetId, bob.addr);
        vm.prank(bob.addr);
        registry.acceptDatanet(datanetId);
        assertEq(abi.encode(registry.datasetOf(version)), abi.encode(before));
        assertEq(before.publisher, owner.addr);
        assertEq(registry.ownerOf(version), bob.addr);
        vm.prank(owner.addr);
        vm.expectRevert(abi.encodeWithSelector(DatanetRegistry.NotDatasetOwner.selector, version, owner.addr));
        registry.approve(version, addresses(alice.addr));
        vm.prank(bob.addr);
        registry.approve(version, addresses(alice.addr));
        assertTrue(registry.isApproved(version, alice.addr));
        vm.prank(bob.addr);
        registry.revoke(version, addresses(alice.addr));
        assertFalse(registry.isApproved(version, alice.addr));
    }

    function test_a_data_set_published_alone_founds_a_datanet_of_its_own() public {
        vm.prank(alice.addr);
        bytes32 datasetId = registry.publish("root", "manifest", 7, "MIT", addresses(bob.addr));
        DatanetRegistry.Dataset memory dataset = registry.datasetOf(datasetId);
        assertEq(datasetId, registry.idOf(alice.addr, "root", "manifest", 7, "MIT"));
        assertEq(dataset.datanetId, registry.datanetIdOf(alice.addr, datasetId));
        assertEq(registry.datanetOf(dataset.datanetId).owner, alice.addr);
        assertEq(registry.datanetOf(dataset.datanetId).latest, datasetId);
        assertEq(registry.ownerOf(datasetId), alice.addr);
        assertTrue(registry.isApproved(datasetId, bob.addr));
        assertEq(dataset.rows, 7);
        assertEq(dataset.version, 1);
        datanetId = dataset.datanetId;
        bytes32 next = publish(new bytes32[](0));
        assertEq(registry.datasetOf(next).predecessor, datasetId);
    }

    function test_a_version_is_whole_or_refused() public {
        DatanetRegistry.VersionDraft memory draft = draftOf(new bytes32[](0));
        bytes memory empty = abi.encodeWithSelector(DatanetRegistry.EmptyDataset.selector);
        bytes memory terms = abi.encodeWithSelector(DatanetRegistry.TermsMissing.selector);
        (bytes32 root, bytes32 manifest) = (draft.root, draft.manifestHash);
        draft.rows = 0;
        refused(draft, empty);
        (draft.rows, draft.manifestHash) = (1, 0);
        refused(draft, empty);
        (draft.manifestHash, draft.root) = (manifest, 0);
        refused(draft, empty);
        (draft.root, draft.policyHash) = (root, 0);
        refused(draft, terms);
        (draft.policyHash, draft.licence) = ("policy", "");
        refused(draft, terms);
        draft.licence = "MIT";
        vm.prank(stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(Datanets.NotDatanetOwner.selector, datanetId, stranger.addr));
        registry.publishVersion(draft, new address[](0));
        vm.prank(owner.addr);
        vm.expectRevert(DatanetRegistry.ZeroContributor.selector);
        registry.publishVersion(draft, addresses(address(0)));
        vm.prank(owner.addr);
        registry.publishVersion(draft, addresses(alice.addr));
    }

    /// Nomad's mistake: a root that nobody set, taken for one that was proven.
    function test_attack_zero_root() public {
        vm.expectRevert(DatanetRegistry.EmptyDataset.selector);
        registry.publish(0, "manifest", 1, "MIT", new address[](0));
        bytes32 id = approved(alice, "rows");
        withdraw(alice, id);
        DatanetRegistry.VersionDraft memory draft = draftOf(new bytes32[](0));
        draft.contributions = 1; // one contribution under no root
        refused(draft, abi.encodeWithSelector(DatanetRegistry.ContributionsRootMismatch.selector, bytes32(0), 1));
        (draft.contributions, draft.contributionsRoot) = (0, "root"); // a root over nothing
        refused(draft, abi.encodeWithSelector(DatanetRegistry.ContributionsRootMismatch.selector, bytes32("root"), 0));
        bytes32 version = publish(new bytes32[](0));
        assertFalse(registry.contains(version, id, 0, new bytes32[](0)));
        assertFalse(registry.contains(version, 0, 0, new bytes32[](0)));
        assertFalse(registry.contains(keccak256("no version"), id, 0, new bytes32[](0)));
        vm.expectRevert(abi.encodeWithSelector(DatanetRegistry.NotContained.selector, version, id));
        registry.showViolation(version, id, 0, new bytes32[](0));
    }

    function test_attack_front_running_a_publication_or_a_datanet() public {
        bytes32 expected = registry.idOf(owner.addr, "root", "manifest", 1, "MIT");
        vm.prank(stranger.addr);
        bytes32 theirs = registry.publish("root", "manifest", 1, "MIT", new address[](0));
        assertNotEq(theirs, expected);
        vm.startPrank(owner.addr);
        assertEq(registry.publish("root", "manifest", 1, "MIT", new address[](0)), expected);
        vm.expectRevert(abi.encodeWithSelector(DatanetRegistry.DatasetAlreadyPublished.selector, expected));
        registry.publish("root", "manifest", 1, "MIT", new address[](0));
        vm.expectRevert(abi.encodeWithSelector(Datanets.DatanetAlreadyCreated.selector, datanetId));
        registry.createDatanet("weather");
        vm.stopPrank();
        vm.startPrank(stranger.addr);
        bytes32 copy = registry.createDatanet("weather");
        vm.stopPrank();
        assertNotEq(copy, datanetId);
        assertEq(copy, registry.datanetIdOf(stranger.addr, "weather"));
        // the datanet that a publication founds cannot be created in front of it either
        assertNotEq(registry.datanetIdOf(stranger.addr, expected), registry.datasetOf(expected).datanetId);
    }

    /// Whoever creates the datanet of its own next publication beforehand hurts only itself.
    function test_attack_creating_the_datanet_of_a_publication_beforehand() public {
        bytes32 id = registry.idOf(alice.addr, "root", "manifest", 1, "MIT");
        vm.startPrank(alice.addr);
        bytes32 taken = registry.createDatanet(id);
        vm.expectRevert(abi.encodeWithSelector(Datanets.DatanetAlreadyCreated.selector, taken));
        registry.publish("root", "manifest", 1, "MIT", new address[](0));
        vm.stopPrank();
    }

    /// With abi.encodePacked, moving bytes between neighbouring fields of variable length would give one id to two contents.
    function testFuzz_attack_aliasing_of_ids(bytes32 a, bytes32 b, address who, address other, uint64 rows) public {
        vm.assume(who != other && a != b);
        assertNotEq(registry.datanetIdOf(who, a), registry.datanetIdOf(other, a));
        assertNotEq(registry.datanetIdOf(who, a), registry.datanetIdOf(who, b));
        assertNotEq(registry.contributionIdOf(a, who, b), registry.contributionIdOf(b, who, a));
        assertNotEq(registry.contributionIdOf(a, who, b), registry.contributionIdOf(a, other, b));
        assertNotEq(registry.idOf(who, a, b, rows, "MIT"), registry.idOf(who, b, a, rows, "MIT"));
        assertNotEq(registry.idOf(who, a, b, rows, "MIT"), registry.idOf(who, a, b, rows, string(hex"4d495400")));
        DatanetRegistry.VersionDraft memory draft = draftOf(new bytes32[](0));
        (draft.datanetId, draft.predecessor, draft.licence) = (a, b, "MIT");
        bytes32 id = registry.versionIdOf(who, draft);
        (draft.datanetId, draft.predecessor) = (b, a);
        assertNotEq(registry.versionIdOf(who, draft), id);
        (draft.datanetId, draft.predecessor, draft.licence) = (a, b, string(hex"4d495400"));
        assertNotEq(registry.versionIdOf(who, draft), id);
    }

    function testFuzz_ids_bind_chain_and_registry(bytes32 a, bytes32 b, uint64 chain) public {
        chain = uint64(bound(chain, 1, type(uint64).max - 1));
        vm.assume(chain != block.chainid);
        DatanetRegistry elsewhere = new DatanetRegistry();
        DatanetRegistry.VersionDraft memory draft = draftOf(new bytes32[](0));
        bytes32[4] memory here = idsOf(registry, a, b, draft);
        bytes32[4] memory there = idsOf(elsewhere, a, b, draft);
        vm.chainId(chain);
        bytes32[4] memory fork = idsOf(registry, a, b, draft);
        for (uint256 i = 0; i < 4; ++i) {
            assertNotEq(here[i], there[i]);
            assertNotEq(here[i], fork[i]);
        }
    }

    function idsOf(DatanetRegistry at, bytes32 a, bytes32 b, DatanetRegistry.VersionDraft memory draft)
        private
        view
        returns (bytes32[4] memory)
    {
        return [
            at.datanetIdOf(alice.addr, a),
            at.contributionIdOf(a, alice.addr, b),
            at.idOf(alice.addr, a, b, 1, "MIT"),
            at.versionIdOf(alice.addr, draft)
        ];
    }

    function refused(DatanetRegistry.VersionDraft memory draft, bytes memory error) private {
        vm.prank(owner.addr);
        vm.expectRevert(error);
        registry.publishVersion(draft, new address[](0));
    }
}
