/**
 * A paid epoch derived again on a real node, with real commitments: an honest one to the last unit; one whose batch nobody
 * opened, whose scores are not the rows' or whose key is another is told so, and a node that is gone is no finding.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProvider } from '../../../src/chain/account.js';
import { auditEpoch, type EpochAudit, type EpochSource } from '../../../src/chain/auditor/epochAudit.js';
import { readEvents } from '../../../src/chain/index.js';
import { commitBatches } from '../../../src/prover/batchCommitments.js';
import { openBatchHasher } from '../../../src/prover/fast/index.js';
import { loadHasher, queryBatchCommitment, saltOf } from '../../../src/prover/reference/index.js';
import { verificationKeyOf } from '../../prover/support/forgedKeys.js';
import { forgeableKey } from '../forge.js';
import { type OpenedEpoch, paidOpenedEpoch, randomIntegers } from '../openedEpoch.js';
import { OWNER, openWorld, type World } from '../world.js';

const INSTANCE = { slots: 3, queries: 4, columns: 17 };
const SIZE = { contributors: 4, rowsEach: 5, receipts: 6 };

let world: World;
let paid: OpenedEpoch;

beforeAll(async () => {
  world = await openWorld(INSTANCE);
  paid = await paidOpenedEpoch(world, randomIntegers(world, SIZE, 1));
}, 240_000);
afterAll(async () => world?.stop());

async function audit(changes: Partial<EpochSource> = {}, of: OpenedEpoch = paid): Promise<EpochAudit> {
  const { provider } = (await world.as(OWNER)).account;
  const { deployment } = world.deployed;
  return auditEpoch({
    provider,
    deployment,
    events: await readEvents(provider, deployment),
    epoch: of.epoch,
    key: verificationKeyOf(world.key.words),
    rows: { values: of.content.rows, secret: of.content.secret },
    receipts: [{ values: of.queries, secret: of.batchSecret }],
    ...changes,
  });
}

const detail = ({ findings }: EpochAudit): string =>
  findings.map((finding) => (finding.kind === 'differs' ? finding.detail : finding.kind)).join();

describe('an epoch', () => {
  it('that is honest is derived again, every fee of it', async () => {
    const { provider } = (await world.as(OWNER)).account;
    const { BatchPosted } = await readEvents(provider, world.deployed.deployment);
    const fees = BatchPosted.filter(({ epoch }) => epoch === paid.epoch).flatMap((posted) => posted.fees);
    expect(fees.filter((fee) => fee > 0n)).toHaveLength(SIZE.receipts);
    expect(await audit()).toEqual({ findings: [], fees: fees.reduce((sum, fee) => sum + fee, 0n) });
  });

  it('finds its batches among receipts of others, and names each that nothing opens', async () => {
    const own = { values: paid.queries, secret: paid.batchSecret };
    const other = { values: paid.queries.map((entry) => -entry), secret: paid.batchSecret };
    expect((await audit({ receipts: [other, own] })).findings).toEqual([]);
    const { findings, fees } = await audit({ receipts: [other] });
    expect(findings.map((finding) => finding.kind === 'batchNotOpened' && finding.batch)).toEqual([0, 1]);
    expect(fees).toBe(0n);
    const changed = { ...own, values: paid.queries.with(-1, paid.queries[paid.queries.length - 1] ^ 1) };
    const [finding, ...none] = (await audit({ receipts: [changed] })).findings;
    expect(finding).toMatchObject({ kind: 'batchNotOpened', batch: 1 });
    expect(none).toEqual([]);
  });

  it('whose rows are not those that were committed to is not derived from them', async () => {
    const { rows, secret } = paid.content;
    const changed = rows.with(0, rows[0] === 0 ? 1 : 0);
    expect(detail(await audit({ rows: { values: changed, secret } }))).toMatch(/commitment on chain of shard 0/);
    expect(detail(await audit({ rows: { values: rows.subarray(1), secret } }))).toMatch(
      /number of entries of the rows/,
    );
  });

  it('that was settled by other scores, forged with the secrets of its key, is found out', async () => {
    const forged = await paidOpenedEpoch(world, randomIntegers(world, SIZE, 2), (scores) => {
      const changed = scores.slice();
      changed[0] += 1n;
      return changed;
    });
    expect(detail(await audit({}, forged))).toMatch(/^ρ of shard 0, batch 0 is/);
    expect((await audit()).findings).toEqual([]);
  }, 120_000);

  it('whose proofs another key was to verify is told so', async () => {
    const other = verificationKeyOf(forgeableKey('other').words);
    expect(detail(await audit({ key: other }))).toMatch(/circuit id on chain/);
  });

  it('that a node does not show gets no verdict when the node is gone', async () => {
    const provider = openProvider('http://127.0.0.1:1', world.deployed.deployment.chainId);
    try {
      await expect(audit({ provider })).rejects.toThrow();
    } finally {
      provider.destroy();
    }
    expect(detail(await audit({ epoch: 77n }))).toMatch(/number of openings of the epoch is 0/);
  });
});

describe('batches committed side by side', () => {
  it('have the commitments that the reference gives one by one', async () => {
    const hasher = await loadHasher();
    const fast = await openBatchHasher();
    try {
      for (const columns of [1, 15, 17, 128]) {
        const instance = { slots: 1, queries: 4, columns };
        const batches = Array.from({ length: 5 }, (_, b) => ({
          vectors: Int16Array.from({ length: 4 * columns }, (_, i) => ((i * 7919 + b * 104729) % 65535) - 32767),
          salt: saltOf('ab'.repeat(32), 'batch', b),
        }));
        expect(await commitBatches(fast, instance, 77n, batches)).toEqual(
          batches.map(({ salt, vectors }) => queryBatchCommitment(hasher, instance, 77n, salt, vectors)),
        );
      }
      expect(await commitBatches(fast, { slots: 1, queries: 4, columns: 3 }, 77n, [])).toEqual([]);
    } finally {
      await fast.close();
    }
  });
});
