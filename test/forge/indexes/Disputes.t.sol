// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Disputes} from "../../../contracts/Disputes.sol";
import {IStatementVerifier} from "../../../contracts/IStatementVerifier.sol";
import {IValidatorStaking} from "../../../contracts/IValidatorStaking.sol";
import {IndexRegistry} from "../../../contracts/IndexRegistry.sol";
import {ProtocolTerms} from "../../../contracts/ProtocolTerms.sol";
import {StatementVerifier} from "../../../contracts/StatementVerifier.sol";
import {ValidatorStaking} from "../../../contracts/ValidatorStaking.sol";
import {StakePool} from "../../../contracts/libraries/StakePool.sol";
import {Scores} from "../support/Scores.sol";
import {SettlementWorld} from "../support/SettlementWorld.sol";
import {TestKeys} from "../support/TestKeys.sol";

/// Its first contract's address is known beforehand: the registry names its arbiter when it is made.
contract DisputesMaker {
    function make(
        IndexRegistry indexes,
        IStatementVerifier[3] calldata verifiers,
        uint256[2] calldata shape,
        address committee,
        IValidatorStaking staking,
        uint256 share
    ) external returns (Disputes) {
        return new Disputes(
            indexes,
            verifiers[0],
            verifiers[1],
            verifiers[2],
            shape[0],
            shape[1],
            Disputes.Judges(committee, address(0), address(0)),
            staking,
            share
        );
    }
}

