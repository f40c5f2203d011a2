// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Datanets} from "./Datanets.sol";
import {PayoutWallets} from "./PayoutWallets.sol";

/// @title Contributions: proposed, decided about, and withdrawn
/// @notice A contribution is the hash of some rows, proposed by their contributor. The id binds chain, registry, datanet,
/// contributor and content, so registering in front of somebody gives nothing but another id. Two things stay for ever:
/// a final decision, and the tombstone of a withdrawn consent; the same content of the same contributor can never be
/// proposed again in the datanet. Changed content is another id and may be proposed.
/// @dev  Proposed → Approved | Rejected (by a reviewer) | Refused (by the owner: final)
///       Rejected → Appealed, once, by the contributor → Approved | Refused, by the owner alone
///       any of these → Withdrawn, by the contributor: final
/// A copied content hash must not be of use to the copier either: it has to be a hash over content that names its
/// contributor (the client's `contributionRoot` does).
abstract contract Contributions is Datanets, PayoutWallets {
    enum Status {
        None,
        Proposed,
        Approved,
        Rejected,
        Appealed,
        Refused,
        Withdrawn
    }

    struct Contribution {
        address contributor;
        /// Unix seconds.
        uint64 proposedAt;
        Status status;
    }

    struct Tombstone {
        /// Hash of a reason; zero if none was given, and none need be.
        bytes32 reasonHash;
        /// Unix seconds; zero if there is no tombstone.
        uint64 withdrawnAt;
        /// Place among the datanet's withdrawals of approved contributions, from 1; 0 if it had not been approved.
        uint64 ordinal;
    }

    /// Entries a batch: that many withdrawals, the dearest, take 14 M gas, below what a transaction may use (EIP-7825, 2^24).
    uint256 public constant BATCH_MAX = 256;

    event ContributionProposed(
        bytes32 indexed contributionId, bytes32 indexed datanetId, address indexed contributor, bytes32 contentHash
    );
    event ContributionApproved(
        bytes32 indexed contributionId, bytes32 indexed datanetId, address indexed contributor, address reviewer
    );
    event ContributionRejected(
        bytes32 indexed contributionId,
        bytes32 indexed datanetId,
        address indexed contributor,
        address reviewer,
        bytes32 reasonHash,
        Status status
    );
    event ContributionAppealed(
        bytes32 indexed contributionId, bytes32 indexed datanetId, address indexed contributor, bytes32 groundsHash
    );
    event ConsentWithdrawn(
        bytes32 indexed contributionId,
        bytes32 indexed datanetId,
        address indexed contributor,
        bytes32 reasonHash,
        uint64 ordinal
    );

    error BatchSizeOutOfRange(uint256 entries);
    error EmptyContribution();
    error ContributionExists(bytes32 contributionId);
    error UnknownContribution(bytes32 contributionId);
    error ContributionDecided(bytes32 contributionId, Status status);
    error NotAppealable(bytes32 contributionId, Status status);
    error AlreadyWithdrawn(bytes32 contributionId);
    error SelfReview(bytes32 contributionId, address reviewer);
    error ReasonMissing();

    bytes32 private constant CONTRIBUTION_TAG = keccak256("meed/contribution/v1");

    mapping(bytes32 datanetId => mapping(bytes32 contributionId => Contribution)) private _contributions;
    mapping(bytes32 datanetId => mapping(bytes32 contributionId => Tombstone)) private _tombstones;

    modifier batched(uint256 entries) {
        if (entries == 0 || entries > BATCH_MAX) revert BatchSizeOutOfRange(entries);
        _;
    }

    /// @notice Proposes contributions of the caller's own.
    /// @param contentHashes one a contribution, over content that names the contributor
    function propose(bytes32 datanetId, bytes32[] calldata contentHashes) external batched(contentHashes.length) {
        _requireDatanet(datanetId);
        for (uint256 i = 0; i < contentHashes.length; ++i) {
            if (contentHashes[i] == 0) revert EmptyContribution();
            bytes32 id = contributionIdOf(datanetId, msg.sender, contentHashes[i]);
            Contribution storage entry = _contributions[datanetId][id];
            if (entry.status != Status.None) revert ContributionExists(id);
            entry.contributor = msg.sender;
            entry.proposedAt = uint64(block.timestamp);
            entry.status = Status.Proposed;
            emit ContributionProposed(id, datanetId, msg.sender, contentHashes[i]);
        }
    }

    /// @notice Approves; a reviewer what is proposed, the owner also what was appealed. Withdrawn ones are passed over:
    /// else one contributor could make a whole batch fail by withdrawing in front of it.
    /// @return approved how many were
    function approveContributions(bytes32 datanetId, bytes32[] calldata ids)
        external
        batched(ids.length)
        returns (uint256 approved)
    {
        address owner = _requireReviewer(datanetId);
        for (uint256 i = 0; i < ids.length; ++i) {
            Contribution storage entry = _entry(datanetId, ids[i]);
            if (entry.status == Status.Withdrawn) continue;
            _requireMayDecide(datanetId, ids[i], entry, owner);
            entry.status = Status.Approved;
            emit ContributionApproved(ids[i], datanetId, entry.contributor, msg.sender);
            ++approved;
        }
    }

    /// @notice Rejects, for a reason; by the owner it is final. Withdrawn ones are passed over.
    /// @param reasonHash code or hash of the reason, never zero: a contributor is owed one
    /// @return rejected how many were
    function rejectContributions(bytes32 datanetId, bytes32[] calldata ids, bytes32 reasonHash)
        external
        batched(ids.length)
        returns (uint256 rejected)
    {
        if (reasonHash == 0) revert ReasonMissing();
        address owner = _requireReviewer(datanetId);
        Status status = msg.sender == owner ? Status.Refused : Status.Rejected;
        for (uint256 i = 0; i < ids.length; ++i) {
            Contribution storage entry = _entry(datanetId, ids[i]);
            if (entry.status == Status.Withdrawn) continue;
            _requireMayDecide(datanetId, ids[i], entry, owner);
            entry.status = status;
            emit ContributionRejected(ids[i], datanetId, entry.contributor, msg.sender, reasonHash, status);
            ++rejected;
        }
    }

    /// @notice Asks the owner to decide about a reviewer's rejection.
    /// @param groundsHash hash of the contributor's grounds, never zero
    function appeal(bytes32 datanetId, bytes32 id, bytes32 groundsHash) external {
        if (groundsHash == 0) revert ReasonMissing();
        Contribution storage entry = _entry(datanetId, id);
        _requireWallet(entry.contributor);
        if (entry.status != Status.Rejected) revert NotAppealable(id, entry.status);
        entry.status = Status.Appealed;
        emit ContributionAppealed(id, datanetId, entry.contributor, groundsHash);
    }

    /// @notice Withdraws the contributor's consent, for good. Versions published earlier stay, and what was earned stays
    /// earned; a later version must not contain the contribution.
    function withdrawConsent(bytes32 datanetId, bytes32[] calldata ids, bytes32 reasonHash)
        external
        batched(ids.length)
    {
        for (uint256 i = 0; i < ids.length; ++i) {
            Contribution storage entry = _entry(datanetId, ids[i]);
            _requireWallet(entry.contributor);
            if (entry.status == Status.Withdrawn) revert AlreadyWithdrawn(ids[i]);
            uint64 ordinal = entry.status == Status.Approved ? ++_datanets[datanetId].withdrawals : 0;
            entry.status = Status.Withdrawn;
            _tombstones[datanetId][ids[i]] = Tombstone(reasonHash, uint64(block.timestamp), ordinal);
            emit ConsentWithdrawn(ids[i], datanetId, entry.contributor, reasonHash, ordinal);
        }
    }

    function contributionOf(bytes32 datanetId, bytes32 id) external view returns (Contribution memory) {
        return _entry(datanetId, id);
    }

    /// @notice The tombstone of a contribution; all zero while consent stands.
    function tombstoneOf(bytes32 datanetId, bytes32 id) public view returns (Tombstone memory) {
        return _tombstones[datanetId][id];
    }

    function contributionIdOf(bytes32 datanetId, address contributor, bytes32 contentHash)
        public
        view
        returns (bytes32)
    {
        return keccak256(
            abi.encode(CONTRIBUTION_TAG, block.chainid, address(this), datanetId, contributor, contentHash)
        );
    }

    function _entry(bytes32 datanetId, bytes32 id) private view returns (Contribution storage entry) {
        entry = _contributions[datanetId][id];
        if (entry.status == Status.None) revert UnknownContribution(id);
    }

    function _requireReviewer(bytes32 datanetId) private view returns (address owner) {
        owner = _requireDatanet(datanetId);
        if (!isReviewer(datanetId, msg.sender)) revert NotReviewer(datanetId, msg.sender);
    }

    function _requireMayDecide(bytes32 datanetId, bytes32 id, Contribution storage entry, address owner) private view {
        Status status = entry.status;
        if (status == Status.Appealed) {
            if (msg.sender != owner) revert NotDatanetOwner(datanetId, msg.sender);
        } else if (status != Status.Proposed) {
            revert ContributionDecided(id, status);
        }
        // an owner may take its own rows into its own data; for a reviewer it would be judging its own case
        if (msg.sender == owner) return;
        address contributor = entry.contributor;
        if (msg.sender == contributor || msg.sender == payoutOf(contributor)) revert SelfReview(id, msg.sender);
    }
}
