// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {DatanetRegistry} from "../../../contracts/DatanetRegistry.sol";
import {Rfc6962} from "../../../contracts/libraries/Rfc6962.sol";
import {Recursion} from "./Rfc6962.t.sol";
import {RegistryTest} from "./Registry.sol";

/// Execution gas of every operation, kept as snapshots that show a change: without base fee and calldata, and with slots
/// warm from the step before. What a transaction costs on a node: `npx tsx bench/datanets.ts`.
contract DatanetGasTest is RegistryTest {
    uint256 private constant BATCH = 100;

    function test_gas_of_contributions_and_versions() public {
        bytes32[] memory contents = new bytes32[](BATCH);
        bytes32[] memory ids = new bytes32[](BATCH);
        bytes32[] memory leaves = new bytes32[](BATCH);
        for (uint256 i = 0; i < BATCH; ++i) {
            contents[i] = keccak256(abi.encode(i));
            ids[i] = registry.contributionIdOf(datanetId, alice.addr, contents[i]);
            leaves[i] = Rfc6962.leafHash(ids[i]);
        }
        vm.prank(alice.addr);
        registry.propose(datanetId, contents);
        snapshot("propose 100");
        vm.prank(reviewer.addr);
        registry.approveContributions(datanetId, ids);
        snapshot("approve 100");
        bytes32 rejected = propose(alice, "rejected");
        snapshot("propose one");
        vm.prank(reviewer.addr);
        registry.rejectContributions(datanetId, words(rejected), REASON);
        snapshot("reject one");
        vm.prank(alice.addr);
        registry.appeal(datanetId, rejected, "grounds");
        snapshot("appeal");
        vm.prank(owner.addr);
        registry.approveContributions(datanetId, words(rejected));
        snapshot("approve one");
        vm.prank(alice.addr);
        registry.withdrawConsent(datanetId, ids, REASON);
        snapshot("withdraw 100");
        DatanetRegistry.VersionDraft memory draft = draftOf(new bytes32[](0));
        (draft.contributionsRoot, draft.contributions) = (Recursion.mth(leaves, 0, BATCH), uint64(BATCH));
        vm.prank(owner.addr);
        bytes32 version = registry.publishVersion(draft, addresses(alice.addr));
        snapshot("publish a version, one contributor");
        bytes32[] memory path = Recursion.path(leaves, 42, 0, BATCH);
        registry.showViolation(version, ids[42], 42, path);
        snapshot("show a violation among 100");
        assertEq(registry.violationsOf(version), 1);
    }

    function test_gas_of_owners_and_wallets() public {
        vm.startPrank(owner.addr);
        registry.createDatanet("another");
        snapshot("create a datanet");
        registry.appointReviewers(datanetId, addresses(bob.addr));
        snapshot("appoint a reviewer");
        registry.publish("root", "manifest", 1, "MIT", addresses(alice.addr));
        snapshot("publish a data set alone, one contributor");
        registry.transferDatanet(datanetId, bob.addr);
        snapshot("offer a datanet");
        vm.stopPrank();
        vm.prank(bob.addr);
        registry.acceptDatanet(datanetId);
        snapshot("accept a datanet");
        requestFor(bob.addr);
        snapshot("request a wallet change");
        vm.prank(alice.addr);
        registry.cancelWalletChange(alice.addr);
        snapshot("cancel a wallet change");
        requestFor(bob.addr);
        vm.warp(vm.getBlockTimestamp() + 7 days);
        vm.prank(bob.addr);
        registry.acceptWallet(alice.addr);
        snapshot("accept a wallet");
        assertEq(registry.payoutOf(alice.addr), bob.addr);
        snapshot("payoutOf a moved wallet");
    }

    function requestFor(address newWallet) private {
        uint256 deadline = vm.getBlockTimestamp() + 1 hours;
        bytes32 digest = changeDigest(alice.addr, newWallet, registry.nonces(alice.addr), deadline);
        registry.requestWalletChange(alice.addr, newWallet, deadline, sign(alice, digest));
    }

    function snapshot(string memory operation) private {
        vm.snapshotGasLastCall("DatanetRegistry", operation);
    }
}
