// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Vm} from "forge-std/Vm.sol";
import {EpochSettlement} from "../../../contracts/EpochSettlement.sol";
import {IEpochSettlement} from "../../../contracts/IEpochSettlement.sol";
import {IPayoutPolicy} from "../../../contracts/IPayoutPolicy.sol";
import {IndexRegistry} from "../../../contracts/IndexRegistry.sol";
import {ProtocolTerms} from "../../../contracts/ProtocolTerms.sol";
import {IReceipts} from "../../../contracts/IReceipts.sol";
import {ReceiptBook} from "../../../contracts/ReceiptBook.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {ScoreSums} from "../../../contracts/libraries/ScoreSums.sol";
import {PooledPerBatch} from "../../../contracts/policies/PooledPerBatch.sol";
import {CallingToken, OpenToken} from "../staking/Tokens.sol";
import {Scores} from "../support/Scores.sol";
import {SettlementWorld} from "../support/SettlementWorld.sol";
import {TestKeys} from "../support/TestKeys.sol";
import {
    EverybodyGetsAll,
    NobodyGetsAnything,
    OneAccountLess,
    OneUnitTooMuch
} from "./Policies.sol";

/// What the tests of a settlement share: an epoch with two batches, still open.
abstract contract SettlementTest is SettlementWorld {
    uint256 internal epoch;
    bytes32 internal index;

    function setUp() public virtual {
        deployWorld();
        index = newIndex(threeSlots());
        epoch = newEpoch(index);
    }

    function newEpoch(bytes32 of_) internal returns (uint256 made) {
        made = openEpoch(of_);
        post(made, 1_000_003, 77);
        post(made, 999, 0);
    }

    function honest(uint256 shard, uint256 batch) internal view returns (IEpochSettlement.Proven memory) {
        return provenOf(epoch, shard, batch, someScores(index, shard, batch));
    }

    function rejected(uint256 shard, uint256 batch) internal {
        vm.expectRevert(
            abi.encodeWithSelector(IEpochSettlement.ProofRejected.selector, epoch, shard, batch)
        );
    }

    function setPolicy(IPayoutPolicy policy) internal {
        ProtocolTerms.Terms memory next = terms.at(0);
        next.policy = policy;
        vm.prank(timelock);
        terms.set(next);
    }

    function settledOf(uint256 of_) internal view returns (EpochSettlement.Stage stage, uint256 settled) {
        return settlement.progressOf(of_);
    }
}

