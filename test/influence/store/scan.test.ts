/** A scan equals a plain scan in BigInt, bit for bit, whatever the threads, the budget and where the rows lie. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeedError, Random } from '../../../src/foundation/index.js';
import {
  appendRows,
  createStore,
  openScanner,
  openStore,
  removeRows,
  type ScannerOptions,
  type TopOptions,
} from '../../../src/influence/store/index.js';
import { type PlainRows, plainScore, plainTop, randomQuery, randomRows } from './plain.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meed-scan-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

let stores = 0;
/** Stored in two segments, so that scans cross from one to the next. */
async function stored(rows: PlainRows): Promise<string> {
  const path = join(folder, `store-${stores++}`);
  await createStore(path, new Float64Array(rows.width).fill(1));
  const half = Math.ceil(rows.contributors.length / 2);
  for (const [from, to] of [
    [0, half],
    [half, rows.contributors.length],
  ]) {
    const entries = rows.entries.subarray(from * rows.width, to * rows.width);
    await appendRows(path, [{ entries, contributors: rows.contributors.slice(from, to) }]);
  }
  return path;
}

async function top(path: string, queries: Int16Array[], top: TopOptions, options?: ScannerOptions) {
  const store = await openStore(path);
  const scanner = await openScanner(store, options);
  try {
    const answers = [];
    for await (const answer of scanner.top(queries, top)) answers.push(answer);
    return { answers, memoryBytes: scanner.memoryBytes };
  } finally {
    await scanner.close();
    await store.close();
  }
}

describe('the best rows', () => {
  it.each([1, 7, 8, 15, 16, 17, 100, 224, 256, 511, 512])('are those of a plain scan at %i columns', async (width) => {
    const random = Random.named(width, 'scan');
    const rows = randomRows(random, 83, width);
    // all patterns of pairs and an odd one
    const queries = Array.from({ length: 5 }, () => randomQuery(random, width));
    const { answers } = await top(await stored(rows), queries, { count: 9, batch: 3 }, { threads: 1 });
    expect(answers).toEqual(queries.map((query) => plainTop(rows, query, 9)));
  });

  it('are exact at the largest entries that int32 must hold', async () => {
    const width = 512;
    const signs = [1, -1];
    const entries = Int8Array.from({ length: 8 * width }, (_, i) => {
      const row = Math.floor(i / width);
      return 127 * (row < 2 ? signs[row] : signs[(i + row) % 2]);
    });
    const rows = { width, entries, contributors: Array.from({ length: 8 }, () => 'one') };
    const queries = [
      new Int16Array(width).fill(32767),
      new Int16Array(width).fill(-32767),
      Int16Array.from({ length: width }, (_, j) => 32767 * signs[j % 2]),
    ];
    const { answers } = await top(await stored(rows), queries, { count: 8 });
    expect(answers).toEqual(queries.map((query) => plainTop(rows, query, 8)));
    expect(answers[0][0]).toEqual({ row: 0, score: 127 * 32767 * 512 });
    expect(answers[0][7]).toEqual({ row: 1, score: -127 * 32767 * 512 });
  });

  it('do not depend on threads, chunks, batches or where the rows lie, ties included', async () => {
    const random = Random.named(1, 'ties');
    const width = 24;
    // few different rows, so most scores are tied
    const kinds = randomRows(random, 5, width);
    const rows: PlainRows = {
      width,
      entries: Int8Array.from({ length: 6000 * width }, (_, i) => {
        const row = Math.floor(i / width);
        return kinds.entries[((row * 7919) % 5) * width + (i % width)];
      }),
      contributors: Array.from({ length: 6000 }, () => 'one'),
    };
    const path = await stored(rows);
    const queries = [...Array.from({ length: 3 }, () => randomQuery(random, width)), new Int16Array(width)];
    const expected = queries.map((query) => plainTop(rows, query, 1500));
    for (const options of [
      { threads: 1 },
      { threads: 3, memoryBytes: 2 ** 18 },
      { threads: 2, memoryBytes: 2 ** 17 },
      { threads: 2, rows: 'memory' as const, memoryBytes: 2 ** 19 },
    ]) {
      const { answers } = await top(path, queries, { count: 1500, batch: options.threads }, options);
      expect(answers).toEqual(expected);
    }
    // a query of zeros ties all rows
    expect(expected[3].map(({ row }) => row)).toEqual(Array.from({ length: 1500 }, (_, row) => row));
  });

  it('are the lowest first where the harmful ones are asked for', async () => {
    const random = Random.named(2, 'harmful');
    const rows = randomRows(random, 50, 16);
    const queries = [randomQuery(random, 16), new Int16Array(16)];
    const { answers } = await top(await stored(rows), queries, { count: 7, order: 'harmful' });
    expect(answers).toEqual(queries.map((query) => plainTop(rows, query, 7, { sign: -1 })));
    expect(answers[0][0].score).toBeLessThan(0);
  });

  it('never hold a removed row, and are fewer when few are left', async () => {
    const random = Random.named(3, 'removed');
    for (const where of ['file', 'memory'] as const) {
      const rows = randomRows(random, 61, 20);
      const path = await stored(rows);
      const query = randomQuery(random, 20);
      const removed = new Set<number>();
      for (const keep of [60, 4, 0]) {
        const best = plainTop(rows, query, 61 - removed.size - keep, { removed });
        for (const { row } of best) removed.add(row);
        expect(await removeRows(path, removed)).toBe(best.length);
        const { answers } = await top(path, [query], { count: 10 }, { rows: where, threads: 1 });
        expect(answers).toEqual([plainTop(rows, query, 10, { removed })]);
        expect(answers[0]).toHaveLength(Math.min(10, keep));
      }
    }
  });

  it('come from a memory within the budget, however large the store', async () => {
    const random = Random.named(4, 'budget');
    const rows = randomRows(random, 4000, 256);
    const path = await stored(rows);
    const query = randomQuery(random, 256);
    const memoryBytes = 2 ** 16;
    const { answers, memoryBytes: used } = await top(path, [query], { count: 5 }, { memoryBytes });
    expect(used).toBeLessThanOrEqual(memoryBytes);
    expect(rows.entries.length).toBeGreaterThan(8 * memoryBytes);
    expect(answers).toEqual([plainTop(rows, query, 5)]);
  });
});

