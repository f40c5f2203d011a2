import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Artefact, writeTable } from '../../src/artefact/index.js';
import { readDataset, readEvaluation, writeDataset } from '../../src/data/index.js';
import { writeScores } from '../../src/influence/index.js';
import type { Receipt } from '../../src/prover/receipts.js';
import { splitFee } from '../../src/prover/reference/index.js';
import { payeesOf } from '../../src/report/collect.js';
import { chooseReceipts, collectChain, collectOutputs, type PayoutSources } from '../../src/report/index.js';
import { refusal, smallAddresses, smallDataset, temporaryFolder } from '../data/fixture.js';

const policy = { platformBps: 500, betaBps: 2000, gammaBps: 1000, deltaBps: 7000 };
const instance = { slots: 2, queries: 2, columns: 1 };

/** Scores of receipt × row whose sums by owner the epoch below repeats as integers. */
const SCORES = Float32Array.of(3, 2, -1, -5, 4, 2, 1, -2, -3, 6, -4, 1);

function receipt(heldOutRow: number, predictedClass: number): Receipt {
  return {
    heldOutRow,
    predictedClass,
    confidence: 0.9,
    outputHash: `${heldOutRow}`.repeat(64),
    fee: 1_000_003n,
    initialLoss: 0.7,
    trainedLoss: 0.1,
    scoreSum: 0,
    scoreMagnitude: 1,
    norm: 1,
  };
}

/** Two receipts in one batch of two; three slots in two shards: ann and bob, then çelik. */
async function sources() {
  const folder = temporaryFolder();
  const data = join(folder, 'data');
  await writeDataset(data, smallDataset(), { seed: 1, payoutAddresses: smallAddresses });
  const stored = await readDataset(data);
  const { train } = stored.dataset;
  const scoresPath = join(folder, 'scores.parquet');
  await writeScores(scoresPath, {
    scores: { shape: [2, 6], data: SCORES },
    contributors: Array.from(train.contributors, (c) => stored.dataset.contributors[c].name),
    labels: train.labels,
  });
  const shard = (owners: number[]) => ({ vectors: new Int16Array(2), salts: [0n, 0n], owners, commitment: 70n });
  return {
    folder,
    stored,
    contributors: await readEvaluation(data),
    receipts: { receipts: [receipt(0, 0), receipt(1, 0)], scoresPath },
    epoch: {
      batches: [
        {
          receipts: [0, 1],
          vectors: new Int16Array(2),
          salt: 0n,
          commitment: 90n,
          outputHashes: ['0'.repeat(64), '1'.repeat(64)],
          fees: [1_000_003n, 1_000_003n],
        },
      ],
      shards: [shard([0, 1]), shard([2, -1])],
      scores: [[BigInt64Array.of(4n, -4n, -5n, 6n)], [BigInt64Array.of(6n, -3n, 0n, 0n)]],
    },
    policy,
  };
}

async function chainSources(from: Awaited<ReturnType<typeof sources>>): Promise<PayoutSources> {
  const { stored } = from;
  const artefact: Artefact = { folder: from.folder, manifest: stored.artefact.manifest };
  await writeTable(join(from.folder, 'sketches.arrow'), {
    leaf: [10, 11, 12, 13, 14, 15].map(String),
    prefixCommitment: [20, 21, 22, 23, 24, 25].map(String),
  });
  const slots = [
    { start: 0, end: 3, contributor: 0 },
    { start: 3, end: 4, contributor: 1 },
    { start: 4, end: 6, contributor: 2 },
  ];
  const at = (name: string) => ({ transactionHash: `0x${name}` });
  const credit = { epoch: 7n, role: 'contributor' };
  return {
    stored,
    receipts: from.receipts,
    epoch: from.epoch,
    chainEpoch: 7n,
    index: {
      artefact,
      options: { scorer: 'in-run', instance, reservedOutputs: 2, seed: 1 },
      root: 60n,
      slots,
      shardCommitments: [70n, 71n],
    },
    events: {
      ShardSettled: [
        { epoch: 7n, batch: 0n, shard: 0n, rho: 80n, ...at('other shard') },
        { epoch: 6n, batch: 0n, shard: 1n, rho: 81n, ...at('other epoch') },
        { epoch: 7n, batch: 0n, shard: 1n, rho: 82n, ...at('settled') },
      ],
      Credited: [
        { ...credit, batch: 0n, account: smallAddresses[0], ...at('other account') },
        { ...credit, batch: 1n, account: smallAddresses[2], ...at('other batch') },
        { ...credit, batch: 0n, account: smallAddresses[2].toUpperCase().replace('X', 'x'), ...at('credited') },
      ],
      Withdrawn: [{ account: smallAddresses[2], ...at('withdrawn') }],
    },
  };
}

