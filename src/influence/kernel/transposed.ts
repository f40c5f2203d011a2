/** A matrix turned over, in tiles, since a column of a large one is a cache line for each entry. */
import type { Tensor } from '../../engine/index.js';

const TILE = 32;

/** [rows, columns] → [columns, rows] */
export function transposed({ shape: [rows, columns], data }: Tensor): Tensor {
  const turned = new Float32Array(rows * columns);
  for (let top = 0; top < rows; top += TILE) {
    for (let left = 0; left < columns; left += TILE) {
      for (let i = top; i < Math.min(top + TILE, rows); i++) {
        for (let j = left; j < Math.min(left + TILE, columns); j++) turned[j * rows + i] = data[i * columns + j];
      }
    }
  }
  return { shape: [columns, rows], data: turned };
}
