/**
 * The questions about payouts as SQL views, so that any DuckDB client can ask them of the file. What is specific to how
 * our contracts pay stands here and in payouts.ts, and nowhere else in the indexer.
 * The trap: a pool is below 2^96 and a sum of scores below 2^63, and their product does not fit 128 bits. With pool = q·total + r
 * the share ⌊pool·score/total⌋ is q·score + ⌊r·score/total⌋, and each term fits. A test holds it against the reference
 * (prover/reference/settlement.ts), and both against the credits.
 */
import type { Schema } from './schema.js';

/** Bits of one packed sum (contracts/libraries/ScoreSums.sol). */
const SUM_BITS = 48;

/** Statements that make the views whose tables there are. */
export function payoutViews({ tables }: Schema): readonly string[] {
  const settles = tables.some(({ contract, name }) => contract === 'EpochSettlement' && name === 'ShardSettled');
  return settles ? [contributorRows, settledSums(), contributorScores, credits, payouts, receipts] : [];
}

/** Rows [first_row, end_row) of each slot: half-open, counted from 0. Of an abandoned registration nothing is left. */
const contributorRows = `CREATE VIEW contributor_rows AS
SELECT index, contributor, slot,
       coalesce(lag(end_row) OVER (PARTITION BY index ORDER BY slot), 0)::BIGINT AS first_row, end_row
FROM (SELECT index, slots[place + 1].contributor AS contributor, slots[place + 1]."end"::BIGINT AS end_row,
             row_number() OVER (PARTITION BY index ORDER BY "firstShard"::BIGINT, place) - 1 AS slot
      FROM (SELECT s.index, s."firstShard", s.slots, unnest(range(len(s.slots))) AS place
            FROM "IndexRegistry"."SlotsRegistered" s
            LEFT JOIN (SELECT index, max((block_number, log_index)) AS abandoned
                       FROM "IndexRegistry"."IndexAbandoned" GROUP BY index) a ON a.index = s.index
            WHERE a.abandoned IS NULL OR (s.block_number, s.log_index) > a.abandoned))`;

/** The sums of each settled shard as integers: contributors × receipts, row by row. */
function settledSums(): string {
  return `CREATE VIEW settled_sums AS
SELECT epoch::HUGEINT AS epoch, batch::HUGEINT AS batch, shard::HUGEINT AS shard, contributors,
       ${unpacked('"packedSums"')} AS sums, transaction_hash
FROM "EpochSettlement"."ShardSettled"`;
}

/** 0x hex of big-endian two's complement integers as BIGINT[]. */
export function unpacked(hex: string): string {
  const half = 2n ** BigInt(SUM_BITS - 1);
  return `list_transform(regexp_extract_all(substr(${hex}, 3), '.{${SUM_BITS / 4}}'),
           lambda digits: (('0x' || digits)::BIGINT + ${half}) % ${2n * half} - ${half})`;
}

/** Of every receipt, paid or not, over all shards that are settled so far. */
const contributorScores = `CREATE VIEW contributor_scores AS
SELECT epoch, batch, receipt, contributor, sum(score)::HUGEINT AS score
FROM (SELECT epoch, batch, contributors[place + 1] AS contributor, receipt, sums[place * queries + receipt + 1] AS score
      FROM (SELECT *, unnest(range(queries)) AS receipt
            FROM (SELECT *, len(sums) // len(contributors) AS queries, unnest(range(len(contributors))) AS place
                  FROM settled_sums)))
GROUP BY ALL`;

/** Every credit, also where one event tells many: 20 bytes of the account and 12 of the amount each. */
const credits = `CREATE VIEW credits AS
SELECT epoch::HUGEINT AS epoch, batch::HUGEINT AS batch, account, role, amount::HUGEINT AS amount,
       transaction_hash, block_number, log_index
FROM "EpochSettlement"."Credited"
UNION ALL
SELECT epoch::HUGEINT, batch::HUGEINT, substr(credit, 1, 42), 0,
       ('0x' || substr(credit, 43, 12))::BIGINT::HUGEINT * ${2n ** BigInt(SUM_BITS)} + ('0x' || substr(credit, 55))::BIGINT,
       transaction_hash, block_number, log_index
FROM (SELECT *, unnest(credits) AS credit FROM "EpochSettlement"."ContributorsCredited")`;

/** What every receipt paid to every contributor, with the transaction that credited it. */
const payouts = `CREATE VIEW payouts AS
SELECT *, (pool // total) * score + ((pool % total) * score) // total AS amount
FROM (SELECT s.epoch, s.batch, s.receipt, s.contributor, s.score,
             sum(s.score) OVER (PARTITION BY s.epoch, s.batch, s.receipt)::HUGEINT AS total,
             p.pool::HUGEINT AS pool, p.fee::HUGEINT AS fee, p."outputHash" AS output_hash,
             coalesce(c.transaction_hash, p.transaction_hash) AS transaction_hash,
             coalesce(c.block_number, p.block_number) AS block_number, b.time
      FROM contributor_scores s
      JOIN "EpochSettlement"."ReceiptPaid" p
        ON p.epoch::HUGEINT = s.epoch AND p.batch::HUGEINT = s.batch AND p.receipt::HUGEINT = s.receipt
      LEFT JOIN credits c ON c.epoch = s.epoch AND c.batch = s.batch AND c.account = s.contributor AND c.role = 0
      JOIN blocks b ON b.number = coalesce(c.block_number, p.block_number)
      WHERE s.score > 0)`;

/** Every receipt that was posted, and what became of it. */
const receipts = `CREATE VIEW receipts AS
SELECT r.epoch::HUGEINT AS epoch, r.batch::HUGEINT AS batch, r.receipt, r.output_hash, r.payer, r.fee, r.posted_in, o.index,
       CASE WHEN p.receipt IS NOT NULL THEN 'paid' WHEN f.epoch IS NOT NULL THEN 'refunded' ELSE 'posted' END AS state,
       coalesce(p.transaction_hash, f.transaction_hash) AS paid_in
FROM (SELECT epoch, batch, payer, "outputHashes"[receipt + 1] AS output_hash, fees[receipt + 1] AS fee, receipt,
             transaction_hash AS posted_in
      FROM (SELECT *, unnest(range(len(fees))) AS receipt FROM "ReceiptBook"."BatchPosted")) r
JOIN "ReceiptBook"."EpochOpened" o USING (epoch)
LEFT JOIN "EpochSettlement"."ReceiptPaid" p
  ON p.epoch = r.epoch AND p.batch = r.batch AND p.receipt::HUGEINT = r.receipt
LEFT JOIN (SELECT DISTINCT epoch, batch, transaction_hash FROM "EpochSettlement"."Credited" WHERE role = 4) f
  ON f.epoch = r.epoch AND f.batch = r.batch
WHERE r.output_hash <> '0x${'0'.repeat(64)}'`;
