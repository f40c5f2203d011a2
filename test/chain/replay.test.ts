/** A proof counts on one chain and for one contract only, although the circuit, the key and the commitments are equal. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeEpoch, settle } from '../../src/chain/index.js';
import { forgeProof } from './forge.js';
import {
  CONTRIBUTORS,
  newEpoch,
  newIndex,
  type OpenEpoch,
  OWNER,
  openWorld,
  settlementOf,
  signalsOf,
  someScores,
  type World,
} from './world.js';

const PLACE = { shard: 0, batch: 0 };
let world: World;
let epoch: OpenEpoch;
let scores: BigInt64Array;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 }, {}, 13371);
  epoch = await newEpoch(world, await newIndex(world, CONTRIBUTORS.slice(0, 2)), [[7n, 5n]]);
  scores = someScores(world, epoch, 0, 3);
  await closeEpoch(await world.as(OWNER), epoch.epoch);
}, 120_000);
afterAll(async () => world?.stop());

/** The same world, were it deployed otherwise. */
const elsewhere = (change: Partial<World['deployed']['deployment']>): World => ({
  ...world,
  deployed: { ...world.deployed, deployment: { ...world.deployed.deployment, ...change } },
});

describe('a proof made for', () => {
  const { AttributionToken: somewhere } = { AttributionToken: CONTRIBUTORS[3] };
  it.each([
    ['another chain', () => elsewhere({ chainId: 31337 })],
    ['another circuit', () => elsewhere({ circuitId: `0x${'7'.repeat(64)}` })],
    [
      'another contract',
      () => elsewhere({ addresses: { ...world.deployed.deployment.addresses, EpochSettlement: somewhere } }),
    ],
  ])('%s is refused here', async (_, other) => {
    const signals = signalsOf(other(), epoch, PLACE, scores);
    expect(signals[2]).not.toBe(signalsOf(world, epoch, PLACE, scores)[2]);
    const request = { ...settlementOf(world, epoch, PLACE, scores), proof: forgeProof(world.key, signals) };
    await expect(settle(await world.as(OWNER), request)).rejects.toThrow('ProofRejected');
  });
  it('exactly this place is accepted', async () => {
    await settle(await world.as(OWNER), settlementOf(world, epoch, PLACE, scores));
  });
});
