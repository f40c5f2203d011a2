// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Disputes} from "../Disputes.sol";
import {IndexRegistry} from "../IndexRegistry.sol";
import {AuditorBonds} from "./AuditorBonds.sol";

/// @title Bonded auditors judge what no proof can: whether the sketches of an index are the model's
/// @notice Anybody opens a case with a bond while an index's window runs; the index is held until the case can be decided. All
/// members vote, first sealed and then opened, so nobody votes after the others. Then the owner of this contract, the
/// governor's timelock, has time to rule otherwise. Upheld: the index is disabled, half of its bond for the challenger and the rest
/// burned. Rejected: half of the challenger's bond goes to the index's owner, the rest is burned. Without a quorum nothing happens.
/// @dev No stake is ever slashed here. A member that does not open its vote loses `absenceShare` of its bond; one that voted
/// against what the timelock ruled, `dissentShare`; one outvoted by its peers nothing, so that honest doubt costs nothing.
/// Invariant: bonds of members and of cases that are not over = the token balance, but for tokens sent here by mistake.
contract Committee is AuditorBonds, Ownable {
    using SafeERC20 for ERC20Burnable;

    enum Verdict {
        None,
        Upheld,
        Rejected,
        NoQuorum
    }

    /// Seconds, token units and WAD shares, for good.
    struct Terms {
        uint96 memberBond;
        uint96 caseBond;
        uint32 commitPeriod;
        uint32 revealPeriod;
        /// From the last vote on, in which the timelock may rule otherwise.
        uint32 appealPeriod;
        /// Then, in which anybody may carry the verdict out, before the index pays.
        uint32 executionPeriod;
        uint32 leaveDelay;
        /// Of the members, who must open a vote.
        uint64 quorumShare;
        uint64 absenceShare;
        uint64 dissentShare;
    }

    struct Case {
        bytes32 index;
        bytes32 evidence;
        address challenger;
        uint64 openedAt;
        /// The timelock's; None while it ruled nothing.
        Verdict ruling;
        /// None until it is carried out.
        Verdict verdict;
        /// Members when it was opened.
        uint32 members;
        uint32 upholding;
        uint32 rejecting;
    }

    event CaseOpened(
        uint256 indexed caseId,
        bytes32 indexed index,
        address indexed challenger,
        bytes32 evidence,
        uint256 members
    );
    event VoteCommitted(uint256 indexed caseId, address indexed member);
    event VoteRevealed(uint256 indexed caseId, address indexed member, Verdict vote);
    event CaseRuled(uint256 indexed caseId, Verdict ruling);
    /// @notice `disabled`: the verdict took the index out of payment; not where that was done before, or it came too late.
    event CaseDecided(uint256 indexed caseId, Verdict verdict, bool disabled);

    error TermsOutOfRange();
    error NoMembers();
    error UnknownCase(uint256 caseId);
    error NotOfCase(uint256 caseId, address account);
    error NotInPeriod(uint256 caseId, uint256 from, uint256 until);
    error AlreadyVoted(uint256 caseId, address member);
    error NotAVote(Verdict vote);
    error VoteMismatch(uint256 caseId, address member);
    error CaseOver(uint256 caseId);

    Disputes public immutable disputes;
    IndexRegistry public immutable indexes;
    Terms private _terms;
    Case[] private _cases;
    mapping(uint256 caseId => mapping(address member => bytes32)) public sealedVoteOf;
    mapping(uint256 caseId => mapping(address member => Verdict)) public voteOf;

    /// @param owner hears appeals: the deployer first, the timelock once governance stands
    constructor(Disputes disputes_, Terms memory terms_, address owner)
        AuditorBonds(disputes_.indexes().token(), terms_.memberBond, terms_.leaveDelay)
        Ownable(owner)
    {
        (disputes, indexes, _terms) = (disputes_, disputes_.indexes(), terms_);
        bool bonded = terms_.memberBond > 1 && terms_.caseBond > 1;
        bool timed = terms_.commitPeriod > 0 && terms_.revealPeriod > 0 && terms_.executionPeriod > 0;
        bool shared = terms_.quorumShare > 0 && terms_.quorumShare <= WAD && terms_.absenceShare <= WAD / 2
            && terms_.dissentShare <= WAD;
        uint256 longest = duration();
        if (!bonded || !timed || !shared || terms_.leaveDelay <= longest) revert TermsOutOfRange();
        if (longest > indexes.longestHold()) revert TermsOutOfRange();
    }

    // ---- a case, step by step ----

    /// @notice Opens a case about an index in its own window, with a bond from the caller's allowance; holds the index.
    /// @param evidence hash of what shows the index wrong, and of where it lies
    function open(bytes32 index, bytes32 evidence) external nonReentrant returns (uint256 caseId) {
        uint256 members = membersAt(block.timestamp - 1);
        if (members == 0) revert NoMembers();
        caseId = _cases.length;
        Case storage opened = _cases.push();
        (opened.index, opened.evidence, opened.challenger) = (index, evidence, msg.sender);
        (opened.openedAt, opened.members) = (uint64(block.timestamp), uint32(members));
        emit CaseOpened(caseId, index, msg.sender, evidence, members);
        disputes.hold(index, uint64(block.timestamp + duration()));
        token.safeTransferFrom(msg.sender, address(this), _terms.caseBond);
    }

    /// @notice Seals a member's vote.
    /// @param sealed_ sealOf the vote
    function commitVote(uint256 caseId, bytes32 sealed_) external {
        Case storage at = _known(caseId);
        _requirePeriod(caseId, at.openedAt, _terms.commitPeriod);
        if (!isMemberFor(msg.sender, at.openedAt)) revert NotOfCase(caseId, msg.sender);
        if (sealedVoteOf[caseId][msg.sender] != 0) revert AlreadyVoted(caseId, msg.sender);
        sealedVoteOf[caseId][msg.sender] = sealed_;
        emit VoteCommitted(caseId, msg.sender);
    }

    /// @notice Opens the caller's sealed vote.
    function revealVote(uint256 caseId, Verdict vote, bytes32 salt) external {
        Case storage at = _known(caseId);
        _requirePeriod(caseId, at.openedAt + _terms.commitPeriod, _terms.revealPeriod);
        if (vote != Verdict.Upheld && vote != Verdict.Rejected) revert NotAVote(vote);
        if (sealedVoteOf[caseId][msg.sender] != sealOf(caseId, msg.sender, vote, salt)) {
            revert VoteMismatch(caseId, msg.sender);
        }
        if (voteOf[caseId][msg.sender] != Verdict.None) revert AlreadyVoted(caseId, msg.sender);
        voteOf[caseId][msg.sender] = vote;
        if (vote == Verdict.Upheld) ++at.upholding;
        else ++at.rejecting;
        emit VoteRevealed(caseId, msg.sender, vote);
    }

    /// @notice Rules otherwise than the members, or where they gave no verdict; the timelock only.
    function rule(uint256 caseId, Verdict ruling) external onlyOwner {
        Case storage at = _known(caseId);
        uint256 voted = uint256(_terms.commitPeriod) + _terms.revealPeriod;
        _requirePeriod(caseId, at.openedAt + voted, _terms.appealPeriod);
        if (ruling == Verdict.None) revert NotAVote(ruling);
        at.ruling = ruling;
        emit CaseRuled(caseId, ruling);
    }

    /// @notice Carries the verdict out once no appeal can come; anyone may. An index that is paying by then stays so.
    function decide(uint256 caseId) external nonReentrant returns (Verdict verdict) {
        Case storage at = _known(caseId);
        if (at.verdict != Verdict.None) revert CaseOver(caseId);
        uint256 decidable = at.openedAt + duration() - _terms.executionPeriod;
        if (block.timestamp < decidable) revert NotInPeriod(caseId, decidable, type(uint256).max);
        verdict = at.ruling == Verdict.None ? _majority(at) : at.ruling;
        at.verdict = verdict;
        IndexRegistry.Index memory entry = indexes.indexOf(at.index);
        bool disables = verdict == Verdict.Upheld && !entry.disabled && block.timestamp < entry.payableFrom;
        emit CaseDecided(caseId, verdict, disables);
        uint256 burned = verdict == Verdict.Rejected ? _terms.caseBond - _terms.caseBond / 2 : 0;
        if (burned > 0) token.burn(burned);
        token.safeTransfer(verdict == Verdict.Rejected ? entry.owner : at.challenger, _terms.caseBond - burned);
        if (disables) disputes.judge(at.index, at.evidence, at.challenger);
    }

    // ---- views ----

    function terms() external view returns (Terms memory) {
        return _terms;
    }

    function caseOf(uint256 caseId) external view returns (Case memory) {
        return _known(caseId);
    }

    /// @notice Seconds from the opening of a case to the last in which its verdict is sure to be carried out.
    function duration() public view returns (uint256) {
        Terms storage t = _terms;
        return uint256(t.commitPeriod) + t.revealPeriod + t.appealPeriod + t.executionPeriod;
    }

    /// @param salt 32 random bytes: without them a vote is guessed at once
    function sealOf(uint256 caseId, address member, Verdict vote, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(caseId, member, vote, salt));
    }

    /// @dev More must uphold than reject: who accuses has to convince.
    function _majority(Case storage at) private view returns (Verdict) {
        uint256 votes = uint256(at.upholding) + at.rejecting;
        if (votes == 0 || votes * WAD < at.members * uint256(_terms.quorumShare)) return Verdict.NoQuorum;
        return at.upholding > at.rejecting ? Verdict.Upheld : Verdict.Rejected;
    }

    function _accountOf(uint256 caseId, address member)
        internal
        view
        override
        returns (uint256 openedAt, bool isOver, uint256 lostShare)
    {
        if (caseId >= _cases.length) return (0, false, 0);
        Case storage at = _cases[caseId];
        Verdict vote = voteOf[caseId][member];
        openedAt = at.openedAt;
        isOver = at.verdict != Verdict.None;
        if (vote == Verdict.None) lostShare = _terms.absenceShare;
        else if (at.ruling != Verdict.None && at.ruling != Verdict.NoQuorum && at.ruling != vote) {
            lostShare = _terms.dissentShare;
        }
    }

    function _caseCount() internal view override returns (uint256) {
        return _cases.length;
    }

    function _known(uint256 caseId) private view returns (Case storage at) {
        if (caseId >= _cases.length) revert UnknownCase(caseId);
        at = _cases[caseId];
    }

    /// @dev The first second belongs to the period, the last does not.
    function _requirePeriod(uint256 caseId, uint256 from, uint256 length) private view {
        if (block.timestamp < from || block.timestamp >= from + length) revert NotInPeriod(caseId, from, from + length);
    }
}
