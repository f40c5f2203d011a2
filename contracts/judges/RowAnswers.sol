// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {Bn254} from "../libraries/Bn254.sol";
import {PoseidonHash} from "./PoseidonHash.sol";

/// @title A row's opening, written so that one hash shows it wrong
/// @notice An answer holds the words and salts of the row and of its running sum, the leaf's other values, the siblings, and every
/// hash on the way from them to the registered root. The contract looks at the shape and at the root, and hashes nothing: were
/// the values not those that were committed, one of the stated hashes would be wrong, and that one is recomputed.
/// @dev Steps, and `hashes`, in this order, with b = ceil(words / 15): b of the row's chain, b of the running sum's chain, the leaf,
/// the nodes from the leaf up. docs/protocol.md, "Commitments" and "Index tree", says what each hashes.
/// The trap: Poseidon takes x and x + r for the same, so values of r or more are refused: an answer has one form.
abstract contract RowAnswers {
    struct Answer {
        uint256 dataSetLeaf;
        uint256 contributor;
        /// The salt, then the words.
        uint256[] row;
        /// The salt, then the words.
        uint256[] prefix;
        /// From the leaf up, one a level.
        uint256[] siblings;
        uint256[] hashes;
    }

    /// Poseidon of two inputs, of five, and those that a chain over the words of a vector needs.
    struct Hashers {
        PoseidonHash node;
        PoseidonHash leaf;
        /// Of sixteen inputs, for all blocks of a chain but the last; the zero contract where there is one block.
        PoseidonHash block;
        PoseidonHash lastBlock;
    }

    error WrongHasher(PoseidonHash hasher, uint256 needed);
    error WrongShape();
    error WrongRoot(uint256 given, uint256 registered);
    error HashHolds(uint256 step);
    error UnknownStep(uint256 step, uint256 steps);

    uint256 private constant WORD_ENTRIES = 15;
    uint256 private constant RATE = 15;
    uint256 private constant LEAF_TAG = 3 << 64;

    /// d of the deployment's circuits.
    uint256 public immutable columns;
    PoseidonHash public immutable nodeHash;
    PoseidonHash public immutable leafHash;
    PoseidonHash public immutable blockHash_;
    PoseidonHash public immutable lastBlockHash;

    constructor(uint256 columns_, Hashers memory hashers) {
        columns = columns_;
        (nodeHash, leafHash) = (hashers.node, hashers.leaf);
        (blockHash_, lastBlockHash) = (hashers.block, hashers.lastBlock);
        uint256 words = _words();
        if (words == 0) revert WrongShape();
        _requireInputs(hashers.node, 2);
        _requireInputs(hashers.leaf, 5);
        _requireInputs(hashers.lastBlock, words - (_blocks() - 1) * RATE + 1);
        if (_blocks() > 1) _requireInputs(hashers.block, RATE + 1);
    }

    /// @notice Reverts unless the answer has the shape of an opening in a tree of so many rows, and ends at the root.
    function _requireShape(Answer calldata answer, uint256 rows, uint256 root) internal view {
        uint256 depth = 0;
        while (1 << depth < rows) ++depth;
        uint256 length = _words() + 1;
        uint256 steps = 2 * _blocks() + 1 + depth;
        bool whole = answer.row.length == length && answer.prefix.length == length
            && answer.siblings.length == depth && answer.hashes.length == steps;
        if (!whole) revert WrongShape();
        _requireElement(answer.dataSetLeaf);
        _requireElement(answer.contributor);
        _requireElements(answer.row);
        _requireElements(answer.prefix);
        _requireElements(answer.siblings);
        _requireElements(answer.hashes);
        if (answer.hashes[steps - 1] != root) revert WrongRoot(answer.hashes[steps - 1], root);
    }

    /// @notice Reverts unless the hash stated at a step is not that of what goes into it.
    function _requireWrong(Answer calldata answer, uint256 row, uint256 step) internal view {
        uint256 steps = answer.hashes.length;
        if (step >= steps) revert UnknownStep(step, steps);
        uint256 blocks = _blocks();
        uint256 found;
        if (step < blocks) found = _chainStep(answer.row, answer.hashes, 0, step);
        else if (step < 2 * blocks) found = _chainStep(answer.prefix, answer.hashes, blocks, step - blocks);
        else if (step == 2 * blocks) found = leafHash.hash(_leafInputs(answer));
        else found = nodeHash.hash(_nodeInputs(answer, row, step - 2 * blocks - 1));
        if (found == answer.hashes[step]) revert HashHolds(step);
    }

    /// @param from the step at which the chain begins
    function _chainStep(uint256[] calldata values, uint256[] calldata hashes, uint256 from, uint256 position)
        private
        view
        returns (uint256)
    {
        uint256 start = 1 + position * RATE;
        uint256 length = values.length - start < RATE ? values.length - start : RATE;
        uint256[] memory inputs = new uint256[](length + 1);
        inputs[0] = position == 0 ? values[0] : hashes[from + position - 1];
        for (uint256 i = 0; i < length; ++i) inputs[1 + i] = values[start + i];
        return (position + 1 == _blocks() ? lastBlockHash : blockHash_).hash(inputs);
    }

    function _leafInputs(Answer calldata answer) private view returns (uint256[] memory inputs) {
        uint256 blocks = _blocks();
        inputs = new uint256[](5);
        (inputs[0], inputs[1], inputs[2]) = (LEAF_TAG + columns, answer.dataSetLeaf, answer.contributor);
        (inputs[3], inputs[4]) = (answer.hashes[blocks - 1], answer.hashes[2 * blocks - 1]);
    }

    function _nodeInputs(Answer calldata answer, uint256 row, uint256 level)
        private
        view
        returns (uint256[] memory inputs)
    {
        uint256 below = answer.hashes[2 * _blocks() + level];
        uint256 sibling = answer.siblings[level];
        inputs = new uint256[](2);
        (inputs[0], inputs[1]) = (row >> level) & 1 == 0 ? (below, sibling) : (sibling, below);
    }

    /// @notice Field elements of a vector's entries, without its salt.
    function _words() private view returns (uint256) {
        return (columns + WORD_ENTRIES - 1) / WORD_ENTRIES;
    }

    /// @notice Permutations of a vector's chain.
    function _blocks() private view returns (uint256) {
        return (_words() + RATE - 1) / RATE;
    }

    function _requireInputs(PoseidonHash hasher, uint256 needed) private view {
        if (hasher.inputs() != needed) revert WrongHasher(hasher, needed);
    }

    function _requireElement(uint256 value) private pure {
        if (value >= Bn254.SCALAR_MODULUS) revert Bn254.NotAFieldElement(value);
    }

    function _requireElements(uint256[] calldata values) private pure {
        for (uint256 i = 0; i < values.length; ++i) _requireElement(values[i]);
    }
}
