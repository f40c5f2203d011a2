/**
 * What is wrong with a registered index, by an opening of it: every fact that the contracts punish by a proof, as a
 * finding with all that proving and filing takes, and what only a committee can judge.
 * The trap: an opening is anybody's claim. One whose tree has not the registered root says nothing about the index, and a
 * shard whose list has not the registered commitment says nothing about the shard; neither is ever a finding.
 */

import type { OpenedIndex } from '../../prover/index.js';
import { openedIndex, openRows } from '../../prover/openedIndex.js';
import {
  type Hasher,
  type Instance,
  merkleTree,
  type OpenedRow,
  openedCommitment,
  rangeFault,
  saltOf,
  tag,
  vectorCommitment,
  wrongElement,
  wrongWord,
} from '../../prover/reference/index.js';
import { commitIndex, type IndexContent } from '../../prover/rowCommitments.js';
import type { RegisteredIndex } from './registered.js';

export type IndexFinding =
  /** The running sum at the row does not add up. */
  | { readonly ground: 'sumStep'; readonly row: number }
  /** The row is no vector of int8 entries in [−127, 127]. */
  | { readonly ground: 'rowRange'; readonly row: number }
  /** The shard's list holds another index id (position 0), or another slot than the tree. */
  | { readonly ground: 'slotIsPrefix'; readonly shard: number; readonly position: number }
  /** The row's leaf names another contributor than its slot: no circuit shows it, so it is for the committee. */
  | { readonly ground: 'contributor'; readonly row: number };

/** Integers from which an honest index follows. */
export interface IntegerOpening {
  readonly kind: 'integers';
  /** The index id that its maker used. */
  readonly indexId: bigint;
  readonly rows: Int8Array;
  readonly secret: string;
  /** SHA-256 row hashes of the data set, hex. */
  readonly rowHashes: readonly string[];
}

/** Every word as it was committed to. */
export interface WordOpening {
  readonly kind: 'words';
  readonly rows: readonly OpenedRow[];
  /** Index id and S slot commitments of each shard. */
  readonly shards: readonly (readonly bigint[])[];
}

/** What a dispute's proof is made from. */
export interface ShownIndex {
  readonly index: OpenedIndex;
  /** The list of each shard, undefined where the commitment was not opened. */
  readonly shards: readonly (readonly bigint[] | undefined)[];
}

export interface Inspection {
  /** Whether the tree, and whether every shard, opens to what was registered. */
  readonly opens: 'all' | 'tree' | 'nothing';
  readonly findings: readonly IndexFinding[];
  /** Only where there are findings: it is large, and made for them. */
  readonly shown?: ShownIndex;
}

const NOTHING: Inspection = { opens: 'nothing', findings: [] };

/** What the opening shows about the index. */
export function inspectIndex(
  hasher: Hasher,
  instance: Instance,
  registered: RegisteredIndex,
  opening: IntegerOpening | WordOpening,
): Promise<Inspection> {
  return opening.kind === 'integers'
    ? inspectIntegers(hasher, instance, registered, opening)
    : Promise.resolve(inspectWords(hasher, instance, registered, opening));
}

/** Integers give honest sums, so what can be wrong is a row of −128, and what the shards hold. */
async function inspectIntegers(
  hasher: Hasher,
  instance: Instance,
  registered: RegisteredIndex,
  { indexId, rows, secret, rowHashes }: IntegerOpening,
): Promise<Inspection> {
  const { columns } = instance;
  if (rowHashes.length !== registered.rows || rows.length !== registered.rows * columns) return NOTHING;
  const { slots, addresses } = registered;
  const content: IndexContent = {
    instance,
    indexId: registered.indexId,
    rows,
    slots,
    rowHashes,
    addresses,
    secret,
  };
  const { root, leaves, shards, prefixCommitments } = await commitIndex(content);
  if (root !== registered.indexRoot) return NOTHING;
  const rowFindings = outOfRange(rows, columns);
  const agree = registered.shardCommitments.every((commitment, s) => shards[s].commitment === commitment);
  if (agree && rowFindings.length === 0) return { opens: 'all', findings: [] };
  const lists = registered.shardCommitments.map((_, s) => [
    registered.indexId,
    ...slotCommitments(hasher, content, prefixCommitments, s),
  ]);
  const committed = lists.map((list) => [list, [indexId, ...list.slice(1)]]);
  const opened = openedShards(hasher, instance, registered, committed);
  const index = { columns, rows: openRows(content), tree: merkleTree(hasher, leaves) };
  const findings = [...rowFindings, ...wrongShards(hasher, instance, registered, index, opened)];
  return inspected({ index, shards: opened }, findings);
}

