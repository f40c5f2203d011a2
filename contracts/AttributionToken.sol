// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title The unit in which fees are paid and votes are counted
/// @notice ERC-20 with Permit, Votes and a hard cap. The cap stays below 2^96, so that a fee always fits a uint96.
/// @dev Votes count nothing until the holder delegates (to itself, say).
contract AttributionToken is ERC20, ERC20Permit, ERC20Capped, ERC20Votes, Ownable {
    error CapExceedsFeeType(uint256 cap, uint256 maximum);

    /// @param cap most units that can ever exist
    /// @param owner may mint up to the cap
    constructor(uint256 cap, address owner)
        ERC20("Meed attribution token", "MEED")
        ERC20Permit("Meed attribution token")
        ERC20Capped(cap)
        Ownable(owner)
    {
        if (cap > type(uint96).max) revert CapExceedsFeeType(cap, type(uint96).max);
    }

    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    function nonces(address account) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(account);
    }

    function _update(address from, address to, uint256 amount) internal override(ERC20, ERC20Capped, ERC20Votes) {
        super._update(from, to, amount);
    }
}
