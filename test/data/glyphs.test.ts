import { describe, expect, it } from 'vitest';
import { findDatasetSource } from '../../datasets/index.js';
import { type Dataset, rowHashes, rowsPerContributor, rowTree } from '../../src/data/index.js';
import { Random, silent } from '../../src/foundation/index.js';
import { refusal } from './fixture.js';

const load = (seed: number): Promise<Dataset> => findDatasetSource('glyphs').load({ seed, progress: silent });
const data = await load(1);

const picture = ({ features, width }: { features: Float32Array; width: number }, row: number) =>
  Buffer.from(features.slice(row * width, (row + 1) * width).buffer).toString('hex');
const rowsOf = (name: string) => {
  const index = data.contributors.findIndex((contributor) => contributor.name === name);
  return [...data.train.contributors.keys()].filter((row) => data.train.contributors[row] === index);
};

describe('glyphs', () => {
  it('is the same everywhere for a seed, and other pictures for another', async () => {
    expect(rowTree(rowHashes(data)).root).toBe('82fc1eaa40a90487fb48b9fd3a46b3b0397de4628f04ab9cf7b913d2a3f44f50');
    const again = await load(1);
    expect(rowTree(rowHashes(again)).root).toBe(rowTree(rowHashes(data)).root);
    expect(Buffer.from(again.heldOut.features.buffer).equals(Buffer.from(data.heldOut.features.buffer))).toBe(true);
    const other = await load(2);
    expect(picture(other.train, 0)).not.toBe(picture(data.train, 0));
    expect(rowsPerContributor(other)).toEqual(rowsPerContributor(data));
  });

  it('has 2,000 rows of twelve hands and 600 held out, every class with every hand', () => {
    expect(rowsPerContributor(data)).toEqual([320, 280, 240, 210, 190, 140, 150, 130, 100, 90, 70, 80]);
    expect(data.heldOut.rows).toBe(600);
    for (const { name } of data.contributors) {
      expect(new Set(rowsOf(name).map((row) => data.train.labels[row])).size).toBe(10);
    }
    for (let label = 0; label < 10; label++)
      expect(data.heldOut.labels.filter((each) => each === label).length).toBe(60);
  });

  it('holds grey values k/255 and no held-out picture in training', () => {
    const isGrey = (value: number) => value === Math.fround(Math.round(value * 255) / 255) && value >= 0 && value <= 1;
    expect(data.train.features.every(isGrey)).toBe(true);
    const trained = new Set(Array.from({ length: data.train.rows }, (_, row) => picture(data.train, row)));
    for (let row = 0; row < data.heldOut.rows; row++) expect(trained.has(picture(data.heldOut, row))).toBe(false);
  });

  it('has a copier whose rows are all another’s, and no other copies', () => {
    const key = (row: number) => `${picture(data.train, row)} ${data.train.labels[row]}`;
    const bruno = new Set(rowsOf('bruno').map(key));
    const hana = rowsOf('hana').map(key);
    expect(hana.every((each) => bruno.has(each))).toBe(true);
    expect(new Set(hana).size).toBe(130);
    expect(new Set(Array.from({ length: 2000 }, (_, row) => key(row))).size).toBe(2000 - 130);
  });

  it('is learned by a 256-64-10 perceptron to over 90 percent, not to all, and it disbelieves the flipper', () => {
    const believe = train(data, 4);
    const heldOut = accuracy(believe, data.heldOut, [...data.heldOut.labels.keys()]);
    expect(heldOut).toBeGreaterThan(0.9);
    expect(heldOut).toBeLessThan(0.995);
    for (const { name, planted } of data.contributors) {
      const agreed = accuracy(believe, data.train, rowsOf(name));
      if (planted === 'flipped') expect(agreed).toBeLessThan(0.5);
      else if (planted !== 'noise') expect(agreed).toBeGreaterThan(0.8);
    }
  });

  it('is found by name, and an unknown name by a sentence', async () => {
    expect(await refusal(() => findDatasetSource('digits'))).toBe(
      'There is no data set "digits". Choose one of glyphs, heart, mnist, spooky-authors, audit-findings, or bring your own with --csv.',
    );
  });
});

type Believe = (features: Float32Array) => number;

function accuracy(believe: Believe, split: Dataset['heldOut'], rows: readonly number[]): number {
  const right = rows.filter(
    (row) => believe(split.features.subarray(row * split.width, (row + 1) * split.width)) === split.labels[row],
  );
  return right.length / rows.length;
}

/** Plain stochastic gradient descent on one hidden layer of 64, one row at a time: an oracle apart from the engine. */
function train({ train }: Dataset, epochs: number): Believe {
  const [width, hidden, classes, rate] = [train.width, 64, 10, 0.02];
  const random = new Random(5);
  const layer = (fanIn: number, n: number) =>
    Float64Array.from({ length: n }, () => (random.uniform() - 0.5) * 2 * Math.sqrt(3 / fanIn));
  const first = layer(width, width * hidden);
  const second = layer(hidden, hidden * classes);
  const biases = [new Float64Array(hidden), new Float64Array(classes)];
  const h = new Float64Array(hidden);
  const z = new Float64Array(classes);
  const forward = (x: Float32Array) => {
    h.set(biases[0]);
    for (let i = 0; i < width; i++)
      if (x[i] !== 0) for (let j = 0; j < hidden; j++) h[j] += x[i] * first[i * hidden + j];
    z.set(biases[1]);
    for (let j = 0; j < hidden; j++) {
      h[j] = Math.max(0, h[j]);
      for (let k = 0; k < classes; k++) z[k] += h[j] * second[j * classes + k];
    }
  };
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const row of random.permutation(train.rows)) {
      const x = train.features.subarray(row * width, (row + 1) * width);
      forward(x);
      const top = Math.max(...z);
      const odds = z.map((value) => Math.exp(value - top));
      const total = odds.reduce((sum, value) => sum + value, 0);
      const delta = odds.map((value, k) => value / total - (k === train.labels[row] ? 1 : 0));
      const back = h.map((value, j) => {
        if (value === 0) return 0;
        let sum = 0;
        for (let k = 0; k < classes; k++) {
          sum += second[j * classes + k] * delta[k];
          second[j * classes + k] -= rate * value * delta[k];
        }
        return sum;
      });
      for (let i = 0; i < width; i++)
        if (x[i] !== 0) for (let j = 0; j < hidden; j++) first[i * hidden + j] -= rate * x[i] * back[j];
      for (let j = 0; j < hidden; j++) biases[0][j] -= rate * back[j];
      for (let k = 0; k < classes; k++) biases[1][k] -= rate * delta[k];
    }
  }
  return (features) => {
    forward(features);
    return z.indexOf(Math.max(...z));
  };
}
