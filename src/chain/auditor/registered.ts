/** An index as its registration says it: what everything about it is checked against, and disputed with. */
import type { Slot } from '../../prover/reference/index.js';
import type { ShardSlots } from '../disputes.js';
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
}

export interface RegisteredIndex extends Registered {
  /** As registered: a dispute names those of its shard again. */
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

/** The shard's slots as a dispute names them. */
export function shardSlots({ registeredSlots, slots, slotsPerShard }: RegisteredIndex, shard: number): ShardSlots {
  const first = shard * slotsPerShard;
  return {
    shard,
    firstRow: slots[first].start,
    slots: registeredSlots.slice(first, first + slotsPerShard),
  };
}

/** @throws Difference when the node does not show exactly one registration of it, and that it was completed */
export function registeredIndex(events: ChainEvents, index: string): RegisteredIndex {
  const registered = only(
    'registrations of the index',
    events.IndexRegistered.filter((event) => event.index === index),
  );
  only(
    'completions of the index',
    events.IndexCompleted.filter((event) => event.index === index),
  );
  const parts = events.SlotsRegistered.filter((event) => event.index === index);
  return withSlots(
    registered,
    parts.flatMap((part) => part.slots),
    parts.flatMap((part) => part.shardCommitments),
  );
}
