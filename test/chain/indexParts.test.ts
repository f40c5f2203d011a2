/**
 * Indexes that are registered in parts: the same as at once, nothing before they are whole, and nobody's to spoil. Each step
 * is cheated in: gaps, overlaps, contributors that come again, shards left half empty, other people's parts.
 */
import { Contract } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileContracts } from '../../src/chain/compile.js';
import {
  abandonIndex,
  addShards,
  approveBonds,
  approveContributors,
  balanceOf,
  type ChainClient,
  closeEpoch,
  disableIndex,
  finishIndex,
  type IndexPart,
  type IndexRegistration,
  mintTokens,
  openEpoch,
  openIndex,
  readEvents,
  registerIndex,
  releaseBond,
  settle,
} from '../../src/chain/index.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  elementOf,
  hashOf,
  newDataset,
  newEpoch,
  OWNER,
  openWorld,
  registrationOf,
  STRANGER,
  settlementOf,
  someScores,
  type World,
} from './world.js';

const [ALICE, BOB, CAROL, DAN] = CONTRIBUTORS;
const WINDOW = 500;
const BOND = 1001n;
/** Four shards of two; the last slot is unused. */
const OWNERS = [ALICE, ALICE, ALICE, BOB, BOB, CAROL, DAN];

let world: World;
let owner: ChainClient;
let stranger: ChainClient;
let registry: Contract;
let datanets: Contract;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 }, { challengeWindow: WINDOW, indexBond: BOND });
  owner = await world.as(OWNER);
  stranger = await world.as(STRANGER);
  const { IndexRegistry, DatanetRegistry } = await compileContracts();
  const { addresses } = world.deployed.deployment;
  registry = new Contract(addresses.IndexRegistry, IndexRegistry.abi, owner.account.provider);
  datanets = new Contract(addresses.DatanetRegistry, DatanetRegistry.abi, owner.account.provider);
  for (const client of [owner, stranger]) {
    await mintTokens(await world.as(DEPLOYER), client.account.address, 100n * BOND);
    await approveBonds(client, 100n * BOND);
  }
}, 120_000);
afterAll(async () => world?.stop());

const newRegistration = async (owners: readonly string[] = OWNERS): Promise<IndexRegistration> =>
  registrationOf(world, await newDataset(world, owners.length, CONTRIBUTORS), owners);

/** Shards [first, end) of a registration. */
const shardsOf = ({ slots, shardCommitments }: IndexRegistration, first: number, end: number): IndexPart => ({
  slots: slots.slice(2 * first, 2 * end),
  shardCommitments: shardCommitments.slice(first, end),
});

/** A registration of which the first shards are there. */
async function begun(shards: number, owners: readonly string[] = OWNERS) {
  const registration = await newRegistration(owners);
  const { index } = await openIndex(owner, { ...registration, ...shardsOf(registration, 0, shards) });
  return { registration, index };
}

const stored = async (index: string): Promise<readonly unknown[]> => Array.from(await registry.indexOf(index));
const shardsStored = async (index: string, count: number): Promise<unknown[][]> =>
  Promise.all(Array.from({ length: count }, async (_, shard) => Array.from(await registry.shardOf(index, shard))));

describe('an index in parts', () => {
  it('is what it would be at once, whatever the parts', { timeout: 60_000 }, async () => {
    const registration = await newRegistration();
    const { index: whole } = await registerIndex(stranger, registration);
    for (const [i, cuts] of [[1, 2, 3], [2], [1, 3], [3]].entries()) {
      // the same in everything but its id, which is not in what is compared
      const parted = { ...registration, indexId: elementOf(`parted ${i}`) };
      const bounds = [0, ...cuts, 4];
      const { index } = await openIndex(owner, { ...parted, ...shardsOf(parted, 0, cuts[0]) });
      for (let p = 1; p + 1 < bounds.length; p++) {
        await addShards(owner, index, shardsOf(parted, bounds[p], bounds[p + 1]));
      }
      expect(await shardsStored(index, 4)).toEqual(await shardsStored(whole, 4));
      await expect(registry.shardOf(index, 4)).rejects.toThrow(/UnknownShard/);
      const { SlotsRegistered, IndexCompleted } = await readEvents(owner.account.provider, world.deployed.deployment);
      const parts = SlotsRegistered.filter((event) => event.index === index);
      expect(parts.flatMap(({ slots }) => slots)).toEqual(registration.slots);
      expect(parts.map(({ firstShard }) => firstShard)).toEqual(bounds.slice(0, -1));
      expect(parts.map(({ firstRow }) => firstRow)).toEqual(bounds.slice(0, -1).map((shard) => 2 * shard));
      expect(IndexCompleted.filter((event) => event.index === index).map(({ shards }) => shards)).toEqual([4]);
    }
  });

  it('is gone on with by the client, from where it broke off', async () => {
    const { registration, index } = await begun(1);
    await finishIndex(owner, index, registration);
    await openEpoch(owner, { index, payers: [] });
    expect(await finishIndex(owner, index, registration)).toEqual([]);
  });
});

