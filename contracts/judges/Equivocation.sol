// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Disputes} from "../Disputes.sol";

/// @title Validators who say two things about one subject
/// @notice Off chain, validators sign statements: this subject has this value, said at this time. Two signatures of one validator
/// under one subject with different values take a share of its stake at once, without anybody's judgement, once a subject.
/// The challenger gets at most half of what is taken of the validator's own stake, the rest is burned.
/// @dev Only what ecrecover gives is evidence. A contract's word (EIP-1271) is none: it may say yes today to what it never
/// signed, so it could frame those who delegate to it, and no tomorrow to what it did sign, so it could contradict itself for
/// nothing. A validator that is a contract therefore makes statements that no stake stands behind.
/// The trap: `at` is the validator's own word, and what is slashed is the stake of that time, once a subject. Whoever relies
/// on a statement must refuse one whose time is not now, or whose signer has contradicted itself about the subject before.
contract Equivocation is EIP712 {
    struct Statement {
        bytes32 subject;
        bytes32 value;
        /// Seconds; when it was said.
        uint64 at;
    }

    event EvidenceAnnounced(bytes32 indexed evidence);
    event Equivocated(
        address indexed validator,
        bytes32 indexed subject,
        address indexed challenger,
        bytes32 value,
        bytes32 otherValue,
        uint256 offenceAt
    );

    error ShareOutOfRange(uint256 share);
    error DifferentSubjects(bytes32 subject, bytes32 other);
    error NoContradiction(bytes32 subject, bytes32 value);
    error DifferentSigners(address signer, address other);
    error EvidenceNotAnnounced(bytes32 evidence);

    bytes32 private constant STATEMENT_TYPE = keccak256("Statement(bytes32 subject,bytes32 value,uint64 at)");

    Disputes public immutable disputes;
    /// Of the stake exposed at the later statement, WAD.
    uint256 public immutable share;
    /// Second in which evidence was announced.
    mapping(bytes32 evidence => uint256) public announcedAt;

    constructor(Disputes disputes_, uint256 share_) EIP712("Meed statements", "1") {
        if (share_ == 0 || share_ > 1e18) revert ShareOutOfRange(share_);
        disputes = disputes_;
        share = share_;
    }

    /// @notice Announces evidence, to be shown in a later second: who copies it when it is shown comes too late.
    /// @param evidence evidenceOf the challenger and both statements
    function announce(bytes32 evidence) external {
        if (announcedAt[evidence] == 0) announcedAt[evidence] = block.timestamp;
        emit EvidenceAnnounced(evidence);
    }

    /// @notice Slashes the validator who signed both; the caller announced them, and is the challenger.
    function show(
        Statement calldata first,
        bytes calldata firstSignature,
        Statement calldata second,
        bytes calldata secondSignature
    ) external {
        if (first.subject != second.subject) revert DifferentSubjects(first.subject, second.subject);
        if (first.value == second.value) revert NoContradiction(first.subject, first.value);
        bytes32 evidence = evidenceOf(msg.sender, first, second);
        uint256 announced = announcedAt[evidence];
        if (announced == 0 || announced >= block.timestamp) revert EvidenceNotAnnounced(evidence);
        address validator = ECDSA.recoverCalldata(digestOf(first), firstSignature);
        address other = ECDSA.recoverCalldata(digestOf(second), secondSignature);
        if (validator != other) revert DifferentSigners(validator, other);
        // before the later one there was no contradiction
        uint256 offenceAt = first.at > second.at ? first.at : second.at;
        emit Equivocated(validator, first.subject, msg.sender, first.value, second.value, offenceAt);
        bytes32 offence = keccak256(abi.encode(address(this), validator, first.subject));
        disputes.slashEquivocation(validator, offence, offenceAt, share, msg.sender);
    }

    function evidenceOf(address challenger, Statement calldata first, Statement calldata second)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(challenger, digestOf(first), digestOf(second)));
    }

    /// @notice What a validator signs.
    function digestOf(Statement calldata statement) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(abi.encode(STATEMENT_TYPE, statement.subject, statement.value, statement.at))
        );
    }

    /// @notice Subject of which the value is an index root: what the validator re-derived for a model and a data set.
    function indexSubject(address owner, bytes32 datasetId, bytes32 modelId) external pure returns (bytes32) {
        return keccak256(abi.encode("index", owner, datasetId, modelId));
    }

    /// @notice Subject of which the value is the keccak256 of a shard's packed scores against a batch.
    function scoresSubject(address settlement, uint256 epoch, uint256 shard, uint256 batch)
        external
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode("scores", settlement, epoch, shard, batch));
    }
}
