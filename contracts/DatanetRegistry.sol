// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Contributions} from "./datanet/Contributions.sol";
import {Rfc6962} from "./libraries/Rfc6962.sol";

/// @title Versions of data sets and who may be paid for them
/// @notice A version never changes. Its id hashes its content and its publisher, so nobody can take an id away by
/// publishing first. Versions of one datanet form a line: each names the one before it, and when the datanet changes
/// hands the old ones stay. No addresses of files and no personal data are kept here, only hashes.
/// @dev The contract sees no rows. What it can check about consent is this: a version names the root of the contributions
/// that it contains and says how many withdrawals it knew of; whoever shows that a contribution withdrawn among those
/// is under that root has shown a violation, which stays on record. A publisher who leaves a contribution out of
/// the root and its rows in the data is found by those who hold the rows, not here.
contract DatanetRegistry is Contributions {
    struct Dataset {
        address publisher;
        uint64 rows;
        /// Place in the line of its datanet, from 1.
        uint32 version;
        bytes32 root;
        bytes32 manifestHash;
        bytes32 datanetId;
        /// The version before it; zero for the first.
        bytes32 predecessor;
        bytes32 policyHash;
        /// RFC 6962 tree hash over the ids of its contributions; zero if there are none.
        bytes32 contributionsRoot;
        uint64 contributions;
        /// Withdrawals in the datanet that its publisher had to respect.
        uint64 withdrawalsSeen;
        /// Unix seconds.
        uint64 publishedAt;
        /// Accounts that were ever approved.
        uint64 approvals;
    }

    /// What a publisher says of a version.
    struct VersionDraft {
        bytes32 datanetId;
        /// The datanet's newest version; zero if there is none.
        bytes32 predecessor;
        /// RFC 6962 tree hash (SHA-256) over the row hashes.
        bytes32 root;
        /// Id of the data-set artefact.
        bytes32 manifestHash;
        uint64 rows;
        /// SPDX expression.
        string licence;
        /// Hash of the terms that contributors and users agreed to.
        bytes32 policyHash;
        /// RFC 6962 tree hash over the ids of the contributions in it; zero if there are none.
        bytes32 contributionsRoot;
        uint64 contributions;
        /// The datanet's number of withdrawals when the version was put together.
        uint64 withdrawalsSeen;
    }

    event DatasetPublished(
        bytes32 indexed datasetId,
        address indexed owner,
        bytes32 root,
        bytes32 manifestHash,
        uint64 rows,
        string licence
    );
    event VersionPublished(
        bytes32 indexed datasetId,
        bytes32 indexed datanetId,
        bytes32 indexed predecessor,
        uint32 version,
        bytes32 policyHash,
        bytes32 contributionsRoot,
        uint64 contributions,
        uint64 withdrawalsSeen
    );
    event ContributorApproved(bytes32 indexed datasetId, address indexed contributor);
    event ContributorRevoked(bytes32 indexed datasetId, address indexed contributor);
    event ViolationShown(bytes32 indexed datasetId, bytes32 indexed contributionId, address indexed reporter);

    error EmptyDataset();
    error TermsMissing();
    error DatasetAlreadyPublished(bytes32 datasetId);
    error UnknownDataset(bytes32 datasetId);
    error NotDatasetOwner(bytes32 datasetId, address caller);
    error ZeroContributor();
    error NotLatestVersion(bytes32 datanetId, bytes32 latest);
    error ContributionsRootMismatch(bytes32 contributionsRoot, uint64 contributions);
    error WithdrawalsNotSeen(uint64 seen, uint64 withdrawals);
    error ConsentStood(bytes32 datasetId, bytes32 contributionId);
    error NotContained(bytes32 datasetId, bytes32 contributionId);
    error ViolationKnown(bytes32 datasetId, bytes32 contributionId);

    bytes32 private constant VERSION_TAG = keccak256("meed/version/v1");

    mapping(bytes32 datasetId => Dataset) private _datasets;
    /// Twice the account's place, plus one while it is approved.
    mapping(bytes32 datasetId => mapping(address contributor => uint256)) private _approvals;
    /// Withdrawn contributions that were shown to be in a version.
    mapping(bytes32 datasetId => uint256) public violationsOf;
    mapping(bytes32 datasetId => mapping(bytes32 contributionId => bool)) public isViolation;

    /// @notice Publishes a data set that is nobody's contribution but its publisher's, as the first version of a datanet
    /// of its own.
    /// @param root RFC 6962 tree hash (SHA-256) over the row hashes
    /// @param manifestHash id of the data-set artefact
    /// @param licence SPDX expression
    /// @param contributors addresses that indexes of this version may name
    function publish(
        bytes32 root,
        bytes32 manifestHash,
        uint64 rows,
        string calldata licence,
        address[] calldata contributors
    ) external returns (bytes32 datasetId) {
        if (rows == 0 || root == 0 || manifestHash == 0) revert EmptyDataset();
        datasetId = idOf(msg.sender, root, manifestHash, rows, licence);
        if (_datasets[datasetId].rows != 0) revert DatasetAlreadyPublished(datasetId);
        Dataset memory dataset;
        dataset.datanetId = _createDatanet(datasetId);
        (dataset.root, dataset.manifestHash, dataset.rows) = (root, manifestHash, rows);
        _publish(datasetId, dataset, licence, contributors);
    }

    /// @notice Publishes the next version of a datanet; only its owner may. Refused when a consent was withdrawn since
    /// the version was put together: nobody is made to violate by a withdrawal that overtakes the publication.
    /// @param contributors addresses that indexes of this version may name
    function publishVersion(VersionDraft calldata draft, address[] calldata contributors)
        external
        returns (bytes32 datasetId)
    {
        _requireDatanetOwner(draft.datanetId);
        if (draft.rows == 0 || draft.root == 0 || draft.manifestHash == 0) revert EmptyDataset();
        if (bytes(draft.licence).length == 0 || draft.policyHash == 0) revert TermsMissing();
        if ((draft.contributionsRoot == 0) != (draft.contributions == 0)) {
            revert ContributionsRootMismatch(draft.contributionsRoot, draft.contributions);
        }
        Datanet storage datanet = _datanets[draft.datanetId];
        if (draft.predecessor != datanet.latest) revert NotLatestVersion(draft.datanetId, datanet.latest);
        if (draft.withdrawalsSeen != datanet.withdrawals) {
            revert WithdrawalsNotSeen(draft.withdrawalsSeen, datanet.withdrawals);
        }
        datasetId = versionIdOf(msg.sender, draft);
        Dataset memory dataset;
        (dataset.datanetId, dataset.root, dataset.manifestHash) = (draft.datanetId, draft.root, draft.manifestHash);
        (dataset.rows, dataset.policyHash, dataset.predecessor) = (draft.rows, draft.policyHash, draft.predecessor);
        (dataset.contributionsRoot, dataset.contributions) = (draft.contributionsRoot, draft.contributions);
        dataset.withdrawalsSeen = draft.withdrawalsSeen;
        _publish(datasetId, dataset, draft.licence, contributors);
    }

    /// @notice Admits more contributors; only the owner of the version's datanet may.
    function approve(bytes32 datasetId, address[] calldata contributors) external {
        _requireOwner(datasetId);
        _approve(datasetId, contributors);
    }

    /// @notice Bars contributors from indexes registered from now on; indexes already registered still pay them.
    function revoke(bytes32 datasetId, address[] calldata contributors) external {
        _requireOwner(datasetId);
        for (uint256 i = 0; i < contributors.length; ++i) {
            _approvals[datasetId][contributors[i]] &= ~uint256(1);
            emit ContributorRevoked(datasetId, contributors[i]);
        }
    }

    /// @notice Puts on record that a version contains a contribution whose consent had been withdrawn before, or that was
    /// withdrawn without ever having been approved. Anyone may, once for each such contribution.
    /// @param index place of the contribution's id among the leaves under the version's contributions root
    /// @param path siblings from the leaf upwards
    function showViolation(bytes32 datasetId, bytes32 contributionId, uint256 index, bytes32[] calldata path) external {
        Dataset storage dataset = _datasets[datasetId];
        if (dataset.rows == 0) revert UnknownDataset(datasetId);
        Tombstone memory tombstone = tombstoneOf(dataset.datanetId, contributionId);
        // withdrawn without ever having been approved: ordinal 0, it may be in no version at all
        bool withdrawnBefore = tombstone.withdrawnAt != 0 && tombstone.ordinal <= dataset.withdrawalsSeen;
        if (!withdrawnBefore) revert ConsentStood(datasetId, contributionId);
        if (!contains(datasetId, contributionId, index, path)) revert NotContained(datasetId, contributionId);
        if (isViolation[datasetId][contributionId]) revert ViolationKnown(datasetId, contributionId);
        isViolation[datasetId][contributionId] = true;
        ++violationsOf[datasetId];
        emit ViolationShown(datasetId, contributionId, msg.sender);
    }

    function datasetOf(bytes32 datasetId) external view returns (Dataset memory dataset) {
        dataset = _datasets[datasetId];
        if (dataset.rows == 0) revert UnknownDataset(datasetId);
    }

    function isApproved(bytes32 datasetId, address contributor) external view returns (bool) {
        return _approvals[datasetId][contributor] & 1 == 1;
    }

    /// @notice The contributor's place among those approved for a version, from 1, in the order of their first approval;
    /// zero while it is not approved. It never changes, so an index that names contributors in this order names each once.
    function placeOf(bytes32 datasetId, address contributor) external view returns (uint256) {
        uint256 approval = _approvals[datasetId][contributor];
        return approval & 1 == 1 ? approval >> 1 : 0;
    }

    /// @notice Who may approve and revoke contributors of a version: the present owner of its datanet.
    function ownerOf(bytes32 datasetId) public view returns (address) {
        bytes32 datanetId = _datasets[datasetId].datanetId;
        if (datanetId == 0) revert UnknownDataset(datasetId);
        return _datanets[datanetId].owner;
    }

    /// @notice Whether the contribution's id is the leaf at `index` under the version's contributions root.
    function contains(bytes32 datasetId, bytes32 contributionId, uint256 index, bytes32[] calldata path)
        public
        view
        returns (bool)
    {
        Dataset storage dataset = _datasets[datasetId];
        bytes32 leaf = Rfc6962.leafHash(contributionId);
        return Rfc6962.includes(dataset.contributionsRoot, dataset.contributions, leaf, index, path);
    }

    /// @notice Id of a data set published with `publish`.
    function idOf(address publisher, bytes32 root, bytes32 manifestHash, uint64 rows, string calldata licence)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(this), publisher, root, manifestHash, rows, licence));
    }

    /// @notice Id of a version published with `publishVersion`.
    function versionIdOf(address publisher, VersionDraft calldata draft) public view returns (bytes32) {
        return keccak256(abi.encode(VERSION_TAG, block.chainid, address(this), publisher, draft));
    }

    /// The datanet's newest version is part of an id, so no version is ever published twice.
    function _publish(
        bytes32 datasetId,
        Dataset memory dataset,
        string calldata licence,
        address[] calldata contributors
    ) private {
        Datanet storage datanet = _datanets[dataset.datanetId];
        dataset.publisher = msg.sender;
        dataset.version = ++datanet.versions;
        dataset.publishedAt = uint64(block.timestamp);
        datanet.latest = datasetId;
        _datasets[datasetId] = dataset;
        emit DatasetPublished(datasetId, msg.sender, dataset.root, dataset.manifestHash, dataset.rows, licence);
        emit VersionPublished(
            datasetId,
            dataset.datanetId,
            dataset.predecessor,
            dataset.version,
            dataset.policyHash,
            dataset.contributionsRoot,
            dataset.contributions,
            dataset.withdrawalsSeen
        );
        _approve(datasetId, contributors);
    }

    function _approve(bytes32 datasetId, address[] calldata contributors) private {
        uint64 approvals = _datasets[datasetId].approvals;
        for (uint256 i = 0; i < contributors.length; ++i) {
            if (contributors[i] == address(0)) revert ZeroContributor(); // zero marks an unused slot
            uint256 approval = _approvals[datasetId][contributors[i]];
            _approvals[datasetId][contributors[i]] = approval == 0 ? uint256(++approvals) << 1 | 1 : approval | 1;
            emit ContributorApproved(datasetId, contributors[i]);
        }
        _datasets[datasetId].approvals = approvals;
    }

    function _requireOwner(bytes32 datasetId) private view {
        if (msg.sender != ownerOf(datasetId)) revert NotDatasetOwner(datasetId, msg.sender);
    }
}