describe('a part is refused', () => {
  it('that overlaps, goes beyond the rows, or has too long a slot', async () => {
    const { registration, index } = await begun(2);
    const { slots, shardCommitments } = shardsOf(registration, 2, 4);
    const moved = (by: (end: number, k: number) => number): IndexPart => ({
      slots: slots.map(({ end, contributor }, k) => ({ end: by(end, k), contributor })),
      shardCommitments,
    });
    await expect(
      addShards(
        owner,
        index,
        moved((end) => end - 1),
      ),
    ).rejects.toThrow('SlotsDoNotTile(0, 4, 4)');
    await expect(addShards(owner, index, shardsOf(registration, 0, 2))).rejects.toThrow('SlotsDoNotTile(0, 4, 1)');
    await expect(
      addShards(
        owner,
        index,
        moved((end, k) => (k === 2 ? 8 : end)),
      ),
    ).rejects.toThrow('SlotsDoNotTile(3, 8, 7)');
    await expect(
      addShards(
        owner,
        index,
        moved((end) => end + 256),
      ),
    ).rejects.toThrow('SlotsDoNotTile(0, 4, 261)');
  });

  it('in which a contributor comes before an earlier one, or again', async () => {
    const { registration, index } = await begun(2); // so far Alice, then Bob
    const { slots, shardCommitments } = shardsOf(registration, 2, 4);
    const named = (names: readonly string[]): IndexPart => ({
      slots: slots.map(({ end }, k) => ({ end, contributor: names[k] })),
      shardCommitments,
    });
    await expect(addShards(owner, index, named([ALICE, CAROL, DAN]))).rejects.toThrow('ContributorOutOfOrder(0');
    await expect(addShards(owner, index, named([BOB, DAN, CAROL]))).rejects.toThrow('ContributorOutOfOrder(2');
    await expect(addShards(owner, index, named([CAROL, BOB, DAN]))).rejects.toThrow('ContributorOutOfOrder(1');
    await addShards(owner, index, named([BOB, DAN, DAN]));
  });

  it('that leaves a shard half empty before the last, or has other shards than slots', async () => {
    const { registration, index } = await begun(1);
    const { slots, shardCommitments } = registration;
    const [, second, third] = shardCommitments;
    const refused = (part: IndexPart, error: string) => expect(addShards(owner, index, part)).rejects.toThrow(error);
    await refused({ slots: slots.slice(2, 5), shardCommitments: [second, third] }, 'ShardNotFilled(3, 2)');
    await refused({ slots: slots.slice(2, 6), shardCommitments: [second] }, 'WrongShardCount(1, 2)');
    await refused({ slots: slots.slice(2, 4), shardCommitments: [second, third] }, 'WrongShardCount(2, 1)');
    await refused({ slots: slots.slice(2, 4), shardCommitments: [0n] }, 'ZeroFieldElement');
    await refused({ slots: [], shardCommitments: [] }, 'SlotCountOutOfRange(0)');
  });

  it('of anybody but the owner, of no index, and of one that is whole', async () => {
    const { registration, index } = await begun(2);
    const rest = shardsOf(registration, 2, 4);
    await expect(addShards(stranger, index, rest)).rejects.toThrow('NotIndexOwner');
    await expect(addShards(owner, hashOf('none'), rest)).rejects.toThrow('UnknownIndex');
    await addShards(owner, index, rest);
    await expect(addShards(owner, index, rest)).rejects.toThrow('IndexComplete');
  });

  it('of a contributor who was barred meanwhile; a second approval gives no second place', async () => {
    const { registration, index } = await begun(2);
    const rest = shardsOf(registration, 2, 4);
    const revoke = (account: string) =>
      owner.account.send('revoke', datanets, 'revoke', [registration.datasetId, [account]]);
    await revoke(DAN);
    await expect(addShards(owner, index, rest)).rejects.toThrow('ContributorNotApproved');
    await approveContributors(owner, registration.datasetId, [DAN]);
    await revoke(ALICE);
    await approveContributors(owner, registration.datasetId, [ALICE]);
    // approved last of all, Alice is still the first
    const again = { ...rest, slots: rest.slots.map((slot, k) => (k === 2 ? { ...slot, contributor: ALICE } : slot)) };
    await expect(addShards(owner, index, again)).rejects.toThrow('ContributorOutOfOrder(2');
    await addShards(owner, index, rest);
  });
});

