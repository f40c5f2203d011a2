/** An index as its registration says it: what everything about it is checked against, and disputed with. */
import type { Slot } from '../../prover/reference/index.js';
import type { ChainEvent, ChainEvents } from '../events.js';
import { only } from './check.js';

export interface RegisteredIndex extends ChainEvent<'IndexRegistered'> {
  /** As registered: a dispute names them again. */
  readonly registeredSlots: ChainEvent<'SlotsRegistered'>['slots'];
  readonly shardCommitments: readonly bigint[];
  /** Rows [start, end) of each slot, its contributor by number. */
  readonly slots: readonly Slot[];
  /** Contributors, in the order of their first slots. */
  readonly addresses: readonly string[];
}

/** @throws Difference when the node does not show exactly one registration of it, with its slots */
export function registeredIndex(events: ChainEvents, index: string): RegisteredIndex {
  const registration = only(
    'registrations of the index',
    events.IndexRegistered.filter((event) => event.index === index),
  );
  const { slots, shardCommitments } = only(
    'slot registrations',
    events.SlotsRegistered.filter((event) => event.index === index),
  );
  const addresses = [...new Set(slots.map(({ contributor }) => contributor))];
  return {
    ...registration,
    registeredSlots: slots,
    shardCommitments,
    addresses,
    slots: slots.map(({ end, contributor }, k) => ({
      start: k === 0 ? 0 : slots[k - 1].end,
      end,
      contributor: addresses.indexOf(contributor),
    })),
  };
}
