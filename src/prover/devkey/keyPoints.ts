/**
 * The key's points as shared work: lists of scalars in shared memory, a list of equal length for the points, and one
 * counter a list. Every worker takes the next block of the first list that is not finished, so no core waits for another
 * and no scalar is copied through a message.
 * Workers start before the scalars are known and build their tables meanwhile; `signal` tells them that the scalars are
 * there, or that they never will be.
 */

import { CurveMemory, type CurveModule, FIELD_BYTES } from './curveMemory.js';
import { affineBytes, BLOCK, FixedBase, type GroupName } from './fixedBase.js';

export interface PointList {
  readonly group: GroupName;
  /** 32 bytes each, plain, little-endian. */
  readonly scalars: SharedArrayBuffer;
  /** Affine, Montgomery form: as they lie in a .zkey. */
  readonly points: SharedArrayBuffer;
}

export interface PointWork {
  readonly lists: readonly PointList[];
  readonly workers: number;
  /** Int32 next unclaimed block of each list. */
  readonly next: SharedArrayBuffer;
  /** Int32 cell, one of SIGNAL. */
  readonly signal: SharedArrayBuffer;
}

export const SIGNAL = { pending: 0, ready: 1, abandoned: 2 } as const;

export function pointWork(lists: readonly { group: GroupName; count: number }[], workers: number): PointWork {
  return {
    workers,
    lists: lists.map(({ group, count }) => ({
      group,
      scalars: new SharedArrayBuffer(count * FIELD_BYTES),
      points: new SharedArrayBuffer(count * affineBytes(group)),
    })),
    next: new SharedArrayBuffer(4 * lists.length),
    signal: new SharedArrayBuffer(4),
  };
}

export function setSignal(work: PointWork, value: number): void {
  const cell = new Int32Array(work.signal);
  Atomics.store(cell, 0, value);
  Atomics.notify(cell, 0);
}

/** Works until every block of every list is claimed. Blocks its thread: for workers only. */
export async function multiplyPoints(curve: CurveModule, work: PointWork): Promise<void> {
  const memory = await CurveMemory.open(curve);
  const share = (group: GroupName): number => {
    const lists = work.lists.filter((list) => list.group === group);
    return lists.reduce((sum, list) => sum + list.scalars.byteLength / FIELD_BYTES, 0) / work.workers;
  };
  const bases = {
    g1m: new FixedBase(memory, 'g1m', share('g1m')),
    g2m: new FixedBase(memory, 'g2m', share('g2m')),
  };
  const signal = new Int32Array(work.signal);
  Atomics.wait(signal, 0, SIGNAL.pending);
  if (Atomics.load(signal, 0) !== SIGNAL.ready) return;
  const next = new Int32Array(work.next);
  work.lists.forEach(({ group, scalars, points }, list) => {
    const source = new Uint32Array(scalars);
    const target = new Uint8Array(points);
    const words = FIELD_BYTES / 4;
    for (;;) {
      const start = Atomics.add(next, list, 1) * BLOCK;
      if (start * words >= source.length) return;
      const block = source.slice(start * words, (start + BLOCK) * words);
      target.set(bases[group].multiply(block), start * affineBytes(group));
    }
  });
}
