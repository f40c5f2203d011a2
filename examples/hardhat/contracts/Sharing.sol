// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

interface IToken {
    function balanceOf(address account) external view returns (uint256);
    function transfer(address to, uint256 amount) external returns (bool);
}

/// @title Halves of what it holds, for two accounts
/// @notice A contributor that stands for two people withdraws its credit to this contract (`withdrawTo`).
contract Sharing {
    error TransferFailed(address to, uint256 amount);

    event Shared(address indexed first, address indexed second, uint256 half);

    IToken public immutable token;
    address public immutable first;
    address public immutable second;

    constructor(IToken token_, address first_, address second_) {
        (token, first, second) = (token_, first_, second_);
    }

    /// @notice Pays out all that lies here, in equal parts; an odd unit stays for the next time. Anyone may call it.
    function share() external {
        uint256 half = token.balanceOf(address(this)) / 2;
        emit Shared(first, second, half);
        _pay(first, half);
        _pay(second, half);
    }

    /// @param amount units of the token
    function _pay(address to, uint256 amount) private {
        if (!token.transfer(to, amount)) revert TransferFailed(to, amount);
    }
}
