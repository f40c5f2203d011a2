/** The slow and obvious scan that the store's must equal, bit for bit, and rows to scan. */
import type { Random } from '../../../src/foundation/index.js';

export interface PlainRows {
  readonly width: number;
  readonly entries: Int8Array;
  readonly contributors: readonly string[];
}

/** Uniform in [−127, 127]; contributors in turn. */
export function randomRows(random: Random, rows: number, width: number, people = 3): PlainRows {
  return {
    width,
    entries: Int8Array.from({ length: rows * width }, () => random.below(255) - 127),
    contributors: Array.from({ length: rows }, () => `person-${random.below(people)}`),
  };
}

/** Uniform in [−32767, 32767]. */
export function randomQuery(random: Random, width: number): Int16Array {
  return Int16Array.from({ length: width }, () => random.below(65535) - 32767);
}

/** ⟨row, query⟩ in BigInt, which cannot overflow. */
export function plainScore({ width, entries }: PlainRows, row: number, query: Int16Array): number {
  let score = 0n;
  for (let j = 0; j < width; j++) score += BigInt(entries[row * width + j]) * BigInt(query[j]);
  return Number(score);
}

export function plainTop(
  rows: PlainRows,
  query: Int16Array,
  count: number,
  { removed = new Set<number>(), sign = 1 }: { removed?: ReadonlySet<number>; sign?: number } = {},
): { row: number; score: number }[] {
  return rows.contributors
    .map((_, row) => ({ row, score: plainScore(rows, row, query) }))
    .filter(({ row }) => !removed.has(row))
    .sort((a, b) => sign * (b.score - a.score) || a.row - b.row)
    .slice(0, count);
}