/// settle: scores of another length ✗, other slots ✗, place settled ✗, not settling ✗, unknown batch ✗, elsewhere ✗,
///   still open ✗, index not payable ✗, unknown shard ✗, other contributors ✗, unused slot scored ✗, proof ✗, else recorded
/// settleMany: any of these ✗, one false proof ✗, a place twice ✗, none ✗, else all
/// finalize: not closed ✗, incomplete ✗, twice ✗
contract SettleTest is SettlementTest {
    function test_AnInstanceHasAShape() public {
        vm.expectRevert(IEpochSettlement.EmptyInstance.selector);
        new EpochSettlement(book, verifier, 0, QUERIES, COLUMNS);
        vm.expectRevert(IEpochSettlement.EmptyInstance.selector);
        new EpochSettlement(book, verifier, SLOTS, 0, COLUMNS);
        vm.expectRevert(IEpochSettlement.EmptyInstance.selector);
        new EpochSettlement(book, verifier, SLOTS, QUERIES, 0);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.TooManyColumns.selector, 513));
        new EpochSettlement(book, verifier, SLOTS, QUERIES, 513);
        assertEq(new EpochSettlement(book, verifier, SLOTS, QUERIES, 512).columns(), 512);
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_AnyoneRecordsWhatIsProven(uint256 seed, address prover) public {
        scoreSeed = seed;
        close(epoch);
        for (uint256 shard = 0; shard < 2; ++shard) {
            int64[] memory scores = someScores(index, shard, 1);
            (address[] memory contributors, int64[] memory sums) =
                Scores.sumsOf(scores, shardOwners(index, shard), QUERIES);
            bytes memory packed = Scores.packSums(sums);
            vm.expectEmit(address(settlement));
            emit IEpochSettlement.ShardSettled(
                epoch, 1, shard, signalsOf(epoch, shard, 1, scores)[2], contributors, packed
            );
            IEpochSettlement.Proven memory proven = provenOf(epoch, shard, 1, scores);
            vm.prank(prover);
            settlement.settle(epoch, proven);
            assertEq(settlement.sumsHashOf(epoch, 1, shard), keccak256(abi.encode(contributors, packed)));
            assertEq(settlement.sumsHashOf(epoch, 0, shard), 0);
            (, uint256 settled) = settledOf(epoch);
            assertEq(settled, shard + 1);
        }
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_AttackAChangedScore(uint256 at, uint40 change) public {
        vm.assume(change != 0);
        close(epoch);
        IEpochSettlement.Proven memory proven = honest(0, 0);
        int64[] memory scores = someScores(index, 0, 0);
        at %= scores.length;
        scores[at] = int64(int40(uint40(uint64(scores[at])) ^ change));
        proven.packedScores = Scores.pack(scores);
        rejected(0, 0);
        settlement.settle{gas: 3_000_000}(epoch, proven);
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_AttackAChangedProof(uint256 word, uint256 bit) public {
        close(epoch);
        IEpochSettlement.Proven memory proven = honest(0, 0);
        proven.proof[word % 8] ^= 1 << (bit % 256);
        rejected(0, 0);
        settlement.settle{gas: 3_000_000}(epoch, proven);
    }

    function test_AttackAProofOfSomewhereElse() public {
        uint256 other = newEpoch(index);
        close(epoch);
        close(other);
        int64[] memory scores = four(5, 6, 7, 8); // at a shard without unused slots
        IEpochSettlement.Proven memory proven = provenOf(epoch, 0, 0, scores);
        rejected(0, 1);
        proven.batch = 1;
        settlement.settle(epoch, proven);
        proven.batch = 0;
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.ProofRejected.selector, other, 0, 0));
        settlement.settle(other, proven);
        bytes32 twin = newIndex(threeSlots());
        uint256 ofTwin = newEpoch(twin);
        close(ofTwin);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.ProofRejected.selector, ofTwin, 0, 0));
        settlement.settle(ofTwin, proven);
        settlement.settle(epoch, proven);
    }

    function test_AttackAProofOfAnotherChainContractOrCircuit() public {
        close(epoch);
        IEpochSettlement.Proven memory proven = honest(0, 0);
        uint256 chain = 31337; // forge's own; the optimiser may read block.chainid again after a change
        vm.chainId(chain + 1);
        rejected(0, 0);
        settlement.settle(epoch, proven);
        vm.chainId(chain);
        // the same place, in a contract of its own and with more columns
        for (uint256 columns = COLUMNS; columns < COLUMNS + 2; ++columns) {
            uint256 state = vm.snapshotState();
            EpochSettlement other = new EpochSettlement(book, verifier, SLOTS, QUERIES, columns);
            vm.etch(address(settlement), address(other).code);
            if (columns == COLUMNS) settlement.settle(epoch, proven);
            else {
                rejected(0, 0);
                settlement.settle(epoch, proven);
            }
            vm.revertToState(state);
        }
    }

    function test_AttackOtherContributors() public {
        close(epoch);
        IEpochSettlement.Proven memory proven = honest(0, 0);
        bytes32 registered = keccak256(abi.encode(proven.slotContributors));
        (proven.slotContributors[0], proven.slotContributors[1]) = (bob.addr, alice.addr);
        bytes32 given = keccak256(abi.encode(proven.slotContributors));
        vm.expectRevert(
            abi.encodeWithSelector(IEpochSettlement.ContributorsMismatch.selector, given, registered)
        );
        settlement.settle(epoch, proven);
    }

    function test_AttackAScoreForAnUnusedSlot() public {
        close(epoch);
        IEpochSettlement.Proven memory proven = provenOf(epoch, 1, 0, four(5, 6, 0, 1));
        vm.expectRevert(abi.encodeWithSelector(ScoreSums.UnusedSlotScored.selector, 1));
        settlement.settle(epoch, proven);
    }

    function test_AttackDifferentSignalsForTheSameScores() public {
        close(epoch);
        IEpochSettlement.Proven memory proven = honest(0, 0);
        for (uint256 i = 0; i < 4; ++i) {
            uint256[4] memory signals = signalsOf(epoch, 0, 0, someScores(index, 0, 0));
            signals[i] = addmod(signals[i], 1, Bn254.SCALAR_MODULUS);
            proven.proof = TestKeys.forge(FIRST, signals, 5);
            rejected(0, 0);
            settlement.settle(epoch, proven);
        }
    }

    function testFuzz_ScoresAndSlotsOfAnotherLengthAreRefused(uint8 bytes_, uint8 slots) public {
        close(epoch);
        IEpochSettlement.Proven memory proven = honest(0, 0);
        if (bytes_ != 20) {
            proven.packedScores = new bytes(bytes_);
            vm.expectRevert(
                abi.encodeWithSelector(IEpochSettlement.WrongScoreBytes.selector, uint256(bytes_), 20)
            );
            settlement.settle(epoch, proven);
        }
        if (slots == SLOTS) return;
        proven = honest(0, 0);
        proven.slotContributors = new address[](slots);
        vm.expectRevert(
            abi.encodeWithSelector(IEpochSettlement.WrongSlotCount.selector, uint256(slots), SLOTS)
        );
        settlement.settle(epoch, proven);
    }

    function test_OnlyPlacesThatExistInClosedEpochsOfThisContract() public {
        IEpochSettlement.Proven memory proven = honest(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.EpochStillOpen.selector, epoch));
        settlement.settle(epoch, proven);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.EpochStillOpen.selector, epoch));
        settlement.finalize(epoch);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.EpochStillOpen.selector, epoch));
        settlement.refund(epoch, 0);
        close(epoch);
        proven.batch = 2;
        vm.expectRevert(abi.encodeWithSelector(IReceipts.UnknownBatch.selector, epoch, 2));
        settlement.settle(epoch, proven);
        (proven.batch, proven.shard) = (0, 2);
        vm.expectRevert(abi.encodeWithSelector(IndexRegistry.UnknownShard.selector, index, 2));
        settlement.settle(epoch, proven);
        vm.expectRevert(abi.encodeWithSelector(IReceipts.UnknownEpoch.selector, 9));
        settlement.settle(9, proven);
        EpochSettlement other = new EpochSettlement(book, verifier, SLOTS, QUERIES, COLUMNS);
        bytes memory elsewhere =
            abi.encodeWithSelector(IEpochSettlement.SettledElsewhere.selector, epoch, address(settlement));
        proven = honest(0, 0);
        vm.expectRevert(elsewhere);
        other.settle(epoch, proven);
        vm.expectRevert(elsewhere);
        other.finalize(epoch);
        vm.expectRevert(elsewhere);
        other.refund(epoch, 0);
    }

    function test_AnIndexPaysNothingBeforeItsWindowIsOverAndNeverWhenDisabled() public {
        ProtocolTerms.Terms memory next = terms.at(0);
        next.challengeWindow = 50;
        vm.prank(timelock);
        terms.set(next);
        index = newIndex(threeSlots());
        epoch = newEpoch(index);
        close(epoch);
        IEpochSettlement.Proven memory proven = honest(0, 0);
        skip(49);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.IndexNotPayable.selector, index));
        settlement.settle(epoch, proven);
        uint256 state = vm.snapshotState();
        skip(1);
        settlement.settle(epoch, proven);
        vm.revertToState(state);
        vm.prank(arbiter());
        indexes.disable(index, address(0));
        skip(1_000_000);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.IndexNotPayable.selector, index));
        settlement.settle(epoch, proven);
    }

    function test_AttackTheSamePlaceTwice() public {
        close(epoch);
        settlement.settle(epoch, honest(0, 0));
        IEpochSettlement.Proven memory again = provenOf(epoch, 0, 0, four(1, 2, 3, 4));
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.AlreadySettled.selector, epoch, 0, 0));
        settlement.settle(epoch, again);
        IEpochSettlement.Proven[] memory two = new IEpochSettlement.Proven[](2);
        (two[0], two[1]) = (honest(1, 0), provenOf(epoch, 1, 0, four(1, 2, 0, 0)));
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.AlreadySettled.selector, epoch, 1, 0));
        settlement.settleMany(epoch, two);
    }

    function test_ManyAreSettledTogetherOrNotAtAll() public {
        close(epoch);
        IEpochSettlement.Proven[] memory all = new IEpochSettlement.Proven[](4);
        for (uint256 i = 0; i < 4; ++i) all[i] = honest(i % 2, i / 2);
        for (uint256 bad = 0; bad < 4; ++bad) {
            uint256[8] memory right = all[bad].proof;
            all[bad].proof = all[(bad + 1) % 4].proof;
            vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.ProofsRejected.selector, epoch, 4));
            settlement.settleMany(epoch, all);
            all[bad].proof = right;
        }
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.ProofsRejected.selector, epoch, 0));
        settlement.settleMany(epoch, new IEpochSettlement.Proven[](0));
        (, uint256 settled) = settledOf(epoch);
        assertEq(settled, 0);
        uint256 state = vm.snapshotState();
        settlement.settleMany(epoch, all);
        bytes32[4] memory recorded;
        for (uint256 i = 0; i < 4; ++i) recorded[i] = settlement.sumsHashOf(epoch, i / 2, i % 2);
        settlement.finalize(epoch);
        vm.revertToState(state);
        settleAll(epoch);
        for (uint256 i = 0; i < 4; ++i) assertEq(settlement.sumsHashOf(epoch, i / 2, i % 2), recorded[i]);
    }

    function test_AnEpochIsFinalWhenEveryPlaceIsSettledAndThenForEver() public {
        close(epoch);
        for (uint256 i = 0; i < 4; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.EpochIncomplete.selector, i, 4));
            settlement.finalize(epoch);
            settlement.settle(epoch, honest(i % 2, i / 2));
        }
        vm.expectEmit(address(settlement));
        emit IEpochSettlement.EpochFinalized(epoch);
        settlement.finalize(epoch);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.EpochNotSettling.selector, epoch));
        settlement.finalize(epoch);
        skip(10 * REFUND_TIMEOUT);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.EpochNotSettling.selector, epoch));
        settlement.refund(epoch, 0);
    }

    /// forge-config: default.isolate = true
    function test_Gas() public {
        close(epoch);
        IEpochSettlement.Proven[] memory two = new IEpochSettlement.Proven[](2);
        (two[0], two[1]) = (honest(0, 1), honest(1, 1));
        settlement.settle(epoch, honest(0, 0));
        vm.snapshotGasLastCall("EpochSettlement", "settle 2 by 2, the first of an epoch");
        settlement.settle(epoch, honest(1, 0));
        vm.snapshotGasLastCall("EpochSettlement", "settle 2 by 2");
        settlement.settleMany(epoch, two);
        vm.snapshotGasLastCall("EpochSettlement", "settleMany, two of 2 by 2");
        settlement.finalize(epoch);
        vm.snapshotGasLastCall("EpochSettlement", "finalize");
        distribute(epoch, 0);
        vm.snapshotGasLastCall("EpochSettlement", "distribute 2 receipts to 2 contributors");
        vm.prank(owner.addr);
        settlement.withdraw();
        vm.snapshotGasLastCall("EpochSettlement", "withdraw");
    }
}

