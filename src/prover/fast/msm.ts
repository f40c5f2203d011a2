/**
 * Multi-scalar multiplication Σ scalar·point on G1 and G2 (Pippenger): windows of digits, each summed in a thread of the
 * arithmetic's pool, then combined. Points and scalars lie in the arithmetic's memory; the work's memory is taken once,
 * for the largest sum that will be asked for, and used again by every sum, one sum after the other.
 *
 * Memory, n the most points of one sum: 34 bytes a point for the digits and 64 on G1 or 128 on G2 for the points that the
 * endomorphism gives, and for each thread, beside its buckets, 68 bytes on G1 or 132 on G2 for a point and once more for
 * as many as are split. Where scalars are never split it is 33, none, and 68 or 132.
 * The trap: windows of short scalars are few, so with many threads a window is cut into ranges of points.
 */
import { G1, G2, type Group, SPLIT, type Terms } from './curveKernel.js';
import type { Arithmetic } from './fieldThreads.js';
import { cheapestDigits, type Digits, MOST_SPLIT, MOST_WIDTH, partsOf } from './msmWidth.js';

export interface MultiScalarSizes {
  /** Most points of a sum on G1. */
  readonly g1: number;
  /** Most points of a sum on G2. */
  readonly g2: number;
  /** Into how many terms scalars may be split at most: 2 unless told, and where that costs less. */
  readonly terms?: Terms;
}

/** Bytes of an affine point: two coordinates. */
export const POINT_BYTES = { [G1]: 64, [G2]: 128 } as const;
/** Bytes of X, Y, Z. */
const PROJECTIVE_BYTES = { [G1]: 96, [G2]: 192 } as const;
const SCALAR_BYTES = 32;
/** Digits are read eight bytes at a time. */
const BEHIND_DIGITS = 8;
/** A cut every so many points, so that each part's digits and counts begin on an address of their own. */
const PART_STEP = 64;
/** The narrowest digits make most windows. */
const MOST_WINDOWS = 64;

interface Part {
  readonly window: number;
  readonly part: number;
  readonly first: number;
  readonly count: number;
}

export class MultiScalar {
  readonly #arithmetic: Arithmetic;
  readonly #sizes: Record<Group, number>;
  /** What the memory is made for: the widest digits, and whether scalars may be split. */
  readonly #most: Record<Group, Digits>;
  readonly #recoded: number;
  readonly #counts: number;
  readonly #turned: number;
  readonly #work: readonly number[];
  readonly #sums: number;
  readonly #out: number;
  #last: Promise<unknown> = Promise.resolve();

