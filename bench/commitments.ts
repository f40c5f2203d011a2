/**
 * What committing to an index costs: rows of 224 int8 entries, their running sums, leaves, tree and shards, by
 * `commitIndex`, at 1,000 rows and more; beside it, row by row, circomlibjs (the reference), and the floor: the products
 * of field elements that the permutations take, at the time of one product measured in the same run.
 *
 *   npx tsx bench/commitments.ts [--rows 1000,10000,…] [--columns 224] [--threads N] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { Random, sha256 } from '../src/foundation/index.js';
import { cutSlots, indexLeaf, loadHasher, saltOf, vectorCommitment } from '../src/prover/reference/index.js';
import { commitIndex, type IndexContent } from '../src/prover/rowCommitments.js';
import { poseidonProducts, productNanoseconds } from './proving/floor.js';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000,10000,100000,1000000' },
    columns: { type: 'string', default: '224' },
    threads: { type: 'string' },
    json: { type: 'string' },
  },
});
const columns = Number(values.columns);
const threads = Number(values.threads ?? availableParallelism());
/** Rows of one contributor. */
const ROWS_EACH = 250;
const REFERENCE_ROWS = 200;

function randomContent(n: number): IndexContent {
  const random = new Random(3);
  return {
    instance: { slots: 24, queries: 24, columns },
    indexId: 1n,
    rows: Int8Array.from({ length: n * columns }, () => random.below(255) - 127),
    slots: cutSlots(Int32Array.from({ length: n }, (_, i) => Math.floor(i / ROWS_EACH))),
    rowHashes: Array.from({ length: n }, (_, i) => sha256(`row ${i}`)),
    addresses: Array.from(
      { length: Math.ceil(n / ROWS_EACH) },
      (_, i) => `0x${(i + 1).toString(16).padStart(40, '0')}`,
    ),
    secret: 'ab'.repeat(32),
  };
}

/** Seconds of a row by the reference: its commitment, its sum's and its leaf. */
async function referenceSeconds({ rows, rowHashes, addresses, secret }: IndexContent): Promise<number> {
  const hasher = await loadHasher();
  const start = performance.now();
  for (let i = 0; i < REFERENCE_ROWS; i++) {
    const row = rows.subarray(i * columns, (i + 1) * columns);
    const rowCommitment = vectorCommitment(hasher, saltOf(secret, 'row', i), row);
    const prefixCommitment = vectorCommitment(hasher, saltOf(secret, 'prefix', i), row);
    indexLeaf(hasher, columns, { rowHash: rowHashes[i], contributor: addresses[0], rowCommitment, prefixCommitment });
  }
  return (performance.now() - start) / 1e3 / REFERENCE_ROWS;
}

const nanoseconds = await productNanoseconds();
const permutations = [...blockInputs(columns), ...blockInputs(columns), 5, 2];
const floor = (nanoseconds * permutations.reduce((sum, inputs) => sum + poseidonProducts(inputs), 0)) / 1e9 / threads;

/** Inputs of each permutation of a vector's chain. */
function blockInputs(entries: number): number[] {
  const words = Math.ceil(entries / 15);
  return Array.from({ length: Math.ceil(words / 15) }, (_, block) => 1 + Math.min(15, words - 15 * block));
}

console.log(
  `Rows of ${columns} entries, ${threads} threads; one product takes ${nanoseconds.toFixed(1)} ns on one thread.`,
);
console.log('| rows | s | µs a row | floor µs | by the reference µs | reference / meed | memory MiB |');
console.log('| --- | --- | --- | --- | --- | --- | --- |');
const figures: object[] = [];
for (const n of values.rows.split(',').map(Number)) {
  const content = randomContent(n);
  const reference = await referenceSeconds(content);
  const start = performance.now();
  let shown = start;
  await commitIndex(content, {
    threads,
    progress(done, total) {
      if (performance.now() - shown < 5e3) return;
      shown = performance.now();
      process.stderr.write(`${done} of ${total} rows\n`);
    },
  });
  const seconds = (performance.now() - start) / 1e3;
  const each = seconds / n;
  const mebibytes = process.memoryUsage().rss / 2 ** 20;
  const cells = [
    n,
    seconds.toFixed(1),
    (1e6 * each).toFixed(0),
    (1e6 * floor).toFixed(0),
    (1e6 * reference).toFixed(0),
    (reference / each).toFixed(1),
    mebibytes.toFixed(0),
  ];
  console.log(`| ${cells.join(' | ')} |`);
  figures.push({
    rows: n,
    columns,
    threads,
    seconds,
    floorSeconds: floor * n,
    referenceSecondsPerRow: reference,
    mebibytes,
  });
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 1)}\n`);