/// distribute: not final ✗, paid ✗, unknown batch ✗, other receipts ✗, begun in parts ✗, other shards or sums ✗, else paid
/// distributePart: besides, what was not said before ✗, no shard or too many ✗; any parts pay what one call pays
contract DistributeTest is SettlementTest {
    /// Seven slots in four shards: Bob's go over three of them.
    function longIndex() private returns (bytes32) {
        address[] memory owners = new address[](7);
        (owners[0], owners[5], owners[6]) = (alice.addr, stranger.addr, host.addr);
        for (uint256 k = 1; k < 5; ++k) owners[k] = bob.addr;
        return newIndex(owners);
    }

    function longEpoch(uint96 first, uint96 second) private {
        index = longIndex();
        epoch = openEpoch(index);
        post(epoch, first, second);
    }

    /// Credits are those of the formula, and the fees are paid to the last unit.
    function assertPaid(uint256 batch, int64[][] memory scores) private view {
        (address[] memory contributors, uint256[] memory amounts, uint256 modelOwner, uint256 toStakers) =
            expectedOf(epoch, batch, scores);
        uint256 given = modelOwner + toStakers;
        for (uint256 c = 0; c < contributors.length; ++c) {
            assertEq(settlement.creditOf(contributors[c]), amounts[c]);
            given += amounts[c];
        }
        assertEq(settlement.creditOf(owner.addr), modelOwner);
        assertEq(settlement.creditOf(stakers), toStakers);
        assertEq(settlement.creditOf(treasury), feesOf(epoch, batch) - given);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_EveryFeeIsPaidByTheFormulaToTheLastUnit(uint256 seed, uint96 first, uint96 second) public {
        scoreSeed = seed;
        longEpoch(first / 4, second / 4);
        makeFinal(epoch);
        distribute(epoch, 0);
        assertPaid(0, allScores(index, 0));
        assertTrue(settlement.isPaidOut(epoch, 0));
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_PartsPayWhatOneCallPays(uint256 seed, uint256 cuts) public {
        scoreSeed = seed;
        longEpoch(1_000_003, 77);
        makeFinal(epoch);
        distributeInParts(cuts);
        assertPaid(0, allScores(index, 0));
        assertTrue(settlement.isPaidOut(epoch, 0));
        assertEq(settlement.distributionHashOf(epoch, 0), 0);
    }

    /// Bits of `cuts` say where a part ends.
    function distributeInParts(uint256 cuts) private {
        ReceiptBook.Post memory posted = postedOf(epoch, 0);
        IEpochSettlement.ShardSums[] memory all = someSums(epoch, 0);
        IEpochSettlement.Distribution memory soFar;
        while (!settlement.isPaidOut(epoch, 0)) {
            uint256 count = 1;
            while (soFar.shard + count < all.length && cuts & 1 == 1) (count, cuts) = (count + 1, cuts >> 1);
            cuts >>= 1;
            soFar = advance(posted, soFar, partOf(all, soFar.shard, count));
        }
    }

    function partOf(IEpochSettlement.ShardSums[] memory all, uint256 first, uint256 count)
        private
        pure
        returns (IEpochSettlement.ShardSums[] memory part)
    {
        part = new IEpochSettlement.ShardSums[](count);
        for (uint256 i = 0; i < count; ++i) part[i] = all[first + i];
    }

    /// One part, and how far it came by its event.
    function advance(
        ReceiptBook.Post memory posted,
        IEpochSettlement.Distribution memory soFar,
        IEpochSettlement.ShardSums[] memory part
    ) private returns (IEpochSettlement.Distribution memory next) {
        vm.recordLogs();
        settlement.distributePart(epoch, 0, posted.fees, posted.outputHashes, soFar, part);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IEpochSettlement.DistributionAdvanced.selector) continue;
            next = abi.decode(logs[i].data, (IEpochSettlement.Distribution));
            assertEq(settlement.distributionHashOf(epoch, 0), keccak256(abi.encode(next)));
        }
    }

    function test_AttackPartsThatSayOtherThanWhatWas() public {
        longEpoch(1_000_003, 77);
        makeFinal(epoch);
        ReceiptBook.Post memory posted = postedOf(epoch, 0);
        IEpochSettlement.ShardSums[] memory all = someSums(epoch, 0);
        IEpochSettlement.Distribution memory none;
        IEpochSettlement.Distribution memory jumped;
        jumped.paying = true; // to the second pass, with weights of one's own
        jumped.weights = new uint256[](2);
        (jumped.weights[0], jumped.weights[1]) = (1, 1);
        mismatched(posted, jumped, partOf(all, 0, 4));
        IEpochSettlement.Distribution memory soFar = advance(posted, none, partOf(all, 0, 2));
        mismatched(posted, none, partOf(all, 0, 2));
        soFar.weights[0] += 1;
        mismatched(posted, soFar, partOf(all, 2, 2));
        soFar.weights[0] -= 1;
        soFar.account = alice.addr;
        mismatched(posted, soFar, partOf(all, 2, 2));
        soFar.account = bob.addr;
        soFar.sums[0] += 1;
        mismatched(posted, soFar, partOf(all, 2, 2));
        soFar.sums[0] -= 1;
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.SumsMismatch.selector, 2));
        settlement.distributePart(epoch, 0, posted.fees, posted.outputHashes, soFar, partOf(all, 0, 2));
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.DistributionBegun.selector, epoch, 0));
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, all);
        soFar = advance(posted, soFar, partOf(all, 2, 2));
        assertTrue(soFar.paying);
        soFar = advance(posted, soFar, partOf(all, 0, 3));
        soFar.given -= 1; // to pay a unit more
        mismatched(posted, soFar, partOf(all, 3, 1));
        soFar.given += 1;
        advance(posted, soFar, partOf(all, 3, 1));
        assertPaid(0, allScores(index, 0));
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.AlreadyDistributed.selector, epoch, 0));
        settlement.distributePart(epoch, 0, posted.fees, posted.outputHashes, none, all);
    }

    function mismatched(
        ReceiptBook.Post memory posted,
        IEpochSettlement.Distribution memory soFar,
        IEpochSettlement.ShardSums[] memory part
    ) private {
        vm.expectPartialRevert(IEpochSettlement.DistributionMismatch.selector);
        settlement.distributePart(epoch, 0, posted.fees, posted.outputHashes, soFar, part);
    }

    function test_APartHasAShardAndNoMoreThanAreLeft() public {
        makeFinal(epoch);
        ReceiptBook.Post memory posted = postedOf(epoch, 0);
        IEpochSettlement.Distribution memory none;
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.WrongShardCount.selector, 0, 2));
        settlement.distributePart(
            epoch, 0, posted.fees, posted.outputHashes, none, new IEpochSettlement.ShardSums[](0)
        );
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.WrongShardCount.selector, 3, 2));
        settlement.distributePart(
            epoch, 0, posted.fees, posted.outputHashes, none, new IEpochSettlement.ShardSums[](3)
        );
    }

    function test_OnlyFinalEpochsAndEachBatchOnce() public {
        ReceiptBook.Post memory posted = postedOf(epoch, 0);
        IEpochSettlement.ShardSums[] memory shards = someSums(epoch, 0);
        close(epoch);
        settleAll(epoch);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.EpochNotFinal.selector, epoch));
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, shards);
        settlement.finalize(epoch);
        vm.expectRevert(abi.encodeWithSelector(IReceipts.UnknownBatch.selector, epoch, 2));
        settlement.distribute(epoch, 2, posted.fees, posted.outputHashes, shards);
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, shards);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.AlreadyDistributed.selector, epoch, 0));
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, shards);
    }

    function test_AttackOtherReceiptsOrSums() public {
        makeFinal(epoch);
        ReceiptBook.Post memory posted = postedOf(epoch, 0);
        IEpochSettlement.ShardSums[] memory shards = someSums(epoch, 0);
        (posted.fees[0], posted.fees[1]) = (posted.fees[1], posted.fees[0]);
        vm.expectPartialRevert(IEpochSettlement.ReceiptsMismatch.selector);
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, shards);
        posted = postedOf(epoch, 0);
        posted.outputHashes[1] = 0;
        vm.expectPartialRevert(IEpochSettlement.ReceiptsMismatch.selector);
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, shards);
        posted = postedOf(epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.WrongShardCount.selector, 1, 2));
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, partOf(shards, 0, 1));
        shards[1].contributors[0] = stranger.addr;
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.SumsMismatch.selector, 1));
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, shards);
        shards = someSums(epoch, 0);
        shards[0].packedSums[5] ^= 0x01;
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.SumsMismatch.selector, 0));
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, shards);
        shards = someSums(epoch, 0);
        (shards[0], shards[1]) = (shards[1], shards[0]);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.SumsMismatch.selector, 0));
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, shards);
        distribute(epoch, 0);
    }

    function settleScores(int64[] memory first, int64[] memory second) private returns (int64[][] memory scores) {
        epoch = openEpoch(index);
        post(epoch, 10_000, 10_000);
        close(epoch);
        scores = new int64[][](2);
        (scores[0], scores[1]) = (first, second);
        for (uint256 shard = 0; shard < 2; ++shard) {
            settlement.settle(epoch, provenOf(epoch, shard, 0, scores[shard]));
        }
        settlement.finalize(epoch);
        ReceiptBook.Post memory posted = postedOf(epoch, 0);
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, sumsOf(index, scores));
    }

    function test_ThePositivePartIsTakenAfterSummingOverSlotsAndShards() public {
        // Bob: 10 in shard 0 and −6 in shard 1, so 4 against Alice's 4; nobody is positive on the second receipt
        settleScores(four(4, -1, 10, 0), four(-6, 0, 0, 0));
        uint256 pool = 5700; // of 10,000: 9,500 net, 2,850 and 950 of it for others
        assertEq(settlement.creditOf(alice.addr), pool / 2);
        assertEq(settlement.creditOf(bob.addr), pool / 2);
        assertEq(settlement.creditOf(treasury), 2 * 500 + pool);
    }

    function test_BatchesPooledPayNetClaims() public {
        setPolicy(new PooledPerBatch());
        // claims over both receipts: Alice 6 − 2 = 4, Bob 5 + 1 − 10 < 0
        settleScores(four(6, -2, 5, 1), four(0, -10, 0, 0));
        assertEq(settlement.creditOf(alice.addr), 2 * 5700);
        assertEq(settlement.creditOf(bob.addr), 0);
        settleScores(four(-6, -2, -5, -1), four(0, -10, 0, 0));
        assertEq(settlement.creditOf(alice.addr), 2 * 5700);
        assertEq(settlement.creditOf(bob.addr), 0);
    }

    /// What the arithmetic of a coalition comes to: whoever pays the fee and names the scores, contributors get no more
    /// than their part of that receipt's own fee, and the rest of the fee is gone.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_AttackNoQueryEarnsACoalitionMoreThanItsPartOfItsOwnFee(
        int40[4] memory lies,
        uint96 own,
        uint96 others
    ) public {
        (own, others) = (own / 4, others / 4);
        // receipt 0 is the coalition's: it may make any scores of it; receipt 1 somebody else's, with honest scores
        int64[] memory first = four(lies[0], 11, lies[1], 22);
        int64[] memory second = four(lies[2], 33, 0, 0);
        epoch = openEpoch(index);
        post(epoch, own, others);
        close(epoch);
        int64[][] memory scores = new int64[][](2);
        (scores[0], scores[1]) = (first, second);
        for (uint256 shard = 0; shard < 2; ++shard) {
            settlement.settle(epoch, provenOf(epoch, shard, 0, scores[shard]));
        }
        settlement.finalize(epoch);
        ReceiptBook.Post memory posted = postedOf(epoch, 0);
        settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, sumsOf(index, scores));
        uint256 earned = settlement.creditOf(alice.addr) + settlement.creditOf(bob.addr);
        uint256 honestly = poolOf(others) * 11 / 66 + poolOf(others) * 55 / 66;
        assertGe(earned, honestly); // what others paid goes where their scores say, whatever the coalition does
        assertLe(earned - honestly, poolOf(own));
        assertLe(poolOf(own), uint256(own) * 6000 / 10_000 + 2); // rounding is for the pool
    }

    function poolOf(uint256 fee) private pure returns (uint256) {
        uint256 net = fee - fee * 500 / 10_000;
        return net - net * 3000 / 10_000 - net * 1000 / 10_000;
    }

    function test_AttackAPolicyThatGivesOutWhatThereIsNot() public {
        IPayoutPolicy[3] memory bad =
            [IPayoutPolicy(new EverybodyGetsAll()), new OneUnitTooMuch(), new OneAccountLess()];
        for (uint256 i = 0; i < bad.length; ++i) {
            setPolicy(bad[i]);
            epoch = newEpoch(index);
            makeFinal(epoch);
            ReceiptBook.Post memory posted = postedOf(epoch, 0);
            IEpochSettlement.ShardSums[] memory shards = someSums(epoch, 0);
            vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.PolicyOutOfBounds.selector, bad[i]));
            settlement.distribute(epoch, 0, posted.fees, posted.outputHashes, shards);
        }
        setPolicy(new NobodyGetsAnything());
        epoch = openEpoch(index);
        post(epoch, 10_000, 0);
        makeFinal(epoch);
        distribute(epoch, 0);
        assertEq(settlement.creditOf(treasury), 500 + 5700);
    }

    function test_AnEpochKeepsTheTermsOfItsOpening() public {
        ProtocolTerms.Terms memory next = terms.at(0);
        (next.platformBps, next.betaBps, next.gammaBps, next.deltaBps) = (0, 10_000, 0, 0);
        vm.prank(timelock);
        terms.set(next);
        makeFinal(epoch);
        distribute(epoch, 0);
        assertPaid(0, allScores(index, 0));
    }
}

