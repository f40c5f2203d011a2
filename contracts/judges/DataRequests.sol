// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Disputes} from "../Disputes.sol";
import {IndexRegistry} from "../IndexRegistry.sol";
import {RowAnswers} from "./RowAnswers.sol";

/// @title Openings that are demanded
/// @notice While an index's own window runs, anybody may demand the opening of one of its rows (and, at a slot's last row, of the
/// slot itself), with a deposit. The owner answers in time, in public and on chain, or its index is disabled, and its stake slashed
/// as by a proof. An answer is taken as it is; for a while anybody may show one of its hashes to be wrong, which is no answer.
/// A true answer is paid for out of the deposit: `answerPrice` to the owner, the rest is burned.
/// @dev What is burned keeps an owner from taking up all places with requests of its own for nothing. Each row is demanded once:
/// its opening is public from then on. Invariant: deposits of requests that are not over = the token balance, but for tokens
/// sent here by mistake.
contract DataRequests is RowAnswers, ReentrancyGuardTransient {
    using SafeERC20 for ERC20Burnable;

    enum Stage {
        None,
        Asked,
        Answered,
        Produced,
        /// Its index was disabled, for this or before, or the request was not carried out in time.
        Returned
    }

    /// Seconds and token units, for good.
    struct Terms {
        uint32 responseWindow;
        /// From the answer on, in which it can be refuted.
        uint32 refutationWindow;
        /// Requests of an index that may wait for an answer at a time.
        uint32 openMax;
        /// Token units that the owner is paid for a true answer.
        uint96 answerPrice;
        /// Token units that a requester puts in, more than the price.
        uint96 deposit;
    }

    struct Request {
        address requester;
        uint64 deadline;
        Stage stage;
        /// keccak256(abi.encode(Answer)) once there is one; then `deadline` is that of refuting it.
        bytes32 answerHash;
    }

    event RowRequested(bytes32 indexed index, uint256 indexed row, address indexed requester, uint256 deadline);
    event RowAnswered(bytes32 indexed index, uint256 indexed row, Answer answer);
    event AnswerRefuted(bytes32 indexed index, uint256 indexed row, address indexed challenger, uint256 step);
    event RequestOver(bytes32 indexed index, uint256 indexed row, Stage stage);

    error TermsOutOfRange();
    error UnknownRow(bytes32 index, uint256 row);
    error WrongSlotsForCircuit(uint256 registered, uint256 circuit);
    error TooManyRequests(bytes32 index, uint256 openMax);
    error RequestExists(bytes32 index, uint256 row);
    error NotIndexOwner(bytes32 index, address caller);
    error WrongStage(bytes32 index, uint256 row, Stage stage);
    error DeadlinePassed(bytes32 index, uint256 row, uint256 deadline);
    error DeadlineNotPassed(bytes32 index, uint256 row, uint256 deadline);
    error AnswerMismatch(bytes32 given, bytes32 kept);

    Disputes public immutable disputes;
    IndexRegistry public immutable indexes;
    ERC20Burnable public immutable token;
    Terms private _terms;
    mapping(bytes32 index => mapping(uint256 row => Request)) private _requests;
    /// Requests that wait for an answer.
    mapping(bytes32 index => uint256) public openRequests;

    constructor(Disputes disputes_, uint256 columns_, Hashers memory hashers, Terms memory terms_)
        RowAnswers(columns_, hashers)
    {
        (disputes, indexes, token) = (disputes_, disputes_.indexes(), disputes_.indexes().token());
        _terms = terms_;
        uint256 longest = uint256(terms_.responseWindow) + terms_.refutationWindow;
        if (terms_.responseWindow == 0 || terms_.refutationWindow == 0 || longest > indexes.longestHold()) {
            revert TermsOutOfRange();
        }
        if (terms_.openMax == 0 || terms_.deposit <= terms_.answerPrice) revert TermsOutOfRange();
    }

    /// @notice Demands the opening of a row, with a deposit from the caller's allowance; holds the index.
    function request(bytes32 index, uint256 row) external nonReentrant {
        IndexRegistry.Index memory entry = indexes.indexOf(index);
        if (row >= entry.rows) revert UnknownRow(index, row);
        if (entry.slotsPerShard != disputes.slots()) {
            revert WrongSlotsForCircuit(entry.slotsPerShard, disputes.slots());
        }
        Request storage asked = _requests[index][row];
        if (asked.stage != Stage.None) revert RequestExists(index, row);
        if (openRequests[index] >= _terms.openMax) revert TooManyRequests(index, _terms.openMax);
        ++openRequests[index];
        uint64 deadline = uint64(block.timestamp) + _terms.responseWindow;
        (asked.requester, asked.deadline, asked.stage) = (msg.sender, deadline, Stage.Asked);
        emit RowRequested(index, row, msg.sender, deadline);
        disputes.hold(index, deadline + _terms.refutationWindow);
        token.safeTransferFrom(msg.sender, address(this), _terms.deposit);
    }

    /// @notice Opens a row; its index's owner only, up to the deadline.
    function answer(bytes32 index, uint256 row, Answer calldata opening) external {
        Request storage asked = _requests[index][row];
        IndexRegistry.Index memory entry = indexes.indexOf(index);
        if (msg.sender != entry.owner) revert NotIndexOwner(index, msg.sender);
        if (asked.stage != Stage.Asked) revert WrongStage(index, row, asked.stage);
        if (block.timestamp > asked.deadline) revert DeadlinePassed(index, row, asked.deadline);
        _requireShape(opening, entry.rows, entry.indexRoot);
        --openRequests[index];
        asked.answerHash = keccak256(abi.encode(opening));
        (asked.deadline, asked.stage) = (uint64(block.timestamp) + _terms.refutationWindow, Stage.Answered);
        emit RowAnswered(index, row, opening);
    }

    /// @notice Shows that one hash of an answer is not what it says: the index is disabled, half of its bond for the caller.
    /// @param opening exactly as answered
    /// @param step as RowAnswers numbers them
    function refute(bytes32 index, uint256 row, Answer calldata opening, uint256 step) external nonReentrant {
        Request storage asked = _requests[index][row];
        if (asked.stage != Stage.Answered) revert WrongStage(index, row, asked.stage);
        if (block.timestamp > asked.deadline) revert DeadlinePassed(index, row, asked.deadline);
        bytes32 given = keccak256(abi.encode(opening));
        if (given != asked.answerHash) revert AnswerMismatch(given, asked.answerHash);
        _requireWrong(opening, row, step);
        emit AnswerRefuted(index, row, msg.sender, step);
        _return(index, row, asked);
        _punish(index, row, msg.sender);
    }

    /// @notice Ends a request whose deadline has passed; anyone may. Unanswered: the index is disabled, half of its bond for the
    /// requester, whose deposit comes back. Answered and not refuted: the owner is paid.
    function close(bytes32 index, uint256 row) external nonReentrant {
        Request storage asked = _requests[index][row];
        if (asked.stage != Stage.Asked && asked.stage != Stage.Answered) revert WrongStage(index, row, asked.stage);
        if (block.timestamp <= asked.deadline) revert DeadlineNotPassed(index, row, asked.deadline);
        if (asked.stage == Stage.Asked) {
            --openRequests[index];
            _return(index, row, asked);
            _punish(index, row, asked.requester);
            return;
        }
        asked.stage = Stage.Produced;
        emit RequestOver(index, row, Stage.Produced);
        token.burn(_terms.deposit - _terms.answerPrice);
        token.safeTransfer(indexes.indexOf(index).owner, _terms.answerPrice);
    }

    function terms() external view returns (Terms memory) {
        return _terms;
    }

    function requestOf(bytes32 index, uint256 row) external view returns (Request memory) {
        return _requests[index][row];
    }

    function _return(bytes32 index, uint256 row, Request storage asked) private {
        asked.stage = Stage.Returned;
        emit RequestOver(index, row, Stage.Returned);
        token.safeTransfer(asked.requester, _terms.deposit);
    }

    /// @dev Nothing more to do to an index that was disabled meanwhile, or that nobody stopped before it could pay.
    function _punish(bytes32 index, uint256 row, address challenger) private {
        IndexRegistry.Index memory entry = indexes.indexOf(index);
        if (entry.disabled || block.timestamp >= entry.payableFrom) return;
        disputes.disputeUnproduced(index, row, challenger);
    }
}
