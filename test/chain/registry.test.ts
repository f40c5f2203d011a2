/** Data sets and indexes: what may be registered, and when an index begins to pay. */
import { ZeroAddress, ZeroHash } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approveContributors,
  type ChainClient,
  closeEpoch,
  disableIndex,
  openEpoch,
  publishDataset,
  registerIndex,
  settle,
} from '../../src/chain/index.js';
import { FIELD_MODULUS, SLOT_ROWS_MAX } from '../../src/prover/reference/index.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  hashOf,
  newDataset,
  newEpoch,
  newIndex,
  OWNER,
  openWorld,
  registrationOf,
  STRANGER,
  settlementOf,
  someScores,
  type World,
} from './world.js';

const [ALICE, BOB, CAROL] = CONTRIBUTORS;
const WINDOW = 500;

let world: World;
let owner: ChainClient;
let stranger: ChainClient;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 }, { challengeWindow: WINDOW });
  owner = await world.as(OWNER);
  stranger = await world.as(STRANGER);
}, 120_000);
afterAll(async () => world?.stop());

describe('a data set', () => {
  const publication = { root: hashOf('r'), manifestHash: hashOf('m'), rows: 5, licence: 'MIT', contributors: [ALICE] };

  it('has an id of its own for each publisher, and is published once by each', async () => {
    const first = await publishDataset(owner, publication);
    const second = await publishDataset(stranger, publication);
    expect(second.datasetId).not.toBe(first.datasetId);
    await expect(publishDataset(owner, publication)).rejects.toThrow('DatasetAlreadyPublished');
  });
  it('is not empty and names no zero address', async () => {
    for (const change of [{ rows: 0 }, { root: ZeroHash }, { manifestHash: ZeroHash }]) {
      await expect(publishDataset(owner, { ...publication, ...change })).rejects.toThrow('EmptyDataset');
    }
    const zero = { ...publication, licence: 'other', contributors: [ZeroAddress] };
    await expect(publishDataset(owner, zero)).rejects.toThrow('ZeroContributor');
  });
  it('approves contributors for its owner only', async () => {
    const datasetId = await newDataset(world, 2, [ALICE]);
    await expect(approveContributors(stranger, datasetId, [BOB])).rejects.toThrow('NotDatasetOwner');
    await expect(registerIndex(owner, registrationOf(world, datasetId, [ALICE, BOB]))).rejects.toThrow(
      'ContributorNotApproved',
    );
    await approveContributors(owner, datasetId, [BOB]);
    await registerIndex(owner, registrationOf(world, datasetId, [ALICE, BOB]));
  });
});

