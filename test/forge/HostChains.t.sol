// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {HostChains} from "../../contracts/HostChains.sol";

/// Host chains by themselves, so that a host can come near its bounds.
contract Hosts is HostChains {
    function extend(uint256 epoch, address account, uint256 quantum, uint256 commitment, uint96[] memory fees) external {
        uint256 total = 0;
        for (uint256 i = 0; i < fees.length; ++i) total += fees[i];
        _extend(epoch, account, quantum, commitment, keccak256(abi.encode(fees)), fees, uint96(total));
    }
}

/// @notice What each host posted: in order, apart from others', within what a circuit can prove.
contract HostChainsTest is Test {
    uint256 private constant EPOCH = 3;
    uint256 private constant FEE_END = 2 ** 30;
    Hosts private hosts;

    function setUp() public {
        hosts = new Hosts();
    }

    function test_2Pow14ReceiptsAtTheLargestFeeAreTheMost() public {
        uint96[] memory most = _fees(2 ** 14, FEE_END - 1, 7);
        hosts.extend(EPOCH, address(1), 7, 5, most);
        uint96[] memory more = _fees(2 ** 14 + 1, FEE_END - 1, 7);
        uint256 tooMuch = 7 * (2 ** 14 + 1) * (FEE_END - 1);
        vm.expectRevert(abi.encodeWithSelector(HostChains.HostTooHeavy.selector, address(2), tooMuch));
        hosts.extend(EPOCH, address(2), 7, 5, more);
        // what is left of 2^44 quanta: 2^14 of them, less one
        hosts.extend(EPOCH, address(1), 7, 6, _fees(1, 2 ** 14 - 1, 7));
        vm.expectRevert(abi.encodeWithSelector(HostChains.HostTooHeavy.selector, address(1), 7 * 2 ** 44));
        hosts.extend(EPOCH, address(1), 7, 7, _fees(1, 1, 7));
    }

    function test_FeesOfAnyQuantumFitTheirSum() public {
        // the largest quantum of Folds: one more batch would not fit 96 bits
        uint256 quantum = 2 ** 52;
        hosts.extend(EPOCH, address(1), quantum, 5, _fees(2 ** 14, FEE_END - 1, quantum));
        HostChains.Host[] memory of_ = hosts.hostsOf(EPOCH, 0, 1);
        assertEq(of_[0].fees, quantum * 2 ** 14 * (FEE_END - 1));
    }

    function testFuzz_AFeeIsWholeQuantaBelow2Pow30(uint96 quantum, uint96 fee) public {
        quantum = uint96(bound(quantum, 1, 2 ** 52));
        uint96[] memory fees = new uint96[](2);
        fees[1] = fee;
        bool whole = fee % quantum == 0 && fee / quantum < FEE_END;
        if (!whole) vm.expectRevert(abi.encodeWithSelector(HostChains.FeeNotInQuanta.selector, 1, fee, quantum));
        hosts.extend(EPOCH, address(1), quantum, 5, fees);
        assertEq(hosts.hostCount(EPOCH), whole ? 1 : 0);
    }

    function testFuzz_HostsAreNumberedByTheirFirstBatchAndChainedApart(uint8[12] memory order) public {
        address[] memory seen = new address[](12);
        bytes32[] memory chains = new bytes32[](12);
        uint256[] memory paid = new uint256[](12);
        uint256 count = 0;
        for (uint256 b = 0; b < 12; ++b) {
            address account = address(uint160(1 + order[b] % 4));
            uint96[] memory fees = _fees(1, b, 1);
            hosts.extend(EPOCH, account, 1, 100 + b, fees);
            hosts.extend(EPOCH + 1, account, 1, 1, fees);
            uint256 at = 0;
            while (at < count && seen[at] != account) ++at;
            if (at == count) seen[count++] = account;
            chains[at] = keccak256(abi.encode(chains[at], 100 + b, keccak256(abi.encode(fees))));
            paid[at] += b;
        }
        assertEq(hosts.hostCount(EPOCH), count);
        HostChains.Host[] memory of_ = hosts.hostsOf(EPOCH, 0, count);
        for (uint256 i = 0; i < count; ++i) {
            assertEq(of_[i].account, seen[i]);
            assertEq(of_[i].chain, chains[i]);
            assertEq(of_[i].fees, paid[i]);
        }
    }

    function _fees(uint256 count, uint256 quanta, uint256 quantum) private pure returns (uint96[] memory fees) {
        fees = new uint96[](count);
        for (uint256 i = 0; i < count; ++i) fees[i] = uint96(quanta * quantum);
    }
}
