// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title Datanets: who owns a family of data sets and who reviews for it
/// @notice A datanet outlives its versions. It changes hands in two steps, so that it cannot be given to an address
/// that nobody holds. Reviewers are named by an owner and go with that owner: who takes a datanet over starts with none.
abstract contract Datanets {
    struct Datanet {
        address owner;
        /// Versions published.
        uint32 versions;
        /// Contributions that were approved and whose consent was withdrawn.
        uint64 withdrawals;
        /// Zero while nothing is offered.
        address pendingOwner;
        /// The newest version; zero before the first.
        bytes32 latest;
    }

    event DatanetCreated(bytes32 indexed datanetId, address indexed owner, bytes32 salt);
    event DatanetTransferStarted(bytes32 indexed datanetId, address indexed previousOwner, address indexed newOwner);
    event DatanetTransferred(bytes32 indexed datanetId, address indexed previousOwner, address indexed newOwner);
    event ReviewerAppointed(bytes32 indexed datanetId, address indexed owner, address indexed reviewer);
    event ReviewerDismissed(bytes32 indexed datanetId, address indexed owner, address indexed reviewer);

    error DatanetAlreadyCreated(bytes32 datanetId);
    error UnknownDatanet(bytes32 datanetId);
    error NotDatanetOwner(bytes32 datanetId, address caller);
    error NotPendingOwner(bytes32 datanetId, address caller);
    error NotReviewer(bytes32 datanetId, address caller);

    bytes32 private constant DATANET_TAG = keccak256("meed/datanet/v1");

    mapping(bytes32 datanetId => Datanet) internal _datanets;
    mapping(bytes32 datanetId => mapping(address owner => mapping(address reviewer => bool))) private _reviewers;

    /// @notice Creates a datanet of the caller's.
    /// @param salt any word of the caller's choice; it tells its datanets apart
    function createDatanet(bytes32 salt) external returns (bytes32 datanetId) {
        return _createDatanet(salt);
    }

    /// @notice Offers the datanet to a new owner, which has to accept; zero takes an offer back.
    function transferDatanet(bytes32 datanetId, address newOwner) external {
        _requireDatanetOwner(datanetId);
        _datanets[datanetId].pendingOwner = newOwner;
        emit DatanetTransferStarted(datanetId, msg.sender, newOwner);
    }

    function acceptDatanet(bytes32 datanetId) external {
        Datanet storage datanet = _datanets[datanetId];
        if (msg.sender != datanet.pendingOwner) revert NotPendingOwner(datanetId, msg.sender);
        emit DatanetTransferred(datanetId, datanet.owner, msg.sender);
        datanet.owner = msg.sender;
        delete datanet.pendingOwner;
    }

    /// @notice Names accounts that may approve and reject contributions for as long as the caller owns the datanet.
    function appointReviewers(bytes32 datanetId, address[] calldata reviewers) external {
        _requireDatanetOwner(datanetId);
        for (uint256 i = 0; i < reviewers.length; ++i) {
            _reviewers[datanetId][msg.sender][reviewers[i]] = true;
            emit ReviewerAppointed(datanetId, msg.sender, reviewers[i]);
        }
    }

    function dismissReviewers(bytes32 datanetId, address[] calldata reviewers) external {
        _requireDatanetOwner(datanetId);
        for (uint256 i = 0; i < reviewers.length; ++i) {
            delete _reviewers[datanetId][msg.sender][reviewers[i]];
            emit ReviewerDismissed(datanetId, msg.sender, reviewers[i]);
        }
    }

    function datanetOf(bytes32 datanetId) external view returns (Datanet memory datanet) {
        datanet = _datanets[datanetId];
        if (datanet.owner == address(0)) revert UnknownDatanet(datanetId);
    }

    /// @notice Whether the account may decide about contributions now: the owner, or a reviewer that it named.
    function isReviewer(bytes32 datanetId, address account) public view returns (bool) {
        address owner = _datanets[datanetId].owner;
        return owner != address(0) && (account == owner || _reviewers[datanetId][owner][account]);
    }

    /// @notice The creator is part of the id, so that nobody can take it by creating first.
    function datanetIdOf(address creator, bytes32 salt) public view returns (bytes32) {
        return keccak256(abi.encode(DATANET_TAG, block.chainid, address(this), creator, salt));
    }

    function _createDatanet(bytes32 salt) internal returns (bytes32 datanetId) {
        datanetId = datanetIdOf(msg.sender, salt);
        if (_datanets[datanetId].owner != address(0)) revert DatanetAlreadyCreated(datanetId);
        _datanets[datanetId].owner = msg.sender;
        emit DatanetCreated(datanetId, msg.sender, salt);
    }

    function _requireDatanetOwner(bytes32 datanetId) internal view {
        address owner = _requireDatanet(datanetId);
        if (msg.sender != owner) revert NotDatanetOwner(datanetId, msg.sender);
    }

    function _requireDatanet(bytes32 datanetId) internal view returns (address owner) {
        owner = _datanets[datanetId].owner;
        if (owner == address(0)) revert UnknownDatanet(datanetId);
    }
}
