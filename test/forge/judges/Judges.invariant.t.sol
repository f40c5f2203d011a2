// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {Committee} from "../../../contracts/judges/Committee.sol";
import {DataRequests} from "../../../contracts/judges/DataRequests.sol";
import {RowAnswers} from "../../../contracts/judges/RowAnswers.sol";
import {OpenedRows} from "./OpenedRows.sol";

/// A world in which people do everything that they can with the judges, in any order, and try what they may not. What must
/// come in and go out is added up from the token's side.
contract JudgesHandler is OpenedRows {
    uint256 private constant ACTORS = 4;

    address[] public actors;
    bytes32[] public known;
    /// End of the window with which an index was registered.
    mapping(bytes32 index => uint256) public windowEnd;
    uint256 public cases;
    bytes32[] private _askedIndex;
    uint256[] private _askedRow;
    mapping(bytes32 index => mapping(uint256 row => RowAnswers.Answer)) private _answers;
    RowAnswers.Answer[] private _true;
    uint256 private _root;

    function begin() external {
        setUp();
        for (uint256 i = 0; i < ACTORS; ++i) {
            actors.push(makeAddr(string.concat("actor ", vm.toString(i))));
            token.mint(actors[i], 1e9);
            vm.startPrank(actors[i]);
            token.approve(address(committee), type(uint256).max);
            token.approve(address(requests), type(uint256).max);
            vm.stopPrank();
        }
        _root = openRows(COLUMNS, ROWS);
        for (uint256 row = 0; row < ROWS; ++row) _true.push(answerOf(row));
        stakeOwner(1e6);
        for (uint256 i = 0; i < 3; ++i) this.join(i);
        later(1);
        this.registerOne();
    }

    function _actor(uint256 draw) private view returns (address) {
        return actors[draw % ACTORS];
    }

    function _index(uint256 draw) private view returns (bytes32) {
        return known[known.length - 1 - draw % (known.length < 3 ? known.length : 3)];
    }

    function registerOne() external {
        bytes32 index = register(_root);
        known.push(index);
        windowEnd[index] = indexes.indexOf(index).payableFrom;
    }

    // ---- the committee ----

    function join(uint256 who) external {
        vm.prank(_actor(who));
        committee.join();
    }

    function leave(uint256 who) external {
        vm.prank(_actor(who));
        committee.leave();
    }

    function withdrawBond(uint256 who) external {
        (, , uint48 leftAt,) = committee.memberOf(_actor(who));
        vm.prank(_actor(who));
        committee.withdrawBond();
        assertGe(vm.getBlockTimestamp(), leftAt + committee.leaveDelay());
        assertGt(leftAt, 0);
    }

    function account(uint256 who, uint8 limit) external {
        committee.account(_actor(who), limit % 3);
    }

    function openCase(uint256 who, uint256 index) external {
        bytes32 at = _index(index);
        vm.prank(_actor(who));
        committee.open(at, "evidence");
        assertLt(vm.getBlockTimestamp(), windowEnd[at]);
        ++cases;
    }

    function commitAll(uint256 id, uint256 votes) external {
        id = cases == 0 ? 0 : cases - 1 - id % (cases < 3 ? cases : 3);
        for (uint256 i = 0; i < ACTORS; ++i) {
            bytes32 sealed_ = committee.sealOf(id, actors[i], _vote(votes >> i), bytes32(id));
            vm.prank(actors[i]);
            try committee.commitVote(id, sealed_) {} catch {}
        }
    }

    function revealAll(uint256 id) external {
        id = cases == 0 ? 0 : cases - 1 - id % (cases < 3 ? cases : 3);
        for (uint256 i = 0; i < ACTORS; ++i) {
            for (uint256 vote = 0; vote < 2; ++vote) {
                vm.prank(actors[i]);
                try committee.revealVote(id, _vote(vote), bytes32(id)) {} catch {}
            }
        }
    }

    function _vote(uint256 bit) private pure returns (Committee.Verdict) {
        return bit & 1 == 1 ? Committee.Verdict.Upheld : Committee.Verdict.Rejected;
    }

    function rule(uint256 id, uint8 ruling) external {
        id = cases - 1 - id % cases;
        vm.prank(TIMELOCK);
        committee.rule(id, Committee.Verdict(ruling % 4));
    }

    function decide(uint256 id) external {
        committee.decide(id % cases);
    }

    // ---- requests ----

    function ask(uint256 who, uint256 index, uint256 row) external {
        (bytes32 at, uint256 of_) = (_index(index), row % (ROWS + 1));
        vm.prank(_actor(who));
        requests.request(at, of_);
        assertLt(vm.getBlockTimestamp(), windowEnd[at]);
        _askedIndex.push(at);
        _askedRow.push(of_);
    }

    function answerTruly(uint256 draw) external {
        _answerWith(draw % _askedRow.length, 0);
    }

    function answerFalsely(uint256 draw, uint256 change) external {
        _answerWith(draw % _askedRow.length, 1 + change % 5);
    }

    function _answerWith(uint256 at, uint256 change) private {
        (bytes32 index, uint256 row) = (_askedIndex[at], _askedRow[at]);
        RowAnswers.Answer memory opening = _true[row];
        if (change == 1) opening.row[1] ^= 1;
        if (change == 2) opening.prefix[0] ^= 1;
        if (change == 3) opening.siblings[0] ^= 1;
        if (change == 4) opening.hashes[1] ^= 1;
        if (change == 5) opening = _true[(row + 1) % ROWS];
        vm.prank(OWNER);
        requests.answer(index, row, opening);
        _answers[index][row] = opening;
    }

    function refute(uint256 draw, uint256 who) external {
        uint256 at = draw % _askedRow.length;
        (bytes32 index, uint256 row) = (_askedIndex[at], _askedRow[at]);
        RowAnswers.Answer memory opening = _answers[index][row];
        for (uint256 step = 0; step < opening.hashes.length; ++step) {
            vm.prank(_actor(who));
            try requests.refute(index, row, opening, step) {
                assertNotEq(keccak256(abi.encode(opening)), keccak256(abi.encode(_true[row])), "a true answer fell");
                return;
            } catch {}
        }
    }

    function closeRequest(uint256 draw) external {
        uint256 at = draw % _askedRow.length;
        requests.close(_askedIndex[at], _askedRow[at]);
    }

    // ---- cheats ----

    function cheat(uint256 who, uint256 index, uint256 way) external {
        address cheater = _actor(who);
        (bytes32 at, uint64 far) = (_index(index), uint64(vm.getBlockTimestamp() + 15 days));
        way = way % 6;
        uint256 id = cases == 0 ? 0 : cases - 1;
        vm.prank(cheater);
        if (way == 0) indexes.disable(at, cheater);
        if (way == 1) disputes.judge(at, "evidence", cheater);
        if (way == 2) disputes.disputeUnproduced(at, 0, cheater);
        if (way == 3) disputes.hold(at, far);
        if (way == 4) disputes.slashEquivocation(OWNER, bytes32(index), vm.getBlockTimestamp(), WAD, cheater);
        if (way == 5) committee.rule(id, Committee.Verdict.Upheld);
        assertTrue(false, "a stranger did it");
    }

    function wait(uint256 time) external {
        later(time % 4 == 0 ? bound(time, 1, 8 days) : bound(time, 1, 1 days));
    }

    // ---- sums ----

    function memberBonds() public view returns (uint256 sum) {
        for (uint256 i = 0; i < ACTORS; ++i) {
            (uint96 bond,,,) = committee.memberOf(actors[i]);
            sum += bond;
        }
    }

    function caseBonds() public view returns (uint256 sum) {
        for (uint256 id = 0; id < cases; ++id) {
            if (committee.caseOf(id).verdict == Committee.Verdict.None) sum += committee.terms().caseBond;
        }
    }

    function deposits() public view returns (uint256 sum) {
        for (uint256 i = 0; i < _askedRow.length; ++i) {
            DataRequests.Stage stage = requests.requestOf(_askedIndex[i], _askedRow[i]).stage;
            bool waits = stage == DataRequests.Stage.Asked || stage == DataRequests.Stage.Answered;
            if (waits) sum += requests.terms().deposit;
        }
    }

    function waiting(bytes32 index) public view returns (uint256 count) {
        for (uint256 i = 0; i < _askedRow.length; ++i) {
            bool open = requests.requestOf(_askedIndex[i], _askedRow[i]).stage == DataRequests.Stage.Asked;
            if (_askedIndex[i] == index && open) ++count;
        }
    }

    function indexCount() external view returns (uint256) {
        return known.length;
    }

    function indexBonds() public view returns (uint256 sum) {
        for (uint256 i = 0; i < known.length; ++i) sum += indexes.indexOf(known[i]).bond;
    }

    function balances() external view returns (uint256 ofCommittee, uint256 ofRequests, uint256 ofIndexes) {
        ofCommittee = token.balanceOf(address(committee));
        ofRequests = token.balanceOf(address(requests));
        ofIndexes = token.balanceOf(address(indexes));
    }

    /// The window of an index, what it was prolonged by, and by what it may be: a case is longer than a request.
    function windowOf(bytes32 index) external view returns (uint256 payableFrom, uint256 heldFor, uint256 longest) {
        return (indexes.indexOf(index).payableFrom, indexes.heldFor(index), committee.duration());
    }

    function openRequests(bytes32 index) external view returns (uint256) {
        return requests.openRequests(index);
    }

    function membersNow() external view returns (uint256 counted, uint256 told) {
        for (uint256 i = 0; i < ACTORS; ++i) {
            (, uint48 joinedAt, uint48 leftAt,) = committee.memberOf(actors[i]);
            if (joinedAt != 0 && leftAt == 0) ++counted;
        }
        told = committee.membersAt(vm.getBlockTimestamp());
    }

    /// Everything is brought to its end, and everybody leaves.
    function end() external {
        for (uint256 i = 0; i < ACTORS; ++i) {
            vm.prank(actors[i]);
            try committee.leave() {} catch {}
        }
        later(60 days);
        for (uint256 id = 0; id < cases; ++id) {
            try committee.decide(id) {} catch {}
        }
        for (uint256 i = 0; i < _askedRow.length; ++i) {
            try requests.close(_askedIndex[i], _askedRow[i]) {} catch {}
        }
        for (uint256 i = 0; i < ACTORS; ++i) {
            vm.prank(actors[i]);
            try committee.withdrawBond() {} catch {}
        }
        for (uint256 i = 0; i < known.length; ++i) {
            try indexes.releaseBond(known[i]) {} catch {}
        }
    }
}

