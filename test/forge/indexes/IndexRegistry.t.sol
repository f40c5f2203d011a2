// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {DatanetRegistry} from "../../../contracts/DatanetRegistry.sol";
import {IndexRegistry} from "../../../contracts/IndexRegistry.sol";
import {ProtocolTerms} from "../../../contracts/ProtocolTerms.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {Rfc6962} from "../../../contracts/libraries/Rfc6962.sol";
import {SettlementWorld} from "../support/SettlementWorld.sol";

/// register, addShards: known ✗, other owner ✗, complete ✗, disabled ✗, unknown data set ✗, violated consent ✗, more rows
///   than there are ✗, shard of no slot or too many ✗, index id or root or commitment that is none ✗, other numbers of
///   commitments ✗, slots that do not tile ✗, contributor not approved or out of order ✗, a part with a shard not full ✗
/// abandon: complete ✗, other owner ✗, else the bond comes back and it may be begun anew
/// disable: not the arbiter ✗, unknown ✗, twice ✗, window over ✗, else half of the bond to the challenger, the rest burned
/// releaseBond: unknown ✗, window open ✗, twice ✗, forfeited ✗, else to the owner
contract IndexRegistryTest is SettlementWorld {
    uint96 private constant BOND = 1001;
    uint32 private constant WINDOW = 50;
    address private _arbiter = makeAddr("arbiter");

    function setUp() public {
        deployWorld();
        give(owner.addr, 1e24);
    }

    function firstTerms() internal override returns (ProtocolTerms.Terms memory first) {
        first = super.firstTerms();
        (first.indexBond, first.challengeWindow) = (BOND, WINDOW);
    }

    function four() private view returns (address[] memory owners) {
        owners = new address[](4);
        (owners[0], owners[1], owners[2], owners[3]) = (alice.addr, bob.addr, bob.addr, host.addr);
    }

    function three() private view returns (address[] memory contributors) {
        contributors = new address[](3);
        (contributors[0], contributors[1], contributors[2]) = (alice.addr, bob.addr, host.addr);
    }

    /// A registration that is right.
    function sound() private returns (IndexRegistry.Registration memory) {
        return registrationOf(newDataset(three(), 4), four());
    }

    function register(IndexRegistry.Registration memory r) private returns (bytes32 index) {
        vm.prank(owner.addr);
        return indexes.register(r);
    }

    function refused(IndexRegistry.Registration memory r, bytes memory error) private {
        vm.prank(owner.addr);
        vm.expectRevert(error);
        indexes.register(r);
    }

    function slotsOf(IndexRegistry.Registration memory r, uint256 from, uint256 to)
        private
        pure
        returns (IndexRegistry.Slot[] memory slots)
    {
        slots = new IndexRegistry.Slot[](to - from);
        for (uint256 k = from; k < to; ++k) slots[k - from] = r.slots[k];
    }

    function one(uint256 word) private pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = word;
    }

    function test_ARegistrationIsKeptAndItsWindowBegins() public {
        IndexRegistry.Registration memory r = sound();
        uint256 payableFrom = vm.getBlockTimestamp() + WINDOW;
        bytes32 index = keccak256(abi.encode(block.chainid, address(indexes), owner.addr, r.datasetId, r.indexId));
        vm.expectEmit(address(indexes));
        emit IndexRegistry.IndexRegistered(
            index, r.datasetId, owner.addr, r.indexId, r.modelId, r.encoderHash, r.indexRoot, 4, 2
        );
        vm.expectEmit(address(indexes));
        emit IndexRegistry.SlotsRegistered(index, 0, 0, r.slots, r.shardCommitments);
        vm.expectEmit(address(indexes));
        emit IndexRegistry.IndexCompleted(index, 2, payableFrom);
        assertEq(register(r), index);
        assertEq(token.balanceOf(address(indexes)), BOND);
        IndexRegistry.Index memory entry = indexes.indexOf(index);
        assertEq(entry.owner, owner.addr);
        assertEq(entry.payableFrom, payableFrom);
        assertEq(entry.indexRoot, r.indexRoot);
        assertEq(entry.rows, 4);
        assertEq(entry.tiled, 4);
        assertEq(entry.shards, 2);
        assertEq(entry.bond, BOND);
        for (uint256 shard = 0; shard < 2; ++shard) {
            address[] memory owners = new address[](2);
            (owners[0], owners[1]) = (four()[2 * shard], four()[2 * shard + 1]);
            (bool payableNow, uint256 commitment, bytes32 contributorsHash) = indexes.placeOf(index, shard);
            assertFalse(payableNow);
            assertEq(commitment, r.shardCommitments[shard]);
            assertEq(contributorsHash, keccak256(abi.encode(owners)));
            assertEq(indexes.shardOf(index, shard).contributorsHash, contributorsHash);
        }
        skip(WINDOW);
        (address who, uint256 shards, uint256 slotsPerShard, bool payable_) = indexes.terms(index);
        assertEq(who, owner.addr);
        assertEq(shards, 2);
        assertEq(slotsPerShard, 2);
        assertTrue(payable_);
        refused(r, abi.encodeWithSelector(IndexRegistry.IndexAlreadyRegistered.selector, index));
    }

    function test_WhatIsUnknownSaysSo() public {
        bytes memory unknown = abi.encodeWithSelector(IndexRegistry.UnknownIndex.selector, bytes32("none"));
        vm.expectRevert(unknown);
        indexes.indexOf("none");
        vm.expectRevert(unknown);
        indexes.terms("none");
        vm.expectRevert(unknown);
        indexes.releaseBond("none");
        vm.expectRevert(unknown);
        indexes.addShards("none", new IndexRegistry.Slot[](0), one(1));
        vm.expectRevert(unknown);
        indexes.disputed("none", 0, 0, new IndexRegistry.Slot[](0));
        vm.prank(_arbiter);
        vm.expectRevert(unknown);
        indexes.disable("none", address(0));
        bytes32 index = register(sound());
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.UnknownShard.selector, index, 2));
        indexes.placeOf(index, 2);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.UnknownShard.selector, index, 2));
        indexes.shardOf(index, 2);
    }

    function test_AttackFrontRunningARegistration() public {
        IndexRegistry.Registration memory r = sound();
        give(stranger.addr, BOND);
        vm.prank(stranger.addr);
        bytes32 copied = indexes.register(r);
        assertNotEq(register(r), copied);
    }

    function test_NoBondNoIndex() public {
        IndexRegistry.Registration memory r = sound();
        vm.prank(stranger.addr);
        vm.expectRevert();
        indexes.register(r);
    }

    function testFuzz_NumbersAreFieldElementsAboveZero(uint256 beyond) public {
        beyond = bound(beyond, Bn254.SCALAR_MODULUS, type(uint256).max);
        IndexRegistry.Registration memory r = sound();
        bytes memory error = abi.encodeWithSelector(Bn254.NotAFieldElement.selector, beyond);
        uint256 kept = r.indexId;
        r.indexId = beyond;
        refused(r, error);
        (r.indexId, kept) = (kept, r.indexRoot);
        r.indexRoot = beyond;
        refused(r, error);
        r.indexRoot = 0;
        refused(r, abi.encodeWithSelector(Bn254.ZeroFieldElement.selector));
        r.indexRoot = kept;
        r.shardCommitments[1] = beyond;
        refused(r, error);
        r.shardCommitments[1] = 0;
        refused(r, abi.encodeWithSelector(Bn254.ZeroFieldElement.selector));
        r.shardCommitments[1] = 1;
        register(r);
    }

    function test_ShapesThatAreNone() public {
        IndexRegistry.Registration memory r = sound();
        r.rows = 5;
        refused(r, abi.encodeWithSelector(IndexRegistry.TooManyRows.selector, 5, 4));
        r.rows = 4;
        r.slotsPerShard = 0;
        refused(r, abi.encodeWithSelector(IndexRegistry.SlotCountOutOfRange.selector, 0));
        r.slotsPerShard = 257;
        refused(r, abi.encodeWithSelector(IndexRegistry.SlotCountOutOfRange.selector, 257));
        r.slotsPerShard = 3;
        r.shardCommitments = one(1);
        refused(r, abi.encodeWithSelector(IndexRegistry.WrongShardCount.selector, 1, 2));
        r.slotsPerShard = 2;
        r.slots = new IndexRegistry.Slot[](0);
        refused(r, abi.encodeWithSelector(IndexRegistry.SlotCountOutOfRange.selector, 0));
        r = sound();
        r.datasetId = "none";
        refused(r, abi.encodeWithSelector(DatanetRegistry.UnknownDataset.selector, bytes32("none")));
    }

    /// Whatever four ends are given: a registration stands exactly when they tile the rows in slots of 1 to 256.
    function testFuzz_SlotsTileTheRowsEachOnce(uint16[4] memory ends, uint16 rows) public {
        bytes32 datasetId = newDataset(three(), type(uint16).max);
        IndexRegistry.Registration memory r = registrationOf(datasetId, four());
        rows = uint16(bound(rows, 1, 1200));
        bool tiles = true;
        uint256 last = 0;
        for (uint256 k = 0; k < 4; ++k) {
            // near the last end most times, so that some do tile
            ends[k] = uint16(ends[k] % 5 == 0 ? ends[k] % 2000 : last + ends[k] % 259);
            tiles = tiles && ends[k] > last && ends[k] - last <= 256;
            r.slots[k].end = ends[k];
            last = ends[k];
        }
        r.rows = rows % 2 == 0 ? uint32(last) : rows;
        tiles = tiles && last == r.rows;
        vm.prank(owner.addr);
        try indexes.register(r) returns (bytes32 index) {
            // an index whose last part is missing is registered, but it is not there yet
            if (tiles) indexes.terms(index);
            else {
                assertLt(last, r.rows);
                vm.expectPartialRevert(IndexRegistry.IndexUnfinished.selector);
                indexes.terms(index);
            }
        } catch (bytes memory reason) {
            assertFalse(tiles);
            assertEq(bytes4(reason), IndexRegistry.SlotsDoNotTile.selector);
        }
    }

    function test_SlotsThatDoNotTileAreNamed() public {
        IndexRegistry.Registration memory r = sound();
        r.slots[2].end = 2; // empty
        refused(r, abi.encodeWithSelector(IndexRegistry.SlotsDoNotTile.selector, 2, 2, 2));
        r.slots[2].end = 3;
        r.rows = 3;
        refused(r, abi.encodeWithSelector(IndexRegistry.SlotsDoNotTile.selector, 4, 4, 3));
        r = registrationOf(newDataset(three(), 300), four());
        (r.rows, r.slots[3].end) = (260, 260); // 257 rows
        refused(r, abi.encodeWithSelector(IndexRegistry.SlotsDoNotTile.selector, 3, 3, 260));
        (r.rows, r.slots[3].end) = (259, 259);
        register(r);
    }

    function test_ContributorsAreApprovedAndEachInOneRun() public {
        IndexRegistry.Registration memory r = sound();
        r.slots[2].contributor = stranger.addr;
        refused(
            r, abi.encodeWithSelector(IndexRegistry.ContributorNotApproved.selector, r.datasetId, stranger.addr)
        );
        r.slots[2].contributor = address(0);
        refused(r, abi.encodeWithSelector(IndexRegistry.ContributorNotApproved.selector, r.datasetId, address(0)));
        r.slots[0].contributor = address(0);
        r.slots[2].contributor = bob.addr;
        refused(r, abi.encodeWithSelector(IndexRegistry.ContributorNotApproved.selector, r.datasetId, address(0)));
        r.slots[0].contributor = alice.addr;
        r.slots[3].contributor = alice.addr; // again, after Bob
        refused(r, abi.encodeWithSelector(IndexRegistry.ContributorOutOfOrder.selector, 3, alice.addr));
        r.slots[3].contributor = host.addr;
        address[] memory revoked = new address[](1);
        revoked[0] = bob.addr;
        vm.prank(owner.addr);
        datanets.revoke(r.datasetId, revoked);
        refused(r, abi.encodeWithSelector(IndexRegistry.ContributorNotApproved.selector, r.datasetId, bob.addr));
        vm.prank(owner.addr);
        datanets.approve(r.datasetId, revoked); // its place is the one it had
        register(r);
    }

    function test_NoIndexOfADataSetWithViolatedConsent() public {
        bytes32 datasetId = violated();
        IndexRegistry.Registration memory r = registrationOf(datasetId, four());
        refused(r, abi.encodeWithSelector(IndexRegistry.ConsentViolated.selector, datasetId));
    }

    /// A version with a contribution that was withdrawn before.
    function violated() private returns (bytes32 datasetId) {
        vm.prank(owner.addr);
        bytes32 datanetId = datanets.createDatanet("weather");
        bytes32[] memory ids = new bytes32[](1);
        ids[0] = "content";
        vm.prank(alice.addr);
        datanets.propose(datanetId, ids);
        ids[0] = datanets.contributionIdOf(datanetId, alice.addr, "content");
        vm.prank(owner.addr);
        datanets.approveContributions(datanetId, ids);
        vm.prank(alice.addr);
        datanets.withdrawConsent(datanetId, ids, "reason");
        DatanetRegistry.VersionDraft memory draft;
        (draft.datanetId, draft.root, draft.manifestHash, draft.rows) = (datanetId, "root", "manifest", 4);
        (draft.licence, draft.policyHash, draft.contributions) = ("CC-BY-4.0", "policy", 1);
        (draft.contributionsRoot, draft.withdrawalsSeen) = (Rfc6962.leafHash(ids[0]), 1);
        vm.prank(owner.addr);
        datasetId = datanets.publishVersion(draft, three());
        datanets.showViolation(datasetId, ids[0], 0, new bytes32[](0));
    }

    // ---- in parts ----

    /// The first shard alone, then the second.
    function begin(IndexRegistry.Registration memory whole)
        private
        returns (bytes32 index, IndexRegistry.Slot[] memory rest)
    {
        rest = slotsOf(whole, 2, 4);
        IndexRegistry.Slot[] memory all = whole.slots;
        uint256[] memory commitments = whole.shardCommitments;
        (whole.slots, whole.shardCommitments) = (slotsOf(whole, 0, 2), one(commitments[0]));
        index = register(whole);
        (whole.slots, whole.shardCommitments) = (all, commitments);
    }

    function test_PartsMakeTheIndexThatOneCallMakes() public {
        IndexRegistry.Registration memory r = sound();
        uint256 state = vm.snapshotState();
        bytes32 index = register(r);
        IndexRegistry.Index memory atOnce = indexes.indexOf(index);
        IndexRegistry.Shard memory first = indexes.shardOf(index, 0);
        IndexRegistry.Shard memory second = indexes.shardOf(index, 1);
        vm.revertToState(state);
        IndexRegistry.Slot[] memory rest;
        (index, rest) = begin(r);
        assertEq(indexes.indexOf(index).payableFrom, indexes.UNFINISHED());
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.IndexUnfinished.selector, index, 2, 4));
        indexes.terms(index);
        (bool payableNow,,) = indexes.placeOf(index, 0);
        assertFalse(payableNow);
        vm.prank(owner.addr);
        indexes.addShards(index, rest, one(r.shardCommitments[1]));
        assertEq(abi.encode(indexes.indexOf(index)), abi.encode(atOnce));
        assertEq(abi.encode(indexes.shardOf(index, 0)), abi.encode(first));
        assertEq(abi.encode(indexes.shardOf(index, 1)), abi.encode(second));
    }

    function test_TheWindowBeginsWithTheLastPart() public {
        IndexRegistry.Registration memory r = sound();
        (bytes32 index, IndexRegistry.Slot[] memory rest) = begin(r);
        skip(10 * WINDOW);
        vm.expectRevert(
            abi.encodeWithSelector(IndexRegistry.ChallengeWindowOpen.selector, index, indexes.UNFINISHED())
        );
        indexes.releaseBond(index);
        vm.prank(owner.addr);
        indexes.addShards(index, rest, one(r.shardCommitments[1]));
        assertEq(indexes.indexOf(index).payableFrom, vm.getBlockTimestamp() + WINDOW);
        assertEq(indexes.indexOf(index).registeredAt, vm.getBlockTimestamp());
    }

    function test_OnlyTheOwnerGoesOnAndOnlyUntilItIsWhole() public {
        IndexRegistry.Registration memory r = sound();
        (bytes32 index, IndexRegistry.Slot[] memory rest) = begin(r);
        uint256[] memory commitment = one(r.shardCommitments[1]);
        bytes memory refusal = abi.encodeWithSelector(IndexRegistry.NotIndexOwner.selector, index, stranger.addr);
        vm.startPrank(stranger.addr);
        vm.expectRevert(refusal);
        indexes.addShards(index, rest, commitment);
        vm.expectRevert(refusal);
        indexes.abandon(index);
        vm.stopPrank();
        vm.startPrank(owner.addr);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.WrongShardCount.selector, 2, 1));
        indexes.addShards(index, rest, r.shardCommitments);
        rest[0].contributor = alice.addr; // before Bob, who ended the first part
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.ContributorOutOfOrder.selector, 0, alice.addr));
        indexes.addShards(index, rest, commitment);
        rest[0].contributor = bob.addr;
        indexes.addShards(index, rest, commitment);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.IndexComplete.selector, index));
        indexes.addShards(index, rest, commitment);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.IndexComplete.selector, index));
        indexes.abandon(index);
    }

    function test_OnlyTheLastShardMayBeUnfilled() public {
        IndexRegistry.Registration memory r = sound();
        (r.slots, r.shardCommitments) = (slotsOf(r, 0, 3), r.shardCommitments);
        refused(r, abi.encodeWithSelector(IndexRegistry.ShardNotFilled.selector, 3, 2));
        r.rows = 3;
        register(r);
    }

    function test_AnAbandonedIndexLeavesNothing() public {
        IndexRegistry.Registration memory r = sound();
        (bytes32 index,) = begin(r);
        uint256 before = token.balanceOf(owner.addr);
        vm.expectEmit(address(indexes));
        emit IndexRegistry.IndexAbandoned(index);
        vm.prank(owner.addr);
        indexes.abandon(index);
        assertEq(token.balanceOf(owner.addr) - before, BOND);
        assertEq(token.balanceOf(address(indexes)), 0);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.UnknownShard.selector, index, 0));
        indexes.shardOf(index, 0);
        vm.prank(owner.addr);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.UnknownIndex.selector, index));
        indexes.abandon(index);
        assertEq(register(r), index);
    }

    function test_AttackTakingTheBondOfADisabledIndexByAbandoningIt() public {
        IndexRegistry.Registration memory r = sound();
        (bytes32 index, IndexRegistry.Slot[] memory rest) = begin(r);
        vm.prank(_arbiter);
        indexes.disable(index, address(0));
        bytes memory refusal = abi.encodeWithSelector(IndexRegistry.AlreadyDisabled.selector, index);
        vm.startPrank(owner.addr);
        vm.expectRevert(refusal);
        indexes.abandon(index);
        vm.expectRevert(refusal);
        indexes.addShards(index, rest, one(5));
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.IndexAlreadyRegistered.selector, index));
        indexes.register(r);
    }

    // ---- bonds ----

    function test_OnlyTheArbiterDisablesAndOnlyWithinTheWindow() public {
        bytes32 index = register(sound());
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.NotArbiter.selector, address(this)));
        indexes.disable(index, address(0));
        uint256 state = vm.snapshotState();
        skip(WINDOW);
        vm.prank(_arbiter);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.ChallengeWindowOver.selector, index));
        indexes.disable(index, address(0));
        vm.revertToState(state);
        skip(WINDOW - 1);
        vm.startPrank(_arbiter);
        indexes.disable(index, stranger.addr);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.AlreadyDisabled.selector, index));
        indexes.disable(index, stranger.addr);
        skip(10 * WINDOW);
        (,,, bool payableNow) = indexes.terms(index);
        assertFalse(payableNow);
    }

    function test_AForfeitedBondIsHalfTheChallengersAndHalfBurned() public {
        bytes32 index = register(sound());
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(indexes));
        emit IndexRegistry.BondForfeited(index, stranger.addr, 500, 501);
        vm.prank(_arbiter);
        indexes.disable(index, stranger.addr);
        assertEq(token.balanceOf(stranger.addr), 500);
        assertEq(supply - token.totalSupply(), 501);
        bytes32 other = register(sound());
        vm.prank(_arbiter);
        indexes.disable(other, address(0));
        assertEq(supply - token.totalSupply(), 501 + BOND);
        skip(WINDOW);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.NoBond.selector, index));
        indexes.releaseBond(index);
    }

    function test_ABondComesBackOnceAfterTheWindowWhoeverAsks() public {
        bytes32 index = register(sound());
        uint256 until = vm.getBlockTimestamp() + WINDOW;
        vm.warp(until - 1);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.ChallengeWindowOpen.selector, index, until));
        indexes.releaseBond(index);
        vm.warp(until);
        uint256 before = token.balanceOf(owner.addr);
        vm.prank(stranger.addr);
        indexes.releaseBond(index);
        assertEq(token.balanceOf(owner.addr) - before, BOND);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.NoBond.selector, index));
        indexes.releaseBond(index);
    }

    /// Whatever becomes of several indexes: the registry holds the bonds of those that are left, and not a unit more.
    function testFuzz_TheBalanceIsTheBondsThatAreLeft(uint8[5] memory fates, uint96[5] memory bonds) public {
        uint256 left = 0;
        for (uint256 i = 0; i < 5; ++i) {
            bonds[i] %= 1e18;
            ProtocolTerms.Terms memory next = terms.at(0);
            next.indexBond = bonds[i];
            vm.prank(timelock);
            terms.set(next);
            bool whole = fates[i] % 4 != 3;
            bytes32 index;
            if (whole) index = register(sound());
            else (index,) = begin(sound());
            if (fates[i] % 4 == 0) left += bonds[i];
            if (fates[i] % 4 == 1) {
                vm.prank(_arbiter);
                indexes.disable(index, fates[i] > 100 ? stranger.addr : address(0));
            }
            if (fates[i] % 4 == 2) {
                vm.warp(indexes.indexOf(index).payableFrom);
                if (bonds[i] == 0) vm.expectRevert(abi.encodeWithSelector(IndexRegistry.NoBond.selector, index));
                indexes.releaseBond(index);
            }
            if (!whole) {
                vm.prank(owner.addr);
                indexes.abandon(index);
            }
            assertEq(token.balanceOf(address(indexes)), left);
        }
    }

    function testFuzz_ADisputeIsAboutTheSlotsThatWereRegistered(uint256 firstRow, uint32 end, address contributor)
        public
    {
        IndexRegistry.Registration memory r = sound();
        bytes32 index = register(r);
        IndexRegistry.Slot[] memory slots = slotsOf(r, 2, 4);
        (IndexRegistry.Index memory entry, uint256 commitment) = indexes.disputed(index, 1, 2, slots);
        assertEq(commitment, r.shardCommitments[1]);
        assertEq(entry.indexRoot, r.indexRoot);
        vm.expectPartialRevert(IndexRegistry.SlotsMismatch.selector);
        indexes.disputed(index, 0, 2, slots);
        vm.assume(firstRow != 2 && end != 3 && contributor != bob.addr);
        vm.expectPartialRevert(IndexRegistry.SlotsMismatch.selector);
        indexes.disputed(index, 1, firstRow, slots);
        slots[0].end = end;
        vm.expectPartialRevert(IndexRegistry.SlotsMismatch.selector);
        indexes.disputed(index, 1, 2, slots);
        slots[0] = IndexRegistry.Slot(3, contributor);
        vm.expectPartialRevert(IndexRegistry.SlotsMismatch.selector);
        indexes.disputed(index, 1, 2, slots);
    }

    /// forge-config: default.isolate = true
    function test_Gas() public {
        register(sound());
        vm.snapshotGasLastCall("IndexRegistry", "register 4 slots in 2 shards");
        (bytes32 index,) = begin(sound());
        vm.snapshotGasLastCall("IndexRegistry", "register the first of 2 shards");
        vm.prank(owner.addr);
        indexes.abandon(index);
        vm.snapshotGasLastCall("IndexRegistry", "abandon");
    }
}
