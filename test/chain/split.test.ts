/** The contract's split equals the reference's to the last unit, for any scores, fees and policy. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distribute, finalizeEpoch, readEvents } from '../../src/chain/index.js';
import {
  CONTRIBUTORS,
  expectedCredits,
  newEpoch,
  newIndex,
  OWNER,
  openWorld,
  STAKERS,
  settleAll,
  shardSums,
  TREASURY,
} from './world.js';

const INSTANCE = { slots: 3, queries: 2, columns: 4 };
const POLICIES = [
  { platformBps: 500, betaBps: 3000, gammaBps: 1000, deltaBps: 6000 },
  { platformBps: 0, betaBps: 0, gammaBps: 0, deltaBps: 10_000 },
  { platformBps: 9_999, betaBps: 3333, gammaBps: 3333, deltaBps: 3334 },
];
/** All that a packed score holds; proven ones are below 2^39 in magnitude. */
const BOUND = 1n << 39n;
const score = fc.oneof(
  fc.bigInt(-BOUND, BOUND - 1n),
  fc.constantFrom(0n, 1n, -1n, -BOUND, BOUND - 1n),
  fc.bigInt(-3n, 3n),
);
const fee = fc.oneof(fc.bigInt(0n, 10n ** 24n), fc.bigInt(0n, 100n));
const matrix = fc.array(score, { minLength: 6, maxLength: 6 }).map((list) => BigInt64Array.from(list));

describe.each(POLICIES)('with platform $platformBps, β $betaBps, γ $gammaBps, δ $deltaBps', (policy) => {
  it('splits as the reference does, and nothing is lost', { timeout: 180_000 }, async () => {
    const world = await openWorld(INSTANCE, { policy: { ...policy, treasury: TREASURY, stakers: STAKERS } });
    const owner = await world.as(OWNER);
    const [alice, bob, carol] = CONTRIBUTORS;
    const index = await newIndex(world, [alice, alice, bob, bob, bob, carol]);
    const property = fc.asyncProperty(fc.tuple(matrix, matrix), fc.tuple(fee, fee), async (scores, fees) => {
      const epoch = await newEpoch(world, index, [fees]);
      await settleAll(world, epoch, (shard) => scores[shard]);
      await finalizeEpoch(owner, epoch.epoch);
      const [{ batch, outputHashes }] = epoch.batches;
      const shards = shardSums(world, epoch, (shard) => scores[shard]);
      await distribute(owner, { epoch: epoch.epoch, batch, outputHashes, fees, shards });
      const events = await readEvents(owner.account.provider, world.deployed.deployment);
      const credited = events.Credited.filter((event) => event.epoch === epoch.epoch);
      expect(Object.fromEntries(credited.map((c) => [`${c.role} ${c.account}`, c.amount]))).toEqual(
        expectedCredits(world, epoch, 0, (shard) => scores[shard], policy),
      );
      expect(credited.reduce((sum, { amount }) => sum + amount, 0n)).toBe(fees[0] + fees[1]);
      const recorded = events.ShardSettled.filter((event) => event.epoch === epoch.epoch);
      expect(recorded.map(({ contributors, sums }) => ({ contributors, sums }))).toEqual(shards);
    });
    try {
      await fc.assert(property, { numRuns: 12 });
    } finally {
      await world.stop();
    }
  });
});
