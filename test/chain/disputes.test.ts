/**
 * Disputes by real proofs on a real chain: each kind of wrong index is disabled by whoever shows it wrong, which pays half
 * of its bond and burns the rest; what is right, late, copied or about another row is refused.
 */
import { Interface, keccak256, toUtf8Bytes, ZeroAddress } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilMined } from '../../src/chain/account.js';
import { compileContracts } from '../../src/chain/compile.js';
import {
  approveBonds,
  approveStake,
  balanceOf,
  type ChainClient,
  claimReward,
  disableIndex,
  disputeRow,
  disputeSlot,
  disputeSum,
  judgeIndex,
  mintTokens,
  openStaking,
  readEvents,
  registerIndex,
  registerValidator,
  releaseBond,
  slash,
  totalStake,
  WHOLE_SHARE,
} from '../../src/chain/index.js';
import { compileCircuit, developmentKey, keyWords, type ProvingKey, prove } from '../../src/prover/index.js';
import type { OpenedIndex } from '../../src/prover/openedIndex.js';
import { type Hasher, loadHasher, openedCommitment, shardCommitment } from '../../src/prover/reference/index.js';
import { rowRangeInput } from '../../src/prover/rowRange.js';
import { slotIsPrefixInput } from '../../src/prover/slotIsPrefix.js';
import { sumStepInput } from '../../src/prover/sumStep.js';
import { addToEntry, type HonestIndex, honestIndex, withRow, wordsWith } from '../prover/support/indexes.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  elementOf,
  hashOf,
  newDataset,
  OWNER,
  openWorld,
  STRANGER,
  type World,
} from './world.js';

const COLUMNS = 16;
const LEVELS = 3;
const INSTANCE = { slots: 3, queries: 2, columns: COLUMNS };
const WINDOW = 1000;
const BOND = 1001n;
const STAKING = {
  minimumOwnStake: 1000n,
  periodSeconds: 60,
  evidencePeriods: 40,
  unbondingPeriods: 50,
  freezePeriods: 2,
  slashShare: WHOLE_SHARE / 5n,
};
const SLOT_ROWS = [3, 1, 2, 1];
const SLOTS = [3, 4, 6, 7].map((end, k) => ({ end, contributor: CONTRIBUTORS[k] }));
/** The first shard, and the second, of one slot. */
const REGISTERED = { shard: 0, firstRow: 0, slots: SLOTS.slice(0, 3) };
const SECOND = { shard: 1, firstRow: 6, slots: SLOTS.slice(3) };

let world: World;
let hasher: Hasher;
let honest: HonestIndex;
let keys: Record<'sumStep' | 'rowRange' | 'slotIsPrefix', ProvingKey>;
let owner: ChainClient;
let challenger: ChainClient;

beforeAll(async () => {
  hasher = await loadHasher();
  honest = honestIndex(hasher, COLUMNS, SLOT_ROWS, 5);
  const keyOf = async (template: string, parameters: readonly number[]): Promise<ProvingKey> =>
    developmentKey(await compileCircuit({ template, parameters }));
  keys = {
    sumStep: await keyOf('SumStep', [COLUMNS, LEVELS]),
    rowRange: await keyOf('RowRange', [COLUMNS, LEVELS]),
    slotIsPrefix: await keyOf('SlotIsPrefix', [INSTANCE.slots, COLUMNS, LEVELS]),
  };
  const words = (key: ProvingKey): bigint[] => keyWords(key.verificationKey);
  world = await openWorld(INSTANCE, {
    challengeWindow: WINDOW,
    indexBond: BOND,
    staking: STAKING,
    disputes: {
      sumStep: words(keys.sumStep),
      rowRange: words(keys.rowRange),
      slotIsPrefix: words(keys.slotIsPrefix),
      levels: LEVELS,
    },
  });
  owner = await world.as(OWNER);
  challenger = await world.as(STRANGER);
}, 240_000);
afterAll(async () => world?.stop());

interface Registered {
  readonly index: string;
  readonly indexId: bigint;
  /** What the first shard's commitment opens to. */
  readonly committed: readonly bigint[];
}

