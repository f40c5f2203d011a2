/**
 * What the store's scans cost: generated int8 rows are written as a store, then the best rows of a batch of outputs and
 * of a single one are asked for, resident and from the file in the page cache. Beside each stands the floor measured in
 * the same run: for one output the bytes per second at which the same threads read the same memory and do nothing with
 * it, for a batch the products per second of the same instruction on registers alone. All ways must give the same
 * answers. Prints Markdown; what carries over to another machine is the ratio, of the best of runs taken in turn.
 *
 *   npx tsx bench/store.ts [--quick] [--rows N] [--width D] [--batch Q] [--threads T] [--repeats R] [--json FILE]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../src/foundation/index.js';
import {
  appendRows,
  createStore,
  openScanner,
  openStore,
  type RowBlock,
  type StoreScanner,
} from '../src/influence/store/index.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rows: { type: 'string' },
    width: { type: 'string', default: '256' },
    batch: { type: 'string', default: '64' },
    threads: { type: 'string', default: '2' },
    repeats: { type: 'string' },
    json: { type: 'string' },
  },
});
const rows = Number(values.rows ?? (values.quick ? 2e5 : 1e6));
const repeats = Number(values.repeats ?? (values.quick ? 5 : 15));
const [width, batch, threads] = [values.width, values.batch, values.threads].map(Number);
const COUNT = 100;
const SEED = 1;
const bytes = rows * width;

/** Uniform in [−127, 126]: four entries of each draw, the byte that would be −128 raised by one. */
function* generated(random: Random): Generator<RowBlock> {
  const step = 4096;
  for (let first = 0; first < rows; first += step) {
    const count = Math.min(step, rows - first);
    const entries = new Int8Array(Math.ceil((count * width) / 4) * 4);
    const words = new Uint32Array(entries.buffer);
    for (let i = 0; i < words.length; i++) words[i] = random.uint32();
    for (let i = 0; i < entries.length; i++) if (entries[i] === -128) entries[i] = -127;
    const contributors = Array.from({ length: count }, (_, r) => `contributor ${(first + r) % 1000}`);
    yield { entries: entries.subarray(0, count * width), contributors };
  }
}

/** A query of unit norm as the provers quantise it: its largest entries are far below 32767. */
function query(random: Random): Int16Array {
  const direction = Float64Array.from({ length: width }, () => random.normal());
  const norm = Math.sqrt(direction.reduce((sum, x) => sum + x * x, 0));
  return Int16Array.from(direction, (x) => Math.round((x / norm) * 32767));
}

async function answers(scanner: StoreScanner, queries: readonly Int16Array[]): Promise<string> {
  const found: unknown[] = [];
  for await (const answer of scanner.top(queries, { count: COUNT, batch })) found.push(answer);
  return JSON.stringify(found);
}

interface Way {
  readonly name: string;
  readonly run: () => Promise<unknown>;
  /** Rows times queries, 0 for reading alone. */
  readonly queries: number;
  /** Ways of one group must answer the same. */
  readonly group: string;
}

const folder = mkdtempSync(join(tmpdir(), 'meed-bench-store-'));
try {
  const path = join(folder, 'store');
  await createStore(path, new Float64Array(width).fill(1));
  const began = performance.now();
  await appendRows(path, generated(Random.named(SEED, 'rows')));
  const written = performance.now();
  const store = await openStore(path);
  const checked = performance.now();
  await (await openStore(path, { check: 'sizes' })).close();
  const opened = performance.now();

  const file = await openScanner(store, { threads });
  const resident = await openScanner(store, { threads, rows: 'memory', memoryBytes: bytes + 2 ** 27 });
  const random = Random.named(SEED, 'queries');
  const queries = Array.from({ length: batch }, () => query(random));
  const ways: Way[] = [
    { name: 'reading the resident rows alone', run: () => resident.readThrough(), queries: 0, group: 'read' },
    {
      name: `the products of ${batch} outputs alone`,
      run: () => resident.multiplyThrough(batch),
      queries: batch,
      group: 'multiply',
    },
    { name: 'one output, resident', run: () => answers(resident, queries.slice(0, 1)), queries: 1, group: 'one' },
    { name: 'one output, page cache', run: () => answers(file, queries.slice(0, 1)), queries: 1, group: 'one' },
    { name: `${batch} outputs, resident`, run: () => answers(resident, queries), queries: batch, group: 'batch' },
    { name: `${batch} outputs, page cache`, run: () => answers(file, queries), queries: batch, group: 'batch' },
  ];
  const seconds = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  const given = new Map<string, unknown>();
  for (let repeat = 0; repeat <= repeats; repeat++) {
    for (const { name, run, group } of ways) {
      const start = performance.now();
      const answer = await run();
      // the first time warms the compiler up and the file into the page cache
      if (repeat > 0) seconds.get(name)?.push((performance.now() - start) / 1000);
      if (!given.has(group)) given.set(group, answer);
      else if (given.get(group) !== answer) throw new Error(`${name} gave another answer`);
    }
  }
  const best = (name: string): number => Math.min(...(seconds.get(name) ?? []));
  const readBandwidth = bytes / best(ways[0].name);
  const productRate = (bytes * batch) / best(ways[1].name);
  const table = ways.map(({ name, queries: number }) => {
    const sorted = [...(seconds.get(name) ?? [])].sort((a, b) => a - b);
    return {
      way: name,
      seconds: sorted[0],
      median: sorted[sorted.length >> 1],
      gigabytesPerSecond: bytes / sorted[0] / 1e9,
      ofReadBandwidth: bytes / sorted[0] / readBandwidth,
      ofProductRate: (bytes * number) / sorted[0] / productRate,
      gigaOperationsPerSecond: (2 * bytes * number) / sorted[0] / 1e9,
    };
  });
  await file.close();
  await resident.close();
  await store.close();

  process.stdout.write(
    `${rows} rows × ${width} int8 (${(bytes / 1e6).toFixed(0)} MB), top ${COUNT}, ${threads} threads, best of ${repeats}\n\n`,
  );
  process.stdout.write(
    '| scan | s | median, s | GB/s | of reading alone | 10⁹ operations/s | of products alone |\n|---|---|---|---|---|---|---|\n',
  );
  for (const row of table) {
    const cells = [
      row.way,
      row.seconds.toFixed(4),
      row.median.toFixed(4),
      row.gigabytesPerSecond.toFixed(1),
      row.ofReadBandwidth.toFixed(2),
      row.gigaOperationsPerSecond.toFixed(0),
      row.ofProductRate.toFixed(2),
    ];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
  const setup = {
    writeSeconds: (written - began) / 1000,
    openCheckedSeconds: (checked - written) / 1000,
    openSeconds: (opened - checked) / 1000,
    fileScanBytes: file.memoryBytes,
  };
  process.stdout.write(
    `\nGenerated and written in ${setup.writeSeconds.toFixed(1)} s; opened in ${setup.openCheckedSeconds.toFixed(2)} s with every byte checked, in ${setup.openSeconds.toFixed(4)} s without; a scan of the file holds ${(setup.fileScanBytes / 1e6).toFixed(1)} MB.\n`,
  );
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ rows, width, batch, threads, setup, table }, null, 2)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
