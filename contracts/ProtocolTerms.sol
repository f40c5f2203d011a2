// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IPayoutPolicy} from "./IPayoutPolicy.sol";
import {FeeSplit} from "./libraries/FeeSplit.sol";

/// @title Every fee, split, window and role that governance may change
/// @notice Versions are kept for ever and numbered from 0. An epoch keeps the version that was current when it was opened,
/// and an index pays under the window and the bond at its registration: a vote changes what comes, never what was agreed.
/// @dev The owner is the timelock. It can move nobody's money: the contracts that hold money only read here.
contract ProtocolTerms is Ownable {
    struct Terms {
        /// Of a fee, before anything else, in basis points.
        uint16 platformBps;
        /// Of the rest: model owner, stakers, contributors; exactly 10000 together.
        uint16 betaBps;
        uint16 gammaBps;
        uint16 deltaBps;
        /// Gets the platform's part and dust.
        address treasury;
        /// Seconds from an epoch's close until its payers may take their fees back.
        uint32 refundTimeout;
        /// Gets the stakers' part.
        address stakers;
        /// Token units behind each index during its window.
        uint96 indexBond;
        /// Shares the contributors' part.
        IPayoutPolicy policy;
        /// Seconds after which anyone may close an open epoch.
        uint32 longestOpen;
        /// Seconds between an index's registration and its first payout; 0 on a development chain.
        uint32 challengeWindow;
    }

    event TermsSet(uint256 indexed version, Terms terms);

    error PartsNotWhole(uint256 basisPoints);
    error ZeroAddress();
    error NotAPolicy(IPayoutPolicy policy);
    error UnknownVersion(uint256 version);

    Terms[] private _versions;

    /// @param owner may set further versions: the deployer first, the timelock once governance stands
    constructor(Terms memory first, address owner) Ownable(owner) {
        _set(first);
    }

    /// @notice Sets what holds from now on.
    function set(Terms calldata next) external onlyOwner {
        _set(next);
    }

    /// @notice Number of the version that holds now.
    function current() public view returns (uint24) {
        return uint24(_versions.length - 1);
    }

    function at(uint256 version) external view returns (Terms memory) {
        if (version >= _versions.length) revert UnknownVersion(version);
        return _versions[version];
    }

    /// @notice What a registration of an index asks for.
    function indexTerms() external view returns (uint96 bond, uint32 challengeWindow) {
        Terms storage now_ = _versions[_versions.length - 1];
        return (now_.indexBond, now_.challengeWindow);
    }

    function _set(Terms memory next) private {
        uint256 parts = uint256(next.betaBps) + next.gammaBps + next.deltaBps;
        if (parts != FeeSplit.BASIS_POINTS) revert PartsNotWhole(parts);
        if (next.platformBps > FeeSplit.BASIS_POINTS) revert PartsNotWhole(next.platformBps);
        if (next.treasury == address(0) || next.stakers == address(0)) revert ZeroAddress();
        if (address(next.policy).code.length == 0) revert NotAPolicy(next.policy);
        if (_versions.length > type(uint24).max) revert UnknownVersion(_versions.length);
        _versions.push(next);
        emit TermsSet(_versions.length - 1, next);
    }
}
