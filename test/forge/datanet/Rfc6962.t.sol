// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Test} from "forge-std/Test.sol";
import {Rfc6962} from "../../../contracts/libraries/Rfc6962.sol";

/// Calldata for the library.
contract Verifier {
    function includes(bytes32 root, uint256 size, bytes32 leaf, uint256 index, bytes32[] calldata path)
        external
        pure
        returns (bool)
    {
        return Rfc6962.includes(root, size, leaf, index, path);
    }
}

/// The recursion of RFC 6962, section 2.1, word for word: what the iterative verifier is compared with.
library Recursion {
    function mth(bytes32[] memory leaves, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to - from == 1) return leaves[from];
        uint256 k = split(to - from);
        return sha256(bytes.concat(bytes1(0x01), mth(leaves, from, from + k), mth(leaves, from + k, to)));
    }

    function path(bytes32[] memory leaves, uint256 m, uint256 from, uint256 to)
        internal
        pure
        returns (bytes32[] memory siblings)
    {
        if (to - from == 1) return siblings;
        uint256 k = split(to - from);
        bytes32[] memory below = m < k ? path(leaves, m, from, from + k) : path(leaves, m - k, from + k, to);
        siblings = new bytes32[](below.length + 1);
        for (uint256 i = 0; i < below.length; ++i) {
            siblings[i] = below[i];
        }
        siblings[below.length] = m < k ? mth(leaves, from + k, to) : mth(leaves, from, from + k);
    }

    /// Largest power of two smaller than n.
    function split(uint256 n) private pure returns (uint256 k) {
        k = 1;
        while (2 * k < n) k *= 2;
    }
}

contract Rfc6962Test is Test {
    Verifier private verifier = new Verifier();

    /// The eight leaves of Certificate Transparency's reference tests, of different lengths.
    function publishedLeaves() private pure returns (bytes32[] memory hashes) {
        bytes[8] memory leaves = [
            bytes(hex""),
            hex"00",
            hex"10",
            hex"2021",
            hex"3031",
            hex"40414243",
            hex"5051525354555657",
            hex"606162636465666768696a6b6c6d6e6f"
        ];
        hashes = new bytes32[](8);
        for (uint256 i = 0; i < 8; ++i) {
            hashes[i] = sha256(bytes.concat(bytes1(0), leaves[i]));
        }
    }

    function test_the_published_roots_of_one_to_eight_leaves() public view {
        bytes32[8] memory roots = [
            bytes32(0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d),
            0xfac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125,
            0xaeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77,
            0xd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7,
            0x4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4,
            0x76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef,
            0xddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c,
            0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328
        ];
        bytes32[] memory leaves = publishedLeaves();
        for (uint256 size = 1; size <= 8; ++size) {
            for (uint256 m = 0; m < size; ++m) {
                bytes32[] memory path = Recursion.path(leaves, m, 0, size);
                assertTrue(verifier.includes(roots[size - 1], size, leaves[m], m, path));
            }
        }
    }

    function testFuzz_every_leaf_of_every_size_is_included_and_at_no_other_place(uint256 seed, uint256 size)
        public
        view
    {
        size = bound(size, 1, 40);
        bytes32[] memory leaves = leavesOf(seed, size);
        bytes32 root = Recursion.mth(leaves, 0, size);
        for (uint256 m = 0; m < size; ++m) {
            bytes32[] memory path = Recursion.path(leaves, m, 0, size);
            for (uint256 at = 0; at <= size; ++at) {
                assertEq(verifier.includes(root, size, leaves[m], at, path), at == m);
            }
        }
    }

    function testFuzz_one_changed_bit_anywhere_is_refused(uint256 seed, uint256 size, uint256 at, uint8 bit)
        public
        view
    {
        size = bound(size, 2, 300);
        bytes32[] memory leaves = leavesOf(seed, size);
        uint256 m = bound(at, 0, size - 1);
        bytes32 root = Recursion.mth(leaves, 0, size);
        bytes32[] memory path = Recursion.path(leaves, m, 0, size);
        bytes32 flip = bytes32(uint256(1) << bit);
        assertTrue(verifier.includes(root, size, leaves[m], m, path));
        assertFalse(verifier.includes(root ^ flip, size, leaves[m], m, path));
        assertFalse(verifier.includes(root, size, leaves[m] ^ flip, m, path));
        uint256 sibling = seed % path.length;
        path[sibling] ^= flip;
        assertFalse(verifier.includes(root, size, leaves[m], m, path));
    }

    function testFuzz_attack_path_cut_short_or_made_longer(uint256 seed, uint256 size, uint256 at) public view {
        size = bound(size, 2, 300);
        bytes32[] memory leaves = leavesOf(seed, size);
        uint256 m = bound(at, 0, size - 1);
        bytes32 root = Recursion.mth(leaves, 0, size);
        bytes32[] memory path = Recursion.path(leaves, m, 0, size);
        bytes32[] memory shorter = new bytes32[](path.length - 1);
        bytes32[] memory longer = new bytes32[](path.length + 1);
        for (uint256 i = 0; i < path.length; ++i) {
            if (i < shorter.length) shorter[i] = path[i];
            longer[i] = path[i];
        }
        assertFalse(verifier.includes(root, size, leaves[m], m, shorter));
        assertFalse(verifier.includes(root, size, leaves[m], m, longer));
    }

    /// The root of a subtree is a node; without the prefixes it would pass as a leaf of a smaller tree.
    function test_attack_node_passed_off_as_a_leaf() public view {
        bytes32 left = Rfc6962.leafHash(bytes32(uint256(1)));
        bytes32 right = Rfc6962.leafHash(bytes32(uint256(2)));
        bytes32 root = sha256(bytes.concat(bytes1(0x01), left, right));
        assertTrue(verifier.includes(root, 1, root, 0, new bytes32[](0))); // its hash is the root of one leaf: size decides
        assertFalse(verifier.includes(root, 2, root, 0, new bytes32[](0)));
        assertNotEq(sha256(bytes.concat(bytes1(0x00), left, right)), root);
    }

    function testFuzz_attack_zero_root_and_empty_tree_contain_nothing(bytes32 leaf, uint256 index) public view {
        assertFalse(verifier.includes(0, 0, leaf, index, new bytes32[](0)));
        assertFalse(verifier.includes(0, 0, 0, 0, new bytes32[](0)));
        assertFalse(verifier.includes(0, 1, Rfc6962.leafHash(leaf), 0, new bytes32[](0)));
    }

    function leavesOf(uint256 seed, uint256 size) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) {
            leaves[i] = keccak256(abi.encode(seed, i));
        }
    }
}
