/**
 * Ground truth as files that anybody's scores can be judged by, with `meed evaluate --scores … --truth … --masks …`:
 * masks [subsets, samples] of 0 and 1, truth and again [subsets, queries] of −loss.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensor } from '../../engine/index.js';
import { explainFileError } from '../../foundation/index.js';
import { writeMatrix } from '../scoreFiles/index.js';
import type { Truth } from './retraining/index.js';

/** @returns the paths written @throws MeedError when the folder cannot be written */
export async function writeTruth(folder: string, { masks, truth, again }: Truth): Promise<string[]> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw explainFileError(error, folder);
  }
  const named: [string, Tensor][] = [
    ['masks', masks],
    ['truth', truth],
    ...(again ? [['again', again] as [string, Tensor]] : []),
  ];
  const paths: string[] = [];
  for (const [name, { shape, data }] of named) {
    const path = join(folder, `${name}.npy`);
    await writeMatrix(path, { shape: [shape[0], shape[1]], data });
    paths.push(path);
  }
  return paths;
}