describe('collectOutputs', () => {
  it('pays the pool to positive sums in proportion, and to nobody else', async () => {
    const from = await sources();
    const { pool } = splitFee(1_000_003n, policy);
    expect(payeesOf(from, 0)).toEqual([
      { contributor: 'çelik', planted: undefined, amount: String((pool * 6n) / 10n) },
      { contributor: 'ann', planted: undefined, amount: String((pool * 4n) / 10n) },
    ]);
    expect(payeesOf(from, 1)).toEqual([{ contributor: 'bob', planted: 'flipped', amount: String(pool) }]);
  });

  it('finds the rows that helped and harmed, with their features and what was planted', async () => {
    const [output] = await collectOutputs(await sources(), [0], 2);
    expect(output.helpful.map(({ row, score }) => [row, score])).toEqual([
      [4, 4],
      [0, 3],
    ]);
    expect(output.harmful[0]).toEqual({
      row: 3,
      contributor: 'bob',
      planted: 'flipped',
      label: 1,
      score: -5,
      features: [7, 8],
    });
    expect(output).toMatchObject({ receipt: 0, features: [0, 1], predictedClass: 0, trueLabel: 0, fee: '1000003' });
  });

  it('chooses a wrong answer among the right ones', async () => {
    const from = await sources();
    expect(chooseReceipts(from, 1)).toEqual([1]);
    expect(chooseReceipts(from, 5)).toEqual([0, 1]);
  });

  it('refuses a receipt that no batch holds', async () => {
    const from = await sources();
    expect(await refusal(() => collectOutputs(from, [2], 1))).toMatch(/Receipt 2 is in no batch/);
  });
});

describe('collectChain', () => {
  it('follows the best row of a paid contributor through its own slot, shard, batch and transactions', async () => {
    const from = await sources();
    const [output] = await collectOutputs(from, [0], 2);
    const chain = await collectChain(await chainSources(from), output);
    expect(chain).toMatchObject({ contributor: 'çelik', receipt: 0, amount: output.payouts[0].amount });
    const rowHash = Buffer.from(from.stored.rowHashes[4]).toString('hex');
    expect(chain?.links.map(({ id }) => id)).toEqual([
      rowHash,
      from.stored.artefact.manifest.facts.root,
      '14',
      '25',
      '71',
      '60',
      '0'.repeat(64),
      '90',
      '82',
      '0xsettled',
      '0xcredited',
      '0xwithdrawn',
    ]);
  });

  it('leaves out what the chain does not have yet', async () => {
    const from = await sources();
    const [output] = await collectOutputs(from, [0], 2);
    const events = { ShardSettled: [], Credited: [], Withdrawn: [] };
    const chain = await collectChain({ ...(await chainSources(from)), events }, output);
    expect(chain?.links.some(({ place }) => place === 'chain')).toBe(false);
  });

  it('is nothing when no row shown belongs to one who was paid', async () => {
    const from = await sources();
    const [output] = await collectOutputs(from, [0], 2);
    expect(await collectChain(await chainSources(from), { ...output, payouts: [] })).toBeUndefined();
  });
});
