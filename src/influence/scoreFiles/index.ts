/**
 * Score and mask matrices in files that others make and read: `.npy`, Arrow IPC (`.arrow`, `.feather`, `.ipc`) and
 * Parquet, by the file's ending. Files are written under another name and renamed, so that none is ever half there.
 */
import { rename, rm } from 'node:fs/promises';
import { extname } from 'node:path';
import { explainFileError, MeedError } from '../../foundation/index.js';
import { arrow } from './arrow.js';
import { collect, counted, type Matrix, type MatrixFormat, type MatrixStream, requireShape } from './matrix.js';
import { npy } from './npy.js';
import { parquet } from './parquet.js';

export type { Matrix, MatrixShape, MatrixStream } from './matrix.js';

const FORMATS: Readonly<Record<string, MatrixFormat>> = {
  '.npy': npy,
  '.arrow': arrow,
  '.feather': arrow,
  '.ipc': arrow,
  '.parquet': parquet,
};

/**
 * A matrix whole. Numbers that are not float32 are rounded to the nearest; NaN and infinities stay what they are.
 * @throws MeedError when the file is missing, of no known ending, or does not hold one whole matrix
 */
export async function readMatrix(path: string): Promise<Matrix> {
  return collect(path, await openMatrix(path));
}

/** A matrix in blocks of whole rows; see each format for what it can stream. @throws as `readMatrix` */
export async function openMatrix(path: string): Promise<MatrixStream> {
  return formatOf(path).open(path);
}

/**
 * Writes a matrix, replacing what was there only when all of it is written.
 * @throws MeedError when the ending is of no known format, or the rows are not those of the shape
 */
export async function writeMatrix(path: string, matrix: Matrix | MatrixStream): Promise<void> {
  const format = formatOf(path);
  const shape = requireShape(path, matrix.shape[0], matrix.shape[1]);
  const blocks = counted(path, { shape, blocks: 'data' in matrix ? [matrix.data] : matrix.blocks });
  const partial = `${path}.partial-${process.pid}`;
  try {
    await rm(partial, { force: true });
    await format.write(partial, { shape, blocks });
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw explainFileError(error, path);
  }
}

/** Before long work whose result goes there. @throws MeedError when the ending is of no known format */
export function checkMatrixPath(path: string): void {
  formatOf(path);
}

function formatOf(path: string): MatrixFormat {
  const ending = extname(path).toLowerCase();
  if (Object.hasOwn(FORMATS, ending)) return FORMATS[ending];
  throw new MeedError(
    `${path} has the ending "${ending}", of no format that holds matrices`,
    `Give a file that ends with ${Object.keys(FORMATS).join(', ')}`,
    { exitCode: 2 },
  );
}
