/**
 * How long an auditor takes to derive an epoch again: 10,000 samples, 1,000 receipts, on a node of its own.
 *
 *   npx tsx bench/audit.ts [--contributors N] [--rows N] [--receipts N] [--json FILE]
 *
 * Commitments and scores are of random integers by the reference, and real; proofs are made from a key's secrets, since
 * their making is no auditor's work, and all of them are verified. What is timed: reading and checking all events, the
 * commitments of slots, shards and batches, every score, the challenge of every place with its calldata, all proofs, the
 * contributors' sums, every fee's split and every credit to the unit. The rows' leaves, which a full audit of the index
 * hashes too, are timed apart.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { auditEpoch, type EpochStep } from '../src/chain/auditor/epochAudit.js';
import { readEvents } from '../src/chain/index.js';
import { commitIndex } from '../src/prover/rowCommitments.js';
import { paidOpenedEpoch, randomIntegers } from '../test/chain/openedEpoch.js';
import { OWNER, openWorld } from '../test/chain/world.js';
import { verificationKeyOf } from '../test/prover/support/forgedKeys.js';

const INSTANCE = { slots: 24, queries: 24, columns: 128 };
const FULL_SIZE = { contributors: 100, rowsEach: 100, receipts: 1000 };

export interface AuditTimes {
  readonly rows: number;
  readonly receipts: number;
  readonly proofs: number;
  readonly steps: Readonly<Record<'events' | EpochStep, number>>;
  /** All of the steps. */
  readonly auditSeconds: number;
  /** Row, prefix and leaf commitments with the index's root, beside the above. */
  readonly leavesSeconds: number;
}

export async function auditTimes(size: typeof FULL_SIZE = FULL_SIZE): Promise<AuditTimes> {
  const world = await openWorld(INSTANCE);
  try {
    const integers = randomIntegers(world, size);
    const { content, queries, batchSecret, epoch } = await paidOpenedEpoch(world, integers);
    const { deployment } = world.deployed;
    const { provider } = (await world.as(OWNER)).account;
    const marks: { readonly step: 'events' | EpochStep; readonly at: number }[] = [];
    const enter = (step: 'events' | EpochStep): void => void marks.push({ step, at: performance.now() });
    enter('events');
    const events = await readEvents(provider, deployment);
    const key = verificationKeyOf(world.key.words);
    const { findings, fees } = await auditEpoch(
      {
        provider,
        deployment,
        events,
        epoch,
        key,
        rows: { values: content.rows, secret: content.secret },
        receipts: [{ values: queries, secret: batchSecret }],
      },
      enter,
    );
    const end = performance.now();
    if (findings.length > 0 || fees === 0n) throw new Error('an honest epoch was found fault with');
    const until = (i: number): number => marks[i + 1]?.at ?? end;
    const { root } = await commitIndex(content);
    const leavesSeconds = (performance.now() - end) / 1000;
    if (events.IndexRegistered[0].indexRoot !== root) throw new Error('the root is not the one registered');
    return {
      rows: content.rowHashes.length,
      receipts: size.receipts,
      proofs: events.ShardSettled.length,
      steps: Object.fromEntries(marks.map(({ step, at }, i) => [step, (until(i) - at) / 1000])) as AuditTimes['steps'],
      auditSeconds: (end - marks[0].at) / 1000,
      leavesSeconds,
    };
  } finally {
    await world.stop();
  }
}

export function auditText({ rows, receipts, proofs, steps, auditSeconds, leavesSeconds }: AuditTimes): string {
  return [
    `An epoch of ${rows.toLocaleString('en')} samples, ${receipts.toLocaleString('en')} receipts and ${proofs} proofs is derived again in ${auditSeconds.toFixed(2)} s:`,
    ...Object.entries(steps).map(([step, seconds]) => `  ${step.padEnd(12)} ${seconds.toFixed(2)} s`),
    `Its index's leaves and root: ${leavesSeconds.toFixed(2)} s more.`,
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      contributors: { type: 'string', default: String(FULL_SIZE.contributors) },
      rows: { type: 'string', default: String(FULL_SIZE.rowsEach) },
      receipts: { type: 'string', default: String(FULL_SIZE.receipts) },
      json: { type: 'string' },
    },
  });
  const times = await auditTimes({
    contributors: Number(values.contributors),
    rowsEach: Number(values.rows),
    receipts: Number(values.receipts),
  });
  console.log(auditText(times));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(times, null, 1)}\n`);
}
