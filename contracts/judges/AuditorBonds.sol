// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title Auditors and the tokens behind their votes
/// @notice Anybody joins by the same bond and has one vote, so votes cost capital and identities do not matter. A member votes
/// on, and answers for, every case opened after the second in which it joined and up to the second in which it asks to leave. Its
/// bond stays, and can be reduced, until each of those is accounted for.
/// @dev Penalties are applied when a member is accounted for, case by case in order, by anybody: no loop runs over members. The
/// number of members is kept by time, so that who joins or leaves together with a case changes nothing of its quorum.
abstract contract AuditorBonds is ReentrancyGuardTransient {
    using SafeERC20 for ERC20Burnable;
    using Checkpoints for Checkpoints.Trace208;

    struct Member {
        /// Token units left.
        uint96 bond;
        uint48 joinedAt;
        /// Second of the request to leave; 0 before.
        uint48 leftAt;
        /// First case that is not accounted for yet.
        uint64 nextCase;
    }

    event MemberJoined(address indexed member, uint256 bond);
    event MemberLeft(address indexed member, uint256 withdrawableFrom);
    event MemberPenalized(address indexed member, uint256 indexed caseId, uint256 burned);
    event BondWithdrawn(address indexed member, uint256 amount);

    error AlreadyMember(address account);
    error NotMember(address account);
    error AlreadyLeft(address account);
    error BondWithheld(address account, uint256 until);
    error CasesUnaccounted(address account, uint256 nextCase);

    uint256 internal constant WAD = 1e18;

    ERC20Burnable public immutable token;
    /// Token units of a bond.
    uint96 public immutable memberBond;
    /// Seconds from the request to leave to the bond's return.
    uint256 public immutable leaveDelay;

    mapping(address account => Member) public memberOf;
    Checkpoints.Trace208 private _members;

    constructor(ERC20Burnable token_, uint96 memberBond_, uint256 leaveDelay_) {
        (token, memberBond, leaveDelay) = (token_, memberBond_, leaveDelay_);
    }

    /// @notice Of a case: when it was opened, 0 if there is none; whether it is over; and what a member loses for it, WAD.
    function _accountOf(uint256 caseId, address member)
        internal
        view
        virtual
        returns (uint256 openedAt, bool isOver, uint256 lostShare);

    function _caseCount() internal view virtual returns (uint256);

    /// @notice Puts the bond in, from the caller's allowance; counts for cases opened from the next second on.
    function join() external nonReentrant {
        if (memberOf[msg.sender].joinedAt != 0) revert AlreadyMember(msg.sender);
        memberOf[msg.sender] = Member(memberBond, uint48(block.timestamp), 0, uint64(_caseCount()));
        _members.push(uint48(block.timestamp), _members.latest() + 1);
        emit MemberJoined(msg.sender, memberBond);
        token.safeTransferFrom(msg.sender, address(this), memberBond);
    }

    /// @notice Asks to leave: no vote in cases opened from the next second on.
    function leave() external {
        Member storage member = _known(msg.sender);
        if (member.leftAt != 0) revert AlreadyLeft(msg.sender);
        _leave(member, msg.sender);
    }

    /// @notice Gives the bond back, once the delay is over and every case is accounted for.
    function withdrawBond() external nonReentrant returns (uint256 amount) {
        Member storage member = _known(msg.sender);
        uint256 until = member.leftAt == 0 ? type(uint256).max : member.leftAt + leaveDelay;
        if (block.timestamp < until) revert BondWithheld(msg.sender, until);
        _account(member, msg.sender, type(uint256).max);
        (uint256 openedAt,,) = _accountOf(member.nextCase, msg.sender);
        if (openedAt != 0 && openedAt <= member.leftAt) revert CasesUnaccounted(msg.sender, member.nextCase);
        amount = member.bond;
        delete memberOf[msg.sender];
        emit BondWithdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @notice Applies to a member what at most `cases` further cases cost it; anyone may. A member with less than half of its
    /// bond left is out.
    function account(address member, uint256 cases) external nonReentrant {
        _account(_known(member), member, cases);
    }

    function membersAt(uint256 timestamp) public view returns (uint256) {
        return _members.upperLookupRecent(uint48(timestamp));
    }

    /// @notice Whether an account votes on, and answers for, a case opened then.
    function isMemberFor(address account_, uint256 openedAt) public view returns (bool) {
        Member storage member = memberOf[account_];
        if (member.joinedAt == 0 || member.joinedAt >= openedAt) return false;
        return member.leftAt == 0 || openedAt <= member.leftAt;
    }

    function _account(Member storage member, address who, uint256 limit) private {
        uint256 burned = 0;
        uint256 next = member.nextCase;
        for (uint256 i = 0; i < limit; ++i) {
            (uint256 openedAt, bool isOver, uint256 lostShare) = _accountOf(next, who);
            if (!isOver || (member.leftAt != 0 && openedAt > member.leftAt)) break;
            if (lostShare != 0 && isMemberFor(who, openedAt)) {
                uint256 lost = (member.bond - burned) * lostShare / WAD;
                burned += lost;
                emit MemberPenalized(who, next, lost);
            }
            ++next;
        }
        member.nextCase = uint64(next);
        member.bond -= uint96(burned);
        if (member.leftAt == 0 && member.bond < memberBond / 2) _leave(member, who);
        if (burned > 0) token.burn(burned);
    }

    function _leave(Member storage member, address who) private {
        member.leftAt = uint48(block.timestamp);
        _members.push(uint48(block.timestamp), _members.latest() - 1);
        emit MemberLeft(who, block.timestamp + leaveDelay);
    }

    function _known(address who) private view returns (Member storage member) {
        member = memberOf[who];
        if (member.joinedAt == 0) revert NotMember(who);
    }
}
