// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {DatanetRegistry} from "../../../contracts/DatanetRegistry.sol";
import {Rfc6962} from "../../../contracts/libraries/Rfc6962.sol";

/// What the tests of the registry share: a registry, people with keys, and the small moves that every story starts with.
abstract contract RegistryTest is Test {
    struct Person {
        address addr;
        uint256 key;
    }

    DatanetRegistry internal registry;
    Person internal owner = person("owner");
    Person internal alice = person("alice");
    Person internal bob = person("bob");
    Person internal reviewer = person("reviewer");
    Person internal stranger = person("stranger");
    bytes32 internal datanetId;
    bytes32 internal constant REASON = keccak256("a reason");

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        registry = new DatanetRegistry();
        vm.startPrank(owner.addr);
        datanetId = registry.createDatanet("weather");
        registry.appointReviewers(datanetId, addresses(reviewer.addr));
        vm.stopPrank();
    }

    function person(string memory name) internal returns (Person memory) {
        (address addr, uint256 key) = makeAddrAndKey(name);
        return Person(addr, key);
    }

    function addresses(address one) internal pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = one;
    }

    function words(bytes32 one) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](1);
        list[0] = one;
    }

    function propose(Person memory who, bytes32 content) internal returns (bytes32 id) {
        vm.prank(who.addr);
        registry.propose(datanetId, words(content));
        return registry.contributionIdOf(datanetId, who.addr, content);
    }

    function approved(Person memory who, bytes32 content) internal returns (bytes32 id) {
        id = propose(who, content);
        vm.prank(reviewer.addr);
        registry.approveContributions(datanetId, words(id));
    }

    function withdraw(Person memory who, bytes32 id) internal {
        vm.prank(who.addr);
        registry.withdrawConsent(datanetId, words(id), REASON);
    }

    function statusOf(bytes32 id) internal view returns (DatanetRegistry.Status) {
        return registry.contributionOf(datanetId, id).status;
    }

    /// A draft that is right as the registry stands, with these contributions under its root.
    function draftOf(bytes32[] memory ids) internal view returns (DatanetRegistry.VersionDraft memory draft) {
        DatanetRegistry.Datanet memory datanet = registry.datanetOf(datanetId);
        draft.datanetId = datanetId;
        draft.predecessor = datanet.latest;
        draft.root = keccak256(abi.encode("rows", datanet.versions));
        draft.manifestHash = keccak256(abi.encode("manifest", datanet.versions));
        draft.rows = 100;
        draft.licence = "CC-BY-4.0";
        draft.policyHash = keccak256("policy");
        draft.contributionsRoot = ids.length == 0 ? bytes32(0) : rootOf(ids);
        draft.contributions = uint64(ids.length);
        draft.withdrawalsSeen = datanet.withdrawals;
    }

    function publish(bytes32[] memory ids) internal returns (bytes32 datasetId) {
        DatanetRegistry.VersionDraft memory draft = draftOf(ids);
        vm.prank(registry.datanetOf(datanetId).owner);
        return registry.publishVersion(draft, new address[](0));
    }

    /// RFC 6962 over at most two ids, by hand.
    function rootOf(bytes32[] memory ids) internal pure returns (bytes32) {
        bytes32 first = Rfc6962.leafHash(ids[0]);
        if (ids.length == 1) return first;
        assert(ids.length == 2);
        return sha256(bytes.concat(bytes1(0x01), first, Rfc6962.leafHash(ids[1])));
    }

    function two(bytes32 a, bytes32 b) internal pure returns (bytes32[] memory list) {
        list = new bytes32[](2);
        (list[0], list[1]) = (a, b);
    }

    /// EIP-712, written out.
    function changeDigest(address contributor, address newWallet, uint256 nonce, uint256 deadline)
        internal
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("Meed DatanetRegistry"),
                keccak256("1"),
                block.chainid,
                address(registry)
            )
        );
        bytes32 message = keccak256(
            abi.encode(
                keccak256("WalletChange(address contributor,address newWallet,uint256 nonce,uint256 deadline)"),
                contributor,
                newWallet,
                nonce,
                deadline
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, message));
    }

    function sign(Person memory signer, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signer.key, digest);
        return abi.encodePacked(r, s, v);
    }
}
