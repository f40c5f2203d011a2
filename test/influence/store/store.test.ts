/** A store keeps rows, numbers and contributors through appends, removals, crashes; what is not a store is refused. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeArtefact, writeTable } from '../../../src/artefact/index.js';
import { type JsonObject, MeedError, Random, sha256, sha256Json } from '../../../src/foundation/index.js';
import {
  appendRows,
  createStore,
  eraseRemoved,
  groupScore,
  openScanner,
  openStore,
  type RowBlock,
  removeRows,
  tidyStore,
  topContributors,
} from '../../../src/influence/store/index.js';
import { type PlainRows, plainScore, randomQuery, randomRows } from './plain.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meed-store-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

let stores = 0;
const WIDTH = 12;
const SCALES = Float64Array.from({ length: WIDTH }, (_, j) => 0.1 + j / 3);

async function emptyStore(): Promise<string> {
  const path = join(folder, `store-${stores++}`);
  await createStore(path, SCALES);
  return path;
}

function* inBlocks(rows: PlainRows, size: number): Generator<RowBlock> {
  for (let at = 0; at < rows.contributors.length; at += size) {
    const contributors = rows.contributors.slice(at, at + size);
    yield { entries: rows.entries.subarray(at * WIDTH, (at + contributors.length) * WIDTH), contributors };
  }
}

async function filled(rows: PlainRows, size = 50): Promise<string> {
  const path = await emptyStore();
  await appendRows(path, inBlocks(rows, size));
  return path;
}

/** Everything that a store gives back. */
async function contents(path: string) {
  const store = await openStore(path);
  const rows: number[] = [];
  const entries: number[] = [];
  const contributors: string[] = [];
  for await (const block of store.blocks(100)) {
    rows.push(...block.rows);
    entries.push(...block.entries);
    contributors.push(...Array.from(block.contributors, (number) => store.contributors[number]));
  }
  const sums = await store.contributorSums();
  const { scales, kept } = store;
  await store.close();
  return { rows, entries, contributors, sums, scales, kept, total: store.rows };
}

/** What `contents` must be, derived from the rows. */
function expected(rows: PlainRows, removed: ReadonlySet<number>) {
  const kept = rows.contributors.map((_, row) => row).filter((row) => !removed.has(row));
  const entriesOf = (row: number) => [...rows.entries.subarray(row * WIDTH, (row + 1) * WIDTH)];
  return {
    rows: kept,
    entries: kept.flatMap(entriesOf),
    contributors: kept.map((row) => rows.contributors[row]),
    sums: [...new Set(rows.contributors)].map((contributor) => {
      const own = kept.filter((row) => rows.contributors[row] === contributor);
      const sum = Float64Array.from({ length: WIDTH }, (_, j) => own.reduce((s, row) => s + entriesOf(row)[j], 0));
      return { contributor, rows: own.length, sum };
    }),
    scales: SCALES,
    kept: kept.length,
    total: rows.contributors.length,
  };
}

function joined(a: PlainRows, b: PlainRows): PlainRows {
  return {
    width: a.width,
    entries: Int8Array.from([...a.entries, ...b.entries]),
    contributors: [...a.contributors, ...b.contributors],
  };
}