/** Commitments of the last prefixes of the first shard's slots. */
const slotsOf = (opened: OpenedIndex): bigint[] =>
  REGISTERED.slots.map(({ end }) => openedCommitment(hasher, opened.rows[end - 1].prefix));

/** Registers an index with everything opened, pays its bond, and lets its first shard hold something else if told. */
async function register(
  opened: OpenedIndex,
  shard: { readonly indexId?: bigint; readonly slots?: readonly bigint[] } = {},
): Promise<Registered> {
  const contributors = SLOTS.map(({ contributor }) => contributor);
  const datasetId = await newDataset(world, opened.rows.length, contributors);
  const indexId = elementOf(`index of ${datasetId}`);
  const committed = [shard.indexId ?? indexId, ...(shard.slots ?? slotsOf(opened))];
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
    shardCommitments: [shardCommitment(hasher, INSTANCE, committed[0], committed.slice(1)), elementOf('a shard')],
  });
  return { index, indexId, committed };
}

const wrongSum = (row: number): OpenedIndex =>
  withRow(hasher, honest.index, row, ({ prefix }) => ({
    prefix: { ...prefix, words: addToEntry(prefix.words, 2, 5) },
  }));

async function sumProof(opened: OpenedIndex, row: number, claimant: string): Promise<readonly bigint[]> {
  const input = sumStepInput(hasher, opened, { row, slots: honest.slots, claimant }, LEVELS);
  return (await prove(keys.sumStep, input)).words;
}

async function expectForfeited(index: string, by: ChainClient, dispute: () => Promise<unknown>): Promise<void> {
  const before = await balanceOf(owner, by.account.address);
  await dispute();
  expect((await balanceOf(owner, by.account.address)) - before).toBe(BOND / 2n);
  const { IndexDisabled } = await readEvents(owner.account.provider, world.deployed.deployment);
  expect(IndexDisabled.some((event) => event.index === index)).toBe(true);
}

describe('an index is disabled by a proof that', () => {
  it('a running sum does not add up: in a slot, at its beginning, at a shard’s', { timeout: 60_000 }, async () => {
    for (const [row, registered, other] of [
      [1, REGISTERED, SECOND],
      [3, REGISTERED, SECOND],
      [6, SECOND, REGISTERED],
    ] as const) {
      const opened = wrongSum(row);
      const { index } = await register(opened);
      const proof = await sumProof(opened, row, challenger.account.address);
      await expect(disputeSum(challenger, { index, registered: other, row, proof })).rejects.toThrow('UnknownRow');
      await expectForfeited(index, challenger, () => disputeSum(challenger, { index, registered, row, proof }));
      await expect(disputeSum(challenger, { index, registered, row, proof })).rejects.toThrow('AlreadyDisabled');
    }
  });

  it('a row is out of range', { timeout: 60_000 }, async () => {
    const entries = honest.rows.subarray(4 * COLUMNS, 5 * COLUMNS);
    const opened = withRow(hasher, honest.index, 4, ({ row }) => ({
      row: { ...row, words: wordsWith(entries, 1, 128) },
    }));
    const { index } = await register(opened);
    const input = rowRangeInput(hasher, opened, { row: 4, claimant: challenger.account.address }, LEVELS);
    const { words: proof } = await prove(keys.rowRange, input);
    await expectForfeited(index, challenger, () =>
      disputeRow(challenger, { index, registered: REGISTERED, row: 4, proof }),
    );
  });

  it('a shard holds another slot than the tree, or another index id', { timeout: 60_000 }, async () => {
    const claimant = challenger.account.address;
    for (const [opened, shard, position] of [
      [wrongSum(5), { slots: slotsOf(honest.index) }, 3],
      [honest.index, { indexId: 77n }, 0],
    ] as const) {
      const { index, ...registered } = await register(opened, shard);
      const input = slotIsPrefixInput(hasher, opened, { ...registered, slots: honest.slots, claimant }, LEVELS);
      const { words: proof } = await prove(keys.slotIsPrefix, input);
      const dispute = { index, registered: REGISTERED, position, proof };
      await expect(disputeSlot(challenger, { ...dispute, position: 1 })).rejects.toThrow('DisputeRejected');
      await expectForfeited(index, challenger, () => disputeSlot(challenger, dispute));
    }
  });
});

