/**
 * A data set with five more contributors of equally many rows: an honest control, one of noise, one of wrong labels, one
 * that copies another's rows and one that copies them nearly. What each is paid a row, against an honest row, is what a
 * policy is judged by. Rows of the control and the flipper are taken from their owners, so they are real and nobody
 * else's; a row of noise takes every feature from another row, so that each column keeps its distribution.
 * The trap: near-copies are jittered in proportion, not by a constant, or sparse features (text, pixels) would be dense
 * and easily told apart.
 */
import type { Contributor, Dataset } from '../data/index.js';
import { MeedError, Random } from '../foundation/index.js';

export const PLANTS = ['control', 'noise', 'flipped', 'copied', 'near-copied'] as const;
export type Plant = (typeof PLANTS)[number];

export interface PlantedDataset {
  readonly dataset: Dataset;
  /** Contributor of each plant. */
  readonly plants: Readonly<Record<Plant, number>>;
  /** The contributor whose rows are copied, the largest honest one. */
  readonly victim: number;
  /** Whether a contributor is neither planted here nor by the data set. */
  readonly honest: readonly boolean[];
}

/** Part of the training rows that each plant has. */
const PLANT_SHARE = 0.05;
const FEWEST_ROWS = 4;
/** Deviation of the factor that each feature of a near-copy is multiplied with, around 1. */
const NEAR = 0.1;

/** @throws MeedError when the honest contributors have too few rows to plant anything */
export function plant(dataset: Dataset, seed: number): PlantedDataset {
  const { train, contributors } = dataset;
  const { width, labels } = train;
  const classes = dataset.card.classes.length;
  const size = Math.max(FEWEST_ROWS, Math.round(train.rows * PLANT_SHARE));
  const left = contributors.map(() => 0);
  for (const owner of train.contributors) left[owner]++;
  const victim = contributors.reduce(
    (most, { planted }, c) => (!planted && (contributors[most].planted || left[c] > left[most]) ? c : most),
    0,
  );
  const random = Random.named(seed, 'incentives/plants');
  const moved: number[] = [];
  const wanted = 2 * size;
  for (const row of random.permutation(train.rows)) {
    const owner = train.contributors[row];
    if (moved.length === wanted) break;
    // an owner keeps half of its rows at least, and who does wrong keeps all
    if (contributors[owner].planted || left[owner] * 2 <= rowsOf(train.contributors, owner)) continue;
    left[owner]--;
    moved.push(row);
  }
  if (moved.length < wanted || left[victim] < 2 || classes < 2) {
    throw new MeedError(
      `${dataset.card.name} has too few honest rows to plant ${size} of each kind`,
      'Use a data set with more rows of honest contributors, and at least two classes',
    );
  }
  const gone = new Set(moved);
  const kept = Array.from(labels, (_, row) => row).filter((row) => !gone.has(row));
  const ofVictim = kept.filter((row) => train.contributors[row] === victim);
  const feature = (row: number, column: number): number => train.features[row * width + column];
  const rowOf = (row: number): Row => ({ feature: (column) => feature(row, column), label: labels[row] });
  const another = (label: number): number => (label + 1 + random.below(classes - 1)) % classes;
  const draws = Array.from(random.permutation(ofVictim.length), (at) => ofVictim[at]);
  const copied = (k: number): number => draws[k % draws.length];
  const made: Readonly<Record<Plant, (k: number) => Row>> = {
    control: (k) => rowOf(moved[k]),
    noise: () => ({ feature: (column) => feature(random.below(train.rows), column), label: random.below(classes) }),
    flipped: (k) => ({ ...rowOf(moved[size + k]), label: another(labels[moved[size + k]]) }),
    copied: (k) => rowOf(copied(k)),
    'near-copied': (k) => {
      const row = copied(size + k);
      return { feature: (column) => feature(row, column) * (1 + NEAR * random.normal()), label: labels[row] };
    },
  };
  const rows: (Row & { readonly owner: number })[] = [
    ...kept.map((row) => ({ ...rowOf(row), owner: train.contributors[row] })),
    ...PLANTS.flatMap((kind, at) =>
      Array.from({ length: size }, (_, k) => ({ ...made[kind](k), owner: contributors.length + at })),
    ),
  ];
  const features = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) {
    for (let column = 0; column < width; column++) features[i * width + column] = row.feature(column);
  }
  const names = PLANTS.map((kind): Contributor => ({ name: `planted: ${kind}` }));
  return {
    dataset: {
      ...dataset,
      contributors: [...contributors, ...names],
      train: {
        features,
        labels: Int32Array.from(rows, ({ label }) => label),
        contributors: Int32Array.from(rows, ({ owner }) => owner),
        rows: rows.length,
        width,
      },
    },
    plants: plantNumbers(contributors.length),
    victim,
    honest: [...contributors.map(({ planted }) => planted === undefined), ...PLANTS.map((kind) => kind === 'control')],
  };
}

interface Row {
  readonly label: number;
  feature(column: number): number;
}

function plantNumbers(first: number): Record<Plant, number> {
  return { control: first, noise: first + 1, flipped: first + 2, copied: first + 3, 'near-copied': first + 4 };
}

function rowsOf(owners: Int32Array, owner: number): number {
  return owners.reduce((sum, other) => sum + Number(other === owner), 0);
}
