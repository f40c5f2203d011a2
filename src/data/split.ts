/**
 * Choosing rows: a seeded held-out part with the class proportions of the whole, and gathering rows into a split.
 * The trap: a small contributor or a rare class must not vanish from training, so the last row of either stays there
 * even if a class then holds out fewer rows than its share.
 */
import type { Random } from '../foundation/index.js';
import type { Split, TrainSplit } from './dataset.js';

/** One row in five is held out of a data set that has no test part of its own. */
export const HELD_OUT_FRACTION = 0.2;

/** Rows of a table before it is split; `contributors` as in `TrainSplit`, but in any order. */
export interface RowTable {
  readonly features: Float32Array;
  readonly labels: Int32Array;
  readonly contributors: Int32Array;
  readonly width: number;
  /** As in `Split`. */
  readonly texts?: readonly string[];
}

/** Row numbers, the training ones ordered by contributor and otherwise as they came. */
export interface SplitRows {
  readonly train: number[];
  readonly heldOut: number[];
}

export function stratifiedSplit(table: RowTable, random: Random): SplitRows {
  const { labels, contributors } = table;
  const classLeft = countsOf(labels);
  const contributorLeft = countsOf(contributors);
  const wanted = classLeft.map((rows) => Math.round(rows * HELD_OUT_FRACTION));
  const isHeldOut = new Uint8Array(labels.length);
  for (const row of random.permutation(labels.length)) {
    const label = labels[row];
    const contributor = contributors[row];
    if (wanted[label] === 0 || classLeft[label] === 1 || contributorLeft[contributor] === 1) continue;
    wanted[label]--;
    classLeft[label]--;
    contributorLeft[contributor]--;
    isHeldOut[row] = 1;
  }
  const rows = Array.from(labels, (_, row) => row);
  return {
    train: rows.filter((row) => !isHeldOut[row]).sort((a, b) => contributors[a] - contributors[b] || a - b),
    heldOut: rows.filter((row) => isHeldOut[row]),
  };
}

/** The named rows of a table, in the order they are named. */
export function gatherRows(table: Omit<RowTable, 'contributors'>, rows: readonly number[]): Split {
  const { width } = table;
  const features = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    features.set(table.features.subarray(row * width, (row + 1) * width), i * width);
  });
  const labels = Int32Array.from(rows, (row) => table.labels[row]);
  const { texts } = table;
  return { features, labels, rows: rows.length, width, ...(texts && { texts: rows.map((row) => texts[row]) }) };
}

/** As `gatherRows`, with each row's contributor. */
export function gatherTrainRows(table: RowTable, rows: readonly number[]): TrainSplit {
  return { ...gatherRows(table, rows), contributors: Int32Array.from(rows, (row) => table.contributors[row]) };
}

function countsOf(values: Int32Array): number[] {
  const counts: number[] = [];
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
