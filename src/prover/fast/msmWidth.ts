/**
 * How a sum is cut: how wide its digits are, whether scalars are split in two by the curve's endomorphism, and how many
 * ranges of points a window has. Wide digits mean fewer windows, but a window of c bits has 2^(c−1) buckets whose weighted
 * sum costs more for each than a point does; splitting halves the windows and doubles their points. The cost is counted in
 * products of the field, which is what nearly all of this is made of, so the choice is the same on every machine with as
 * many threads.
 * The traps: short scalars fill the lowest windows only and must not make digits wider; and a thread without a window
 * waits for the others, so few windows must be a multiple of the threads.
 */
import { SPLIT, type Terms, WHOLE } from './curveKernel.js';

export interface Digits {
  /** Bits of a digit. */
  readonly width: number;
  readonly terms: Terms;
}

/** Products of an addition that shares its inversion: five, and a square of three quarters of one. */
const PRODUCTS_OF_ADDITION = 5.75;
/** What an addition takes beside its products, in products' time: operands loaded and stored, digits sorted. As measured. */
const HANDLING_OF_ADDITION = 2.5;
/** Products of a bucket in the weighted sum: two complete additions, of twelve and two by 3b each. */
const PRODUCTS_OF_BUCKET = 28;
/** Products that a batch's inversion takes, four chains at once: 254 squares and 80 products in each lane. */
const PRODUCTS_OF_INVERSION = 1100;
/** What splitting a scalar and turning its point take, in products' time: one, and the quotients. As measured. */
const SPLITTING = 4;
/** Additions of a batch. */
const BATCH = 4096;
/** Bits that digits cover. */
const BITS = { [WHOLE]: 254, [SPLIT]: 128 } as const;
/** The kernel's weighted sum takes the buckets in four quarters, and its digits fit 19 bits. */
export const LEAST_WIDTH = 4;
export const MOST_WIDTH = 17;
/**
 * Most long scalars that are split: the points of more do not stay in a processor's cache when they are twice as many, and
 * nothing was gained, as measured.
 */
export const MOST_SPLIT = 2 ** 16;
/** A window with fewer points is not worth cutting. */
const LEAST_PART = 2048;

/**
 * @param count scalars that are not zero
 * @param long  of these, how many are of full length
 * @param most  the widest digits and most terms that there is memory for
 */
export function cheapestDigits(
  count: number,
  long: number,
  threads: number,
  most: Digits = { width: MOST_WIDTH, terms: SPLIT },
): Digits {
  let best: { digits: Digits; cost: number } = {
    digits: { width: LEAST_WIDTH, terms: WHOLE },
    cost: Number.POSITIVE_INFINITY,
  };
  const termsMost = long <= MOST_SPLIT ? most.terms : WHOLE;
  for (const terms of [WHOLE, SPLIT] as const) {
    for (let width = LEAST_WIDTH; terms <= termsMost && width <= most.width; width++) {
      const cost = sumCost(count, long, threads, { width, terms });
      if (cost < best.cost) best = { digits: { width, terms }, cost };
    }
  }
  return best.digits;
}

/** Ranges into which every window is cut, so that each thread gets at least two of them if there are points enough. */
export function partsOf(threads: number, windows: number, count: number): number {
  if (threads === 1) return 1;
  const wanted = Math.ceil((2 * threads) / Math.max(windows, 1));
  return Math.max(1, Math.min(wanted, Math.floor(count / LEAST_PART)));
}

/** Products (of the group's coordinates) that a sum takes with the given digits. */
export function sumProducts(count: number, long: number, { width, terms }: Digits): number {
  const turned = terms === SPLIT ? long : 0;
  return (
    windowsOf(width, terms) * windowCost(long * terms, width, PRODUCTS_OF_ADDITION) +
    windowCost(count - long, width, PRODUCTS_OF_ADDITION) +
    turned
  );
}

/** Threads' time until the last one is done, in products'. */
function sumCost(count: number, long: number, threads: number, { width, terms }: Digits): number {
  const windows = windowsOf(width, terms);
  const parts = partsOf(threads, windows, count);
  const perAddition = PRODUCTS_OF_ADDITION + HANDLING_OF_ADDITION;
  const rounds = Math.ceil((windows * parts) / threads);
  return (
    rounds * threads * windowCost((long * terms) / parts, width, perAddition) +
    windowCost(count - long, width, perAddition) +
    (terms === SPLIT ? SPLITTING * long : 0)
  );
}

function windowsOf(width: number, terms: Terms): number {
  return Math.ceil(BITS[terms] / width);
}

function windowCost(points: number, width: number, perAddition: number): number {
  const buckets = 2 ** (width - 1);
  const levels = Math.ceil(Math.log2(Math.max(2, points / buckets))) + 2;
  const batches = Math.max(levels, points / BATCH);
  return points * perAddition + buckets * PRODUCTS_OF_BUCKET + batches * PRODUCTS_OF_INVERSION;
}
