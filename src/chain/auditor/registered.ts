/** An index as its registration says it: what everything about it is checked against, and disputed with. */
import type { Slot } from '../../prover/reference/index.js';
import type { ChainEvents } from '../events.js';
import { only } from './check.js';

/** As logged. */
export interface Registered {
  /** On-chain id, bytes32 hex. */
  readonly index: string;
  readonly datasetId: string;
  readonly owner: string;
  readonly indexId: bigint;
  readonly indexRoot: bigint;
  readonly rows: number;
  readonly slotsPerShard: number;
  /** Unix seconds at which the window is over, if nothing holds it open. */
  readonly payableFrom: number;
}

export interface RegisteredIndex extends Registered {
  /** As registered: a dispute names them again. */
  readonly registeredSlots: readonly { readonly end: number; readonly contributor: string }[];
  readonly shardCommitments: readonly bigint[];
  /** Rows [start, end) of each slot, its contributor by number. */
  readonly slots: readonly Slot[];
  /** Contributors, in the order of their first slots. */
  readonly addresses: readonly string[];
}

export function withSlots(
  registered: Registered,
  registeredSlots: RegisteredIndex['registeredSlots'],
  shardCommitments: readonly bigint[],
): RegisteredIndex {
  const addresses = [...new Set(registeredSlots.map(({ contributor }) => contributor))];
  const numbers = new Map(addresses.map((contributor, i) => [contributor, i]));
  const slots = registeredSlots.map(({ end, contributor }, k) => ({
    start: k === 0 ? 0 : registeredSlots[k - 1].end,
    end,
    contributor: numbers.get(contributor) ?? -1,
  }));
  return { ...registered, registeredSlots, shardCommitments, slots, addresses };
}

/** @throws Difference when the node does not show exactly one registration of it, with its slots */
export function registeredIndex(events: ChainEvents, index: string): RegisteredIndex {
  const registered = only(
    'registrations of the index',
    events.IndexRegistered.filter((event) => event.index === index),
  );
  const { slots, shardCommitments } = only(
    'slot registrations',
    events.SlotsRegistered.filter((event) => event.index === index),
  );
  return withSlots(registered, slots, shardCommitments);
}
