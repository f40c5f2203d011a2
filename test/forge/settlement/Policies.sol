// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {IPayoutPolicy} from "../../../contracts/IPayoutPolicy.sol";

/// What a settlement must survive: policies that give out what there is not, or answer for others than were asked about.
abstract contract CheatingPolicy is IPayoutPolicy {
    function weigh(uint256[] calldata, uint256[] calldata, bytes calldata, uint256)
        external
        pure
        returns (uint256[] memory)
    {
        return new uint256[](1);
    }

    function accountsOf(uint256[] calldata pools, bytes calldata rows, uint256 width) internal pure returns (uint256) {
        return rows.length / (width * pools.length);
    }

    function wholeOf(uint256[] calldata pools) internal pure returns (uint256 whole) {
        for (uint256 q = 0; q < pools.length; ++q) whole += pools[q];
    }
}

/// Every contributor gets all.
contract EverybodyGetsAll is CheatingPolicy {
    function share(uint256[] calldata pools, uint256[] calldata, bytes calldata rows, uint256 width)
        external
        pure
        returns (uint256[] memory amounts)
    {
        amounts = new uint256[](accountsOf(pools, rows, width));
        for (uint256 c = 0; c < amounts.length; ++c) amounts[c] = wholeOf(pools);
    }
}

/// The first gets a unit too much.
contract OneUnitTooMuch is CheatingPolicy {
    function share(uint256[] calldata pools, uint256[] calldata, bytes calldata rows, uint256 width)
        external
        pure
        returns (uint256[] memory amounts)
    {
        amounts = new uint256[](accountsOf(pools, rows, width));
        amounts[0] = wholeOf(pools) + 1;
    }
}

/// Answers for one account less.
contract OneAccountLess is CheatingPolicy {
    function share(uint256[] calldata pools, uint256[] calldata, bytes calldata rows, uint256 width)
        external
        pure
        returns (uint256[] memory amounts)
    {
        amounts = new uint256[](accountsOf(pools, rows, width) - 1);
    }
}

/// Gives nobody anything: allowed, and all of it is dust.
contract NobodyGetsAnything is CheatingPolicy {
    function share(uint256[] calldata pools, uint256[] calldata, bytes calldata rows, uint256 width)
        external
        pure
        returns (uint256[] memory amounts)
    {
        amounts = new uint256[](accountsOf(pools, rows, width));
    }
}