contract JudgesInvariantTest is Test {
    JudgesHandler private handler;

    function setUp() public {
        handler = new JudgesHandler();
        handler.begin();
        bytes4[] memory moves = new bytes4[](17);
        moves[0] = JudgesHandler.registerOne.selector;
        moves[1] = JudgesHandler.join.selector;
        moves[2] = JudgesHandler.leave.selector;
        moves[3] = JudgesHandler.withdrawBond.selector;
        moves[4] = JudgesHandler.account.selector;
        moves[5] = JudgesHandler.openCase.selector;
        moves[6] = JudgesHandler.commitAll.selector;
        moves[7] = JudgesHandler.revealAll.selector;
        moves[8] = JudgesHandler.rule.selector;
        moves[9] = JudgesHandler.decide.selector;
        moves[10] = JudgesHandler.ask.selector;
        moves[11] = JudgesHandler.answerTruly.selector;
        moves[12] = JudgesHandler.answerFalsely.selector;
        moves[13] = JudgesHandler.refute.selector;
        moves[14] = JudgesHandler.closeRequest.selector;
        moves[15] = JudgesHandler.cheat.selector;
        moves[16] = JudgesHandler.wait.selector;
        targetContract(address(handler));
        targetSelector(FuzzSelector(address(handler), moves));
    }

    function invariant_whatIsHeldIsBondsAndDeposits() public view {
        (uint256 ofCommittee, uint256 ofRequests, uint256 ofIndexes) = handler.balances();
        assertEq(ofCommittee, handler.memberBonds() + handler.caseBonds());
        assertEq(ofRequests, handler.deposits());
        assertEq(ofIndexes, handler.indexBonds());
    }

    function invariant_windowsRequestsAndMembersAreCountedAndBounded() public view {
        for (uint256 i = 0; i < handler.indexCount(); ++i) {
            bytes32 index = handler.known(i);
            (uint256 payableFrom, uint256 heldFor, uint256 longest) = handler.windowOf(index);
            assertEq(payableFrom, handler.windowEnd(index) + heldFor);
            assertLe(heldFor, longest);
            assertEq(handler.openRequests(index), handler.waiting(index));
            assertLe(handler.waiting(index), 3);
        }
        (uint256 counted, uint256 told) = handler.membersNow();
        assertEq(told, counted);
    }

    /// No money is stuck: everybody gets out, and the three contracts are empty.
    function afterInvariant() public {
        handler.end();
        (uint256 ofCommittee, uint256 ofRequests, uint256 ofIndexes) = handler.balances();
        assertEq(ofCommittee, 0);
        assertEq(ofRequests, 0);
        assertEq(ofIndexes, 0);
    }
}
