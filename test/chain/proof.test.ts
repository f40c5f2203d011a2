/** The real circuit's proof, from int16 vectors to a credit: prover, reference and contracts name the same integers. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  approveFees,
  closeEpoch,
  creditOf,
  distribute,
  finalizeEpoch,
  mintTokens,
  openEpoch,
  postBatch,
  registerIndex,
  settle,
} from '../../src/chain/index.js';
import {
  circuitId,
  compileCircuit,
  developmentKey,
  keyWords,
  type ProvingKey,
  prove,
  scoreMatrixCircuit,
  scoreMatrixInput,
  scoreMatrixStatement,
} from '../../src/prover/index.js';
import { challenge, contributorsHash, loadHasher, splitFee, splitPool } from '../../src/prover/reference/index.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  hashOf,
  newDataset,
  OWNER,
  openWorld,
  PAYER,
  POLICY,
  registrationOf,
  sumsOf,
  type World,
  withScore,
} from './world.js';

const INSTANCE = { slots: 2, queries: 2, columns: 4 };
let world: World;
let key: ProvingKey;
beforeAll(async () => {
  key = await developmentKey(await compileCircuit(scoreMatrixCircuit(INSTANCE)));
  world = await openWorld(INSTANCE, { key: keyWords(key.verificationKey) });
}, 180_000);
afterAll(async () => world?.stop());

it('settles with a proof of the circuit, and not with another score', { timeout: 120_000 }, async () => {
  const { deployment } = world.deployed;
  expect(deployment.circuitId).toBe(circuitId(INSTANCE, key.verificationKey));
  const owners = CONTRIBUTORS.slice(0, 2);
  const registration = registrationOf(world, await newDataset(world, 2, owners), owners);
  const values = {
    instance: INSTANCE,
    indexId: registration.indexId,
    slots: Int16Array.from([120, -7, 3, 4, -32767, 32767, 0, 1]),
    slotSalts: [11n, 12n],
    queries: Int16Array.from([1000, -2000, 3, 4, 5, 6, 7, -8]),
    batchSalt: 21n,
  };
  const statement = scoreMatrixStatement(await loadHasher(), values);
  const owner = await world.as(OWNER);
  const payer = await world.as(PAYER);
  const { index } = await registerIndex(owner, { ...registration, shardCommitments: [statement.shardCommitment] });
  const { epoch } = await openEpoch(owner, { index, payers: [payer.account.address] });
  await mintTokens(await world.as(DEPLOYER), payer.account.address, 3000n);
  await approveFees(payer, 3000n);
  const receipts = { outputHashes: [hashOf('a'), hashOf('b')], fees: [1000n, 2000n] };
  const { batch } = await postBatch(payer, { epoch, commitment: statement.queryBatchCommitment, ...receipts });
  await closeEpoch(owner, epoch);
  const rho = challenge({
    chainId: BigInt(deployment.chainId),
    settlement: deployment.addresses.EpochSettlement,
    circuitId: deployment.circuitId,
    epoch,
    shard: 0n,
    batch,
    shardCommitment: statement.shardCommitment,
    queryBatchCommitment: statement.queryBatchCommitment,
    contributorsHash: contributorsHash(owners),
    scores: statement.scores,
  });
  const { words } = await prove(key, scoreMatrixInput(statement, values, rho));
  const request = { epoch, shard: 0n, batch, scores: statement.scores, slotContributors: owners, proof: words };
  const changed = withScore(statement.scores, 1, statement.scores[1] + 1n);
  await expect(settle(owner, { ...request, scores: changed })).rejects.toThrow('ProofRejected');
  await settle(owner, request);
  await finalizeEpoch(owner, epoch);
  await distribute(owner, { epoch, batch, ...receipts, shards: [sumsOf(world, owners, statement.scores)] });
  const expected = [0n, 0n];
  for (const [q, fee] of receipts.fees.entries()) {
    const column = owners.map((_, c) => statement.scores[c * INSTANCE.queries + q]);
    const { shares } = splitPool(splitFee(fee, POLICY).pool, column);
    for (const c of owners.keys()) expected[c] += shares[c];
  }
  expect(await Promise.all(owners.map((account) => creditOf(owner, account)))).toEqual(expected);
  expect(expected[0] + expected[1]).toBeGreaterThan(0n);
});