describe('all scores', () => {
  it('come in blocks, each row once, without removed ones', async () => {
    const random = Random.named(5, 'scores');
    const rows = randomRows(random, 3001, 30);
    const path = await stored(rows);
    const removed = new Set([0, 8, 9, 1500, 1501, 2999, 3000]);
    await removeRows(path, removed);
    const queries = Array.from({ length: 3 }, () => randomQuery(random, 30));
    const store = await openStore(path);
    const scanner = await openScanner(store, { memoryBytes: 2 ** 16 });
    const seen: number[] = [];
    let blocks = 0;
    for await (const { rows: numbers, scores } of scanner.scores(queries)) {
      queries.forEach((query, q) => {
        expect([...scores.subarray(q * numbers.length, (q + 1) * numbers.length)]).toEqual(
          [...numbers].map((row) => plainScore(rows, row, query)),
        );
      });
      seen.push(...numbers);
      blocks++;
    }
    expect(blocks).toBeGreaterThan(3);
    expect(seen).toEqual(Array.from({ length: 3001 }, (_, row) => row).filter((row) => !removed.has(row)));
    // one who stops early leaves the scanner usable
    for await (const _ of scanner.scores(queries)) break;
    for await (const answer of scanner.top([queries[0]], { count: 3 })) {
      expect(answer).toEqual(plainTop(rows, queries[0], 3, { removed }));
    }
    await scanner.close();
    await store.close();
  });
});

describe('a scan refuses', () => {
  it('queries that do not fit, budgets that hold nothing, a second scan at once', async () => {
    const random = Random.named(6, 'refusals');
    const rows = randomRows(random, 4000, 256);
    const store = await openStore(await stored(rows));
    const query = randomQuery(random, 256);
    const scanner = await openScanner(store);
    const first = (queries: Int16Array[], options: TopOptions) => scanner.top(queries, options).next();
    await expect(first([new Int16Array(255)], { count: 1 })).rejects.toThrow('A query has 255 entries');
    await expect(first([new Int16Array(256).fill(-32768)], { count: 1 })).rejects.toThrow('A query holds −32768');
    await expect(first([query], { count: 0 })).rejects.toThrow('0 is no number of rows');
    await expect(first([query], { count: 1, batch: 1.5 })).rejects.toThrow('1.5 is no number of queries');
    const running = first([query], { count: 1 });
    await expect(first([query], { count: 1 })).rejects.toThrow('scanning already');
    expect((await running).value).toEqual(plainTop(rows, query, 1));
    await scanner.close();
    await expect(openScanner(store, { rows: 'memory', memoryBytes: 2 ** 18 })).rejects.toThrow(
      'The resident rows need',
    );
    await expect(openScanner(store, { threads: 0 })).rejects.toThrow(MeedError);
    await expect(openScanner(store, { memoryBytes: 100 })).rejects.toThrow(MeedError);
    const small = await openScanner(store, { memoryBytes: 2 ** 16 });
    const many = Array.from({ length: 200 }, () => query);
    await expect(small.top(many, { count: 1, batch: 200 }).next()).rejects.toThrow('A scan of 200 queries');
    await small.close();
    await store.close();
  });
});