describe('a dispute is refused', () => {
  it('when its proof was copied from the mempool, or is about another row', { timeout: 60_000 }, async () => {
    const opened = wrongSum(1);
    const { index } = await register(opened);
    const proof = await sumProof(opened, 1, challenger.account.address);
    const thief = await world.as(4);
    await expect(disputeSum(thief, { index, registered: REGISTERED, row: 1, proof })).rejects.toThrow(
      'DisputeRejected',
    );
    for (const row of [0, 2, 3]) {
      await expect(disputeSum(challenger, { index, registered: REGISTERED, row, proof })).rejects.toThrow(
        'DisputeRejected',
      );
    }
    await expect(disputeSum(challenger, { index, registered: REGISTERED, row: 6, proof })).rejects.toThrow(
      'UnknownRow',
    );
    await expect(disputeRow(challenger, { index, registered: REGISTERED, row: 1, proof })).rejects.toThrow(
      'DisputeRejected',
    );
    // slots that would make row 1 begin one, or move any end
    for (const slots of [
      [{ ...SLOTS[0], end: 1 }, ...SLOTS],
      SLOTS,
      SLOTS.slice(1, 3),
      SLOTS.slice(0, 3).toReversed(),
    ]) {
      const registered = { ...REGISTERED, slots };
      await expect(disputeSum(challenger, { index, registered, row: 1, proof })).rejects.toThrow('SlotsMismatch');
    }
    const moved = { ...REGISTERED, firstRow: 1 };
    await expect(disputeSum(challenger, { index, registered: moved, row: 1, proof })).rejects.toThrow('SlotsMismatch');
    await expectForfeited(index, challenger, () =>
      disputeSum(challenger, { index, registered: REGISTERED, row: 1, proof }),
    );
  });

  it('for an honest index, with the proof of a dishonest one', { timeout: 60_000 }, async () => {
    const { index } = await register(honest.index);
    const claimant = challenger.account.address;
    expect(() => sumStepInput(hasher, honest.index, { row: 1, slots: honest.slots, claimant }, LEVELS)).toThrow(
      'is its running sum',
    );
    const proof = await sumProof(wrongSum(1), 1, claimant);
    await expect(disputeSum(challenger, { index, registered: REGISTERED, row: 1, proof })).rejects.toThrow(
      'DisputeRejected',
    );
    await expect(releaseBond(owner, index)).rejects.toThrow('ChallengeWindowOpen');
    await world.later(WINDOW + 1);
    const before = await balanceOf(owner, owner.account.address);
    await releaseBond(challenger, index);
    expect((await balanceOf(owner, owner.account.address)) - before).toBe(BOND);
    await expect(releaseBond(owner, index)).rejects.toThrow('NoBond');
  });

  it('after the window, and of slots that the shard does not have', { timeout: 60_000 }, async () => {
    const opened = wrongSum(1);
    const { index } = await register(opened);
    const proof = await sumProof(opened, 1, challenger.account.address);
    await expect(disputeSlot(challenger, { index, registered: REGISTERED, position: 4, proof })).rejects.toThrow(
      'UnusedSlot',
    );
    const unused = { index, registered: SECOND, position: 2, proof };
    await expect(disputeSlot(challenger, unused)).rejects.toThrow('UnusedSlot');
    const beyond = { ...REGISTERED, shard: 2 };
    await expect(disputeSlot(challenger, { index, registered: beyond, position: 1, proof })).rejects.toThrow(
      'UnknownShard',
    );
    await world.later(WINDOW + 1);
    await expect(disputeSum(challenger, { index, registered: REGISTERED, row: 1, proof })).rejects.toThrow(
      'ChallengeWindowOver',
    );
  });
});

