/**
 * A finding turned into a dispute: the proof for the account that files it, and the call that files it.
 * The trap: of several findings one may have no proof, as a sum beside a row that is out of range; so they are tried in
 * order, rows first. One dispute that is taken disables the index, and more would be refused.
 */
import { MeedError } from '../../foundation/index.js';
import {
  type CircuitInput,
  type ProvingKey,
  prove,
  rowRangeInput,
  slotIsPrefixInput,
  sumStepInput,
} from '../../prover/index.js';
import type { Hasher } from '../../prover/reference/index.js';
import type { Sent } from '../account.js';
import type { ChainClient } from '../client.js';
import { disputeRow, disputeSlot, disputeSum } from '../disputes.js';
import type { IndexFinding, ShownIndex } from './indexFindings.js';
import { type RegisteredIndex, shardSlots } from './registered.js';

/** What a proof shows to the contracts. */
export type DisputableFinding = Exclude<IndexFinding, { readonly ground: 'contributor' }>;

export type DisputeKeys = Readonly<Record<DisputableFinding['ground'], ProvingKey>>;

/** Whose proof comes first. */
const ORDER = ['rowRange', 'sumStep', 'slotIsPrefix'] as const;

export interface ProvenFinding {
  readonly finding: DisputableFinding;
  /** A.x A.y | B.x1 B.x0 B.y1 B.y0 | C.x C.y */
  readonly proof: readonly bigint[];
}

/** Findings that a proof shows, in the order in which they are tried. */
export function disputable(findings: readonly IndexFinding[]): DisputableFinding[] {
  return ORDER.flatMap((ground) => findings.filter((finding) => finding.ground === ground)).filter(
    (finding): finding is DisputableFinding => finding.ground !== 'contributor',
  );
}

/**
 * The first finding that can be proven, for the account that files it.
 * @param levels of the circuits
 * @throws MeedError when none can
 */
export async function proveFirst(
  hasher: Hasher,
  keys: DisputeKeys,
  registered: RegisteredIndex,
  shown: ShownIndex,
  findings: readonly DisputableFinding[],
  { claimant, levels }: { readonly claimant: string; readonly levels: number },
): Promise<ProvenFinding> {
  let last: unknown;
  for (const finding of findings) {
    try {
      const input = inputOf(hasher, registered, shown, finding, claimant, levels);
      return { finding, proof: (await prove(keys[finding.ground], input)).words };
    } catch (error) {
      if (!(error instanceof MeedError)) throw error;
      last = error;
    }
  }
  throw new MeedError(`No finding about index ${registered.index} can be proven`, 'Bring it before the committee', {
    cause: last,
  });
}

function inputOf(
  hasher: Hasher,
  { indexId, slots, slotsPerShard }: RegisteredIndex,
  { index, shards }: ShownIndex,
  finding: DisputableFinding,
  claimant: string,
  levels: number,
): CircuitInput {
  if (finding.ground === 'rowRange') return rowRangeInput(hasher, index, { row: finding.row, claimant }, levels);
  if (finding.ground === 'sumStep') return sumStepInput(hasher, index, { row: finding.row, slots, claimant }, levels);
  const committed = shards[finding.shard] ?? [];
  const own = slots.slice(finding.shard * slotsPerShard, (finding.shard + 1) * slotsPerShard);
  return slotIsPrefixInput(hasher, index, { indexId, committed, slots: own, claimant }, levels);
}

/** @throws MeedError with the contract's refusal */
export function fileFinding(
  client: ChainClient,
  registered: RegisteredIndex,
  { finding, proof }: ProvenFinding,
): Promise<Sent> {
  const { index, slots, slotsPerShard } = registered;
  if (finding.ground === 'slotIsPrefix') {
    const { shard, position } = finding;
    return disputeSlot(client, { index, registered: shardSlots(registered, shard), proof, position });
  }
  const { ground, row } = finding;
  const shard = Math.floor(slots.findIndex(({ end }) => row < end) / slotsPerShard);
  const dispute = { index, registered: shardSlots(registered, shard), proof, row };
  return ground === 'rowRange' ? disputeRow(client, dispute) : disputeSum(client, dispute);
}
