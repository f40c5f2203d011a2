import { describe, expect, it } from 'vitest';
import { readPatients } from '../../datasets/heart/patients.js';
import { heart } from '../../datasets/heart.js';
import { rowsPerContributor } from '../../src/data/index.js';
import { silent } from '../../src/foundation/index.js';
import { refusal } from './fixture.js';

const here = process.env.MEED_DATASETS !== undefined;
if (!here) console.log('UCI heart: tests on the real files are skipped, MEED_DATASETS names no folder');

describe('readPatients', () => {
  it('reads both layouts and every face of a missing value', () => {
    const [first, second] = readPatients(
      '63.0,1.0,1.0,145.0,0,1.0,2.0,150.0,0.0,-2.3,3.0,?,6.0,2\r\n32,1,1,95,?,?,0,127,0,.7,1,9,?,0\n\n',
      'a.data',
    );
    expect(first).toEqual({ features: [63, 1, 1, 145, Number.NaN, 1, 2, 150, 0, -2.3, 3, Number.NaN, 6], label: 1 });
    expect(second.features[9]).toBe(0.7);
    expect(second.features[11]).toBe(Number.NaN);
    const [third] = readPatients('40 1 2 140 289 0 0 172 0 0 -9 -9 -9 0\n', 'h.data');
    expect(third).toEqual({
      features: [40, 1, 2, 140, 289, 0, 0, 172, 0, 0, Number.NaN, Number.NaN, Number.NaN],
      label: 0,
    });
  });

  it('names the line that is not a patient', async () => {
    const read = (line: string) =>
      refusal(() => readPatients(`40 1 2 140 289 0 0 172 0 0 -9 -9 -9 0\n${line}\n`, 'h.data'));
    expect(await read('40 1 2')).toBe(
      'h.data line 2 has 3 values, a patient has 14. Fetch the file again from its origin.',
    );
    expect(await read('40 1 2 140 289 0 0 172 0 x -9 -9 -9 0')).toContain('h.data line 2 holds "x", which is neither');
    expect(await read('40 1 2 140 289 0 0 172 0 0 -9 -9 -9 -9')).toContain(
      'line 2 has the diagnosis "-9", it goes from 0 to 4',
    );
  });
});

describe.skipIf(!here)('UCI heart, the real files', () => {
  it('has 920 patients of four hospitals, a fifth held out', async () => {
    const data = await heart.load({ seed: 1, progress: silent });
    expect([data.train.rows, data.heldOut.rows]).toEqual([736, 184]);
    expect(data.contributors.map(({ name }) => name)).toEqual(['Cleveland', 'Hungary', 'Switzerland', 'Long Beach']);
    const positive = (labels: Int32Array) => labels.filter((label) => label === 1).length;
    expect([positive(data.train.labels), positive(data.heldOut.labels)]).toEqual([407, 102]);
    expect(rowsPerContributor(data).every((rows, i) => rows <= [303, 294, 123, 200][i] && rows > 90)).toBe(true);
    for (let column = 0; column < 13; column++) {
      const values = Array.from({ length: 736 }, (_, row) => data.train.features[row * 13 + column]);
      expect(values.reduce((sum, value) => sum + value, 0) / 736).toBeCloseTo(0, 5);
      expect(values.reduce((sum, value) => sum + value * value, 0) / 736).toBeCloseTo(1, 4);
    }
  });

  it('is decided by the seed', async () => {
    const load = (seed: number) => heart.load({ seed, progress: silent });
    expect(await load(3)).toEqual(await load(3));
    expect((await load(3)).heldOut.features).not.toEqual((await load(4)).heldOut.features);
  });
});
