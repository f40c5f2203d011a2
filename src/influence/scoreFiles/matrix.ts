/**
 * A score or mask matrix on its way in or out of a file, in blocks of whole rows, so that its size does not matter where
 * the format can stream. In memory scores are float32; wider numbers are rounded to the nearest.
 */
import { MeedError } from '../../foundation/index.js';

/** [rows, columns]: for scores queries × samples, for masks subsets × samples. */
export type MatrixShape = readonly [rows: number, columns: number];

export interface Matrix {
  readonly shape: MatrixShape;
  /** Row-major. */
  readonly data: Float32Array;
}

/** A matrix that comes row by row. */
export interface MatrixStream {
  readonly shape: MatrixShape;
  /** Whole rows, in order, in blocks of any number of rows. */
  readonly blocks: Iterable<Float32Array> | AsyncIterable<Float32Array>;
}

/** A file of one format. */
export interface MatrixFormat {
  /**
   * @returns the shape, and the rows as they are read; the file is closed when the blocks end or their reader stops
   * @throws MeedError when it does not hold one matrix of numbers
   */
  open(path: string): Promise<MatrixStream>;
  /** Writes a file that is not there yet. */
  write(path: string, matrix: MatrixStream): Promise<void>;
}

/** More entries than this cannot be one array. */
const MOST_ENTRIES = 2 ** 31;

/** @throws MeedError when the shape is not that of a matrix with at least one entry */
export function requireShape(path: string, rows: number, columns: number): MatrixShape {
  if (Number.isSafeInteger(rows) && Number.isSafeInteger(columns) && rows >= 1 && columns >= 1) {
    if (Number.isSafeInteger(8 * rows * columns)) return [rows, columns];
  }
  throw new MeedError(`${path} holds a matrix of ${rows} × ${columns}`, 'Give at least one row and one column');
}

/** The nearest float32. @throws MeedError when a finite number has none */
export function asFloat32(path: string, value: number): number {
  const rounded = Math.fround(value);
  if (Number.isFinite(rounded) || !Number.isFinite(value)) return rounded;
  throw new MeedError(`${path} holds ${value}, too large for float32`, 'Scale the scores down');
}

/** The whole matrix. @throws MeedError when it is larger than one array can be, or its blocks are not its rows */
export async function collect(path: string, { shape, blocks }: MatrixStream): Promise<Matrix> {
  const entries = shape[0] * shape[1];
  if (entries > MOST_ENTRIES) {
    throw new MeedError(`${path} holds ${entries} scores, more than one array`, 'Read it in blocks with openMatrix');
  }
  const data = new Float32Array(entries);
  let at = 0;
  for await (const block of counted(path, { shape, blocks })) {
    data.set(block, at);
    at += block.length;
  }
  return { shape, data };
}

/** The blocks, checked: whole rows, as many as the shape says. */
export async function* counted(path: string, { shape, blocks }: MatrixStream): AsyncGenerator<Float32Array> {
  const [rows, columns] = shape;
  let seen = 0;
  for await (const block of blocks) {
    seen += block.length / columns;
    if (block.length % columns !== 0 || seen > rows) {
      throw new MeedError(
        `A block of ${block.length} scores for ${path} is not whole rows of a ${rows} × ${columns} matrix`,
        'Give whole rows, as many as the shape says',
      );
    }
    if (block.length > 0) yield block;
  }
  if (seen === rows) return;
  throw new MeedError(`${path} has ${rows} rows, ${seen} came`, 'Give as many rows as the shape says');
}