function inspectWords(
  hasher: Hasher,
  instance: Instance,
  registered: RegisteredIndex,
  { rows, shards }: WordOpening,
): Inspection {
  const { columns } = instance;
  if (rows.length !== registered.rows) return NOTHING;
  const index = openedIndex(hasher, columns, rows);
  if (index.tree.root !== registered.indexRoot) return NOTHING;
  const findings: IndexFinding[] = [];
  for (const { start, end, contributor } of registered.slots) {
    for (let row = start; row < end; row++) {
      const { row: sketch, prefix, contributor: named } = rows[row];
      if (rangeFault(columns, sketch.words)) findings.push({ ground: 'rowRange', row });
      const before = row === start ? undefined : rows[row - 1].prefix;
      if (wrongWord(columns, before, sketch, prefix) !== undefined) findings.push({ ground: 'sumStep', row });
      if (named !== BigInt(registered.addresses[contributor])) findings.push({ ground: 'contributor', row });
    }
  }
  const opened = openedShards(
    hasher,
    instance,
    registered,
    shards.map((list) => [list]),
  );
  findings.push(...wrongShards(hasher, instance, registered, index, opened));
  return inspected({ index, shards: opened }, findings);
}

function inspected(shown: ShownIndex, findings: readonly IndexFinding[]): Inspection {
  const opens = shown.shards.includes(undefined) ? 'tree' : 'all';
  return findings.length === 0 ? { opens, findings } : { opens, findings, shown };
}

function outOfRange(rows: Int8Array, columns: number): IndexFinding[] {
  const found = new Set<number>();
  // −128 is the one int8 that is no entry of a row
  for (let at = rows.indexOf(-128); at >= 0; at = rows.indexOf(-128, at + 1)) found.add(Math.floor(at / columns));
  return Array.from(found, (row) => ({ ground: 'rowRange', row }));
}

/** Of each shard, the first of its candidates that has the registered commitment. */
function openedShards(
  hasher: Hasher,
  { slots, columns }: Instance,
  { shardCommitments }: RegisteredIndex,
  candidates: readonly (readonly (readonly bigint[])[])[],
): (readonly bigint[] | undefined)[] {
  const start = tag('shard', slots, columns);
  return shardCommitments.map((commitment, s) =>
    (candidates[s] ?? []).find((list) => hasher.chain(start, list) === commitment),
  );
}

function wrongShards(
  hasher: Hasher,
  { slots: S }: Instance,
  { indexId, slots }: RegisteredIndex,
  { rows }: OpenedIndex,
  opened: ShownIndex['shards'],
): IndexFinding[] {
  const findings: IndexFinding[] = [];
  for (const [shard, committed] of opened.entries()) {
    if (committed === undefined) continue;
    const own = slots.slice(shard * S, (shard + 1) * S);
    const prefixes = own.map(({ end }) => openedCommitment(hasher, rows[end - 1].prefix));
    const position = wrongElement(committed, indexId, prefixes);
    if (position !== undefined) findings.push({ ground: 'slotIsPrefix', shard, position });
  }
  return findings;
}

/** The S commitments of a shard of an honest index: last prefixes, then zero vectors. */
function slotCommitments(
  hasher: Hasher,
  { instance, slots, secret }: IndexContent,
  prefixCommitments: readonly bigint[],
  shard: number,
): bigint[] {
  const { slots: S, columns } = instance;
  return Array.from({ length: S }, (_, k) => {
    const slot = slots[shard * S + k];
    return slot === undefined
      ? vectorCommitment(hasher, saltOf(secret, 'padding-slot', shard * S + k), new Int16Array(columns))
      : prefixCommitments[slot.end - 1];
  });
}
