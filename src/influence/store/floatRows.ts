/**
 * Vectors of any method, rounded on their way into a store: one pass for the columns' scales, one for the rows, so that
 * memory holds a block whatever the number of rows. A query is rounded with the same scales, so that
 * ⟨row, query⟩ is proportional to the float product: the order of rows is kept, up to rounding.
 * The trap: rows that are appended later keep the first rows' scales; what exceeds them is cut off, and counted.
 */
import { columnScales, MeedError, quantiseQuery, quantiseRow, ROW_ENTRY_MAX } from '../../foundation/index.js';
import type { MatrixStream } from '../scoreFiles/index.js';
import type { RowBlock } from './writer.js';

/** One scale per column: its largest magnitude is 127 of them. @throws MeedError on a number that is not finite */
export async function streamScales({ shape: [, width], blocks }: MatrixStream): Promise<Float64Array> {
  const scales = new Float64Array(width);
  for await (const block of blocks) {
    columnScales(block, width).forEach((scale, j) => {
      scales[j] = Math.max(scales[j], scale);
    });
  }
  return scales;
}

export interface RoundedRows {
  readonly blocks: AsyncIterable<RowBlock>;
  /** Entries beyond ±127 scales so far, which were cut off. */
  readonly cut: () => number;
}

/**
 * @param contributors one name a row, or one for all
 * @throws MeedError, while the blocks are read, when the widths differ, a row has no contributor, or a number is not finite
 */
export function roundRows(
  { shape: [rows, width], blocks }: MatrixStream,
  scales: Float64Array,
  contributors: readonly string[] | string,
): RoundedRows {
  if (width !== scales.length) {
    throw new MeedError(`The vectors have ${width} entries, the store ${scales.length}`, "Use the store's encoder");
  }
  if (typeof contributors !== 'string' && contributors.length !== rows) {
    throw new MeedError(`${contributors.length} contributors were named for ${rows} rows`, 'Name one for each row');
  }
  let cut = 0;
  async function* rounded(): AsyncGenerator<RowBlock> {
    let first = 0;
    for await (const block of blocks) {
      const count = block.length / width;
      const entries = new Int8Array(block.length);
      for (let r = 0; r < count; r++) {
        const row = block.subarray(r * width, (r + 1) * width);
        entries.set(quantiseRow(row, scales), r * width);
        row.forEach((x, j) => {
          // half a unit is rounding, not cutting
          if (Math.abs(x) > (ROW_ENTRY_MAX + 0.5) * scales[j]) cut++;
        });
      }
      const names =
        typeof contributors === 'string'
          ? Array.from({ length: count }, () => contributors)
          : contributors.slice(first, first + count);
      first += count;
      yield { entries, contributors: names };
    }
  }
  return { blocks: rounded(), cut: () => cut };
}

/** Float queries, one a row, as the store takes them. @throws MeedError when the widths differ or one is not finite */
export async function* roundQueries(
  { shape: [, width], blocks }: MatrixStream,
  scales: Float64Array,
): AsyncGenerator<Int16Array> {
  if (width !== scales.length) {
    throw new MeedError(`The queries have ${width} entries, the store ${scales.length}`, "Use the store's encoder");
  }
  for await (const block of blocks) {
    for (let at = 0; at < block.length; at += width) {
      yield quantiseQuery(block.subarray(at, at + width), scales).entries;
    }
  }
}
