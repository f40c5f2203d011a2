/**
 * The list of an index's slot commitments as RowsToSlot makes it segment by segment and SlotsToShard reads it:
 * h ← Poseidon(h, c) for every slot in order, from tag(slotList, 0, d).
 */
import { tag } from './constants.js';
import type { Hasher } from './poseidon.js';

/** h of no slots. */
export function emptySlotList(columns: number): bigint {
  return tag('slotList', 0, columns);
}

/** h after more slots. */
export function extendSlotList(hasher: Hasher, list: bigint, slotCommitments: readonly bigint[]): bigint {
  return slotCommitments.reduce((h, commitment) => hasher.hash([h, commitment]), list);
}