describe('an unfinished index', () => {
  it('has no epochs, and its window begins when it is whole', async () => {
    const { registration, index } = await begun(3);
    await world.later(WINDOW + 1);
    await expect(openEpoch(owner, { index, payers: [] })).rejects.toThrow('IndexUnfinished');
    await expect(releaseBond(owner, index)).rejects.toThrow('ChallengeWindowOpen');
    await addShards(owner, index, shardsOf(registration, 3, 4));
    const epoch = await newEpoch(
      world,
      { index, shardCommitments: registration.shardCommitments, shardOwners: [[ALICE, ALICE]] },
      [[0n]],
    );
    await closeEpoch(owner, epoch.epoch);
    const request = settlementOf(world, epoch, { shard: 0, batch: 0 }, someScores(world, epoch, 0, 0));
    await expect(settle(owner, request)).rejects.toThrow('IndexNotPayable');
    await world.later(WINDOW + 1);
    await settle(owner, request);
    await releaseBond(owner, index);
  });

  it('can be given up by its owner, who gets the bond back once, and registered otherwise', async () => {
    const { registration, index } = await begun(3);
    await expect(abandonIndex(stranger, index)).rejects.toThrow('NotIndexOwner');
    const before = await balanceOf(owner, owner.account.address);
    await abandonIndex(owner, index);
    expect((await balanceOf(owner, owner.account.address)) - before).toBe(BOND);
    await expect(abandonIndex(owner, index)).rejects.toThrow('UnknownIndex');
    await expect(addShards(owner, index, shardsOf(registration, 3, 4))).rejects.toThrow('UnknownIndex');
    // anew with one shard: those that were left behind are no shards of it
    const short = { ...registration, rows: 2, ...shardsOf(registration, 0, 1) };
    expect((await registerIndex(owner, short)).index).toBe(index);
    for (const shard of [1, 2]) await expect(registry.shardOf(index, shard)).rejects.toThrow(/UnknownShard/);
    await expect(registry.placeOf(index, 1)).rejects.toThrow(/UnknownShard/);
    await expect(abandonIndex(owner, index)).rejects.toThrow('IndexComplete');
    const events = await readEvents(owner.account.provider, world.deployed.deployment);
    expect(events.IndexRegistered.filter((event) => event.index === index).map(({ rows }) => rows)).toEqual([2]);
    expect(events.SlotsRegistered.filter((event) => event.index === index).map(({ slots }) => slots)).toEqual([
      short.slots,
    ]);
  });

  it('can be disabled, and then neither goes on nor gives its bond back', async () => {
    const { registration, index } = await begun(2);
    await disableIndex(await world.as(DEPLOYER), index);
    await expect(addShards(owner, index, shardsOf(registration, 2, 4))).rejects.toThrow('AlreadyDisabled');
    await expect(abandonIndex(owner, index)).rejects.toThrow('AlreadyDisabled');
    await expect(registerIndex(owner, registration)).rejects.toThrow('IndexAlreadyRegistered');
    expect(await stored(index)).toContain(true);
  });

  it('holds its bond as every other does', async () => {
    const held = await balanceOf(owner, await registry.getAddress());
    await begun(1);
    expect((await balanceOf(owner, await registry.getAddress())) - held).toBe(BOND);
  });
});
