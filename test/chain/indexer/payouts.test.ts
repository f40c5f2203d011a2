/**
 * Who was paid for what. Three derivations are held against each other: the contract's credits, the typed functions (which
 * split by the reference) and the SQL views (which split in 128 bits).
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeEpoch, refundBatch, withdraw } from '../../../src/chain/index.js';
import {
  balanceOfAccount,
  checkStore,
  IndexStore,
  type Inference,
  inferencesOf,
  type Payout,
  payoutsTo,
} from '../../../src/chain/indexer/index.js';
import { unpacked } from '../../../src/chain/indexer/payoutViews.js';
import {
  CONTRIBUTORS,
  expectedCredits,
  hashOf,
  newEpoch,
  newIndex,
  type OpenEpoch,
  OWNER,
  openWorld,
  PAYER,
  REFUND_TIMEOUT,
  type World,
} from '../world.js';
import { makeStores, payEpoch, scoresOf, syncTo } from './chain.js';

const [ALICE, BOB, CAROL, DAN] = CONTRIBUTORS;
/** Four slots in two shards: Alice's rows are 1 to 3, and she is in both shards. */
const SLOTS = [BOB, ALICE, ALICE, ALICE];
const stores = makeStores();

let world: World;
let store: IndexStore;
let epochs: OpenEpoch[];
let unpaid: OpenEpoch;
let refunded: OpenEpoch;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 3, columns: 4 });
  const index = await newIndex(world, SLOTS);
  const other = await newIndex(world, [CAROL, BOB]);
  epochs = [
    await payEpoch(world, index, [[1_000_003n, 77n, 5n], [999n]]),
    await payEpoch(world, other, [[10n ** 24n, 3n]]),
    await payEpoch(world, index, [[2n ** 80n - 1n, 12_345n]]),
  ];
  refunded = await newEpoch(world, index, [[50n, 60n]]);
  await closeEpoch(await world.as(OWNER), refunded.epoch);
  await world.later(REFUND_TIMEOUT + 1);
  await refundBatch(await world.as(OWNER), refunded.epoch, 0n);
  await withdraw(await world.as(4));
  unpaid = await newEpoch(world, index, [[8n]]);
  const path = stores.fresh();
  await syncTo(world, path);
  store = await IndexStore.open(path);
}, 120_000);
afterAll(async () => {
  store?.close();
  await world?.stop();
  await stores.remove();
});

async function payouts(contributor: string): Promise<Payout[]> {
  const found: Payout[] = [];
  for await (const payout of payoutsTo(store, contributor)) found.push(payout);
  return found;
}

describe('a contributor', () => {
  it('is paid by receipts whose sum is its credit in every batch, to the unit', async () => {
    let compared = 0;
    for (const epoch of epochs) {
      for (const b of epoch.batches.keys()) {
        const expected = expectedCredits(world, epoch, b, (shard) => scoresOf(world, epoch)(shard, b));
        for (const contributor of CONTRIBUTORS) {
          const paid = (await payouts(contributor)).filter((p) => p.epoch === epoch.epoch && p.batch === BigInt(b));
          const sum = paid.reduce((total, { amount }) => total + amount, 0n);
          expect(sum).toBe(expected[`contributor ${contributor}`] ?? 0n);
          if (sum > 0n) compared++;
        }
      }
    }
    expect(compared).toBeGreaterThanOrEqual(4);
  });

  it('sees its rows, the output, the transaction and the time of each payout', async () => {
    const all = await payouts(ALICE);
    const outputs = new Set(epochs.flatMap(({ batches }) => batches.flatMap(({ outputHashes }) => outputHashes)));
    expect(all.length).toBeGreaterThan(1);
    for (const payout of all) {
      expect(outputs).toContain(payout.outputHash);
      expect(payout.rows).toEqual([{ first: 1, end: 4 }]);
      expect(payout.amount).toBe((payout.pool * payout.score) / payout.totalScore);
      const receipt = await (await world.as(OWNER)).account.provider.getTransactionReceipt(payout.transactionHash);
      expect(receipt?.blockNumber).toBe(payout.blockNumber);
      expect((await receipt?.getBlock())?.timestamp).toBe(payout.time);
    }
    expect((await payouts(CAROL)).every(({ rows }) => rows.length === 1 && rows[0].end === 1)).toBe(true);
  });

  it('of no row is paid nothing; an address that is none is refused', async () => {
    expect(await payouts(DAN)).toEqual([]);
    await expect(payouts('0x12')).rejects.toThrow('contributor is not an address');
  });

  it('has a balance of all that was credited and taken out', async () => {
    const sum = (await payouts(ALICE)).reduce((total, { amount }) => total + amount, 0n);
    expect(await balanceOfAccount(store, ALICE)).toEqual({ credited: sum, withdrawn: sum });
    expect(await balanceOfAccount(store, (await world.as(PAYER)).account.address)).toEqual({
      credited: 110n,
      withdrawn: 0n,
    });
  });
});

