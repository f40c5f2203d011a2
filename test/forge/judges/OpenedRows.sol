// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity 0.8.34;

import {RowAnswers} from "../../../contracts/judges/RowAnswers.sol";
import {JudgesWorld} from "./JudgesWorld.sol";

/// An index with every commitment opened, hashed step by step as docs/protocol.md says: what its honest owner answers.
abstract contract OpenedRows is JudgesWorld {
    /// Openings of all rows without siblings and nodes.
    RowAnswers.Answer[] private _opened;
    uint256[][] private _levels;

    /// The root of a new tree over rows of any words.
    function openRows(uint256 columns, uint256 rows) internal returns (uint256) {
        delete _opened;
        delete _levels;
        uint256[] memory level = new uint256[](_padded(rows));
        for (uint256 i = 0; i < rows; ++i) {
            RowAnswers.Answer storage at = _opened.push();
            (at.dataSetLeaf, at.contributor) = (_element("leaf", i), _element("contributor", i) >> 94);
            (at.row, at.prefix) = (_vector("row", columns, i), _vector("prefix", columns, i));
            uint256 row = _chain(at.row, at.hashes);
            uint256 prefix = _chain(at.prefix, at.hashes);
            uint256[] memory inputs = new uint256[](5);
            (inputs[0], inputs[1], inputs[2]) = ((3 << 64) + columns, at.dataSetLeaf, at.contributor);
            (inputs[3], inputs[4]) = (row, prefix);
            level[i] = poseidon(5).hash(inputs);
            at.hashes.push(level[i]);
        }
        while (level.length > 1) {
            _levels.push(level);
            uint256[] memory above = new uint256[](level.length / 2);
            for (uint256 i = 0; i < above.length; ++i) above[i] = _node(level[2 * i], level[2 * i + 1]);
            level = above;
        }
        return level[0];
    }

    /// What is to be answered for a row.
    function answerOf(uint256 row) internal returns (RowAnswers.Answer memory answer) {
        answer = _opened[row];
        uint256 depth = _levels.length;
        uint256 known = answer.hashes.length;
        answer.siblings = new uint256[](depth);
        uint256[] memory hashes = new uint256[](known + depth);
        for (uint256 i = 0; i < known; ++i) hashes[i] = answer.hashes[i];
        uint256 at = row;
        for (uint256 l = 0; l < depth; ++l) {
            answer.siblings[l] = _levels[l][at ^ 1];
            hashes[known + l] = _node(_levels[l][at & ~uint256(1)], _levels[l][at | 1]);
            at >>= 1;
        }
        answer.hashes = hashes;
    }

    function _chain(uint256[] memory values, uint256[] storage hashes) private returns (uint256 state) {
        state = values[0];
        for (uint256 from = 1; from < values.length; from += 15) {
            uint256 length = values.length - from < 15 ? values.length - from : 15;
            uint256[] memory inputs = new uint256[](length + 1);
            inputs[0] = state;
            for (uint256 i = 0; i < length; ++i) inputs[1 + i] = values[from + i];
            state = poseidon(length + 1).hash(inputs);
            hashes.push(state);
        }
    }

    function _node(uint256 left, uint256 right) private returns (uint256) {
        uint256[] memory inputs = new uint256[](2);
        (inputs[0], inputs[1]) = (left, right);
        return poseidon(2).hash(inputs);
    }

    function _vector(string memory what, uint256 columns, uint256 row) private pure returns (uint256[] memory values) {
        values = new uint256[](1 + (columns + 14) / 15);
        for (uint256 i = 0; i < values.length; ++i) values[i] = _element(what, 1000 * row + i);
    }

    function _element(string memory what, uint256 i) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(what, i))) >> 8;
    }

    function _padded(uint256 rows) private pure returns (uint256 leaves) {
        leaves = 1;
        while (leaves < rows) leaves *= 2;
    }
}
