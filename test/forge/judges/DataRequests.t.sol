// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Disputes} from "../../../contracts/Disputes.sol";
import {IndexRegistry} from "../../../contracts/IndexRegistry.sol";
import {DataRequests} from "../../../contracts/judges/DataRequests.sol";
import {PoseidonHash} from "../../../contracts/judges/PoseidonHash.sol";
import {RowAnswers} from "../../../contracts/judges/RowAnswers.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {OpenedRows} from "./OpenedRows.sol";

contract DataRequestsTest is OpenedRows {
    uint256 private constant STAKE = 10_000;
    uint256 private constant DEPOSIT = 61;
    uint256 private constant PRICE = 50;
    uint256 private constant RESPONSE = 2 days;
    uint256 private constant REFUTATION = 1 days;

    uint256 private root;
    bytes32 private index;

    function setUp() public override {
        super.setUp();
        root = openRows(COLUMNS, ROWS);
        index = register(root);
    }

    function _ask(address who, bytes32 of_, uint256 row) private {
        fund(who, DEPOSIT, address(requests));
        vm.prank(who);
        requests.request(of_, row);
    }

    function _answer(uint256 row, RowAnswers.Answer memory opening) private {
        vm.prank(OWNER);
        requests.answer(index, row, opening);
    }

    function _stage(uint256 row) private view returns (DataRequests.Stage) {
        return requests.requestOf(index, row).stage;
    }

    // ---- answered ----

    function test_aTrueAnswerIsPaidFor_everyRow() public {
        for (uint256 row = 0; row < ROWS; ++row) {
            _ask(CHALLENGER, index, row);
            RowAnswers.Answer memory opening = answerOf(row);
            vm.expectEmit(address(requests));
            emit DataRequests.RowAnswered(index, row, opening);
            _answer(row, opening);
            for (uint256 step = 0; step < opening.hashes.length; ++step) {
                refused(RowAnswers.HashHolds.selector);
                requests.refute(index, row, opening, step);
            }
            refused(RowAnswers.UnknownStep.selector);
            requests.refute(index, row, opening, opening.hashes.length);
            refused(DataRequests.DeadlineNotPassed.selector);
            requests.close(index, row);
            later(REFUTATION + 1);
            refused(DataRequests.DeadlinePassed.selector);
            requests.refute(index, row, opening, 0);
            (uint256 before, uint256 supply) = (token.balanceOf(OWNER), token.totalSupply());
            requests.close(index, row);
            assertEq(token.balanceOf(OWNER) - before, PRICE);
            assertEq(supply - token.totalSupply(), DEPOSIT - PRICE);
            assertEq(uint8(_stage(row)), uint8(DataRequests.Stage.Produced));
            refused(DataRequests.WrongStage.selector);
            requests.close(index, row);
        }
        assertEq(token.balanceOf(address(requests)), 0);
        assertFalse(isDisabled(index));
    }

    /// Whatever one value of an answer is changed to: it is refused, or one hash shows it.
    function test_noFalseAnswerStands(uint256 row, uint256 which, uint256 value) public {
        row = bound(row, 0, ROWS - 1);
        value = bound(value, 0, Bn254.SCALAR_MODULUS - 1);
        RowAnswers.Answer memory opening = answerOf(row);
        bool changed = _change(opening, which, value);
        _ask(CHALLENGER, index, row);
        if (opening.hashes[opening.hashes.length - 1] != root) {
            refused(RowAnswers.WrongRoot.selector);
            _answer(row, opening);
            return;
        }
        _answer(row, opening);
        for (uint256 step = 0; step < opening.hashes.length; ++step) {
            vm.prank(STRANGER);
            try requests.refute(index, row, opening, step) {
                assertTrue(changed);
                assertTrue(isDisabled(index));
                assertEq(token.balanceOf(STRANGER), INDEX_BOND / 2);
                assertEq(token.balanceOf(CHALLENGER), DEPOSIT);
                return;
            } catch {}
        }
        assertFalse(changed, "a false answer stands");
    }

    function _change(RowAnswers.Answer memory opening, uint256 which, uint256 value) private pure returns (bool) {
        uint256[] memory list = opening.hashes;
        which = bound(which, 0, 5);
        if (which == 0) {
            bool differs = opening.dataSetLeaf != value;
            opening.dataSetLeaf = value;
            return differs;
        }
        if (which == 1) {
            bool differs = opening.contributor != value;
            opening.contributor = value;
            return differs;
        }
        if (which == 2) list = opening.row;
        if (which == 3) list = opening.prefix;
        if (which == 4) list = opening.siblings;
        uint256 at = value % list.length;
        bool other = list[at] != value;
        list[at] = value;
        return other;
    }

    function test_anAnswerHasOneShapeAndOneForm() public {
        _ask(CHALLENGER, index, 4);
        RowAnswers.Answer memory opening = answerOf(4);
        uint256[] memory longer = new uint256[](opening.siblings.length + 1);
        uint256[] memory kept = opening.siblings;
        opening.siblings = longer;
        refused(RowAnswers.WrongShape.selector);
        _answer(4, opening);
        opening.siblings = kept;
        (kept, opening.row) = (opening.row, new uint256[](2));
        refused(RowAnswers.WrongShape.selector);
        _answer(4, opening);
        (opening.row, opening.prefix) = (kept, new uint256[](4));
        refused(RowAnswers.WrongShape.selector);
        _answer(4, opening);
        opening = answerOf(4);
        opening.hashes = new uint256[](0);
        refused(RowAnswers.WrongShape.selector);
        _answer(4, opening);
        // x + r hashes like x
        opening = answerOf(4);
        opening.row[1] += Bn254.SCALAR_MODULUS;
        refused(Bn254.NotAFieldElement.selector);
        _answer(4, opening);
        opening = answerOf(4);
        opening.contributor += Bn254.SCALAR_MODULUS;
        refused(Bn254.NotAFieldElement.selector);
        _answer(4, opening);
        // another row's true opening ends at the root, and is none of this row
        opening = answerOf(3);
        _answer(4, opening);
        vm.prank(STRANGER);
        requests.refute(index, 4, opening, 3);
        assertTrue(isDisabled(index));
    }

    function test_onlyTheOwnerAnswers_onceAndInTime() public {
        RowAnswers.Answer memory opening = answerOf(1);
        refused(DataRequests.WrongStage.selector);
        _answer(1, opening);
        _ask(CHALLENGER, index, 1);
        refused(DataRequests.NotIndexOwner.selector);
        requests.answer(index, 1, opening);
        later(RESPONSE);
        uint256 snapshot = vm.snapshotState();
        _answer(1, opening);
        refused(DataRequests.WrongStage.selector);
        _answer(1, opening);
        vm.revertToState(snapshot);
        later(1);
        refused(DataRequests.DeadlinePassed.selector);
        _answer(1, opening);
    }

    function test_whatIsRefutedIsWhatWasAnswered() public {
        _ask(CHALLENGER, index, 1);
        RowAnswers.Answer memory opening = answerOf(1);
        refused(DataRequests.WrongStage.selector);
        requests.refute(index, 1, opening, 0);
        _answer(1, opening);
        opening.row[1] ^= 1;
        refused(DataRequests.AnswerMismatch.selector);
        requests.refute(index, 1, opening, 0);
    }

    // ---- not answered ----

    function test_noAnswerDisablesAndSlashes_andTheDepositComesBack() public {
        stakeOwner(STAKE);
        index = register(root);
        _ask(CHALLENGER, index, 2);
        refused(DataRequests.DeadlineNotPassed.selector);
        requests.close(index, 2);
        later(RESPONSE);
        refused(DataRequests.DeadlineNotPassed.selector);
        requests.close(index, 2);
        later(1);
        vm.expectEmit(address(disputes));
        emit Disputes.IndexDisputed(index, CHALLENGER, Disputes.Ground.NotProduced, 2);
        vm.prank(STRANGER);
        requests.close(index, 2);
        assertTrue(isDisabled(index));
        assertEq(token.balanceOf(CHALLENGER), DEPOSIT + INDEX_BOND / 2);
        uint256 taken = STAKE * SLASH_SHARE / WAD;
        assertEq(staking.ownStake(OWNER), STAKE - taken);
        assertEq(staking.rewardOf(CHALLENGER), taken / 2);
        refused(DataRequests.WrongStage.selector);
        requests.close(index, 2);
    }

    function test_aRequestOutlivesAnIndexDisabledMeanwhile() public {
        _ask(CHALLENGER, index, 2);
        _ask(STRANGER, index, 3);
        _answer(3, answerOf(3));
        later(RESPONSE + 1);
        requests.close(index, 2);
        assertTrue(isDisabled(index));
        (uint256 before, uint256 bonds) = (token.balanceOf(OWNER), token.balanceOf(address(indexes)));
        requests.close(index, 3);
        assertEq(token.balanceOf(OWNER) - before, PRICE);
        assertEq(token.balanceOf(address(indexes)), bonds);
        assertEq(token.balanceOf(address(requests)), 0);
    }

    function test_twoRequestsUnanswered_oneBond() public {
        _ask(CHALLENGER, index, 2);
        _ask(STRANGER, index, 3);
        later(RESPONSE + 1);
        requests.close(index, 2);
        requests.close(index, 3);
        assertEq(token.balanceOf(STRANGER), DEPOSIT);
        assertEq(token.balanceOf(CHALLENGER), DEPOSIT + INDEX_BOND / 2);
    }

    /// Nobody closed it in time: the index pays, and the deposit comes back.
    function test_aVerdictThatComesTooLateStopsNobody() public {
        _ask(CHALLENGER, index, 2);
        later(WINDOW + HOLD);
        requests.close(index, 2);
        assertFalse(isDisabled(index));
        assertEq(token.balanceOf(CHALLENGER), DEPOSIT);
        indexes.releaseBond(index);
    }

    function test_thereIsTimeToCloseBeforeTheIndexPays() public {
        later(WINDOW - 1);
        _ask(CHALLENGER, index, 2);
        later(RESPONSE + 1);
        refused(IndexRegistry.ChallengeWindowOpen.selector);
        indexes.releaseBond(index);
        requests.close(index, 2);
        assertTrue(isDisabled(index));
    }

    function test_anAnswerOfTheLastMomentCanBeRefutedToTheEnd() public {
        later(WINDOW - 1);
        _ask(CHALLENGER, index, 2);
        RowAnswers.Answer memory opening = answerOf(2);
        opening.row[1] ^= 1;
        later(RESPONSE);
        _answer(2, opening);
        later(REFUTATION - 1);
        requests.refute(index, 2, opening, 0);
        assertTrue(isDisabled(index));
    }

    // ---- what may be asked ----

    function test_requestsAreBoundedInNumberTimeAndPlace() public {
        refused(DataRequests.UnknownRow.selector);
        requests.request(index, ROWS);
        refused(IndexRegistry.UnknownIndex.selector);
        requests.request("no index", 0);
        for (uint256 row = 0; row < 3; ++row) _ask(CHALLENGER, index, row);
        refused(DataRequests.RequestExists.selector);
        requests.request(index, 1);
        refused(DataRequests.TooManyRequests.selector);
        requests.request(index, 3);
        _answer(1, answerOf(1)); // a place is free again
        _ask(CHALLENGER, index, 3);
        refused(DataRequests.RequestExists.selector);
        requests.request(index, 1);
        bytes32 late = register(root);
        later(WINDOW);
        refused(IndexRegistry.ChallengeWindowOver.selector);
        requests.request(late, 0);
    }

    function test_requestsOfAnotherCircuitAreRefused() public {
        IndexRegistry.Registration memory r = registrationOf(1, ROWS);
        (r.slotsPerShard, r.shardCommitments) = (6, new uint256[](1));
        r.shardCommitments[0] = 1;
        fund(OWNER, INDEX_BOND, address(indexes));
        vm.prank(OWNER);
        bytes32 other = indexes.register(r);
        refused(DataRequests.WrongSlotsForCircuit.selector);
        requests.request(other, 0);
    }

    function test_aDisabledIndexIsAskedNothing() public {
        _ask(CHALLENGER, index, 0);
        later(RESPONSE + 1);
        requests.close(index, 0);
        refused(IndexRegistry.AlreadyDisabled.selector);
        requests.request(index, 1);
    }

    // ---- trees of other sizes ----

    function test_aTreeOfOneRow() public {
        uint256 alone = openRows(COLUMNS, 1);
        index = registerRows(alone, 1);
        _ask(CHALLENGER, index, 0);
        RowAnswers.Answer memory opening = answerOf(0);
        assertEq(opening.hashes.length, 3);
        _answer(0, opening);
        for (uint256 step = 0; step < 3; ++step) {
            refused(RowAnswers.HashHolds.selector);
            requests.refute(index, 0, opening, step);
        }
    }

    /// Sixteen words: a chain of two permutations, of sixteen inputs and of two.
    function test_vectorsOfTwoBlocks() public {
        uint256 columns = 240;
        AnswerBench bench = new AnswerBench(columns, hashersFor(columns));
        uint256 wide = openRows(columns, 3);
        RowAnswers.Answer memory opening = answerOf(2);
        bench.requireShape(opening, 3, wide);
        assertEq(opening.hashes.length, 7);
        for (uint256 i = 0; i < 7; ++i) {
            refused(RowAnswers.HashHolds.selector);
            bench.requireWrong(opening, 2, i);
        }
        for (uint256 step = 0; step < 7; ++step) {
            opening.hashes[step] ^= 1;
            bench.requireWrong(opening, 2, step);
            opening.hashes[step] ^= 1;
        }
    }

    function test_hashersMustFit() public {
        RowAnswers.Hashers memory hashers = hashersFor(240);
        RowAnswers.Hashers memory wrong = hashers;
        PoseidonHash five = poseidon(5);
        refused(RowAnswers.WrongShape.selector);
        new AnswerBench(0, hashers);
        wrong.node = five;
        refused(RowAnswers.WrongHasher.selector);
        new AnswerBench(240, wrong);
        wrong = hashersFor(240);
        wrong.leaf = wrong.node;
        refused(RowAnswers.WrongHasher.selector);
        new AnswerBench(240, wrong);
        wrong = hashersFor(240);
        wrong.block = five;
        refused(RowAnswers.WrongHasher.selector);
        new AnswerBench(240, wrong);
        wrong = hashersFor(240);
        wrong.lastBlock = five;
        refused(RowAnswers.WrongHasher.selector);
        new AnswerBench(240, wrong);
    }

    function test_termsMustFit() public {
        RowAnswers.Hashers memory hashers = hashersFor(COLUMNS);
        for (uint256 i = 0; i < 5; ++i) {
            DataRequests.Terms memory terms = requestTerms();
            if (i == 0) terms.responseWindow = 0;
            if (i == 1) terms.refutationWindow = 0;
            if (i == 2) terms.responseWindow = uint32(HOLD);
            if (i == 3) terms.openMax = 0;
            if (i == 4) terms.deposit = terms.answerPrice;
            refused(DataRequests.TermsOutOfRange.selector);
            new DataRequests(disputes, COLUMNS, hashers, terms);
        }
        assertEq(requests.terms().deposit, DEPOSIT);
    }

    function test_gas() public {
        _ask(CHALLENGER, index, 0);
        _ask(CHALLENGER, index, 1);
        vm.snapshotGasLastCall("Judges", "demand an opening");
        RowAnswers.Answer memory opening = answerOf(1);
        opening.row[1] ^= 1;
        _answer(1, opening);
        vm.snapshotGasLastCall("Judges", "answer, 16 columns, 6 rows");
        requests.refute(index, 1, opening, 0);
        vm.snapshotGasLastCall("Judges", "refute, 16 columns");
    }
}

/// The shape and the steps of answers alone.
contract AnswerBench is RowAnswers {
    constructor(uint256 columns_, Hashers memory hashers) RowAnswers(columns_, hashers) {}

    function requireShape(Answer calldata answer, uint256 rows, uint256 root) external view {
        _requireShape(answer, rows, root);
    }

    function requireWrong(Answer calldata answer, uint256 row, uint256 step) external view {
        _requireWrong(answer, row, step);
    }
}
