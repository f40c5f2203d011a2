// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

/// @title Inclusion in the Merkle tree hash of RFC 6962, section 2.1
/// @notice SHA-256, leaves prefixed by 0 and nodes by 1, so that a node cannot be passed off as a leaf. Verification
/// follows RFC 9162, section 2.1.3.2. A path proves something only for a known tree size, so the size has to be one
/// that was registered together with the root.
library Rfc6962 {
    /// @notice Hash of a leaf whose content is one word.
    function leafHash(bytes32 content) internal pure returns (bytes32) {
        return sha256(bytes.concat(bytes1(0), content));
    }

    /// @notice Whether the leaf stands at `index` of the tree of that size and root; malformed claims are simply false,
    /// and so is everything about a tree without leaves.
    /// @param leaf hash of the leaf, prefix included
    /// @param path siblings from the leaf upwards
    function includes(bytes32 root, uint256 size, bytes32 leaf, uint256 index, bytes32[] calldata path)
        internal
        pure
        returns (bool)
    {
        if (index >= size) return false;
        uint256 last = size - 1;
        bytes32 node = leaf;
        for (uint256 i = 0; i < path.length; ++i) {
            if (last == 0) return false; // longer than the tree is high
            if (index & 1 == 1 || index == last) {
                node = _nodeHash(path[i], node);
                while (index & 1 == 0 && index != 0) {
                    index >>= 1;
                    last >>= 1;
                }
            } else {
                node = _nodeHash(node, path[i]);
            }
            index >>= 1;
            last >>= 1;
        }
        return last == 0 && node == root;
    }

    function _nodeHash(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(bytes.concat(bytes1(uint8(1)), left, right));
    }
}
