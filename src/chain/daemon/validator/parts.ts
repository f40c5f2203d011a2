/**
 * The places of an epoch, in parts of eight: as many as are settled by one transaction, and what one validator takes at a
 * time. Which places belong together is the same for everybody, and for good.
 */
export interface Place {
  readonly shard: number;
  readonly batch: number;
}

export interface Part {
  readonly number: number;
  readonly places: readonly Place[];
}

/** Eight proofs share most of a verification's cost, and stay far below a block's gas. */
export const PLACES_A_PART = 8;

/** @param shards of the index. @param batches of the epoch. */
export function partsOf(shards: number, batches: number): Part[] {
  const parts: Part[] = [];
  for (let first = 0; first < shards * batches; first += PLACES_A_PART) {
    const count = Math.min(PLACES_A_PART, shards * batches - first);
    const places = Array.from({ length: count }, (_, i) => ({
      shard: Math.floor((first + i) / batches),
      batch: (first + i) % batches,
    }));
    parts.push({ number: parts.length, places });
  }
  return parts;
}
