/**
 * The index tree: one leaf per row, binding it to the data set, its contributor, its sketch and the running sum of its
 * slot, so that a wrong sum can be shown wrong at one index.
 */
import { FIELD_MODULUS, tag } from './constants.js';
import type { Hasher } from './poseidon.js';

export interface IndexLeaf {
  /** SHA-256 row hash as hex. */
  readonly rowHash: string;
  /** Payout address as hex. */
  readonly contributor: string;
  readonly rowCommitment: bigint;
  readonly prefixCommitment: bigint;
}

export function indexLeaf(hasher: Hasher, columns: number, leaf: IndexLeaf): bigint {
  return hasher.hash([
    tag('leaf', 0, columns),
    fieldOfHash(leaf.rowHash),
    BigInt(leaf.contributor),
    leaf.rowCommitment,
    leaf.prefixCommitment,
  ]);
}

/** Root of the binary Poseidon tree over the leaves, padded with 0 to a power of two. */
export function indexRoot(hasher: Hasher, leaves: readonly bigint[]): bigint {
  let level: bigint[] = [...leaves];
  let width = 1;
  while (width < level.length) width *= 2;
  let padding = 0n;
  for (; width > 1; width /= 2) {
    const next: bigint[] = [];
    for (let i = 0; i < level.length; i += 2) next.push(hasher.hash([level[i], level[i + 1] ?? padding]));
    padding = hasher.hash([padding, padding]);
    level = next;
  }
  return level[0] ?? 0n;
}

/** A SHA-256 hash (hex) as a field element: the integer modulo r. */
export function fieldOfHash(hex: string): bigint {
  return BigInt(`0x${hex}`) % FIELD_MODULUS;
}
