// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Capped} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Capped.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Votes} from "@openzeppelin/contracts/governance/utils/Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";

/// @title The unit in which fees are paid and votes are counted
/// @notice ERC-20 with Permit, Votes, burning and a hard cap, 18 decimals. The cap stays below 2^96, so that a fee always
/// fits a uint96. A burnt unit is gone for good: the cap falls with it, so no later vote can mint it again.
/// @dev Votes count nothing until the holder delegates (to itself, say). Checkpoints are kept by timestamp (ERC-6372) and
/// not by block number: a voting week is a week on every chain, whatever its blocks take and whoever counts them.
contract AttributionToken is ERC20, ERC20Permit, ERC20Burnable, ERC20Capped, ERC20Votes, Ownable {
    error CapExceedsFeeType(uint256 cap, uint256 maximum);

    /// @notice Units burnt so far.
    uint256 public burned;

    /// @param cap_ most units that can ever exist
    /// @param owner may mint up to the cap: the deployer first, the timelock once governance stands
    constructor(uint256 cap_, address owner)
        ERC20("Meed attribution token", "MEED")
        ERC20Permit("Meed attribution token")
        ERC20Capped(cap_)
        Ownable(owner)
    {
        if (cap_ > type(uint96).max) revert CapExceedsFeeType(cap_, type(uint96).max);
    }

    /// @param amount units; with those minted before and never burnt, at most the cap
    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    /// @notice Most units that can exist from now on: the cap at deployment less all that was burnt.
    function cap() public view override returns (uint256) {
        return super.cap() - burned;
    }

    /// @notice Seconds since 1970.
    function clock() public view override(Votes) returns (uint48) {
        return Time.timestamp();
    }

    /// @inheritdoc Votes
    function CLOCK_MODE() public pure override(Votes) returns (string memory) {
        return "mode=timestamp";
    }

    function nonces(address account) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(account);
    }

    function _update(address from, address to, uint256 amount) internal override(ERC20, ERC20Capped, ERC20Votes) {
        super._update(from, to, amount);
        if (to == address(0)) burned += amount;
    }
}