describe('an index', () => {
  const slot = (end: number, contributor = ALICE) => ({ end, contributor });
  const register = async (rows: number, slots: readonly { end: number; contributor: string }[]) => {
    const datasetId = await newDataset(world, 1000, [ALICE, BOB]);
    const base = registrationOf(
      world,
      datasetId,
      slots.map(() => ALICE),
    );
    return registerIndex(owner, { ...base, rows, slots });
  };

  it('tiles its rows in slots of 1 to 256', async () => {
    await register(SLOT_ROWS_MAX + 1, [slot(SLOT_ROWS_MAX), slot(SLOT_ROWS_MAX + 1)]);
    await expect(register(257, [slot(257)])).rejects.toThrow('SlotsDoNotTile(0, 0, 257)');
    await expect(register(4, [slot(2), slot(2), slot(4)])).rejects.toThrow('SlotsDoNotTile(1, 2, 2)');
    await expect(register(4, [slot(3), slot(2), slot(4)])).rejects.toThrow('SlotsDoNotTile(1, 3, 2)');
    await expect(register(4, [slot(0), slot(4)])).rejects.toThrow('SlotsDoNotTile(0, 0, 0)');
    await expect(register(4, [slot(2), slot(3)])).rejects.toThrow('end at row 3 of 4');
    await expect(register(4, [slot(2), slot(5)])).rejects.toThrow('SlotsDoNotTile(2, 5, 4)');
    await expect(register(0, [])).rejects.toThrow('SlotCountOutOfRange(0)');
    await expect(register(1001, [slot(256), slot(512), slot(768), slot(1001)])).rejects.toThrow(
      'TooManyRows(1001, 1000)',
    );
  });
  it('names approved contributors only, also not the zero address', async () => {
    await expect(register(2, [slot(1), slot(2, CAROL)])).rejects.toThrow('ContributorNotApproved');
    await expect(register(2, [slot(1), slot(2, ZeroAddress)])).rejects.toThrow('ContributorNotApproved');
  });
  it('holds field elements, none of them zero', async () => {
    const datasetId = await newDataset(world, 4, [ALICE]);
    const base = registrationOf(world, datasetId, [ALICE, ALICE, ALICE]);
    const [first] = base.shardCommitments;
    const refused = async (change: Partial<typeof base>, error: string) =>
      expect(registerIndex(owner, { ...base, ...change })).rejects.toThrow(error);
    await refused({ shardCommitments: [first, 0n] }, 'ZeroFieldElement');
    await refused({ shardCommitments: [first, FIELD_MODULUS] }, 'NotAFieldElement');
    await refused({ shardCommitments: [first + FIELD_MODULUS, first] }, 'NotAFieldElement');
    await refused({ indexRoot: 0n }, 'ZeroFieldElement');
    await refused({ indexRoot: FIELD_MODULUS }, 'NotAFieldElement');
    await refused({ indexId: FIELD_MODULUS }, 'NotAFieldElement');
    await refused({ shardCommitments: [first] }, 'WrongShardCount(1, 2)');
    await refused({ shardCommitments: [first, first, first] }, 'WrongShardCount(3, 2)');
    await refused({ datasetId: hashOf('nothing') }, 'UnknownDataset');
    const { index } = await registerIndex(owner, base);
    await expect(registerIndex(owner, base)).rejects.toThrow('IndexAlreadyRegistered');
    expect((await registerIndex(stranger, base)).index).not.toBe(index);
  });
  it('opens epochs for its owner only', async () => {
    const { index } = await newIndex(world, [ALICE]);
    await expect(openEpoch(stranger, { index, payers: [] })).rejects.toThrow('NotIndexOwner');
    await expect(openEpoch(owner, { index: hashOf('none'), payers: [] })).rejects.toThrow('UnknownIndex');
  });
  it('pays only after its challenge window', async () => {
    const epoch = await newEpoch(world, await newIndex(world, [ALICE, BOB]), [[100n]]);
    await closeEpoch(owner, epoch.epoch);
    const request = settlementOf(world, epoch, { shard: 0, batch: 0 }, someScores(world, epoch, 0, 0));
    await expect(settle(owner, request)).rejects.toThrow(/IndexNotPayable.*challenge window/);
    await world.later(WINDOW + 1);
    await settle(owner, request);
  });
  it('can be disabled by the arbiter during its window, and then never pays', async () => {
    const arbiter = await world.as(DEPLOYER);
    const epoch = await newEpoch(world, await newIndex(world, [ALICE, BOB]), [[100n]]);
    await expect(disableIndex(owner, epoch.index)).rejects.toThrow('NotArbiter');
    await disableIndex(arbiter, epoch.index);
    await closeEpoch(owner, epoch.epoch);
    await world.later(WINDOW + 1);
    const request = settlementOf(world, epoch, { shard: 0, batch: 0 }, someScores(world, epoch, 0, 0));
    await expect(settle(owner, request)).rejects.toThrow('IndexNotPayable');
    const late = await newIndex(world, [ALICE]);
    await world.later(WINDOW + 1);
    await expect(disableIndex(arbiter, late.index)).rejects.toThrow('ChallengeWindowOver');
  });
});
