import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { rowBytes, rowHash, rowHashes, rowTree } from '../../src/data/index.js';
import { smallDataset } from './fixture.js';

const row = { index: 258, contributor: 'çelik', label: -2, features: Float32Array.of(1, -0.5) };
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('rowHash', () => {
  it('hashes the documented bytes', () => {
    // "meed/row/v1" | 258 | 6 | ç is two bytes in UTF-8 | −2 | 1.0 | −0.5
    const expected = `6d6565642f726f772f7631 02010000 06000000 c3a7656c696b feffffff 0000803f 000000bf`.replaceAll(
      ' ',
      '',
    );
    expect(hex(rowBytes(row))).toBe(expected);
    expect(hex(rowHash(row))).toBe(createHash('sha256').update(Buffer.from(expected, 'hex')).digest('hex'));
  });

  it('changes with each of the four', () => {
    const others = [
      { ...row, index: 259 },
      { ...row, contributor: 'çelin' },
      { ...row, label: 2 },
      { ...row, features: Float32Array.of(1, -0.50000006) },
      { ...row, features: Float32Array.of(1, -0.5, 0) },
    ];
    const hashes = [row, ...others].map((each) => hex(rowHash(each)));
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('binds each row of a data set, in order, to the root', () => {
    const dataset = smallDataset();
    const hashes = rowHashes(dataset);
    expect(hex(hashes[4])).toBe(
      hex(rowHash({ index: 4, contributor: 'çelik', label: 0, features: Float32Array.of(9, 10) })),
    );
    const { root } = rowTree(hashes);
    for (let i = 0; i < dataset.train.features.length; i++) {
      const features = dataset.train.features.map((value, k) => (k === i ? value + 1 : value));
      expect(rowTree(rowHashes({ ...dataset, train: { ...dataset.train, features } })).root).not.toBe(root);
    }
  });
});
