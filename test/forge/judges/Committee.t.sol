// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Disputes} from "../../../contracts/Disputes.sol";
import {IndexRegistry} from "../../../contracts/IndexRegistry.sol";
import {AuditorBonds} from "../../../contracts/judges/AuditorBonds.sol";
import {Committee} from "../../../contracts/judges/Committee.sol";
import {JudgesWorld} from "./JudgesWorld.sol";

contract CommitteeTest is JudgesWorld {
    uint256 private constant BOND = 1000;
    uint256 private constant CASE_BOND = 301;
    bytes32 private constant EVIDENCE = "evidence";
    Committee.Verdict private constant UPHELD = Committee.Verdict.Upheld;
    Committee.Verdict private constant REJECTED = Committee.Verdict.Rejected;

    address[] private members;
    bytes32 private index;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 0; i < 5; ++i) members.push(_join(makeAddr(string.concat("member ", vm.toString(i)))));
        later(1);
        index = register(1);
    }

    function _join(address who) private returns (address) {
        fund(who, BOND, address(committee));
        vm.prank(who);
        committee.join();
        return who;
    }

    function _open(address who) private returns (uint256) {
        fund(who, CASE_BOND, address(committee));
        vm.prank(who);
        return committee.open(index, EVIDENCE);
    }

    function _seal(uint256 id, address who, Committee.Verdict vote) private {
        bytes32 sealed_ = committee.sealOf(id, who, vote, "salt");
        vm.prank(who);
        committee.commitVote(id, sealed_);
    }

    function _reveal(uint256 id, address who, Committee.Verdict vote) private {
        vm.prank(who);
        committee.revealVote(id, vote, "salt");
    }

    /// The first members uphold, the next reject, the others are absent; then it is the time of appeals.
    function _vote(uint256 id, uint256 upholding, uint256 rejecting) private {
        for (uint256 i = 0; i < upholding + rejecting; ++i) _seal(id, members[i], i < upholding ? UPHELD : REJECTED);
        later(2 days);
        for (uint256 i = 0; i < upholding + rejecting; ++i) _reveal(id, members[i], i < upholding ? UPHELD : REJECTED);
        later(1 days);
    }

    function _bondOf(address who) private view returns (uint256 bond) {
        (bond,,,) = committee.memberOf(who);
    }

    function _account(address who) private returns (uint256) {
        committee.account(who, 100);
        return _bondOf(who);
    }

    // ---- verdicts ----

    function test_upheld_theIndexIsDisabledAndNoStakeIsSlashed() public {
        stakeOwner(10_000);
        uint256 id = _open(CHALLENGER);
        _vote(id, 3, 2);
        refused(Committee.NotInPeriod.selector);
        committee.decide(id);
        later(16 days);
        uint256 supply = token.totalSupply();
        vm.expectEmit(address(committee));
        emit Committee.CaseDecided(id, UPHELD, true);
        vm.expectEmit(address(disputes));
        emit Disputes.IndexJudged(index, address(committee), EVIDENCE);
        this.decideAs(STRANGER, id);
        assertTrue(isDisabled(index));
        assertEq(token.balanceOf(CHALLENGER), CASE_BOND + INDEX_BOND / 2);
        assertEq(supply - token.totalSupply(), INDEX_BOND - INDEX_BOND / 2);
        assertEq(staking.ownStake(OWNER), 10_000);
        for (uint256 i = 0; i < 5; ++i) assertEq(_account(members[i]), BOND); // doubt costs nothing
        refused(Committee.CaseOver.selector);
        committee.decide(id);
    }

    function decideAs(address who, uint256 id) external {
        vm.prank(who);
        committee.decide(id);
    }

    function test_rejected_theChallengersBondIsHalvedBetweenOwnerAndNobody() public {
        uint256 id = _open(CHALLENGER);
        _vote(id, 2, 2); // a tie convinces nobody
        later(16 days);
        uint256 supply = token.totalSupply();
        committee.decide(id);
        assertEq(token.balanceOf(OWNER), CASE_BOND / 2);
        assertEq(supply - token.totalSupply(), CASE_BOND - CASE_BOND / 2);
        assertEq(token.balanceOf(CHALLENGER), 0);
        assertFalse(isDisabled(index));
        assertEq(_account(members[4]), BOND - BOND / 100);
        later(2 days);
        later(WINDOW);
        indexes.releaseBond(index);
    }

    function test_noQuorum_allGoesBack() public {
        uint256 id = _open(CHALLENGER);
        _vote(id, 2, 0);
        later(16 days);
        committee.decide(id);
        assertEq(uint8(committee.caseOf(id).verdict), uint8(Committee.Verdict.NoQuorum));
        assertEq(token.balanceOf(CHALLENGER), CASE_BOND);
        assertFalse(isDisabled(index));
        for (uint256 i = 0; i < 5; ++i) assertEq(_account(members[i]), i < 2 ? BOND : BOND - BOND / 100);
    }

    /// Against a count written down by hand.
    function test_verdictsFollowFromVotes(uint256 upholding, uint256 rejecting) public {
        upholding = bound(upholding, 0, 5);
        rejecting = bound(rejecting, 0, 5 - upholding);
        uint256 id = _open(CHALLENGER);
        _vote(id, upholding, rejecting);
        later(16 days);
        Committee.Verdict expected = Committee.Verdict.NoQuorum;
        if (upholding + rejecting >= 3) expected = upholding >= rejecting + 1 ? UPHELD : REJECTED;
        assertEq(uint8(committee.decide(id)), uint8(expected));
        assertEq(isDisabled(index), expected == UPHELD);
        assertEq(token.balanceOf(address(committee)), 5 * BOND);
    }

    // ---- appeal ----

    function test_theTimelockOverturns_andWhoVotedOtherwiseLoses() public {
        uint256 id = _open(CHALLENGER);
        _vote(id, 3, 1);
        later(16 days - 1);
        vm.prank(TIMELOCK);
        committee.rule(id, REJECTED);
        later(1);
        committee.decide(id);
        assertFalse(isDisabled(index));
        assertEq(token.balanceOf(OWNER), CASE_BOND / 2);
        for (uint256 i = 0; i < 3; ++i) assertEq(_account(members[i]), BOND - BOND / 5);
        assertEq(_account(members[3]), BOND);
        assertEq(_account(members[4]), BOND - BOND / 100);
    }

    function test_theTimelockUpholds_alsoWhereNobodyVoted() public {
        uint256 id = _open(CHALLENGER);
        later(3 days);
        vm.prank(TIMELOCK);
        committee.rule(id, UPHELD);
        later(16 days);
        committee.decide(id);
        assertTrue(isDisabled(index));
    }

    function test_theTimelockMaySayThatThereIsNoVerdict() public {
        uint256 id = _open(CHALLENGER);
        _vote(id, 5, 0);
        vm.startPrank(TIMELOCK);
        committee.rule(id, REJECTED);
        committee.rule(id, Committee.Verdict.NoQuorum); // the last word counts
        refused(Committee.NotAVote.selector);
        committee.rule(id, Committee.Verdict.None);
        vm.stopPrank();
        later(16 days);
        committee.decide(id);
        assertFalse(isDisabled(index));
        assertEq(token.balanceOf(CHALLENGER), CASE_BOND);
        for (uint256 i = 0; i < 5; ++i) assertEq(_account(members[i]), BOND);
    }

    function test_onlyTheTimelockRules_andInItsTime() public {
        uint256 id = _open(CHALLENGER);
        refused(Ownable.OwnableUnauthorizedAccount.selector);
        committee.rule(id, REJECTED);
        vm.startPrank(TIMELOCK);
        refused(Committee.NotInPeriod.selector);
        committee.rule(id, REJECTED);
        later(3 days + 16 days);
        refused(Committee.NotInPeriod.selector);
        committee.rule(id, REJECTED);
        refused(Committee.UnknownCase.selector);
        committee.rule(id + 1, REJECTED);
        vm.stopPrank();
    }

    // ---- voting ----

    function test_votesAreSealedThenOpened_onceEach() public {
        uint256 id = _open(CHALLENGER);
        address who = members[0];
        refused(Committee.NotInPeriod.selector);
        _reveal(id, who, UPHELD);
        _seal(id, who, UPHELD);
        bytes32 sealed_ = committee.sealOf(id, who, REJECTED, "salt");
        vm.prank(who);
        refused(Committee.AlreadyVoted.selector);
        committee.commitVote(id, sealed_);
        later(2 days);
        vm.startPrank(who);
        refused(Committee.NotInPeriod.selector);
        committee.commitVote(id, sealed_);
        refused(Committee.VoteMismatch.selector);
        committee.revealVote(id, REJECTED, "salt");
        refused(Committee.VoteMismatch.selector);
        committee.revealVote(id, UPHELD, "other salt");
        refused(Committee.NotAVote.selector);
        committee.revealVote(id, Committee.Verdict.NoQuorum, "salt");
        committee.revealVote(id, UPHELD, "salt");
        refused(Committee.AlreadyVoted.selector);
        committee.revealVote(id, UPHELD, "salt");
        vm.stopPrank();
        assertEq(committee.caseOf(id).upholding, 1);
        later(1 days);
        refused(Committee.NotInPeriod.selector);
        _reveal(id, members[1], UPHELD);
    }

    function test_aSealedVoteServesNobodyElse() public {
        uint256 id = _open(CHALLENGER);
        bytes32 sealed_ = committee.sealOf(id, members[0], UPHELD, "salt");
        vm.prank(members[1]);
        committee.commitVote(id, sealed_);
        later(2 days);
        refused(Committee.VoteMismatch.selector);
        _reveal(id, members[1], UPHELD);
    }

    function test_nobodyJoinsForACase() public {
        address early = _join(makeAddr("in the same second, before"));
        uint256 id = _open(CHALLENGER);
        address late = _join(makeAddr("in the same second, after"));
        assertEq(committee.caseOf(id).members, 5);
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(i == 0 ? early : late);
            refused(Committee.NotOfCase.selector);
            committee.commitVote(id, "sealed");
        }
        vm.prank(STRANGER);
        refused(Committee.NotOfCase.selector);
        committee.commitVote(id, "sealed");
        _vote(id, 3, 0);
        later(16 days);
        committee.decide(id);
        assertEq(_account(early), BOND);
        assertEq(_account(late), BOND);
    }

    function test_nobodyLeavesACase() public {
        vm.prank(members[4]);
        committee.leave();
        uint256 id = _open(CHALLENGER); // in the same second
        assertEq(committee.caseOf(id).members, 5);
        later(1);
        index = register(2);
        uint256 second = _open(STRANGER);
        assertEq(committee.caseOf(second).members, 4);
        vm.prank(members[4]);
        refused(Committee.NotOfCase.selector);
        committee.commitVote(second, "sealed");
        later(22 days - 2);
        vm.startPrank(members[4]);
        refused(AuditorBonds.BondWithheld.selector);
        committee.withdrawBond();
        later(1);
        refused(AuditorBonds.CasesUnaccounted.selector);
        committee.withdrawBond();
        committee.decide(id);
        committee.withdrawBond();
        vm.stopPrank();
        assertEq(token.balanceOf(members[4]), BOND - BOND / 100);
    }

    // ---- membership ----

    function test_joinLeaveAndJoinAgain() public {
        address who = members[0];
        vm.startPrank(who);
        refused(AuditorBonds.AlreadyMember.selector);
        committee.join();
        refused(AuditorBonds.BondWithheld.selector);
        committee.withdrawBond();
        committee.leave();
        refused(AuditorBonds.AlreadyLeft.selector);
        committee.leave();
        refused(AuditorBonds.AlreadyMember.selector);
        committee.join();
        later(22 days);
        committee.withdrawBond();
        refused(AuditorBonds.NotMember.selector);
        committee.withdrawBond();
        refused(AuditorBonds.NotMember.selector);
        committee.leave();
        token.approve(address(committee), BOND);
        committee.join();
        vm.stopPrank();
        assertEq(committee.membersAt(vm.getBlockTimestamp()), 5);
        refused(AuditorBonds.NotMember.selector);
        committee.account(STRANGER, 1);
    }

    function test_accountsAreAppliedOnceWhoeverAsksInAnyPieces(uint256 pieces) public {
        for (uint256 i = 0; i < 4; ++i) _open(CHALLENGER);
        later(19 days);
        for (uint256 id = 0; id < 4; ++id) committee.decide(id);
        uint256 expected = BOND;
        for (uint256 i = 0; i < 4; ++i) expected -= expected / 100;
        pieces = bound(pieces, 1, 4);
        for (uint256 i = 0; i < 8; ++i) committee.account(members[0], pieces);
        assertEq(_bondOf(members[0]), expected);
        (,,, uint64 next) = committee.memberOf(members[0]);
        assertEq(next, 4);
    }

    function test_accountsStopAtACaseThatRuns() public {
        _open(CHALLENGER);
        assertEq(_account(members[0]), BOND);
        later(19 days);
        committee.decide(0);
        assertEq(_account(members[0]), BOND - BOND / 100);
    }

    /// Three times against the timelock: less than half of the bond is left after the fourth.
    function test_whoHasLostHalfIsOut() public {
        for (uint256 id = 0; id < 4; ++id) _open(CHALLENGER);
        for (uint256 id = 0; id < 4; ++id) _seal(id, members[0], UPHELD);
        later(2 days);
        for (uint256 id = 0; id < 4; ++id) _reveal(id, members[0], UPHELD);
        later(1 days);
        vm.startPrank(TIMELOCK);
        for (uint256 id = 0; id < 4; ++id) committee.rule(id, REJECTED);
        vm.stopPrank();
        later(16 days);
        for (uint256 id = 0; id < 4; ++id) committee.decide(id);
        committee.account(members[0], 3);
        assertTrue(committee.isMemberFor(members[0], vm.getBlockTimestamp() + 1));
        committee.account(members[0], 1);
        assertFalse(committee.isMemberFor(members[0], vm.getBlockTimestamp() + 1));
        assertEq(committee.membersAt(vm.getBlockTimestamp()), 4);
        assertLt(_bondOf(members[0]), BOND / 2);
    }

    // ---- holds ----

    function test_aCaseHoldsTheIndexUntilItCanBeDecided_andNoLonger() public {
        later(WINDOW - 1);
        uint256 id = _open(CHALLENGER);
        uint256 until = vm.getBlockTimestamp() + committee.duration();
        assertEq(indexes.indexOf(index).payableFrom, until);
        vm.warp(until - 1);
        refused(IndexRegistry.ChallengeWindowOpen.selector);
        indexes.releaseBond(index);
        vm.warp(until);
        indexes.releaseBond(index);
        committee.decide(id);
    }

    /// However many cases and however often: the window ends at most `longestHold` later.
    function test_holdsAreBounded(uint256[8] memory waits) public {
        uint256 end = indexes.indexOf(index).payableFrom;
        for (uint256 i = 0; i < 8; ++i) {
            later(bound(waits[i], 0, 3 days));
            fund(CHALLENGER, CASE_BOND, address(committee));
            vm.prank(CHALLENGER);
            try committee.open(index, EVIDENCE) {
                assertLt(vm.getBlockTimestamp(), end);
            } catch {
                assertGe(vm.getBlockTimestamp(), end);
            }
            uint256 payableFrom = indexes.indexOf(index).payableFrom;
            assertLe(payableFrom, end + committee.duration());
            assertEq(indexes.heldFor(index), payableFrom - end);
        }
    }

    /// An owner who accuses itself takes no room from others.
    function test_casesGoSideBySide_theFirstVerdictTakesTheBond() public {
        uint256 sham = _open(OWNER);
        later(1 days);
        uint256 first = _open(CHALLENGER);
        uint256 second = _open(STRANGER);
        for (uint256 i = 0; i < 5; ++i) {
            _seal(sham, members[i], REJECTED);
            _seal(first, members[i], UPHELD);
            _seal(second, members[i], UPHELD);
        }
        later(2 days);
        for (uint256 i = 0; i < 5; ++i) {
            _reveal(first, members[i], UPHELD);
            _reveal(second, members[i], UPHELD);
        }
        later(17 days);
        committee.decide(first);
        vm.expectEmit(address(committee));
        emit Committee.CaseDecided(second, UPHELD, false);
        committee.decide(second);
        committee.decide(sham);
        assertEq(token.balanceOf(CHALLENGER), CASE_BOND + INDEX_BOND / 2);
        assertEq(token.balanceOf(STRANGER), CASE_BOND);
        assertEq(token.balanceOf(address(committee)), 5 * BOND);
    }

    function test_aVerdictThatComesTooLateStopsNobody() public {
        uint256 id = _open(CHALLENGER);
        _vote(id, 5, 0);
        later(18 days); // nobody carried it out in time
        assertEq(uint8(committee.decide(id)), uint8(UPHELD));
        assertFalse(isDisabled(index));
        assertEq(token.balanceOf(CHALLENGER), CASE_BOND);
    }

    function test_casesNeedMembersAnIndexAndItsWindow() public {
        Committee empty = new Committee(disputes, committeeTerms(), TIMELOCK);
        refused(Committee.NoMembers.selector);
        empty.open(index, EVIDENCE);
        refused(IndexRegistry.UnknownIndex.selector);
        committee.open("no index", EVIDENCE);
        later(WINDOW);
        refused(IndexRegistry.ChallengeWindowOver.selector);
        committee.open(index, EVIDENCE);
        refused(Committee.UnknownCase.selector);
        committee.caseOf(0);
        refused(Committee.UnknownCase.selector);
        committee.decide(0);
    }

    // ---- powers ----

    function test_onlyJudgesHoldAndJudge() public {
        refused(Disputes.NotJudge.selector);
        disputes.hold(index, uint64(vm.getBlockTimestamp() + 20 days));
        refused(Disputes.NotCommittee.selector);
        disputes.judge(index, EVIDENCE, STRANGER);
        refused(IndexRegistry.NotArbiter.selector);
        indexes.hold(index, uint64(vm.getBlockTimestamp() + 20 days));
        vm.startPrank(address(equivocation));
        refused(Disputes.NotJudge.selector);
        disputes.hold(index, uint64(vm.getBlockTimestamp() + 20 days));
        refused(Disputes.NotJudge.selector);
        disputes.disputeUnproduced(index, 0, STRANGER);
        vm.stopPrank();
        vm.prank(address(committee));
        refused(Disputes.NotJudge.selector);
        disputes.disputeUnproduced(index, 0, STRANGER);
        vm.prank(address(requests));
        refused(Disputes.NotCommittee.selector);
        disputes.judge(index, EVIDENCE, STRANGER);
    }

    function test_noJudgeHoldsLongerThanTheRegistryAllows() public {
        uint256 latest = indexes.indexOf(index).payableFrom + HOLD;
        vm.startPrank(address(committee));
        refused(IndexRegistry.HoldTooLong.selector);
        disputes.hold(index, uint64(latest + 1));
        disputes.hold(index, uint64(latest));
        assertEq(indexes.indexOf(index).payableFrom, latest);
        disputes.hold(index, uint64(latest - 1)); // never shortens
        assertEq(indexes.indexOf(index).payableFrom, latest);
        refused(IndexRegistry.HoldTooLong.selector);
        disputes.hold(index, uint64(latest + 1));
        vm.stopPrank();
    }

    function test_termsMustFit() public {
        for (uint256 i = 0; i < 11; ++i) {
            Committee.Terms memory terms = committeeTerms();
            if (i == 0) terms.memberBond = 1;
            if (i == 1) terms.caseBond = 1;
            if (i == 2) terms.commitPeriod = 0;
            if (i == 3) terms.revealPeriod = 0;
            if (i == 4) terms.executionPeriod = 0;
            if (i == 5) terms.quorumShare = 0;
            if (i == 6) terms.quorumShare = uint64(WAD + 1);
            if (i == 7) terms.absenceShare = uint64(WAD / 2 + 1);
            if (i == 8) terms.dissentShare = uint64(WAD + 1);
            if (i == 9) terms.leaveDelay = 21 days;
            if (i == 10) (terms.appealPeriod, terms.leaveDelay) = (26 days, 60 days);
            refused(Committee.TermsOutOfRange.selector);
            new Committee(disputes, terms, TIMELOCK);
        }
        assertEq(committee.terms().caseBond, CASE_BOND);
    }

    function test_gas() public {
        uint256 id = _open(CHALLENGER);
        vm.snapshotGasLastCall("Judges", "open a case");
        bytes32 sealed_ = committee.sealOf(id, members[0], UPHELD, "salt");
        vm.prank(members[0]);
        committee.commitVote(id, sealed_);
        vm.snapshotGasLastCall("Judges", "seal a vote");
        for (uint256 i = 1; i < 5; ++i) _seal(id, members[i], UPHELD);
        later(2 days);
        for (uint256 i = 0; i < 5; ++i) _reveal(id, members[i], UPHELD);
        vm.snapshotGasLastCall("Judges", "open a vote");
        later(17 days);
        committee.decide(id);
        vm.snapshotGasLastCall("Judges", "decide a case, upheld");
    }
}
