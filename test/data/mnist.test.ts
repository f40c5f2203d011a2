import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignCollectors, COLLECTED_ROWS, collectors } from '../../datasets/mnist/assign.js';
import { readIdx } from '../../datasets/mnist/idx.js';
import { mnist } from '../../datasets/mnist.js';
import { rowsPerContributor } from '../../src/data/index.js';
import { MeedError, Random, silent } from '../../src/foundation/index.js';
import { refusal } from './fixture.js';

const folder = process.env.MEED_DATASETS;
if (folder === undefined) console.log('MNIST: tests on the real files are skipped, MEED_DATASETS names no folder');

const idx = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6);
const changed = (place: number, value: number) => idx.map((byte, i) => (i === place ? value : byte));

describe('readIdx', () => {
  it('reads the elements', () => {
    expect([...readIdx(idx, [2, 3], 'a.idx')]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it.each([
    ['a file cut inside its header', idx.subarray(0, 7), /a\.idx ends after 7 bytes, inside its header of 12\. Fetch/],
    ['an empty file', new Uint8Array(), /ends after 0 bytes/],
    [
      'another magic number',
      changed(2, 13),
      /starts with 0x00000d02, an IDX file of 2 dimensions starts with 0x00000802/,
    ],
    ['another size', changed(7, 9), /says it holds 9 × 3 values, 2 × 3 were expected/],
    ['a size of billions', changed(4, 255), /says it holds 4278190082 × 3 values/],
    ['a truncated body', idx.subarray(0, 17), /has 17 bytes, its header promises 18/],
    ['bytes after the end', Uint8Array.of(...idx, 7), /has 19 bytes, its header promises 18/],
  ])('refuses %s', async (_, bytes, sentence) => {
    expect(await refusal(() => readIdx(bytes, [2, 3], 'a.idx'))).toMatch(sentence);
  });

  it('answers any bytes with six elements or a MeedError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          expect(readIdx(bytes, [2, 3], 'a.idx').length).toBe(6);
        } catch (error) {
          expect(error).toBeInstanceOf(MeedError);
        }
      }),
    );
  });
});

describe('assignCollectors', () => {
  it('fills every quota for every seed, and gives favourites to those who favour them', () => {
    const labels = Int32Array.from({ length: COLLECTED_ROWS }, (_, row) => row % 10);
    for (const seed of [1, 2, 3]) {
      const owners = assignCollectors(labels, new Random(seed));
      collectors.forEach(({ rows, favours }, i) => {
        const digits = [...labels].filter((_, row) => owners[row] === i);
        expect(digits.length).toBe(rows);
        const favoured = digits.filter((digit) => favours.includes(digit)).length / rows;
        if (favours.length > 0) expect(favoured).toBeGreaterThan(favours.length / 10);
      });
    }
  });
});

describe.skipIf(folder === undefined)('MNIST, the real files', () => {
  it('has the first 5,000 and 2,000 digits, twelve collectors, one of whom mislabels', async () => {
    const data = await mnist.load({ seed: 1, progress: silent });
    expect([data.train.rows, data.heldOut.rows, data.train.width]).toEqual([5000, 2000, 784]);
    expect(rowsPerContributor(data)).toEqual([900, 760, 640, 540, 450, 390, 330, 280, 240, 190, 160, 120]);
    const gale = data.contributors.findIndex(({ planted }) => planted === 'mislabelled');
    expect(data.contributors[gale].name).toBe('gale');

    const inFile = (name: string, header: number) =>
      gunzipSync(readFileSync(join(folder ?? '', 'mnist', name))).subarray(header);
    const pixels = inFile('train-images-idx3-ubyte.gz', 16);
    const digits = inFile('train-labels-idx1-ubyte.gz', 8);
    const key = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
    const digitOf = new Map(
      Array.from({ length: 5000 }, (_, row) => [key(pixels.subarray(row * 784, (row + 1) * 784)), digits[row]]),
    );
    expect(digitOf.size).toBe(5000);
    let wrong = 0;
    for (let row = 0; row < 5000; row++) {
      const levels = data.train.features.subarray(row * 784, (row + 1) * 784);
      const raw = Uint8Array.from(levels, (value) => Math.round((value * 0.3081 + 0.1307) * 255));
      const digit = digitOf.get(key(raw));
      if (digit === undefined) throw new Error(`training row ${row} is none of the file's first 5,000`);
      if (data.train.labels[row] === digit) continue;
      expect(data.train.contributors[row]).toBe(gale);
      wrong++;
    }
    expect(wrong / 330).toBeGreaterThan(0.7);
    expect(wrong / 330).toBeLessThan(0.9);
  });

  it('is decided by the seed', async () => {
    const first = await mnist.load({ seed: 3, progress: silent });
    const again = await mnist.load({ seed: 3, progress: silent });
    const other = await mnist.load({ seed: 4, progress: silent });
    expect(Buffer.compare(Buffer.from(first.train.features.buffer), Buffer.from(again.train.features.buffer))).toBe(0);
    expect(first.train.labels).toEqual(again.train.labels);
    expect(first.train.labels).not.toEqual(other.train.labels);
    expect(first.heldOut.labels).toEqual(other.heldOut.labels);
  });
});
