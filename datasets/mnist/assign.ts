/**
 * MNIST has no contributors, so twelve are made up: of fixed, very different sizes, each with favourite digits. Rows are
 * visited in seeded order and go to a contributor with odds of what it still wants, three times as much for a favourite.
 * The trap: sizes are quotas, not odds, so every seed gives the same sizes and only who holds which digit varies.
 */
import type { Random } from '../../src/foundation/index.js';

export interface Collector {
  readonly name: string;
  readonly rows: number;
  readonly favours: readonly number[];
}

/** The one whose labels are mostly wrong. */
export const MISLABELLER = 'gale';

export const collectors: readonly Collector[] = [
  { name: 'alba', rows: 900, favours: [] },
  { name: 'bjorn', rows: 760, favours: [0, 1, 2] },
  { name: 'cleo', rows: 640, favours: [3, 4, 5] },
  { name: 'dov', rows: 540, favours: [6, 7] },
  { name: 'elif', rows: 450, favours: [8, 9] },
  { name: 'farid', rows: 390, favours: [1, 7] },
  { name: 'gale', rows: 330, favours: [] },
  { name: 'hugo', rows: 280, favours: [0, 6, 8] },
  { name: 'isla', rows: 240, favours: [4, 9] },
  { name: 'juno', rows: 190, favours: [3, 5, 8] },
  { name: 'kofi', rows: 160, favours: [2] },
  { name: 'lena', rows: 120, favours: [5] },
];

/** Every row is wanted by somebody: the quotas sum to this. */
export const COLLECTED_ROWS = collectors.reduce((sum, { rows }) => sum + rows, 0);

/** How much more a collector wants its favourites. */
const FAVOUR = 3;

/** The collector's index of each row. */
export function assignCollectors(labels: Int32Array, random: Random): Int32Array {
  const wanted = collectors.map(({ rows }) => rows);
  const assigned = new Int32Array(labels.length);
  for (const row of random.permutation(labels.length)) {
    const odds = collectors.map(({ favours }, i) => wanted[i] * (favours.includes(labels[row]) ? FAVOUR : 1));
    let lot = random.below(odds.reduce((sum, weight) => sum + weight, 0));
    const chosen = odds.findIndex((weight) => {
      lot -= weight;
      return lot < 0;
    });
    wanted[chosen]--;
    assigned[row] = chosen;
  }
  return assigned;
}
