// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title Versions of data sets and who may be paid for them
/// @notice A version is its root, its manifest and its publisher: the id hashes all three, so nobody can take an id away
/// by publishing first. No addresses of files and no personal data are kept here, only hashes.
contract DatanetRegistry {
    struct Dataset {
        address owner;
        uint64 rows;
        bytes32 root;
        bytes32 manifestHash;
    }

    event DatasetPublished(
        bytes32 indexed datasetId,
        address indexed owner,
        bytes32 root,
        bytes32 manifestHash,
        uint64 rows,
        string licence
    );
    event ContributorApproved(bytes32 indexed datasetId, address indexed contributor);
    event ContributorRevoked(bytes32 indexed datasetId, address indexed contributor);

    error EmptyDataset();
    error DatasetAlreadyPublished(bytes32 datasetId);
    error UnknownDataset(bytes32 datasetId);
    error NotDatasetOwner(bytes32 datasetId, address caller);
    error ZeroContributor();

    mapping(bytes32 datasetId => Dataset) private _datasets;
    mapping(bytes32 datasetId => mapping(address contributor => bool)) public isApproved;

    /// @notice Publishes a version.
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
        if (_datasets[datasetId].owner != address(0)) revert DatasetAlreadyPublished(datasetId);
        _datasets[datasetId] = Dataset({owner: msg.sender, rows: rows, root: root, manifestHash: manifestHash});
        emit DatasetPublished(datasetId, msg.sender, root, manifestHash, rows, licence);
        _approve(datasetId, contributors);
    }

    /// @notice Admits more contributors; only the data set's owner may.
    function approve(bytes32 datasetId, address[] calldata contributors) external {
        _requireOwner(datasetId);
        _approve(datasetId, contributors);
    }

    /// @notice Bars contributors from indexes registered from now on; indexes already registered still pay them.
    function revoke(bytes32 datasetId, address[] calldata contributors) external {
        _requireOwner(datasetId);
        for (uint256 i = 0; i < contributors.length; ++i) {
            delete isApproved[datasetId][contributors[i]];
            emit ContributorRevoked(datasetId, contributors[i]);
        }
    }

    function datasetOf(bytes32 datasetId) external view returns (Dataset memory dataset) {
        dataset = _datasets[datasetId];
        if (dataset.owner == address(0)) revert UnknownDataset(datasetId);
    }

    function idOf(address publisher, bytes32 root, bytes32 manifestHash, uint64 rows, string calldata licence)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(this), publisher, root, manifestHash, rows, licence));
    }

    function _approve(bytes32 datasetId, address[] calldata contributors) private {
        for (uint256 i = 0; i < contributors.length; ++i) {
            if (contributors[i] == address(0)) revert ZeroContributor(); // zero marks an unused slot
            isApproved[datasetId][contributors[i]] = true;
            emit ContributorApproved(datasetId, contributors[i]);
        }
    }

    function _requireOwner(bytes32 datasetId) private view {
        address owner = _datasets[datasetId].owner;
        if (owner == address(0)) revert UnknownDataset(datasetId);
        if (owner != msg.sender) revert NotDatasetOwner(datasetId, msg.sender);
    }
}
