// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IndexRegistry} from "./IndexRegistry.sol";
import {ProtocolTerms} from "./ProtocolTerms.sol";

/// @title The one token in which a contract is paid
interface IPaidIn {
    function token() external view returns (IERC20);
}

/// @title What a settlement asks of the receipts whose fees it splits
/// @notice An epoch has batches of Q positions each; a position has a fee, an output hash and, behind the batch's
/// commitment, a query vector. Each function is read once a call and reads no more storage than its answer needs.
interface IReceipts is IPaidIn {
    struct Summary {
        address settlement;
        /// 0 while the epoch is open.
        uint64 closedAt;
        /// Batches that the settlement must settle.
        uint32 batches;
        /// Version of the terms that hold for the epoch.
        uint24 terms;
        bytes32 index;
    }

    error UnknownEpoch(uint256 epoch);
    error UnknownBatch(uint256 epoch, uint256 batch);

    function indexes() external view returns (IndexRegistry);

    function protocolTerms() external view returns (ProtocolTerms);

    function summaryOf(uint256 epoch) external view returns (Summary memory);

    /// @notice What a settlement binds to a batch.
    function placeOf(uint256 epoch, uint256 batch)
        external
        view
        returns (address settlement, bool closed, bytes32 index, uint256 commitment);

    /// @notice keccak256(abi.encode(uint96[] fees, bytes32[] outputHashes)) of a batch, Q of each.
    function receiptsHashOf(uint256 epoch, uint256 batch) external view returns (bytes32);

    /// @notice Who gets how many token units back under this number when the epoch is refunded; numbered from 0.
    function refundOf(uint256 epoch, uint256 number) external view returns (address payer, uint96 fees);
}