/// dispute…: unknown index ✗, slots that were not registered ✗, row outside the shard ✗, tree too deep ✗, a proof that does not
///   hold for the caller ✗, window over ✗, twice ✗, else disabled, half of the bond to the caller, and stake slashed
///   disputeSlot: unused position ✗, shards of another size than the circuit's ✗
/// judge: by another than the committee ✗, else disabled without a slash
contract DisputesTest is SettlementWorld {
    uint256 private constant SUM_KEY = 11;
    uint256 private constant ROW_KEY = 12;
    uint256 private constant SLOT_KEY = 13;
    uint256 private constant LEVELS = 3;
    uint256 private constant WAD = 1e18;
    uint256 private constant STAKE = 1000e18;
    uint96 private constant BOND = 1000;
    uint32 private constant WINDOW = 5 days;

    DisputesMaker private maker;
    IStatementVerifier[3] private verifiers;
    ValidatorStaking private staking;
    Disputes private disputes;
    address private committee = makeAddr("committee");
    address private challenger = makeAddr("challenger");
    bytes32 private index;
    /// abi.encode of the registration: a list of structs cannot be kept in storage.
    bytes private _registration;

    function setUp() public {
        deployWorld();
        verifiers = [
            IStatementVerifier(new StatementVerifier(TestKeys.statement(SUM_KEY, 5))),
            new StatementVerifier(TestKeys.statement(ROW_KEY, 4)),
            new StatementVerifier(TestKeys.statement(SLOT_KEY, 7))
        ];
        staking = new ValidatorStaking(token, treasury, timelock, STAKE, StakePool.Clock(1 days, 7, 14, 5));
        disputes = maker.make(indexes, verifiers, [LEVELS, SLOTS], committee, staking, WAD / 10);
        assertEq(address(disputes), indexes.arbiter());
        vm.prank(timelock);
        staking.appoint(address(disputes), new address[](0));
        give(owner.addr, 1e24);
        index = sevenRows();
    }

    function arbiter() internal override returns (address) {
        maker = new DisputesMaker();
        return vm.computeCreateAddress(address(maker), 1);
    }

    function firstTerms() internal override returns (ProtocolTerms.Terms memory first) {
        first = super.firstTerms();
        (first.indexBond, first.challengeWindow) = (BOND, WINDOW);
    }

    /// Slots [0, 3) of Alice, [3, 5) and [5, 7) of Bob, in two shards.
    function sevenRows() private returns (bytes32) {
        return registerRows(threeSlots(), 7);
    }

    function registerRows(address[] memory owners, uint32 rows) private returns (bytes32) {
        IndexRegistry.Registration memory r = registrationOf(newDataset(Scores.distinct(owners), rows), owners);
        r.rows = rows;
        for (uint32 k = 0; k < 3; ++k) r.slots[k].end = k == 2 ? rows : 3 + 2 * k;
        _registration = abi.encode(r);
        vm.prank(owner.addr);
        return indexes.register(r);
    }

    function registered() private view returns (IndexRegistry.Registration memory) {
        return abi.decode(_registration, (IndexRegistry.Registration));
    }

    function shardOfRow(uint256 row) private pure returns (uint256) {
        return row < 5 ? 0 : 1;
    }

    function slotsOf(uint256 shard) private view returns (Disputes.ShardSlots memory own) {
        (own.shard, own.firstRow) = (shard, shard == 0 ? 0 : 5);
        own.slots = new IndexRegistry.Slot[](shard == 0 ? 2 : 1);
        for (uint256 k = 0; k < own.slots.length; ++k) own.slots[k] = registered().slots[2 * shard + k];
    }

    // ---- what each statement is about, from the registration ----

    function sumProof(uint256 row, address who) private view returns (uint256[8] memory) {
        uint256[] memory signals = new uint256[](5);
        (signals[0], signals[1], signals[2]) = (registered().indexRoot, row, 3); // seven leaves: three levels
        signals[3] = row == 0 || row == 3 || row == 5 ? 1 : 0;
        signals[4] = uint160(who);
        return TestKeys.forge(SUM_KEY, signals, 5);
    }

    function rowProof(uint256 row, address who) private view returns (uint256[8] memory) {
        uint256[] memory signals = new uint256[](4);
        (signals[0], signals[1], signals[2], signals[3]) = (registered().indexRoot, row, 3, uint160(who));
        return TestKeys.forge(ROW_KEY, signals, 5);
    }

    function slotProof(uint256 shard, uint256 position, address who) private view returns (uint256[8] memory) {
        uint256 used = position == 0 ? 1 : position;
        uint256[] memory signals = new uint256[](7);
        (signals[0], signals[1]) = (registered().shardCommitments[shard], position);
        (signals[2], signals[3]) = (registered().indexId, registered().indexRoot);
        signals[4] = uint256(registered().slots[2 * shard + used - 1].end) - 1;
        (signals[5], signals[6]) = (3, uint160(who));
        return TestKeys.forge(SLOT_KEY, signals, 5);
    }

    function assertForfeited() private view {
        assertTrue(indexes.indexOf(index).disabled);
        assertEq(token.balanceOf(challenger), BOND / 2);
        assertEq(token.balanceOf(address(indexes)), 0);
    }

    function test_ADisputeHasItsCircuitsAndAShare() public {
        vm.expectRevert(abi.encodeWithSelector(Disputes.ShareOutOfRange.selector, WAD + 1));
        maker.make(indexes, verifiers, [LEVELS, SLOTS], committee, staking, WAD + 1);
        vm.expectRevert(abi.encodeWithSelector(Disputes.ShareOutOfRange.selector, 0));
        maker.make(indexes, verifiers, [LEVELS, SLOTS], committee, staking, 0);
        uint256[3] memory needed = [uint256(5), 4, 7];
        for (uint256 i = 0; i < 3; ++i) {
            IStatementVerifier[3] memory mixed = verifiers;
            mixed[i] = verifiers[(i + 1) % 3];
            vm.expectRevert(
                abi.encodeWithSelector(Disputes.NotSignals.selector, mixed[i], needed[(i + 1) % 3], needed[i])
            );
            maker.make(indexes, mixed, [LEVELS, SLOTS], committee, staking, WAD);
        }
    }

    function test_EveryRowCanBeShownNotToAddUp() public {
        for (uint256 row = 0; row < 7; ++row) {
            uint256 state = vm.snapshotState();
            uint256[8] memory proof = sumProof(row, challenger);
            Disputes.ShardSlots memory own = slotsOf(shardOfRow(row));
            vm.prank(challenger);
            vm.expectEmit(address(disputes));
            emit Disputes.IndexDisputed(index, challenger, Disputes.Ground.SumStep, row);
            disputes.disputeSum(index, own, row, proof);
            assertForfeited();
            vm.revertToState(state);
        }
    }

    function test_EveryRowCanBeShownOutOfRange() public {
        for (uint256 row = 0; row < 7; ++row) {
            uint256 state = vm.snapshotState();
            uint256[8] memory proof = rowProof(row, challenger);
            Disputes.ShardSlots memory own = slotsOf(shardOfRow(row));
            vm.prank(challenger);
            disputes.disputeRow(index, own, row, proof);
            assertForfeited();
            vm.revertToState(state);
        }
    }

    function test_EverySlotAndTheIndexIdCanBeShownWrong() public {
        for (uint256 shard = 0; shard < 2; ++shard) {
            for (uint256 position = 0; position <= 2 - shard; ++position) {
                uint256 state = vm.snapshotState();
                uint256[8] memory proof = slotProof(shard, position, challenger);
                Disputes.ShardSlots memory own = slotsOf(shard);
                vm.prank(challenger);
                disputes.disputeSlot(index, own, position, proof);
                assertForfeited();
                vm.revertToState(state);
            }
        }
    }

    function refused(Disputes.Ground ground) private {
        vm.expectRevert(abi.encodeWithSelector(Disputes.DisputeRejected.selector, index, ground));
    }

    function test_AttackAProofCopiedFromTheMempool() public {
        uint256[8] memory proof = sumProof(4, challenger);
        Disputes.ShardSlots memory own = slotsOf(0);
        vm.prank(stranger.addr);
        refused(Disputes.Ground.SumStep);
        disputes.disputeSum(index, own, 4, proof);
        proof = rowProof(4, challenger);
        vm.prank(stranger.addr);
        refused(Disputes.Ground.RowRange);
        disputes.disputeRow(index, own, 4, proof);
        proof = slotProof(0, 1, challenger);
        vm.prank(stranger.addr);
        refused(Disputes.Ground.SlotIsPrefix);
        disputes.disputeSlot(index, own, 1, proof);
    }

    function test_AttackAProofOfAnotherRowOrIndex() public {
        uint256[8] memory proof = sumProof(4, address(this));
        refused(Disputes.Ground.SumStep);
        disputes.disputeSum(index, slotsOf(0), 3, proof);
        index = sevenRows();
        refused(Disputes.Ground.SumStep);
        disputes.disputeSum(index, slotsOf(0), 4, proof);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_AnHonestIndexIsNotDisputedByNoise(uint256[8] memory noise, uint256 row) public {
        row = bound(row, 0, 4);
        Disputes.ShardSlots memory own = slotsOf(0);
        refused(Disputes.Ground.SumStep);
        disputes.disputeSum{gas: 3_000_000}(index, own, row, noise);
        refused(Disputes.Ground.RowRange);
        disputes.disputeRow{gas: 3_000_000}(index, own, row, noise);
        refused(Disputes.Ground.SlotIsPrefix);
        disputes.disputeSlot{gas: 3_000_000}(index, own, row % 3, noise);
    }

    function test_OnlyRowsAndSlotsOfTheShard() public {
        uint256[8] memory proof = sumProof(5, address(this));
        vm.expectRevert(abi.encodeWithSelector(Disputes.UnknownRow.selector, index, 5));
        disputes.disputeSum(index, slotsOf(0), 5, proof);
        vm.expectRevert(abi.encodeWithSelector(Disputes.UnknownRow.selector, index, 4));
        disputes.disputeRow(index, slotsOf(1), 4, proof);
        vm.expectRevert(abi.encodeWithSelector(Disputes.UnknownRow.selector, index, 7));
        disputes.disputeRow(index, slotsOf(1), 7, proof);
        vm.expectRevert(abi.encodeWithSelector(Disputes.UnusedSlot.selector, index, 1, 2));
        disputes.disputeSlot(index, slotsOf(1), 2, proof);
        vm.expectRevert(abi.encodeWithSelector(Disputes.UnusedSlot.selector, index, 0, type(uint256).max));
        disputes.disputeSlot(index, slotsOf(0), type(uint256).max, proof);
        Disputes.ShardSlots memory moved = slotsOf(0);
        moved.slots[0].end = 4; // so that row 3 would begin no slot
        vm.expectPartialRevert(IndexRegistry.SlotsMismatch.selector);
        disputes.disputeSum(index, moved, 3, proof);
    }

    function test_ATreeDeeperThanTheCircuit() public {
        index = registerRows(threeSlots(), 9);
        Disputes.ShardSlots memory own = slotsOf(0);
        uint256[8] memory proof = sumProof(4, address(this));
        vm.expectRevert(abi.encodeWithSelector(Disputes.TreeTooDeep.selector, 4, LEVELS));
        disputes.disputeSum(index, own, 4, proof);
        index = registerRows(threeSlots(), 8);
        disputes.disputeSum(index, own = slotsOf(0), 4, sumProof(4, address(this)));
        assertTrue(indexes.indexOf(index).disabled);
    }

    function test_ShardsOfAnotherSizeThanTheCircuits() public {
        IndexRegistry.Registration memory r = registrationOf(newDataset(Scores.distinct(threeSlots()), 3), threeSlots());
        r.slotsPerShard = 3;
        r.shardCommitments = new uint256[](1);
        r.shardCommitments[0] = 5;
        vm.prank(owner.addr);
        index = indexes.register(r);
        Disputes.ShardSlots memory own = Disputes.ShardSlots(0, 0, r.slots);
        uint256[8] memory proof;
        vm.expectRevert(abi.encodeWithSelector(Disputes.WrongSlotsForCircuit.selector, 3, SLOTS));
        disputes.disputeSlot(index, own, 1, proof);
    }

    function test_OnlyWithinTheWindowAndOnce() public {
        uint256[8] memory proof = sumProof(4, challenger);
        Disputes.ShardSlots memory own = slotsOf(0);
        uint256 state = vm.snapshotState();
        skip(WINDOW);
        vm.prank(challenger);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.ChallengeWindowOver.selector, index));
        disputes.disputeSum(index, own, 4, proof);
        vm.revertToState(state);
        vm.startPrank(challenger);
        disputes.disputeSum(index, own, 4, proof);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.AlreadyDisabled.selector, index));
        disputes.disputeSum(index, own, 4, proof);
    }

    // ---- stake ----

    /// The owner as a validator whose stake is active when it registers another index.
    function stakedIndex() private {
        token.mint(owner.addr, STAKE);
        vm.startPrank(owner.addr);
        token.approve(address(staking), STAKE);
        staking.register(STAKE);
        vm.stopPrank();
        skip(2 days);
        index = sevenRows();
    }

    function test_AProofTakesAShareOfTheOwnersStake() public {
        stakedIndex();
        uint256[8] memory proof = sumProof(4, challenger);
        Disputes.ShardSlots memory own = slotsOf(0);
        vm.prank(challenger);
        disputes.disputeSum(index, own, 4, proof);
        assertEq(staking.ownStake(owner.addr), STAKE * 9 / 10);
        vm.prank(challenger);
        staking.claimReward(challenger);
        assertEq(token.balanceOf(challenger), BOND / 2 + STAKE / 20);
    }

    function test_AnOwnerWithoutStakeIsDisputedAllTheSame() public {
        uint256[8] memory proof = sumProof(4, challenger);
        Disputes.ShardSlots memory own = slotsOf(0);
        vm.prank(challenger);
        vm.expectEmit(true, true, false, false, address(disputes));
        emit Disputes.StakeNotSlashed(index, owner.addr, "");
        disputes.disputeSum(index, own, 4, proof);
        assertTrue(indexes.indexOf(index).disabled);
    }

    function test_WithoutStakingNothingIsSlashed() public {
        disputes = new Disputes(
            indexes,
            verifiers[0],
            verifiers[1],
            verifiers[2],
            LEVELS,
            SLOTS,
            Disputes.Judges(committee, address(0), address(0)),
            IValidatorStaking(address(0)),
            0
        );
        vm.etch(indexes.arbiter(), address(disputes).code);
        disputes = Disputes(indexes.arbiter());
        stakedIndex();
        uint256[8] memory proof = sumProof(4, challenger);
        Disputes.ShardSlots memory own = slotsOf(0);
        vm.prank(challenger);
        disputes.disputeSum(index, own, 4, proof);
        assertEq(staking.ownStake(owner.addr), STAKE);
    }

    /// An owner who disputes itself must not save its stake by sending too little gas: at any gas, both or nothing.
    function test_AttackADisputeWithTooLittleGasForTheSlash() public {
        stakedIndex();
        uint256[8] memory proof = sumProof(4, owner.addr);
        Disputes.ShardSlots memory own = slotsOf(0);
        bytes memory call = abi.encodeCall(Disputes.disputeSum, (index, own, 4, proof));
        uint256 starved = 0;
        bool slashed = false;
        for (uint256 gas_ = 350_000; gas_ < 1_500_000 && !slashed; gas_ += 4_000) {
            vm.prank(owner.addr);
            (bool ok, bytes memory reason) = address(disputes).call{gas: gas_}(call);
            slashed = staking.ownStake(owner.addr) < STAKE;
            assertEq(ok, slashed);
            assertEq(indexes.indexOf(index).disabled, slashed);
            if (!ok && bytes4(reason) == Disputes.SlashWithoutGas.selector) ++starved;
        }
        assertTrue(slashed);
        assertGt(starved, 0);
    }

    // ---- the committee ----

    function test_TheCommitteeDisablesAndSlashesNobody() public {
        stakedIndex();
        vm.expectRevert(abi.encodeWithSelector(Disputes.NotCommittee.selector, address(this)));
        disputes.judge(index, "evidence", challenger);
        vm.expectEmit(address(disputes));
        emit Disputes.IndexJudged(index, committee, "evidence");
        vm.prank(committee);
        disputes.judge(index, "evidence", challenger);
        assertTrue(indexes.indexOf(index).disabled);
        assertEq(token.balanceOf(challenger), BOND / 2);
        assertEq(staking.ownStake(owner.addr), STAKE);
    }

    /// forge-config: default.isolate = true
    function test_Gas() public {
        stakedIndex();
        uint256[8] memory proof = sumProof(4, challenger);
        Disputes.ShardSlots memory own = slotsOf(0);
        vm.prank(challenger);
        disputes.disputeSum(index, own, 4, proof);
        vm.snapshotGasLastCall("Disputes", "disputeSum with a slash");
    }
}
