/**
 * The bundle of an epoch that was settled on a real chain: what `epochBundle` writes from events, the verifier accepts,
 * and its anchors are what the contracts themselves answer.
 */
import { Contract } from 'ethers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyEpoch } from '../../packages/verifier/src/index.js';
import { compileContracts } from '../../src/chain/compile.js';
import { distribute, epochBundle, epochTerms, finalizeEpoch, readEvents } from '../../src/chain/index.js';
import {
  CONTRIBUTORS,
  newEpoch,
  newIndex,
  OWNER,
  openWorld,
  settleAll,
  settlementOf,
  shardSums,
  signalsOf,
  someScores,
  type World,
} from '../chain/world.js';

let world: World;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
});
afterAll(async () => world?.stop());

it('an epoch settled on chain is verified from its bundle, against what the contracts answer', async () => {
  const [alice, bob, carol] = CONTRIBUTORS;
  const owner = await world.as(OWNER);
  const epoch = await newEpoch(world, await newIndex(world, [alice, bob, carol]), [[1_000_003n, 77n], [999n]]);
  const scores = (shard: number, batch: number): BigInt64Array => someScores(world, epoch, shard, batch);
  await settleAll(world, epoch, scores);
  await finalizeEpoch(owner, epoch.epoch);
  for (const [b, { batch, outputHashes, fees }] of epoch.batches.entries()) {
    const shards = shardSums(world, epoch, (shard) => scores(shard, b));
    await distribute(owner, { epoch: epoch.epoch, batch, outputHashes, fees, shards });
  }

  const { deployment } = world.deployed;
  const { provider } = owner.account;
  const places = [0, 1].flatMap((shard) => [0, 1].map((batch) => ({ shard, batch })));
  const source = {
    deployment,
    epoch: epoch.epoch,
    events: await readEvents(provider, deployment),
    policy: await epochTerms(provider, deployment, epoch.epoch),
    keyWords: world.key.words,
    proofs: places.map((place) => {
      const own = scores(place.shard, place.batch);
      const [, , rho, evaluation] = signalsOf(world, epoch, place, own);
      return { ...place, scores: own, rho, evaluation, words: settlementOf(world, epoch, place, own).proof };
    }),
  };
  const text = JSON.stringify(epochBundle(source));

  const { abi } = await compileContracts().then((contracts) => contracts.ReceiptBook);
  const book = new Contract(deployment.addresses.ReceiptBook, abi, provider);
  const registry = new Contract(
    deployment.addresses.IndexRegistry,
    (await compileContracts()).IndexRegistry.abi,
    provider,
  );
  const shards = await Promise.all(
    [0, 1].map(async (shard) => {
      const { commitment, contributorsHash } = await registry.getFunction('shardOf').staticCall(epoch.index, shard);
      return `${commitment} ${contributorsHash}`;
    }),
  );
  const expected = {
    chainId: '31337',
    settlement: deployment.addresses.EpochSettlement,
    circuitId: deployment.circuitId,
    epoch: String(epoch.epoch),
    accumulator: String((await book.getFunction('epochOf').staticCall(epoch.epoch)).accumulator),
    shards,
  };
  const verdict = await verifyEpoch(text, { expected });
  expect(verdict.checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(verdict.compared).toHaveLength(6);

  const stray = { ...source, proofs: source.proofs.map((proof) => ({ ...proof, batch: 2 })) };
  expect(() => epochBundle(stray)).toThrow('shard 0, batch 2, which epoch');
  const unsettled = { ...source, epoch: epoch.epoch + 1n };
  expect(() => epochBundle(unsettled)).toThrow(/have not been split.*meed settle/s);
});
