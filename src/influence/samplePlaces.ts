/**
 * Where samples stand among those that were trained on, for methods whose scores belong to places of one training and
 * not to what a row holds: a row that stands there twice has two scores.
 * The trap: a row is found by its bits, features and targets; so zeros of different sign are different rows, and a row
 * that stands there twice can only be asked for together with all others.
 */
import { MeedError, sha256 } from '../foundation/index.js';
import type { Samples } from '../models/index.js';

/**
 * @returns the place in `all` of each asked sample; 0 … n − 1 when all are asked for in their order
 * @throws MeedError naming a sample that is not there, or stands there more than once
 */
export function samplePlaces(asked: Samples, all: Samples): Uint32Array {
  if (sameSamples(asked, all)) return Uint32Array.from({ length: all.rows }, (_, row) => row);
  const known = new Map<string, number>();
  const repeated = new Set<string>();
  for (let row = 0; row < all.rows; row++) {
    const name = nameOf(all, row);
    if (known.has(name)) repeated.add(name);
    else known.set(name, row);
  }
  return Uint32Array.from({ length: asked.rows }, (_, row) => {
    const name = nameOf(asked, row);
    const place = known.get(name);
    if (place === undefined) {
      throw new MeedError(
        `Sample ${row} is none of the ${all.rows} that were trained on`,
        'Ask for training samples: this method scores what took part in a training, and nothing else',
      );
    }
    if (repeated.has(name)) {
      throw new MeedError(
        `Sample ${row} stands several times among the ${all.rows} that were trained on, with a score for each place`,
        'Ask for all training samples at once, in their order',
      );
    }
    return place;
  });
}

function sameSamples(a: Samples, b: Samples): boolean {
  if (a === b) return true;
  if (a.rows !== b.rows || a.width !== b.width || a.targets.length !== b.targets.length) return false;
  return sameBits(a.features, b.features) && sameBits(a.targets, b.targets);
}

function sameBits(a: Float32Array | Int32Array, b: Float32Array | Int32Array): boolean {
  return a === b || (a.constructor === b.constructor && Buffer.compare(bytesOf(a), bytesOf(b)) === 0);
}

function nameOf({ rows, width, features, targets }: Samples, row: number): string {
  const depth = targets.length / Math.max(1, rows);
  return sha256(
    bytesOf(features.subarray(row * width, (row + 1) * width)),
    targets.constructor.name,
    bytesOf(targets.subarray(row * depth, (row + 1) * depth)),
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