/// refund: not due ✗, final ✗, twice ✗, unknown batch ✗, else the whole fee to its payer, and the epoch never pays
/// withdraw…: nothing ✗, signature late, of others, for others, again, of another chain ✗, else paid once
contract WithdrawTest is SettlementTest {
    uint256 private constant FAR = type(uint64).max;

    function credited() private returns (uint256) {
        makeFinal(epoch);
        distribute(epoch, 0);
        return settlement.creditOf(owner.addr);
    }

    function test_RefundsOpenAfterTheTimeoutAndPayEachBatchOnce() public {
        close(epoch);
        uint256 dueAt = vm.getBlockTimestamp() + REFUND_TIMEOUT;
        settleAll(epoch); // settled, but nobody made it final
        vm.warp(dueAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.RefundNotDue.selector, epoch, dueAt));
        settlement.refund(epoch, 0);
        vm.warp(dueAt);
        vm.expectEmit(address(settlement));
        emit IEpochSettlement.RefundsOpened(epoch);
        vm.expectEmit(address(settlement));
        emit IEpochSettlement.Credited(
            payer.addr, epoch, 0, IEpochSettlement.Role.Refund, 1_000_080
        );
        settlement.refund(epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.AlreadyRefunded.selector, epoch, 0));
        settlement.refund(epoch, 0);
        vm.expectRevert(abi.encodeWithSelector(IReceipts.UnknownBatch.selector, epoch, 2));
        settlement.refund(epoch, 2);
        settlement.refund(epoch, 1);
        assertEq(settlement.creditOf(payer.addr), 1_000_080 + 999);
        assertEq(token.balanceOf(address(settlement)), 1_000_080 + 999);
    }

    function test_ARefundedEpochNeverPays() public {
        close(epoch);
        settlement.settle(epoch, honest(0, 0));
        skip(REFUND_TIMEOUT);
        settlement.refund(epoch, 0);
        IEpochSettlement.Proven memory late = honest(1, 0);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.EpochNotSettling.selector, epoch));
        settlement.settle(epoch, late);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.EpochNotSettling.selector, epoch));
        settlement.finalize(epoch);
        ReceiptBook.Post memory posted = postedOf(epoch, 1);
        IEpochSettlement.ShardSums[] memory shards = someSums(epoch, 1);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.EpochNotFinal.selector, epoch));
        settlement.distribute(epoch, 1, posted.fees, posted.outputHashes, shards);
        IEpochSettlement.Distribution memory none;
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.EpochNotFinal.selector, epoch));
        settlement.distributePart(epoch, 1, posted.fees, posted.outputHashes, none, shards);
    }

    function test_ACreditIsWithdrawnOnce() public {
        uint256 credit = credited();
        vm.expectEmit(address(settlement));
        emit IEpochSettlement.Withdrawn(owner.addr, owner.addr, credit);
        vm.startPrank(owner.addr);
        settlement.withdraw();
        assertEq(token.balanceOf(owner.addr), credit);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.NothingToWithdraw.selector, owner.addr));
        settlement.withdraw();
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.NothingToWithdraw.selector, owner.addr));
        settlement.withdrawTo(stranger.addr);
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_ACreditIsWithdrawnToWhomItsOwnerSays(address to) public {
        vm.assume(to != address(0) && to != address(settlement) && token.balanceOf(to) == 0);
        uint256 credit = credited();
        vm.prank(owner.addr);
        settlement.withdrawTo(to);
        assertEq(token.balanceOf(to), credit);
    }

    function withdrawDigest(address account, address to, uint256 nonce, uint256 deadline)
        private
        view
        returns (bytes32)
    {
        bytes32 typehash = keccak256("Withdraw(address account,address to,uint256 nonce,uint256 deadline)");
        return digestOf(
            "Meed epoch settlement", address(settlement), keccak256(abi.encode(typehash, account, to, nonce, deadline))
        );
    }

    function test_ASignedWithdrawalIsSentByAnyoneOnce() public {
        uint256 credit = credited();
        bytes memory signature = sign(owner, withdrawDigest(owner.addr, host.addr, 0, FAR));
        bytes memory refusal = abi.encodeWithSelector(IEpochSettlement.NotSignedByAccount.selector, owner.addr);
        vm.expectRevert(refusal);
        settlement.withdrawSigned(owner.addr, stranger.addr, FAR, signature);
        vm.expectRevert(refusal);
        settlement.withdrawSigned(owner.addr, host.addr, FAR - 1, signature);
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.NotSignedByAccount.selector, treasury));
        settlement.withdrawSigned(treasury, host.addr, FAR, signature);
        uint256 chain = 31337; // forge's own; the optimiser may read block.chainid again after a change
        vm.chainId(chain + 1);
        vm.expectRevert(refusal);
        settlement.withdrawSigned(owner.addr, host.addr, FAR, signature);
        vm.chainId(chain);
        uint256 before = token.balanceOf(host.addr);
        vm.prank(stranger.addr);
        settlement.withdrawSigned(owner.addr, host.addr, FAR, signature);
        assertEq(token.balanceOf(host.addr) - before, credit);
        vm.expectRevert(refusal);
        settlement.withdrawSigned(owner.addr, host.addr, FAR, signature);
        signature = sign(owner, withdrawDigest(owner.addr, host.addr, 1, FAR));
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.NothingToWithdraw.selector, owner.addr));
        settlement.withdrawSigned(owner.addr, host.addr, FAR, signature);
    }

    /// forge-config: default.fuzz.runs = 32
    function testFuzz_ASignatureExpires(uint64 deadline) public {
        credited();
        deadline = uint64(bound(deadline, 0, vm.getBlockTimestamp() - 1));
        bytes memory signature = sign(owner, withdrawDigest(owner.addr, host.addr, 0, deadline));
        vm.expectRevert(abi.encodeWithSelector(IEpochSettlement.SignatureExpired.selector, uint256(deadline)));
        settlement.withdrawSigned(owner.addr, host.addr, deadline, signature);
    }
}