describe('an inference', () => {
  it('names everybody whom it paid, and both directions agree', async () => {
    const forward: Payout[] = [];
    for (const contributor of CONTRIBUTORS) forward.push(...(await payouts(contributor)));
    const reverse: Payout[] = [];
    for (const { batches } of epochs) {
      for (const { outputHashes, fees } of batches) {
        for (const [q, outputHash] of outputHashes.entries()) {
          const found: Inference[] = await inferencesOf(store, outputHash);
          expect(found).toHaveLength(1);
          const [{ fee, state, pool = -1n, dust = -1n, contributors }] = found;
          expect([fee, state]).toEqual([fees[q], 'paid']);
          expect(contributors.reduce((sum, { amount }) => sum + amount, dust)).toBe(pool);
          reverse.push(...contributors);
        }
      }
    }
    const key = ({ epoch, batch, receipt, contributor }: Payout) => `${epoch} ${batch} ${receipt} ${contributor}`;
    const sorted = (list: Payout[]) => list.sort((a, b) => (key(a) < key(b) ? -1 : 1));
    expect(sorted(reverse)).toEqual(sorted(forward));
  });

  it('that was not paid says so: posted, refunded, or never posted', async () => {
    const [posted] = await inferencesOf(store, unpaid.batches[0].outputHashes[0]);
    expect(posted).toMatchObject({ state: 'posted', fee: 8n, contributors: [] });
    expect(posted.paidIn).toBeUndefined();
    const [back] = await inferencesOf(store, refunded.batches[0].outputHashes[1]);
    expect(back).toMatchObject({ state: 'refunded', fee: 60n, contributors: [] });
    expect(back.paidIn).toMatch(/^0x[0-9a-f]{64}$/);
    expect(await inferencesOf(store, hashOf('never posted'))).toEqual([]);
    await expect(inferencesOf(store, '0x12')).rejects.toThrow('output hash is not 32 bytes');
  });
});

describe('the SQL views', () => {
  it('say the same as the typed functions', async () => {
    const typed = new Set<string>();
    for (const contributor of CONTRIBUTORS) {
      for (const p of await payouts(contributor)) {
        typed.add([p.epoch, p.batch, p.receipt, p.contributor, p.score, p.totalScore, p.amount, p.outputHash].join());
      }
    }
    const rows = await store.rows(
      'SELECT epoch, batch, receipt, contributor, score, total, amount, output_hash FROM payouts WHERE amount > 0',
    );
    expect(new Set(rows.map((row) => Object.values(row).join()))).toEqual(typed);
    expect(typed.size).toBeGreaterThan(5);
  });

  it('split exactly where the product exceeds 128 bits', async () => {
    const [row] = await store.rows('SELECT max(pool * 1.0 * score) AS product FROM payouts');
    expect(Number(row.product)).toBeGreaterThan(2 ** 105); // a double would have lost units long before
    const database = await DuckDBInstance.create(':memory:');
    const connection = await database.connect();
    const [pool, score, total] = [2n ** 96n - 1n, 2n ** 47n - 1n, 2n ** 55n - 55n];
    const sql = `SELECT (p // t) * s + ((p % t) * s) // t AS amount FROM (SELECT ${pool}::HUGEINT AS p, ${score}::HUGEINT AS s, ${total}::HUGEINT AS t)`;
    expect((await connection.runAndReadAll(sql)).getRows()).toEqual([[(pool * score) / total]]);
    connection.closeSync();
    database.closeSync();
  });

  it('read packed sums: six bytes each, two’s complement', async () => {
    const values = [0n, 1n, -1n, 2n ** 47n - 1n, -(2n ** 47n), 123_456_789n, -987_654_321n];
    const packed = `0x${values.map((v) => BigInt.asUintN(48, v).toString(16).padStart(12, '0')).join('')}`;
    expect(await store.rows(`SELECT ${unpacked(`'${packed}'`)}::VARCHAR AS sums`)).toEqual([
      { sums: `[${values.join(', ')}]` },
    ]);
  });

  it('keep every receipt that was posted, padding left out', async () => {
    const [row] = await store.rows("SELECT count(*) AS n, count(*) FILTER (state = 'paid') AS paid FROM receipts");
    expect(row).toEqual({ n: 11n, paid: 8n });
  });
});