describe('the stake of a validator', () => {
  it('is slashed by a proof against its index, half of its own part for the challenger, and once', {
    timeout: 60_000,
  }, async () => {
    const { staking: deployed } = world.deployed.deployment;
    if (deployed === undefined) throw new Error('no staking was deployed');
    const validator = await openStaking(owner.account, deployed);
    const opened = wrongSum(1);
    const proof = await sumProof(opened, 1, challenger.account.address);
    // an owner who has no stake loses its bond all the same
    const { index: unstaked } = await register(opened);
    await expectForfeited(unstaked, challenger, () =>
      disputeSum(challenger, { index: unstaked, registered: REGISTERED, row: 1, proof }),
    );

    await mintTokens(await world.as(DEPLOYER), owner.account.address, 10_000n);
    await approveStake(validator, 10_000n);
    await registerValidator(validator, 10_000n);
    await world.later(2 * STAKING.periodSeconds);
    const { index } = await register(opened);
    await expectForfeited(index, challenger, () =>
      disputeSum(challenger, { index, registered: REGISTERED, row: 1, proof }),
    );
    expect(await totalStake(validator)).toBe(8_000n);
    const before = await balanceOf(owner, challenger.account.address);
    await claimReward(await openStaking(challenger.account, deployed));
    expect((await balanceOf(owner, challenger.account.address)) - before).toBe(1_000n);
    // nobody else slashes
    const stranger = await openStaking(challenger.account, deployed);
    const offence = { validator: owner.account.address, id: index, at: 1, share: WHOLE_SHARE, rewardShare: 0n };
    await expect(slash(stranger, { ...offence, challenger: CONTRIBUTORS[0] })).rejects.toThrow('NotSlasher');
  });

  it('is not saved by an owner who disputes itself with too little gas', { timeout: 60_000 }, async () => {
    const { staking: deployed, disputes } = world.deployed.deployment;
    if (deployed === undefined || disputes === undefined) throw new Error('no staking was deployed');
    const validator = await openStaking(owner.account, deployed);
    const opened = wrongSum(1);
    const { index } = await register(opened);
    const proof = await sumProof(opened, 1, owner.account.address);
    const { abi } = (await compileContracts()).Disputes;
    const data = new Interface(abi).encodeFunctionData('disputeSum', [index, REGISTERED, 1, proof]);
    const call = { from: owner.account.address, to: disputes.addresses.Disputes, data };
    const { provider } = owner.account;
    const before = await totalStake(validator);
    const enough = Number(await provider.send('eth_estimateGas', [call]));
    const outcomes = new Set<string>();
    for (let gas = enough + 200_000; gas > 0.4 * enough; gas -= 20_000) {
      const snapshot: unknown = await provider.send('evm_snapshot', []);
      const hash: string = await provider.send('eth_sendTransaction', [{ ...call, gas: `0x${gas.toString(16)}` }]);
      const { status } = await untilMined(provider, hash);
      const slashed = (await totalStake(validator)) < before;
      outcomes.add(`${status === 1 ? 'disputed' : 'refused'}, ${slashed ? 'slashed' : 'not slashed'}`);
      await provider.send('evm_revert', [snapshot]);
    }
    expect([...outcomes].sort()).toEqual(['disputed, slashed', 'refused, not slashed']);
  });
});

describe('the committee', () => {
  const evidence = keccak256(toUtf8Bytes('the sketches are not those of the encoder'));

  it('may disable an index, and only it; nobody else can, through no other way', async () => {
    const { index } = await register(honest.index);
    const verdict = { index, evidence, challenger: challenger.account.address };
    await expect(judgeIndex(challenger, verdict)).rejects.toThrow('NotCommittee');
    const committee = await world.as(DEPLOYER);
    await expect(disableIndex(committee, index)).rejects.toThrow('NotArbiter');
    await expectForfeited(index, challenger, () => judgeIndex(committee, verdict));
  });

  it('may name no challenger, and then the whole bond is burned', async () => {
    const { index } = await register(honest.index);
    const registry = world.deployed.deployment.addresses.IndexRegistry;
    const held = await balanceOf(owner, registry);
    await judgeIndex(await world.as(DEPLOYER), { index, evidence, challenger: ZeroAddress });
    expect(held - (await balanceOf(owner, registry))).toBe(BOND);
  });
});
