// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title What an inference costs by its tokens
/// @notice (T_in / 1000)·R_in + (T_out / 1000)·R_out + platform, in quanta: the sum of the two products is divided once,
/// rounded down, so the payer keeps what is left of a quantum.
/// @dev A fee stays below 2^30 quanta, so that the fees of 2^14 receipts of a fold stay below 2^44 and no sum overflows.
library Tariff {
    /// Quanta per thousand tokens, and per inference.
    struct Rates {
        uint64 input;
        uint64 output;
        uint64 platform;
    }

    /// Token units of a quantum.
    uint256 internal constant QUANTUM = 10 ** 9;
    uint256 internal constant QUANTA_END = 2 ** 30;

    error FeeTooLarge(uint256 quanta);

    /// @return fee in token units
    function feeOf(Rates memory rates, uint256 tokensIn, uint256 tokensOut) internal pure returns (uint96 fee) {
        uint256 quanta = (tokensIn * rates.input + tokensOut * rates.output) / 1000 + rates.platform;
        if (quanta >= QUANTA_END) revert FeeTooLarge(quanta);
        fee = uint96(quanta * QUANTUM);
    }
}
