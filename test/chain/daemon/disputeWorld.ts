/**
 * A world whose indexes can be disputed, and owners who cheat in each way that the contracts punish: what they register
 * with its bond, and what they publish that opens it, word by word.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DisputeKeys } from '../../../src/chain/auditor/disputing.js';
import { approveBonds, deploymentJson, mintTokens } from '../../../src/chain/index.js';
import { registerIndex } from '../../../src/chain/indexRegistration.js';
import { compileCircuit, developmentKey, keyWords, type ProvingKey, writeWords } from '../../../src/prover/index.js';
import type { OpenedIndex } from '../../../src/prover/openedIndex.js';
import { type Hasher, loadHasher, openedCommitment, shardCommitment } from '../../../src/prover/reference/index.js';
import { addToEntry, honestIndex, withRow } from '../../prover/support/indexes.js';
import { CONTRIBUTORS, DEPLOYER, elementOf, hashOf, newDataset, OWNER, openWorld, type World } from '../world.js';

export const COLUMNS = 16;
const LEVELS = 3;
const INSTANCE = { slots: 3, queries: 2, columns: COLUMNS };
export const BOND = 1001n;
const SLOT_ROWS = [3, 1, 2, 1, 1];
const SLOTS = [3, 4, 6, 7, 8].map((end, k) => ({ end, contributor: CONTRIBUTORS[Math.min(k, 3)] }));

export const CHEATS = ['sum', 'first sum', 'row', 'slot', 'index id'] as const;
export type Cheat = (typeof CHEATS)[number];

export interface DisputeWorld {
  readonly world: World;
  readonly keys: DisputeKeys;
  /** The library that auditors watch. */
  readonly published: string;
  readonly deploymentFile: string;
  /** Registers an index, honest unless told, and publishes what opens it, at once unless told. @returns its id */
  register(options?: { readonly cheat?: Cheat; readonly publish?: 'later' }): Promise<Registered>;
}

export interface Registered {
  readonly index: string;
  publish(): Promise<void>;
}

export async function disputeKeys(columns: number, levels: number, slots: number): Promise<DisputeKeys> {
  const keyOf = async (template: string, parameters: readonly number[]): Promise<ProvingKey> =>
    developmentKey(await compileCircuit({ template, parameters }));
  return {
    sumStep: await keyOf('SumStep', [columns, levels]),
    rowRange: await keyOf('RowRange', [columns, levels]),
    slotIsPrefix: await keyOf('SlotIsPrefix', [slots, columns, levels]),
  };
}

/** @param folder a fresh one. @param challengeWindow seconds */
export async function openDisputeWorld(folder: string, challengeWindow: number): Promise<DisputeWorld> {
  const hasher = await loadHasher();
  const keys = await disputeKeys(COLUMNS, LEVELS, INSTANCE.slots);
  const words = (key: ProvingKey): bigint[] => keyWords(key.verificationKey);
  const world = await openWorld(INSTANCE, {
    challengeWindow,
    indexBond: BOND,
    disputes: {
      sumStep: words(keys.sumStep),
      rowRange: words(keys.rowRange),
      slotIsPrefix: words(keys.slotIsPrefix),
      levels: LEVELS,
    },
  });
  const published = join(folder, 'published');
  await mkdir(published, { recursive: true });
  let registered = 0;
  return {
    world,
    keys,
    published,
    deploymentFile: JSON.stringify(deploymentJson(world.deployed.deployment)),
    register: async ({ cheat, publish } = {}) => {
      const number = registered++;
      const honest = honestIndex(hasher, COLUMNS, SLOT_ROWS, 100 + number).index;
      const { opened, lists, indexId } = cheated(hasher, named(hasher, honest), elementOf(`index ${number}`), cheat);
      const index = await registerWithBond(world, hasher, opened, lists, indexId);
      const one = {
        index,
        publish: async () => {
          const content = { rows: opened.rows, shards: lists, root: opened.tree.root };
          await writeWords(join(published, `words-${number}`), INSTANCE, content);
        },
      };
      if (publish !== 'later') await one.publish();
      return one;
    },
  };
}

/** Leaves that name the contributors of their slots. */
function named(hasher: Hasher, index: OpenedIndex): OpenedIndex {
  return index.rows.reduce((changed, _, row) => {
    const slot = SLOTS.find(({ end }) => row < end);
    return withRow(hasher, changed, row, () => ({ contributor: BigInt(slot?.contributor ?? 0) }));
  }, index);
}

interface Cheated {
  readonly opened: OpenedIndex;
  /** What each shard's commitment opens to. */
  readonly lists: readonly (readonly bigint[])[];
  readonly indexId: bigint;
}

function cheated(hasher: Hasher, honest: OpenedIndex, indexId: bigint, cheat: Cheat | undefined): Cheated {
  const lists = (of: OpenedIndex, id = indexId): bigint[][] => {
    const slots = SLOTS.map(({ end }) => openedCommitment(hasher, of.rows[end - 1].prefix));
    const filled = [...slots, elementOf('filler')];
    return [
      [id, ...filled.slice(0, INSTANCE.slots)],
      [id, ...filled.slice(INSTANCE.slots)],
    ];
  };
  const wrongSum = (row: number): OpenedIndex =>
    withRow(hasher, honest, row, ({ prefix }) => ({ prefix: { ...prefix, words: addToEntry(prefix.words, 2, 5) } }));
  const consistently = (opened: OpenedIndex): Cheated => ({ opened, lists: lists(opened), indexId });
  switch (cheat) {
    case undefined:
      return consistently(honest);
    case 'sum':
      return consistently(wrongSum(1));
    case 'first sum':
      return consistently(wrongSum(6));
    case 'row':
      return consistently(
        withRow(hasher, honest, 4, ({ row }) => ({ row: { ...row, words: addToEntry(row.words, 1, 2 ** 8) } })),
      );
    case 'slot':
      // the shard claims another contributor's sum for its last slot; the tree is honest
      return { opened: honest, lists: swapped(lists(honest)), indexId };
    case 'index id':
      return { opened: honest, lists: [lists(honest)[0], lists(honest, 77n)[1]], indexId };
  }
}

function swapped([first, second]: readonly bigint[][]): bigint[][] {
  const [id, own, other, ...rest] = second;
  return [first, [id, other, own, ...rest]];
}

async function registerWithBond(
  world: World,
  hasher: Hasher,
  opened: OpenedIndex,
  lists: readonly (readonly bigint[])[],
  indexId: bigint,
): Promise<string> {
  const owner = await world.as(OWNER);
  const contributors = [...new Set(SLOTS.map(({ contributor }) => contributor))];
  const datasetId = await newDataset(world, opened.rows.length, contributors);
  await mintTokens(await world.as(DEPLOYER), owner.account.address, BOND);
  await approveBonds(owner, BOND);
  const { index } = await registerIndex(owner, {
    datasetId,
    indexId,
    modelId: hashOf('model'),
    encoderHash: hashOf('encoder'),
    indexRoot: opened.tree.root,
    rows: opened.rows.length,
    slots: SLOTS,
    shardCommitments: lists.map(([id, ...slots]) => shardCommitment(hasher, INSTANCE, id, slots)),
  });
  return index;
}