describe('a store', () => {
  it('gives back what was appended, in whatever blocks, and stays whole when rows are removed and erased', async () => {
    const random = Random.named(1, 'store');
    const first = randomRows(random, 131, WIDTH);
    const second = randomRows(random, 40, WIDTH, 5);
    const path = await filled(first, 7);
    expect(await contents(path)).toEqual(expected(first, new Set()));
    expect(await removeRows(path, [5, 130, 5])).toBe(2);
    expect(await appendRows(path, inBlocks(second, 40))).toEqual({ first: 131, rows: 40 });
    const all = joined(first, second);
    expect(await contents(path)).toEqual(expected(all, new Set([5, 130])));
    expect(await removeRows(path, [130, 131, 170, 0])).toBe(3);
    const removed = new Set([0, 5, 130, 131, 170]);
    expect(await contents(path)).toEqual(expected(all, removed));
    expect(await eraseRemoved(path)).toBe(2);
    expect(await contents(path)).toEqual(expected(all, removed));
    expect(await eraseRemoved(path)).toBe(0);
    expect(await appendRows(path, [])).toEqual({ first: 171, rows: 0 });
    expect(await contents(path)).toEqual(expected(all, removed));
  });

  it('has no trace of erased rows on the disk', async () => {
    const rows = randomRows(Random.named(2, 'erase'), 20, WIDTH);
    const path = await filled(rows);
    const secret = Buffer.from(rows.entries.slice(7 * WIDTH, 8 * WIDTH));
    const holding = async () => {
      const entries = await readdir(path, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const found = await Promise.all(files.map(async (file) => (await readFile(file)).includes(secret)));
      return found.filter((has) => has).length;
    };
    await removeRows(path, [7]);
    expect(await holding()).toBe(1);
    await eraseRemoved(path);
    expect(await holding()).toBe(0);
  });

  it('answers for rows and refuses those that are not there or were removed', async () => {
    const rows = randomRows(Random.named(3, 'rows'), 30, WIDTH);
    const path = await filled(rows);
    await removeRows(path, [4]);
    const store = await openStore(path, { check: 'sizes' });
    expect(await store.contributorsOf([29, 3])).toEqual([rows.contributors[29], rows.contributors[3]]);
    expect([...(await store.readRows([8, 2]))]).toEqual([
      ...rows.entries.subarray(8 * WIDTH, 9 * WIDTH),
      ...rows.entries.subarray(2 * WIDTH, 3 * WIDTH),
    ]);
    await expect(store.readRows([4])).rejects.toThrow('Row 4');
    await expect(store.contributorsOf([4])).rejects.toThrow('was removed');
    for (const row of [-1, 30, 0.5, Number.NaN]) {
      await expect(store.readRows([row])).rejects.toThrow(`There is no row ${row}`);
      await expect(store.sumOf([row])).rejects.toThrow(MeedError);
      await expect(removeRows(path, [1, row])).rejects.toThrow(`There is no row ${row}`);
    }
    await store.close();
    expect((await contents(path)).kept).toBe(29);
  });

  it('scores groups as the sum of their rows, exactly', async () => {
    const random = Random.named(4, 'groups');
    const rows = randomRows(random, 90, WIDTH, 4);
    const path = await filled(rows);
    const removed = new Set([1, 2, 3, 50]);
    await removeRows(path, removed);
    const query = randomQuery(random, WIDTH);
    const store = await openStore(path);
    const over = (list: number[]) =>
      list.filter((row) => !removed.has(row)).reduce((sum, row) => sum + plainScore(rows, row, query), 0);
    const some = [0, 1, 7, 7, 50, 89];
    const group = await store.sumOf(some);
    expect(group.rows).toBe(3);
    expect(groupScore(group, query)).toBe(over([0, 7, 89]));
    const people = [...new Set(rows.contributors)].map((contributor) => {
      const own = rows.contributors.flatMap((name, row) => (name === contributor && !removed.has(row) ? [row] : []));
      return { contributor, rows: own.length, score: over(own) };
    });
    people.sort((a, b) => b.score - a.score);
    expect(topContributors(await store.contributorSums(), query, 3)).toEqual(people.slice(0, 3));
    await store.close();
    // beyond 2⁵³ partial sums cancel to an exact result, or the result is refused
    const huge = Float64Array.of(2 ** 40, -(2 ** 40), 3);
    expect(groupScore({ rows: 1, sum: huge }, Int16Array.of(32767, 32767, 5))).toBe(15);
    expect(() => groupScore({ rows: 1, sum: huge }, Int16Array.of(32767, 0, 5))).toThrow('beyond what a number');
  });

  it('cuts long appends into segments and numbers their rows on', async () => {
    const path = join(folder, 'long');
    await createStore(path, [1]);
    const rows = 2 ** 20 + 5;
    const entries = Int8Array.from({ length: rows }, (_, row) => (row * 31) % 127);
    expect(await appendRows(path, [{ entries, contributors: new Array(rows).fill('one') }])).toEqual({
      first: 0,
      rows,
    });
    const store = await openStore(path);
    expect(store.segments.map(({ firstRow }) => firstRow)).toHaveLength(2);
    expect([...(await store.readRows([0, rows - 6, rows - 1]))]).toEqual(
      [0, rows - 6, rows - 1].map((i) => entries[i]),
    );
    const [{ rows: counted, sum }] = await store.contributorSums();
    expect(counted).toBe(rows);
    expect([...sum]).toEqual([entries.reduce((total, entry) => total + entry, 0)]);
    await store.close();
  });

  it('is empty until rows come, and answers nothing then', async () => {
    const path = await emptyStore();
    const store = await openStore(path);
    const scanner = await openScanner(store);
    for await (const answer of scanner.top([new Int16Array(WIDTH)], { count: 5 })) expect(answer).toEqual([]);
    for await (const block of scanner.scores([new Int16Array(WIDTH)]))
      throw new Error(`a block of ${block.rows.length}`);
    expect(await store.contributorSums()).toEqual([]);
    await scanner.close();
    await store.close();
  });
});

describe('a change that fails', () => {
  it('leaves the state before, and no files once tidied', async () => {
    const rows = randomRows(Random.named(5, 'crash'), 30, WIDTH);
    const path = await filled(rows);
    const before = await contents(path);
    const files = (await readdir(path)).sort();
    const failing = async function* (): AsyncGenerator<RowBlock> {
      yield { entries: new Int8Array(WIDTH), contributors: ['late'] };
      throw new Error('the source went away');
    };
    await expect(appendRows(path, failing())).rejects.toThrow('the source went away');
    expect((await readdir(path)).sort()).toEqual(files);
    // what a killed writer leaves: a segment that no state names, one half written, half a state
    await mkdir(join(path, 'incoming-1.partial-abc'));
    await writeFile(join(path, 'incoming-1.partial-abc', 'rows.i8'), 'half');
    await mkdir(join(path, `segment-${sha256('nobody')}`));
    await writeFile(join(path, '.partial-1-state-9.json'), '{"form');
    expect(await contents(path)).toEqual(before);
    expect(await tidyStore(path)).toHaveLength(4);
    expect(await contents(path)).toEqual(before);
    await appendRows(path, inBlocks(rows, 30));
    expect((await contents(path)).total).toBe(60);
  });

  it('of two writers at once refuses one and keeps what the other wrote', async () => {
    const rows = randomRows(Random.named(6, 'writers'), 20, WIDTH);
    const path = await filled(rows);
    const slow = async function* (): AsyncGenerator<RowBlock> {
      await removeRows(path, [3]);
      yield* inBlocks(rows, 20);
    };
    await expect(appendRows(path, slow())).rejects.toThrow('Another process changed');
    expect(await contents(path)).toEqual(expected(rows, new Set([3])));
  });

  it('of writers at once in one process leaves what exactly one of them wrote', async () => {
    const rows = randomRows(Random.named(7, 'writers at once'), 20, WIDTH);
    const path = await filled(rows);
    const given = await Promise.allSettled([1, 2, 3, 4].map((row) => removeRows(path, [row])));
    const won = given.flatMap(({ status }, i) => (status === 'fulfilled' ? [i + 1] : []));
    expect(won.length).toBeGreaterThanOrEqual(1);
    expect(await contents(path)).toEqual(expected(rows, new Set(won)));
  });

  it('that removes what is removed already writes nothing', async () => {
    const rows = randomRows(Random.named(8, 'twice'), 20, WIDTH);
    const path = await filled(rows);
    await removeRows(path, [3]);
    const [bits] = (await readdir(path)).filter((name) => name.startsWith('removed-'));
    const before = await stat(join(path, bits));
    expect(await removeRows(path, [3])).toBe(0);
    const after = await stat(join(path, bits));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
  });

  it.each([
    ['−128', () => ({ entries: new Int8Array(WIDTH).fill(-128), contributors: ['a'] }), 'holds −128 in column 0'],
    ['a short block', () => ({ entries: new Int8Array(WIDTH - 1), contributors: ['a'] }), 'A block of 11 entries'],
  ])('names %s', async (_, block, sentence) => {
    const path = await emptyStore();
    await expect(appendRows(path, [block()])).rejects.toThrow(sentence);
    expect((await contents(path)).total).toBe(0);
  });

  it('makes no store of columns or scales that cannot be', async () => {
    const path = join(folder, 'never');
    await expect(createStore(path, [])).rejects.toThrow('A store of 0 columns');
    await expect(createStore(path, new Float64Array(513))).rejects.toThrow('A store of 513 columns');
    for (const scale of [Number.NaN, -1, Number.POSITIVE_INFINITY]) {
      await expect(createStore(path, [1, scale])).rejects.toThrow(`Column 1 has the scale ${scale}`);
    }
    await expect(openStore(path)).rejects.toThrow('does not exist');
    await expect(createStore(await emptyStore(), [1])).rejects.toThrow('is not empty');
    await expect(openStore(folder)).rejects.toThrow('is not a sketch store');
  });
});

describe('a hostile store', () => {
  const rows = randomRows(Random.named(7, 'hostile'), 40, WIDTH);
  const segmentOf = async (path: string) =>
    join(path, (await readdir(path)).find((name) => name.startsWith('segment-')) ?? 'none');

  it.each(['rows.i8', 'contributors.u32', 'sums.arrow'])(
    'is refused when %s is cut short, longer or changed',
    async (name) => {
      const path = await filled(rows);
      const file = join(await segmentOf(path), name);
      const bytes = await readFile(file);
      await truncate(file, bytes.length - 1);
      await expect(openStore(path, { check: 'sizes' })).rejects.toThrow(`has ${bytes.length - 1} bytes`);
      await writeFile(file, Buffer.concat([bytes, Buffer.of(0)]));
      await expect(openStore(path, { check: 'sizes' })).rejects.toThrow(`has ${bytes.length + 1} bytes`);
      const at = bytes.length >> 1;
      await writeFile(
        file,
        bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
      );
      await expect(openStore(path)).rejects.toThrow(MeedError);
      await rm(file);
      await expect(openStore(path, { check: 'sizes' })).rejects.toThrow('does not exist');
    },
  );

  it('is refused when its state is changed', async () => {
    const path = await filled(rows);
    const state = join(path, 'state-2.json');
    const text = await readFile(state, 'utf8');
    const changed = async (edit: (state: Record<string, unknown>) => void): Promise<void> => {
      const value: Record<string, unknown> = JSON.parse(text);
      edit(value);
      const { id: _, ...body } = value;
      await writeFile(state, JSON.stringify({ ...body, id: sha256Json(body as JsonObject) }));
    };
    const cases: [(state: Record<string, unknown>) => void, string][] = [
      [(s) => Object.assign(s, { format: 'other' }), 'is not a state of the format'],
      [(s) => Object.assign(s, { generation: 7 }), 'says it is generation 7'],
      [(s) => Object.assign(s, { width: 513 }), 'has rows of 513 columns'],
      [(s) => Object.assign(s, { width: 11 }), 'one scale for each column'],
      [(s) => Object.assign(s, { contributors: ['a', 'a'] }), 'does not name each contributor once'],
      [(s) => Object.assign(s, { segments: [{ folder: '../x', id: 'y', rows: 1, removed: null }] }), 'lists a segment'],
      [(s) => Object.assign(s, { contributors: ['only one'] }), 'belongs to contributor'],
      [(s) => Object.assign(s, { width: 11, scales: new Array(11).fill(1) }), '40 rows of 12 columns'],
    ];
    for (const [edit, sentence] of cases) {
      await changed(edit);
      await expect(openStore(path)).rejects.toThrow(sentence);
    }
    await writeFile(state, text.replace(/person-0/, 'person-9'));
    await expect(openStore(path)).rejects.toThrow('does not hash to its id');
    await writeFile(state, text.slice(0, 100));
    await expect(openStore(path)).rejects.toThrow('is not JSON');
    await writeFile(state, text);
    expect((await contents(path)).total).toBe(40);
  });

  it('is refused when the bits of removed rows are changed', async () => {
    const path = await filled(rows);
    await removeRows(path, [1]);
    const name = (await readdir(path)).find((file) => file.startsWith('removed-')) ?? 'none';
    const bits = await readFile(join(path, name));
    await writeFile(join(path, name), Buffer.alloc(bits.length));
    await expect(openStore(path, { check: 'sizes' })).rejects.toThrow('has SHA-256');
    await truncate(join(path, name), bits.length - 1);
    await expect(openStore(path, { check: 'sizes' })).rejects.toThrow(`has ${bits.length - 1} bytes`);
  });

  /** A store whose hashes are right but whose maker put in what no store may hold. */
  async function forged(entries: Int8Array, contributors: Uint32Array, sum: Int32Array): Promise<string> {
    const path = await emptyStore();
    const made = await writeArtefact(
      join(path, 'made'),
      { kind: 'sketch-segment', inputs: {}, parameters: { width: WIDTH } },
      async (staging) => {
        await writeFile(join(staging, 'rows.i8'), entries);
        await writeFile(join(staging, 'contributors.u32'), contributors);
        await writeTable(join(staging, 'sums.arrow'), {
          contributor: Uint32Array.of(0),
          rows: Uint32Array.of(1),
          sum: { values: sum, width: WIDTH },
        });
        return { rows: 1 };
      },
    );
    const { id } = made.manifest;
    await writeArtefactAs(made.folder, join(path, `segment-${id}`));
    const body = {
      format: 'meed/sketch-store/1',
      generation: 2,
      width: WIDTH,
      scales: [...SCALES],
      contributors: ['a'],
      segments: [{ folder: `segment-${id}`, id, rows: 1, removed: null }],
    };
    await writeFile(join(path, 'state-2.json'), JSON.stringify({ ...body, id: sha256Json(body) }));
    return path;
  }

  async function writeArtefactAs(from: string, to: string): Promise<void> {
    await mkdir(to);
    for (const name of await readdir(from)) await writeFile(join(to, name), await readFile(join(from, name)));
  }

  it('is refused when its maker put in −128, an unknown contributor or wrong sums', async () => {
    const row = Int8Array.from({ length: WIDTH }, (_, j) => j);
    const sum = Int32Array.from(row);
    const good = await forged(row, Uint32Array.of(0), sum);
    expect((await contents(good)).entries).toEqual([...row]);
    await expect(openStore(await forged(row.with(3, -128), Uint32Array.of(0), sum))).rejects.toThrow(
      '−128 in column 3',
    );
    await expect(openStore(await forged(row, Uint32Array.of(1), sum))).rejects.toThrow('belongs to contributor 1');
    await expect(openStore(await forged(row, Uint32Array.of(0), sum.with(0, 1)))).rejects.toThrow(
      'does not hold the sums',
    );
  });

  it('that is cut short while it is open is refused by the scan', async () => {
    const path = await filled(rows);
    const store = await openStore(path);
    const scanner = await openScanner(store);
    await truncate(join(await segmentOf(path), 'rows.i8'), 100);
    await expect(scanner.top([new Int16Array(WIDTH)], { count: 1 }).next()).rejects.toThrow('ends after 100 bytes');
    await expect(scanner.scores([new Int16Array(WIDTH)]).next()).rejects.toThrow('ends after 100 bytes');
    await store.close();
    await expect(scanner.top([new Int16Array(WIDTH)], { count: 1 }).next()).rejects.toThrow('is closed');
    await scanner.close();
  });
});
