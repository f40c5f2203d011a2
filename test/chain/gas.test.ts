/**
 * What each transaction costs at the shape that Meed proves by default; and that what is larger than one transaction is cut
 * so that each stays below the gas that one may use (EIP-7825: 2^24). A change of a tenth either way fails.
 */
import { expect, it } from 'vitest';
import { registerIndex, type Sent, withdraw } from '../../src/chain/index.js';
import { epochGas } from './epochGas.js';
import {
  CONTRIBUTORS,
  manyAccounts,
  newDataset,
  newEpoch,
  newIndex,
  OWNER,
  openWorld,
  payEpoch,
  registrationOf,
  runsOf,
  someScores,
} from './world.js';

const TRANSACTION_GAS_MAX = 2 ** 24;
/** Gas of each transaction at (16, 16, 128) with 12 contributors; sixteen receipts a batch, 256 scores. */
const MEASURED = {
  DatasetPublished: 493_000,
  IndexRegistered: 326_000,
  EpochOpened: 156_000,
  BatchPosted: 214_000,
  closeEpoch: 35_000,
  settle: 420_000,
  finalizeEpoch: 44_800,
  distribute: 613_000,
  withdraw: 63_000,
};
const SHAPE = { slots: 16, queries: 16, columns: 128 };
const SHAPE_FEES = Array.from({ length: SHAPE.queries }, () => 10n ** 18n);

it('gas at (16, 16, 128), 12 contributors', { timeout: 120_000 }, async () => {
  const world = await openWorld(SHAPE);
  const owners = [...CONTRIBUTORS, ...manyAccounts(8)];
  const settled = await epochGas(
    world,
    owners.flatMap((contributor, i) => (i < 4 ? [contributor, contributor] : [contributor])),
  );
  const gas: Record<string, number> = {
    ...settled,
    withdraw: Number((await withdraw(await world.as(4))).gasUsed),
  };
  await world.stop();
  for (const [name, measured] of Object.entries(MEASURED)) {
    expect(gas[name], name).toBeLessThan(measured * 1.1);
    expect(gas[name], name).toBeGreaterThan(measured * 0.9); // an improvement is written down here
  }
});

it('whatever is larger takes several transactions, each within the bound', { timeout: 300_000 }, async () => {
  const world = await openWorld(SHAPE);
  const within = (sent: readonly Sent[]): void => {
    expect(sent.length).toBeGreaterThan(1);
    for (const { gasUsed } of sent) expect(gasUsed).toBeLessThan(TRANSACTION_GAS_MAX);
  };
  // the most slots an index had before it could be registered in parts, sixteen times over
  const owners = manyAccounts(1024);
  const datasetId = await newDataset(world, 4096, owners);
  within((await registerIndex(await world.as(OWNER), registrationOf(world, datasetId, runsOf(4096, owners)))).sent);
  // 512 contributors, each paid for the first time, and by every receipt
  const epoch = await newEpoch(world, await newIndex(world, manyAccounts(512)), [SHAPE_FEES]);
  within(await payEpoch(world, epoch, (shard) => someScores(world, epoch, shard, 1).map((x) => (x < 0n ? -x : x))));
  await world.stop();
});