/// A payer that calls the settlement again in the middle of its own withdrawal, and remembers what it was told.
contract GreedyAccount {
    EpochSettlement private immutable _settlement;
    bytes private _call;
    bytes4 public answer;

    constructor(EpochSettlement settlement_) {
        _settlement = settlement_;
    }

    function withdraw(bytes calldata again) external {
        _call = again;
        _settlement.withdraw();
    }

    function onTokens() external {
        (bool ok, bytes memory reason) = address(_settlement).call(_call);
        answer = ok ? bytes4(0) : bytes4(reason);
    }
}

contract WithdrawReentrancyTest is SettlementTest {
    function newToken() internal override returns (OpenToken) {
        return new CallingToken();
    }

    function test_AttackAWithdrawalWithinAWithdrawal() public {
        GreedyAccount greedy = new GreedyAccount(settlement);
        ProtocolTerms.Terms memory next = terms.at(0);
        next.stakers = address(greedy);
        vm.prank(timelock);
        terms.set(next);
        epoch = newEpoch(index);
        makeFinal(epoch);
        distribute(epoch, 0);
        uint256 credit = settlement.creditOf(address(greedy));
        assertGt(credit, 0);
        bytes[3] memory calls = [
            abi.encodeCall(EpochSettlement.withdraw, ()),
            abi.encodeCall(EpochSettlement.withdrawTo, (stranger.addr)),
            abi.encodeCall(EpochSettlement.withdrawSigned, (owner.addr, stranger.addr, type(uint256).max, ""))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            uint256 state = vm.snapshotState();
            CallingToken(address(token)).onTransfer(address(greedy), abi.encodeCall(GreedyAccount.onTokens, ()));
            greedy.withdraw(calls[i]);
            // ReentrancyGuardReentrantCall, before anything else is looked at
            assertEq(greedy.answer(), bytes4(keccak256("ReentrancyGuardReentrantCall()")));
            assertEq(token.balanceOf(address(greedy)), credit);
            vm.revertToState(state);
        }
    }
}
