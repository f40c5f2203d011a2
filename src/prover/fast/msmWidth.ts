/**
 * How wide a window's digits are: wide digits mean fewer windows, but a window of c bits has 2^(c−1) buckets whose
 * weighted sum costs more for each than a point does. The cost is counted in products of the field, which is what both
 * are made of, so the choice is the same on every machine.
 * The trap: short scalars fill the lowest windows only and must not make digits wider.
 */

/** Products of an addition that shares its inversion: five, and a square of three quarters of one. */
const PRODUCTS_OF_ADDITION = 5.75;
/** Products of a bucket in the weighted sum: two complete additions, of twelve and two by 3b each. */
const PRODUCTS_OF_BUCKET = 28;
/** Products that a batch's inversion takes, four chains at once: 254 squares and 80 products in each lane. */
const PRODUCTS_OF_INVERSION = 1100;
/** Additions of a batch. */
const BATCH = 4096;
/** Bits that digits cover. */
const SCALAR_BITS = 254;
/** The kernel's weighted sum takes the buckets in four quarters, and its digits fit 19 bits. */
export const LEAST_WIDTH = 4;
export const MOST_WIDTH = 17;

/**
 * @param count scalars that are not zero
 * @param long  of these, how many are of full length
 * @returns bits of a digit
 */
export function digitWidth(count: number, long: number): number {
  let best = { width: LEAST_WIDTH, cost: Number.POSITIVE_INFINITY };
  for (let width = LEAST_WIDTH; width <= MOST_WIDTH; width++) {
    const cost = windowProducts(count, long, width);
    if (cost < best.cost) best = { width, cost };
  }
  return best.width;
}

/** Products (of the group's coordinates) that a sum takes with digits of the given width. */
export function windowProducts(count: number, long: number, width: number): number {
  return Math.ceil(SCALAR_BITS / width) * windowCost(long, width) + windowCost(count - long, width);
}

function windowCost(points: number, width: number): number {
  const buckets = 2 ** (width - 1);
  const levels = Math.ceil(Math.log2(Math.max(2, points / buckets))) + 2;
  const batches = Math.max(levels, points / BATCH);
  return points * PRODUCTS_OF_ADDITION + buckets * PRODUCTS_OF_BUCKET + batches * PRODUCTS_OF_INVERSION;
}
