/**
 * Positions in the binary Poseidon(2) tree of `indexRoot`, padded with 0 to a power of two: the siblings on the way from a
 * leaf to the root, lowest first.
 * The trap: a path says nothing without the tree's depth, since at another depth the same index is another node; who
 * checks a path takes the depth from the number of leaves that was registered.
 */
import { MeedError } from '../../foundation/index.js';
import type { Hasher } from './poseidon.js';

/** Levels below the root: ceil(log2(leaves)). */
export function treeDepth(leaves: number): number {
  return leaves <= 1 ? 0 : Math.ceil(Math.log2(leaves));
}

/**
 * Siblings of the leaf, one a level. Hashes the whole tree.
 * @throws MeedError when the index is not of a leaf or its padding
 */
export function merklePath(hasher: Hasher, leaves: readonly bigint[], index: number): bigint[] {
  const depth = treeDepth(leaves.length);
  if (!Number.isInteger(index) || index < 0 || index >= 2 ** depth) {
    throw new MeedError(`There is no leaf ${index} in a tree of ${leaves.length}`, 'Take an index of the tree');
  }
  const siblings: bigint[] = [];
  let level = leaves;
  let padding = 0n;
  for (let l = 0, at = index; l < depth; l++, at >>= 1) {
    siblings.push(level[at ^ 1] ?? padding);
    const next: bigint[] = [];
    for (let i = 0; i < level.length; i += 2) next.push(hasher.hash([level[i], level[i + 1] ?? padding]));
    padding = hasher.hash([padding, padding]);
    level = next;
  }
  return siblings;
}

/** The root above a leaf at that index, by its siblings. */
export function rootOfPath(hasher: Hasher, leaf: bigint, index: number, siblings: readonly bigint[]): bigint {
  return siblings.reduce(
    (node, sibling, l) => hasher.hash(Math.floor(index / 2 ** l) % 2 === 0 ? [node, sibling] : [sibling, node]),
    leaf,
  );
}