describe('a node that left out or changed a log is found out', () => {
  it('which is no log of an honest one', async () => {
    expect(await checkStore(store)).toEqual({ epochs: 4, batches: 4 });
  });

  it.each([
    [
      'a batch',
      'DELETE FROM "ReceiptBook"."BatchPosted" WHERE epoch = \'0\' AND batch = \'1\'',
      'hash to its accumulator',
    ],
    [
      'a fee',
      'UPDATE "ReceiptBook"."BatchPosted" SET fees = list_transform(fees, lambda fee: fee + 1)',
      'hash to its acc',
    ],
    [
      'a settlement',
      'DELETE FROM "EpochSettlement"."ShardSettled" WHERE epoch = \'2\' AND shard = \'1\'',
      '1 of the 2 settlements',
    ],
    [
      'every credit of a contributor', // whose slots were met in two shards
      `DELETE FROM "EpochSettlement"."Credited" WHERE account = '${ALICE.toLowerCase()}'`,
      'was not credited',
    ],
    ['a paid receipt', 'DELETE FROM "EpochSettlement"."ReceiptPaid" WHERE fee = \'1000003\'', 'was credited'],
    ['a score', 'UPDATE "EpochSettlement"."ReceiptPaid" SET receipt = (2 - receipt::INTEGER)::VARCHAR', 'contradict'],
  ])('%s', async (_, damage, sentence) => {
    const path = stores.fresh();
    await syncTo(world, path);
    const damaged = await IndexStore.open(path);
    await damaged.run(damage);
    await expect(checkStore(damaged)).rejects.toThrow(sentence);
    damaged.close();
  });
});

describe('events that contradict each other are no answer', () => {
  it.each([
    ['a pool', 'UPDATE "EpochSettlement"."ReceiptPaid" SET pool = (pool::HUGEINT + 70)::VARCHAR', 'contradict'],
    ['a dust', 'UPDATE "EpochSettlement"."BatchPaid" SET dust = (dust::HUGEINT + 1)::VARCHAR', 'units of dust'],
    [
      'a credit',
      `UPDATE "EpochSettlement"."ContributorsCredited"
       SET credits = list_transform(credits, lambda credit: substr(credit, 1, 64) || '01')`,
      'was credited',
    ],
    [
      'a credit left out',
      `UPDATE "EpochSettlement"."ContributorsCredited"
       SET credits = list_filter(credits, lambda credit: starts_with(credit, ?))`,
      'was not credited',
    ],
    ['a shard left out', 'DELETE FROM "EpochSettlement"."ShardSettled" WHERE shard = \'1\'', 'contradict'],
    ['the epoch left out', 'DELETE FROM "ReceiptBook"."EpochOpened"', 'never opened'],
  ])('%s', async (_, damage, sentence) => {
    const path = stores.fresh();
    await syncTo(world, path);
    const damaged = await IndexStore.open(path);
    await damaged.rows(damage, damage.includes('?') ? [ALICE.toLowerCase()] : []);
    const ask = async () => {
      for await (const payout of payoutsTo(damaged, ALICE)) expect(payout.contributor).toBe(ALICE.toLowerCase());
    };
    await expect(ask()).rejects.toThrow(sentence);
    damaged.close();
  });
});
