/**
 * What a row is, as bytes: the SHA-256 of its position, owner, label and features, so that a row hash binds all four and
 * the data-set root binds every row (docs/protocol.md, Commitments). The layout has one reading: lengths before
 * variable parts, little endian throughout, floats as their IEEE 754 bits. The trap: -0 and 0 are different bytes, so a
 * loader must produce the same one on every machine.
 */
import { sha256Bytes } from '../foundation/index.js';
import type { Dataset } from './dataset.js';
import { type HashTree, hashTree } from './merkle.js';

const DOMAIN = new TextEncoder().encode('meed/row/v1');
const U32 = 4;

export interface Row {
  /** Position among the training rows. */
  readonly index: number;
  readonly contributor: string;
  readonly label: number;
  readonly features: Float32Array;
}

/** The canonical bytes: "meed/row/v1", index u32, name length u32, name UTF-8, label i32, features f32. */
export function rowBytes({ index, contributor, label, features }: Row): Uint8Array {
  const name = new TextEncoder().encode(contributor);
  const bytes = new Uint8Array(DOMAIN.length + U32 * (3 + features.length) + name.length);
  const view = new DataView(bytes.buffer);
  const afterName = DOMAIN.length + 2 * U32 + name.length;
  bytes.set(DOMAIN);
  view.setUint32(DOMAIN.length, index, true);
  view.setUint32(DOMAIN.length + U32, name.length, true);
  bytes.set(name, DOMAIN.length + 2 * U32);
  view.setInt32(afterName, label, true);
  features.forEach((feature, i) => {
    view.setFloat32(afterName + U32 * (i + 1), feature, true);
  });
  return bytes;
}

/** SHA-256 of the canonical bytes. */
export function rowHash(row: Row): Uint8Array {
  return sha256Bytes(rowBytes(row));
}

/** The hash of every training row, in order. */
export function rowHashes({ contributors, train }: Dataset): Uint8Array[] {
  const { features, labels, width } = train;
  return Array.from({ length: train.rows }, (_, index) =>
    rowHash({
      index,
      contributor: contributors[train.contributors[index]].name,
      label: labels[index],
      features: features.subarray(index * width, (index + 1) * width),
    }),
  );
}

/** The tree whose root names the data set; its leaves are the row hashes. */
export function rowTree(hashes: readonly Uint8Array[]): HashTree {
  return hashTree(hashes);
}
