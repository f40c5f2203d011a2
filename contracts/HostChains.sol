// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Tariff} from "./libraries/Tariff.sol";

/// @title What each host posted in an epoch whose receipts fold
/// @notice A host is a payer. Its batches are a hash chain of their own, beside the epoch's accumulator, so that all that is
/// kept of ten thousand receipts is two words, and whoever folds them shows the same chain at the end.
/// @dev What a circuit could not prove is refused when it is posted: fees that are no whole quanta, receipts above 2^30 and
/// hosts of 2^44 quanta. A commitment that nobody can open cannot be told from another; it leads to the refund.
abstract contract HostChains {
    struct Host {
        address account;
        /// Token units of all its receipts.
        uint96 fees;
        /// keccak256(abi.encode(chain before, uint256 commitment, bytes32 receiptsHash)) over its batches, from zero.
        bytes32 chain;
    }

    uint256 private constant WEIGHT_BITS = 44;

    error FeeNotInQuanta(uint256 receipt, uint256 fee, uint256 quantum);
    error HostTooHeavy(address host, uint256 fees);
    error UnknownHost(uint256 epoch, address host);

    mapping(uint256 epoch => Host[]) private _hosts;
    /// From 1 on; 0 for whom has posted nothing.
    mapping(uint256 epoch => mapping(address account => uint256)) private _ordinalOf;

    /// @notice Number of hosts that posted in an epoch that folds; they are numbered from 0 by their first batch.
    function hostCount(uint256 epoch) public view returns (uint256) {
        return _hosts[epoch].length;
    }

    /// @notice Hosts number `first` to `end`, excluded.
    function hostsOf(uint256 epoch, uint256 first, uint256 end) external view returns (Host[] memory hosts) {
        hosts = new Host[](end - first);
        for (uint256 i = first; i < end; ++i) hosts[i - first] = _hosts[epoch][i];
    }

    function _hostOf(uint256 epoch, address account) internal view returns (uint256 number, Host storage host) {
        uint256 ordinal = _ordinalOf[epoch][account];
        if (ordinal == 0) revert UnknownHost(epoch, account);
        number = ordinal - 1;
        host = _hosts[epoch][number];
    }

    /// @notice Appends a batch to its host's chain.
    /// @param quantum token units of the epoch's quantum
    /// @param total of the fees, token units
    function _extend(
        uint256 epoch,
        address account,
        uint256 quantum,
        uint256 commitment,
        bytes32 receiptsHash,
        uint96[] memory fees,
        uint96 total
    ) internal {
        uint256 end = quantum * Tariff.QUANTA_END;
        uint256 count = fees.length;
        unchecked {
            for (uint256 i = 0; i < count; ++i) {
                uint256 fee = fees[i];
                if (fee >= end || fee % quantum != 0) revert FeeNotInQuanta(i, fee, quantum);
            }
        }
        Host[] storage hosts = _hosts[epoch];
        uint256 ordinal = _ordinalOf[epoch][account];
        if (ordinal == 0) {
            hosts.push().account = account;
            ordinal = hosts.length;
            _ordinalOf[epoch][account] = ordinal;
        }
        Host storage host = hosts[ordinal - 1];
        uint256 owed = uint256(host.fees) + total;
        if (owed >= quantum << WEIGHT_BITS || owed > type(uint96).max) revert HostTooHeavy(account, owed);
        host.fees = uint96(owed);
        host.chain = keccak256(abi.encode(host.chain, commitment, receiptsHash));
    }
}
