/** Maps: order, resuming, cancelling, failing; the same on any number of threads. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeedError } from '../../src/foundation/index.js';
import {
  CancelledError,
  defineTask,
  inlinePool,
  localPool,
  type Pool,
  poolFromOptions,
  probePool,
  runMap,
} from '../../src/work/index.js';
import behave from './behave.task.js';
import product from './blockProduct.task.js';
import { blocks, sameBits } from './blocks.js';

const GIGABYTE = 1e9;
let folder: string;
let one: Pool;
let three: Pool;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meed-map-'));
  one = localPool({ workers: 1, memoryBytes: GIGABYTE });
  three = localPool({ workers: 3, memoryBytes: GIGABYTE });
  await Promise.all([one, three].map((pool) => probePool(pool)));
});
afterAll(async () => {
  await Promise.all([one.close(), three.close()]);
  await rm(folder, { recursive: true });
});

async function log(name: string): Promise<string[]> {
  return (await readFile(join(folder, name), 'utf8')).trim().split('\n');
}

describe('a map', () => {
  it('gives outputs in the order of its inputs, on any number of threads, each job once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer(), { maxLength: 20 }), async (numbers) => {
        const inputs = numbers.map((x) => ({ does: 'square' as const, x }));
        const expected = numbers.map((x) => x * x);
        expect(await runMap(behave, inputs)).toEqual(expected);
        expect(await runMap(behave, inputs, { where: one })).toEqual(expected);
        expect(await runMap(behave, inputs, { where: three })).toEqual(expected);
      }),
      { numRuns: 12 },
    );
  });

  it('gives the same bits of a real computation inline, on one thread and on three', async () => {
    const inputs = blocks({ count: 12, rows: 24, width: 96, rounds: 6 });
    const inline = await runMap(product, inputs);
    for (const where of [one, three]) expect(sameBits(await runMap(product, inputs, { where }), inline)).toBe(true);
    // the comparison can fail
    expect(sameBits(await runMap(product, [inputs[1], ...inputs.slice(1)]), inline)).toBe(false);
  });

  it('tells how far it is: never backwards, and all of it at the end', async () => {
    const reports: [number, number, string][] = [];
    await runMap(
      behave,
      [1, 2, 3].map((i) => ({ does: 'spin' as const, x: 40 * i })),
      {
        where: three,
        unit: 'spins',
        progress: (...report) => reports.push(report),
      },
    );
    expect(reports[0]).toEqual([0, 3, 'spins']);
    expect(reports.at(-1)).toEqual([3, 3, 'spins']);
    expect(reports.some(([done]) => done > 0 && done < 1)).toBe(true);
    for (const [i, [done]] of reports.slice(1).entries()) expect(done).toBeGreaterThanOrEqual(reports[i][0]);
  });

  it('keeps what a job opened for the next ones, and disposes of it when the pool closes', async () => {
    const pool = localPool({ workers: 2, memoryBytes: GIGABYTE });
    const file = join(folder, 'open.log');
    await runMap(
      behave,
      Array.from({ length: 12 }, () => ({ does: 'open' as const, x: 1, log: file })),
      { where: pool },
    );
    const before = await log('open.log');
    const opened = before.filter((line) => line === 'open 1').length;
    expect(opened).toBeGreaterThanOrEqual(1);
    expect(opened).toBeLessThanOrEqual(2);
    expect(before).not.toContain('dispose 1');
    await pool.close();
    expect((await log('open.log')).filter((line) => line === 'dispose 1')).toHaveLength(opened);
    await expect(runMap(behave, [{ does: 'square', x: 1 }], { where: pool })).rejects.toThrow(
      /pool of threads is closed/,
    );
  });

  it('closes the least recently used beyond eight', async () => {
    const file = join(folder, 'lru.log');
    const order = [0, 1, 2, 3, 4, 5, 6, 7, 0, 8, 0, 1];
    await runMap(
      behave,
      order.map((x) => ({ does: 'open' as const, x, log: file })),
    );
    const lines = (await log('lru.log')).filter((line) => !line.startsWith('run'));
    expect(lines.slice(8, 10)).toEqual(['open 8', 'dispose 1']);
    expect(lines.slice(10, 12)).toEqual(['open 1', 'dispose 2']);
    expect(lines.filter((line) => line.startsWith('dispose'))).toHaveLength(10);
  });

  it("shares the memory among the pool's workers", async () => {
    expect(await runMap(behave, [{ does: 'memory', x: 0 }], { where: three })).toEqual([Math.floor(GIGABYTE / 3)]);
  });
});

describe('a map with a store', () => {
  it('goes on where it was, computes damaged results again, and says both', async () => {
    const store = join(folder, 'store');
    const inputs = Array.from({ length: 6 }, (_, x) => ({
      does: 'square' as const,
      x,
      log: join(folder, 'resume.log'),
    }));
    const bad = [...inputs.slice(0, 4), { ...inputs[4], does: 'refuse' as const }, inputs[5]];
    await expect(runMap(behave, bad, { where: one, store })).rejects.toThrow(/The number 4 is not wanted/);
    expect(await log('resume.log')).toHaveLength(5);

    const said: string[] = [];
    const firstReport: number[] = [];
    const outputs = await runMap(behave, inputs, {
      where: three,
      store,
      notice: (sentence) => said.push(sentence),
      progress: (done) => firstReport.push(done),
    });
    expect(outputs).toEqual([0, 1, 4, 9, 16, 25]);
    expect(said).toEqual([`4 of 6 jobs were found finished in ${store}`]);
    expect(firstReport[0]).toBe(4);
    expect(await log('resume.log')).toHaveLength(7);

    const files = (await readdir(store)).sort();
    expect(files).toHaveLength(6);
    expect(files.every((name) => /^[0-9a-f]{64}\.job$/.test(name))).toBe(true);
    const bytes = await readFile(join(store, files[0]));
    await writeFile(join(store, files[0]), bytes.subarray(0, bytes.length - 1));
    bytes[bytes.length - 1] ^= 1;
    await writeFile(join(store, files[1]), bytes);
    said.length = 0;
    expect(await runMap(behave, inputs, { store, notice: (sentence) => said.push(sentence) })).toEqual(outputs);
    expect(said).toEqual([
      `4 of 6 jobs were found finished in ${store}`,
      `2 results in ${store} are damaged and are computed again`,
    ]);
    expect(await log('resume.log')).toHaveLength(9);
  });

  it('takes the same job several times at once', async () => {
    const store = join(folder, 'same');
    const inputs = Array.from({ length: 9 }, () => ({ does: 'square' as const, x: 12 }));
    expect(await runMap(behave, inputs, { where: three, store })).toEqual(inputs.map(() => 144));
    expect(await readdir(store)).toHaveLength(1);
  });

  it('finds nothing of another version of the task', async () => {
    const store = join(folder, 'versions');
    const newer = defineTask({ ...behave, version: behave.version + 1 });
    await runMap(behave, [{ does: 'square', x: 3 }], { store });
    await expect(runMap(newer, [{ does: 'square', x: 3 }], { store })).rejects.toThrow(
      /has version 3 of the task test\.behave, the caller asks for version 4\. Install the same version/,
    );
  });

  it('refuses a store where no folder can be', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    await expect(runMap(behave, [], { store: join(file, 'store') })).rejects.toThrow(MeedError);
  });
});

describe('a map that does not end well', () => {
  it.each(['one thread', 'three threads', 'inline'])('stops at its next look when cancelled: %s', async (name) => {
    const where = name === 'inline' ? inlinePool() : name === 'one thread' ? one : three;
    const cancel = new AbortController();
    const inputs = Array.from({ length: 8 }, () => ({ does: 'spin' as const, x: 4000 }));
    let asked = Number.POSITIVE_INFINITY;
    setTimeout(() => {
      asked = performance.now();
      cancel.abort();
    }, 300);
    const error = await runMap(behave, inputs, { where, signal: cancel.signal, unit: 'spins' }).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(CancelledError);
    expect(String(error)).toMatch(/The work on spins \(0 of 8 done\) was cancelled/);
    expect(performance.now() - asked).toBeLessThan(3000);
    // and the pool is as good as before
    expect(await runMap(behave, [{ does: 'square', x: 5 }], { where })).toEqual([25]);
  });

  it('begins nothing after a signal that came before', async () => {
    const file = join(folder, 'never.log');
    const run = runMap(behave, [{ does: 'square', x: 1, log: file }], { where: one, signal: AbortSignal.abort() });
    await expect(run).rejects.toThrow(CancelledError);
    await expect(readFile(file)).rejects.toThrow(/ENOENT/);
  });

  it('stops the other jobs when one fails, and gives its very sentence', async () => {
    const inputs = [
      { does: 'spin' as const, x: 100_000 },
      { does: 'refuse' as const, x: 7 },
      { does: 'spin' as const, x: 100_000 },
    ];
    const error = await runMap(behave, inputs, { where: three }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(MeedError);
    expect(String(error)).toBe('MeedError: The number 7 is not wanted. Give another.');
    expect((error as MeedError).remedy).toBe('Give another');
  });

  it('keeps the stack of a defect', async () => {
    const error = await runMap(behave, [{ does: 'throw', x: 9 }], { where: one }).catch((e: unknown) => e);
    expect(error).not.toBeInstanceOf(MeedError);
    expect((error as Error).stack).toMatch(/defect at 9[\s\S]*behave\.task/);
  });

  it.each(['this thread', 'a thread'])('refuses an output that could not be sent, on %s', async (name) => {
    const where = name === 'a thread' ? one : inlinePool();
    await expect(runMap(behave, [{ does: 'return-a-map', x: 1 }], { where })).rejects.toThrow(
      /A task's value holds an instance of Map, which cannot be sent/,
    );
  });

  it('says when a worker runs out of memory, and has the worker replaced', async () => {
    const pool = await poolFromOptions({ workers: 1, memory: '128MB' });
    expect(await runMap(behave, [{ does: 'memory', x: 0 }], { where: pool })).toEqual([128e6]);
    await expect(runMap(behave, [{ does: 'heap', x: 1 }], { where: pool })).rejects.toThrow(
      /The task test\.behave ran out of memory; a worker had 128 MB .*Give more with --memory, or use fewer --workers/,
    );
    expect(await runMap(behave, [{ does: 'square', x: 6 }], { where: pool })).toEqual([36]);
    await pool.close();
  });

  it('says when the engine cannot allocate', async () => {
    // a product of 36 TB
    await expect(runMap(behave, [{ does: 'engine', x: 3_000_000 }], { where: one })).rejects.toThrow(
      /The task test\.behave ran out of memory; a worker had 1\.0 GB/,
    );
  });

  it('says when an array cannot be allocated', async () => {
    await expect(runMap(behave, [{ does: 'buffer', x: 1 }], { where: one })).rejects.toThrow(/ran out of memory/);
  });
});

describe('options', () => {
  it('are refused when they cannot be met', async () => {
    await expect(poolFromOptions({ memory: 'much' })).rejects.toThrow(/"much" is no amount of memory/);
    await expect(poolFromOptions({ workers: 5, memory: '200MB' })).rejects.toThrow(/5 worker\(s\) need 640 MB/);
    await expect(poolFromOptions({ workers: 2, queue: 'redis://127.0.0.1' })).rejects.toThrow(
      /Give --workers to `meed worker`/,
    );
  });
});
