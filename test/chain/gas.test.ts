/**
 * What each transaction costs at the shape that Meed proves by default, and the largest distribution, which must stay
 * below the gas that one transaction may use (EIP-7825: 2^24). A change of a tenth either way fails.
 */
import { expect, it } from 'vitest';
import { withdraw } from '../../src/chain/index.js';
import { epochGas } from './epochGas.js';
import { CONTRIBUTORS, manyAccounts, openWorld } from './world.js';

const TRANSACTION_GAS_MAX = 2 ** 24;
/** Gas of each transaction at (16, 16, 128) with 12 contributors; sixteen receipts a batch, 256 scores. */
const MEASURED = {
  DatasetPublished: 493_000,
  IndexRegistered: 342_000,
  EpochOpened: 156_000,
  BatchPosted: 214_000,
  closeEpoch: 35_000,
  settle: 420_000,
  finalizeEpoch: 51_400,
  distribute: 707_000,
  withdraw: 63_000,
};
const SHAPE = { slots: 16, queries: 16, columns: 128 };

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

it('the largest distribution fits a transaction: 256 slots of 256 contributors', { timeout: 240_000 }, async () => {
  const world = await openWorld(SHAPE);
  const gas = await epochGas(world, manyAccounts(256));
  expect(gas.distribute).toBeLessThan(TRANSACTION_GAS_MAX);
  expect(gas.IndexRegistered).toBeLessThan(TRANSACTION_GAS_MAX);
  await world.stop();
});