  /**
   * Takes its memory from the arithmetic; it is given back with the caller's mark.
   */
  constructor(arithmetic: Arithmetic, { g1, g2, terms = SPLIT }: MultiScalarSizes) {
    for (const size of [g1, g2]) {
      if (!Number.isInteger(size) || size < 0 || size > 2 ** 27) {
        throw new RangeError(`a sum of at most ${size} points`);
      }
    }
    this.#arithmetic = arithmetic;
    this.#sizes = { [G1]: g1, [G2]: g2 };
    const { kernel, threads } = arithmetic;
    const most = Math.max(g1, g2, 1);
    this.#recoded = arithmetic.allocate(most * SCALAR_BYTES + BEHIND_DIGITS);
    this.#counts = arithmetic.allocate(most * terms);
    this.#turned = arithmetic.allocate(terms === SPLIT ? Math.max(g1 * POINT_BYTES[G1], g2 * POINT_BYTES[G2]) : 0);
    const widest = (size: number): Digits => ({
      width: Math.max(
        ...[size, Math.min(size, MOST_SPLIT)].map(
          (long) => cheapestDigits(size, long, threads, { width: MOST_WIDTH, terms }).width,
        ),
      ),
      terms,
    });
    this.#most = { [G1]: widest(g1), [G2]: widest(g2) };
    const windowBytes = (size: number, group: Group): number =>
      kernel.windowBytes(size + (terms - 1) * Math.min(size, MOST_SPLIT), this.#most[group].width, group);
    const workBytes = Math.max(windowBytes(g1, G1), windowBytes(g2, G2));
    this.#work = Array.from({ length: threads }, () => arithmetic.allocate(workBytes));
    this.#sums = arithmetic.allocate(MOST_WINDOWS * partsOf(threads, 1, most) * PROJECTIVE_BYTES[G2]);
    this.#out = arithmetic.allocate(POINT_BYTES[G2]);
  }

  /**
   * Σ scalarᵢ·pointᵢ on G1.
   * @param points  address of affine points, coordinates in the arithmetic's form (`fromKey`), infinity all zeros
   * @param scalars address of integers, 32 bytes little-endian, taken modulo r
   * @returns the affine point in a key's form, 64 bytes, all zeros for infinity
   * @throws RangeError for more points than the memory was taken for
   */
  g1(points: number, scalars: number, count: number): Promise<Uint8Array> {
    return this.#queue(G1, points, scalars, count);
  }

  /** The same on G2: points and result of 128 bytes, coordinates as real and imaginary part. */
  g2(points: number, scalars: number, count: number): Promise<Uint8Array> {
    return this.#queue(G2, points, scalars, count);
  }

  #queue(group: Group, points: number, scalars: number, count: number): Promise<Uint8Array> {
    if (!Number.isInteger(count) || count < 0 || count > this.#sizes[group]) {
      throw new RangeError(`a sum of ${count} points on G${group}, and there is memory for ${this.#sizes[group]}`);
    }
    const result = this.#last.then(() => this.#sum(group, points, scalars, count));
    // A failed sum is told to its caller; the next one begins all the same.
    this.#last = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  async #sum(group: Group, points: number, scalars: number, count: number): Promise<Uint8Array> {
    if (count === 0) return new Uint8Array(POINT_BYTES[group]);
    const arithmetic = this.#arithmetic;
    const long = await arithmetic.run('countLong', scalars, count);
    const digits = cheapestDigits(count, long, arithmetic.threads, this.#most[group]);
    const { width, terms } = digits;
    const windows = await this.#recode(group, points, scalars, count, digits);
    const parts = partsOf(arithmetic.threads, windows, count);
    const left = cut(windows, parts, count).values();
    const result = ({ window, part }: Part): number => this.#sums + (window * parts + part) * PROJECTIVE_BYTES[group];
    await Promise.all(
      this.#work.map(async (work) => {
        for (const part of left) {
          await arithmetic.run(
            'sumWindow',
            points + part.first * POINT_BYTES[group],
            this.#turned + part.first * POINT_BYTES[group],
            terms,
            this.#recoded + part.first * SCALAR_BYTES,
            this.#counts + part.first * terms,
            part.count,
            part.window,
            width,
            group,
            work,
            result(part),
          );
        }
      }),
    );
    await arithmetic.run('combineWindows', this.#sums, windows, parts, width, group, this.#out);
    return arithmetic.bytes.slice(this.#out, this.#out + POINT_BYTES[group]);
  }

  /**
   * Digits of all scalars, and the endomorphism's images of the points that need one, a range in each thread; gives the
   * number of windows.
   */
  async #recode(group: Group, points: number, scalars: number, count: number, digits: Digits): Promise<number> {
    const arithmetic = this.#arithmetic;
    const { width, terms } = digits;
    const found = await Promise.all(
      cut(1, partsOf(arithmetic.threads, 1, count), count).map(async ({ first, count }) => {
        const from = points + first * POINT_BYTES[group];
        const counts = this.#counts + first * terms;
        const recoded = this.#recoded + first * SCALAR_BYTES;
        const scalarsFrom = scalars + first * SCALAR_BYTES;
        const windows = await arithmetic.run('recode', scalarsFrom, from, count, width, terms, group, recoded, counts);
        if (terms === SPLIT) {
          await arithmetic.run('turnPoints', from, counts, count, group, this.#turned + first * POINT_BYTES[group]);
        }
        return windows;
      }),
    );
    return Math.max(...found);
  }
}

function cut(windows: number, parts: number, count: number): Part[] {
  const step = Math.ceil(count / parts / PART_STEP) * PART_STEP;
  return Array.from({ length: windows * parts }, (_, i) => {
    const [window, part] = [Math.floor(i / parts), i % parts];
    const first = Math.min(part * step, count);
    return { window, part, first, count: Math.min(step, count - first) };
  });
}
