// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";

/// An ERC-20 that anybody may mint and that can be burned: the honest token of these tests.
contract OpenToken is ERC20Burnable {
    constructor() ERC20("Open", "OPEN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// Calls back whoever it was told to in the middle of each transfer.
contract CallingToken is OpenToken {
    address private _target;
    bytes private _call;
    bool public called;
    bool public refused;

    function onTransfer(address target, bytes calldata call) external {
        _target = target;
        _call = call;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_target == address(0)) return;
        address target = _target;
        _target = address(0);
        called = true;
        (bool ok,) = target.call(_call);
        refused = !ok;
    }
}

/// Fails in the way it was told to, or keeps a part of what is sent.
contract MoodyToken is OpenToken {
    enum Mood {
        Good,
        Reverting,
        ReturningFalse,
        TakingAFee
    }

    Mood public mood;

    error NotToday();

    function setMood(Mood mood_) external {
        mood = mood_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        if (mood == Mood.ReturningFalse) return false;
        return super.transfer(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (mood == Mood.Reverting) revert NotToday();
        if (mood == Mood.TakingAFee && from != address(0) && to != address(0)) {
            super._update(from, address(0), amount / 100);
            amount -= amount / 100;
        }
        super._update(from, to, amount);
    }
}
