/**
 * The Merkle tree hash of RFC 6962, section 2.1, with inclusion proofs; verification follows RFC 9162, section 2.1.3.2.
 * The idea: built level by level, an unpaired last node moves up unchanged, which is the same tree as the RFC's
 * recursion at the largest power of two. The traps: leaf and node hashes carry different prefixes (else a node could be
 * passed off as a leaf), and a proof is only a proof for a known tree size.
 */
import { MeedError, sha256, sha256Bytes } from '../foundation/index.js';

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export interface HashTree {
  readonly size: number;
  /** Hex. */
  readonly root: string;
  /** Level 0 holds the leaf hashes, the last level the root. */
  readonly levels: readonly (readonly Uint8Array[])[];
}

/** The tree over leaves of any length; the root of no leaves is SHA-256 of nothing. */
export function hashTree(leaves: readonly Uint8Array[]): HashTree {
  const levels = [leaves.map((leaf) => sha256Bytes(LEAF, leaf))];
  for (let level = levels[0]; level.length > 1; ) {
    const above: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      above.push(i + 1 < level.length ? sha256Bytes(NODE, level[i], level[i + 1]) : level[i]);
    }
    levels.push(above);
    level = above;
  }
  const top = levels[levels.length - 1];
  return { size: leaves.length, root: top.length === 0 ? sha256() : hex(top[0]), levels };
}

/** The audit path of leaf `index`, hex, from the leaf upwards. @throws MeedError when there is no such leaf */
export function inclusionProof(tree: HashTree, index: number): string[] {
  if (!Number.isInteger(index) || index < 0 || index >= tree.size) {
    throw new MeedError(`Leaf ${index} is not in a tree of ${tree.size}`, `Name a leaf from 0 to ${tree.size - 1}`);
  }
  const path: string[] = [];
  for (let level = 0, i = index; level + 1 < tree.levels.length; level++, i >>= 1) {
    const sibling = tree.levels[level][i ^ 1];
    if (sibling) path.push(hex(sibling));
  }
  return path;
}

export interface InclusionClaim {
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly proof: readonly string[];
  readonly root: string;
}

/** Whether the leaf is at `index` of the tree of that size and root; malformed claims are simply false. */
export function verifyInclusion({ leaf, index, size, proof, root }: InclusionClaim): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= size || size >= 2 ** 31) return false;
  let position = index;
  let last = size - 1;
  let node = sha256Bytes(LEAF, leaf);
  for (const sibling of proof) {
    if (last === 0 || !/^[0-9a-f]{64}$/.test(sibling)) return false;
    const other = Buffer.from(sibling, 'hex');
    if (position % 2 === 1 || position === last) {
      node = sha256Bytes(NODE, other, node);
      while (position % 2 === 0 && position !== 0) {
        position >>= 1;
        last >>= 1;
      }
    } else {
      node = sha256Bytes(NODE, node, other);
    }
    position >>= 1;
    last >>= 1;
  }
  return last === 0 && hex(node) === root;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
