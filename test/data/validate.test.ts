import { describe, expect, it } from 'vitest';
import { type Dataset, validateDataset } from '../../src/data/index.js';
import { refusal, smallDataset } from './fixture.js';

type Change = (dataset: Dataset) => Dataset;

const withTrain = (change: (train: Dataset['train']) => Partial<Dataset['train']>): Change => {
  return (dataset) => ({ ...dataset, train: { ...dataset.train, ...change(dataset.train) } });
};

const withValue = (value: number): Change =>
  withTrain(({ features }) => ({ features: features.map((old, i) => (i === 5 ? value : old)) }));

const refused: [string, Change, RegExp][] = [
  ['NaN', withValue(Number.NaN), /"small", training row 2: feature "weight" is NaN\. Remove the row/],
  ['infinity', withValue(-Infinity), /training row 2: feature "weight" is -Infinity\. Remove/],
  [
    'NaN held out',
    (d) => ({ ...d, heldOut: { ...d.heldOut, features: Float32Array.of(0, 1, Number.NaN, 3) } }),
    /held-out row 1: feature "height" is NaN\. Remove/,
  ],
  [
    'label too large',
    withTrain(() => ({ labels: Int32Array.of(0, 1, 0, 2, 0, 1) })),
    /training row 3: label 2 is none of the 2 classes \(0 … 1\)\. Correct/,
  ],
  [
    'negative label',
    withTrain(() => ({ labels: Int32Array.of(-1, 1, 0, 1, 0, 1) })),
    /training row 0: label -1 is none/,
  ],
  [
    'empty class',
    withTrain(() => ({ labels: new Int32Array(6) })),
    /class 1 \("yes"\) has no training row\. Add a row of that class/,
  ],
  [
    'one sample',
    (d) => ({
      ...d,
      train: {
        features: Float32Array.of(1, 2),
        labels: Int32Array.of(0),
        contributors: Int32Array.of(0),
        rows: 1,
        width: 2,
      },
      heldOut: { features: new Float32Array(), labels: new Int32Array(), rows: 0, width: 2 },
    }),
    /"small" holds 1 sample, attribution needs something to compare\. Add rows/,
  ],
  [
    'no held-out rows',
    (d) => ({ ...d, heldOut: { features: new Float32Array(), labels: new Int32Array(), rows: 0, width: 2 } }),
    /has no held-out rows\. Add/,
  ],
  ['one class', (d) => ({ ...d, card: { ...d.card, classes: ['no'] } }), /has 1 class, a classifier needs two\. Check/],
  [
    'contributor without rows',
    (d) => ({ ...d, contributors: [...d.contributors, { name: 'dora' }] }),
    /contributor "dora" has no training row, so it could never be paid\. Add a row of theirs/,
  ],
  [
    'unknown contributor',
    withTrain(() => ({ contributors: Int32Array.of(0, 0, 0, 1, 2, 3) })),
    /training row 5: contributor 3 is none of the 3 listed\. List/,
  ],
  [
    'scattered contributors',
    withTrain(() => ({ contributors: Int32Array.of(0, 1, 0, 1, 2, 2) })),
    /training row 2: belongs to "ann" but comes after a row of "bob"\. Sort the rows/,
  ],
  [
    'repeated name',
    (d) => ({ ...d, contributors: [{ name: 'ann' }, { name: 'ann' }, { name: 'çelik' }] }),
    /contributor "ann" twice/,
  ],
  [
    'wrong width',
    (d) => ({ ...d, card: { ...d.card, featureShape: [3] } }),
    /training rows of 2 features, its card says 3 = 3\. Correct/,
  ],
  [
    'missing labels',
    withTrain(() => ({ labels: Int32Array.of(0, 1) })),
    /promises 6 training rows, but holds 6 of features and 2 labels\. Correct/,
  ],
  [
    'missing owners',
    withTrain(() => ({ contributors: Int32Array.of(0, 1) })),
    /names the contributor of 2 of 6 training rows\. Give/,
  ],
  [
    'feature names',
    (d) => ({ ...d, card: { ...d.card, featureNames: ['height'] } }),
    /names 1 of 2 features\. Name all/,
  ],
];

describe('validateDataset', () => {
  it('accepts a good data set', () => validateDataset(smallDataset()));

  it.each(refused)('refuses %s in one sentence with a remedy', async (_, change, sentence) => {
    expect(await refusal(() => validateDataset(change(smallDataset())))).toMatch(sentence);
  });
});
