/**
 * What each transaction costs at the shape that Meed proves by default, and the largest distribution, which must stay
 * below the gas that one transaction may use (EIP-7825: 2^24). A change of a tenth either way fails.
 */
import { Wallet } from 'ethers';
import { expect, it } from 'vitest';
import {
  closeEpoch,
  distribute,
  finalizeEpoch,
  readEvents,
  type Sent,
  settle,
  withdraw,
} from '../../src/chain/index.js';
import {
  CONTRIBUTORS,
  newEpoch,
  newIndex,
  OWNER,
  openWorld,
  settlementOf,
  shardSums,
  someScores,
  type World,
} from './world.js';

const TRANSACTION_GAS_MAX = 2 ** 24;
/** Gas of each transaction at (16, 16, 128) with 12 contributors; sixteen receipts a batch, 256 scores. */
const MEASURED = {
  DatasetPublished: 389_000,
  IndexRegistered: 281_000,
  EpochOpened: 174_000,
  BatchPosted: 216_000,
  closeEpoch: 37_000,
  settle: 535_000,
  finalizeEpoch: 55_500,
  distribute: 726_000,
  withdraw: 63_000,
};
const SHAPE = { slots: 16, queries: 16, columns: 128 };

async function settledGas(world: World, slotOwners: readonly string[]): Promise<Record<string, number>> {
  const owner = await world.as(OWNER);
  const gas: Record<string, number> = {};
  const note = (name: string, sent: Sent): void => {
    gas[name] = Number(sent.gasUsed);
  };
  const index = await newIndex(world, slotOwners);
  const fees = Array.from({ length: SHAPE.queries }, (_, q) => 10n ** 18n + BigInt(q));
  const epoch = await newEpoch(world, index, [fees]);
  note('closeEpoch', await closeEpoch(owner, epoch.epoch));
  const scoresOf = (shard: number) => someScores(world, epoch, shard, 1);
  for (const shard of epoch.shardOwners.keys()) {
    note('settle', await settle(owner, settlementOf(world, epoch, { shard, batch: 0 }, scoresOf(shard))));
  }
  note('finalizeEpoch', await finalizeEpoch(owner, epoch.epoch));
  const [{ batch, outputHashes }] = epoch.batches;
  note(
    'distribute',
    await distribute(owner, {
      epoch: epoch.epoch,
      batch,
      outputHashes,
      fees,
      shards: shardSums(world, epoch, scoresOf),
    }),
  );
  const events = await readEvents(owner.account.provider, world.deployed.deployment);
  for (const name of ['DatasetPublished', 'IndexRegistered', 'EpochOpened', 'BatchPosted'] as const) {
    const receipt = await owner.account.provider.getTransactionReceipt(events[name].at(-1)?.transactionHash ?? '');
    gas[name] = Number(receipt?.gasUsed);
  }
  return gas;
}

it('gas at (16, 16, 128), 12 contributors', { timeout: 120_000 }, async () => {
  const world = await openWorld(SHAPE);
  const owners = [
    ...CONTRIBUTORS,
    ...Array.from({ length: 8 }, (_, i) => new Wallet(`0x${(i + 1).toString(16).padStart(64, '0')}`).address),
  ];
  const gas = await settledGas(world, [...owners, ...owners.slice(0, 4)]);
  gas.withdraw = Number((await withdraw(await world.as(4))).gasUsed);
  await world.stop();
  for (const [name, measured] of Object.entries(MEASURED)) {
    expect(gas[name], name).toBeLessThan(measured * 1.1);
    expect(gas[name], name).toBeGreaterThan(measured * 0.9); // an improvement is written down here
  }
});

it('the largest distribution fits a transaction: 256 slots of 256 contributors', { timeout: 240_000 }, async () => {
  const world = await openWorld(SHAPE);
  const owners = Array.from(
    { length: 256 },
    (_, i) => new Wallet(`0x${(i + 1).toString(16).padStart(64, '0')}`).address,
  );
  const gas = await settledGas(world, owners);
  expect(gas.distribute).toBeLessThan(TRANSACTION_GAS_MAX);
  expect(gas.IndexRegistered).toBeLessThan(TRANSACTION_GAS_MAX);
  await world.stop();
});
