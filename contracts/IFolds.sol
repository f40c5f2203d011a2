// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IReceipts} from "./IReceipts.sol";

/// @title Receipts of a book, folded by host: what the book asks of them when an epoch is opened
interface IFolds is IReceipts {
    /// @notice The book in which the receipts are posted.
    function book() external view returns (IReceipts);

    /// @notice Token units of a quantum: every fee is a whole number of them.
    function quantum() external view returns (uint96);

    /// @notice Most receipts of a posted batch.
    function receiptsPerBatch() external view returns (uint32);
}
