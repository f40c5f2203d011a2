/**
 * Positions in the binary Poseidon(2) tree of `indexRoot`, padded with 0 to a power of two: the siblings on the way from a
 * leaf to the root, lowest first. The tree is hashed once and kept, as many paths are wanted of one tree.
 * The trap: a path says nothing without the tree's depth, since at another depth the same index is another node; who
 * checks a path takes the depth from the number of leaves that was registered.
 */
import { MeedError } from '../../foundation/index.js';
import type { Hasher } from './poseidon.js';

export interface MerkleTree {
  /** Levels below the root: ceil(log2(leaves)). */
  readonly depth: number;
  /** Nodes without padding, the leaves first, `depth` levels of them. */
  readonly levels: readonly (readonly bigint[])[];
  /** The node that fills each level up. */
  readonly padding: readonly bigint[];
  readonly root: bigint;
}

export function treeDepth(leaves: number): number {
  return leaves <= 1 ? 0 : Math.ceil(Math.log2(leaves));
}

export function merkleTree(hasher: Hasher, leaves: readonly bigint[]): MerkleTree {
  const depth = treeDepth(leaves.length);
  const levels: (readonly bigint[])[] = [];
  const padding: bigint[] = [];
  let [level, filler] = [leaves, 0n];
  for (let l = 0; l < depth; l++) {
    levels.push(level);
    padding.push(filler);
    const next: bigint[] = [];
    for (let i = 0; i < level.length; i += 2) next.push(hasher.hash([level[i], level[i + 1] ?? filler]));
    filler = hasher.hash([filler, filler]);
    level = next;
  }
  return { depth, levels, padding, root: level[0] ?? 0n };
}

/**
 * Siblings of the leaf, one a level.
 * @throws MeedError when the index is not of a leaf or its padding
 */
export function merklePath({ depth, levels, padding }: MerkleTree, index: number): bigint[] {
  if (!Number.isInteger(index) || index < 0 || index >= 2 ** depth) {
    throw new MeedError(`There is no leaf ${index} in a tree of ${depth} levels`, 'Take an index of the tree');
  }
  return levels.map((level, l) => level[Math.floor(index / 2 ** l) ^ 1] ?? padding[l]);
}

/** The root above a leaf at that index, by its siblings. */
export function rootOfPath(hasher: Hasher, leaf: bigint, index: number, siblings: readonly bigint[]): bigint {
  return siblings.reduce(
    (node, sibling, l) => hasher.hash(Math.floor(index / 2 ** l) % 2 === 0 ? [node, sibling] : [sibling, node]),
    leaf,
  );
}
