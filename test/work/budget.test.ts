/** The memory budget: amounts, limits of containers, rows that fit, and what is said when memory runs out. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeedError } from '../../src/foundation/index.js';
import { formatBytes, LEAST_WORKER_BYTES, parseBytes, rowsWithin, workersWithin } from '../../src/work/budget.js';
import { machineMemory } from '../../src/work/machineMemory.js';
import { explainMemory } from '../../src/work/outOfMemory.js';

describe('amounts of memory', () => {
  it.each([
    ['4GB', 4e9],
    ['512 MB', 512e6],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['800000', 800000],
    ['2g', 2e9],
    ['1kB', 1000],
    ['3TiB', 3 * 2 ** 40],
  ])('%s', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  it.each(['', 'GB', '-1GB', '0', '0.1B', '4 G B', '1e9', '4PB', 'Infinity', '99999999TB', '4GB extra'])(
    'not "%s"',
    (text) => {
      expect(() => parseBytes(text)).toThrow(/is no amount of memory\. Give a number with a unit/);
    },
  );

  it('are read back from what is shown, within its rounding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e15 }), (bytes) => {
        const shown = formatBytes(bytes).replace('bytes', 'B');
        expect(Math.abs(parseBytes(shown) - bytes) / bytes).toBeLessThanOrEqual(0.051);
      }),
    );
  });
});

describe('rows within a budget', () => {
  const positive = fc.integer({ min: 1, max: 1e9 });
  it('fit, and one step more would not', () => {
    fc.assert(
      fc.property(
        positive,
        positive,
        fc.nat(1e9),
        fc.integer({ min: 1, max: 64 }),
        positive,
        (budget, each, fixed, step, most) => {
          const fits = (rows: number): boolean => fixed + rows * each <= budget;
          const least = Math.min(step, most);
          const run = (): number => rowsWithin(budget, each, fixed, { what: 'rows', multipleOf: step, atMost: most });
          if (!fits(least)) {
            expect(run).toThrow(MeedError);
            return;
          }
          const rows = run();
          expect(fits(rows)).toBe(true);
          expect(rows).toBeGreaterThanOrEqual(least);
          expect(rows).toBeLessThanOrEqual(most);
          if (rows >= step) expect(rows % step).toBe(0);
          if (rows >= step && rows + step <= most) expect(fits(rows + step)).toBe(false);
        },
      ),
    );
  });

  it('that do not fit are told with what they need, what there is and what to change', () => {
    expect(() => rowsWithin(1e9, 3e9, 5e8, { what: 'Gradients of samples' })).toThrow(
      'Gradients of samples: 1 row(s) need 3.5 GB, 1.0 GB are available to a worker. Give more with --memory, or use fewer --workers, which share it.',
    );
    expect(() => rowsWithin(1e9, Number.NaN, 0, { what: 'rows' })).toThrow(RangeError);
  });
});

describe('workers within a budget', () => {
  it('are as many as cores when memory allows, fewer when not', () => {
    expect(workersWithin(1e15)).toBe(availableParallelism());
    expect(workersWithin(LEAST_WORKER_BYTES)).toBe(1);
    expect(workersWithin(1e15, 7)).toBe(7);
  });

  it('are refused when memory is too little or the number is none', () => {
    expect(() => workersWithin(LEAST_WORKER_BYTES - 1)).toThrow(
      /1 worker\(s\) need 128 MB at least, 128 MB are available/,
    );
    expect(() => workersWithin(2 * LEAST_WORKER_BYTES, 3)).toThrow(/or fewer --workers/);
    expect(() => workersWithin(1e15, 0)).toThrow(/0 is no number of workers/);
  });
});

describe("the machine's memory", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meed-cgroup-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function machine(name: string, groups: string, limits: Readonly<Record<string, string>>): Promise<number> {
    const mount = join(folder, name);
    await mkdir(mount);
    await writeFile(join(mount, 'groups'), groups);
    for (const [file, limit] of Object.entries(limits)) {
      await mkdir(join(mount, file, '..'), { recursive: true });
      await writeFile(join(mount, file), limit);
    }
    return machineMemory({ groups: join(mount, 'groups'), mount, physicalBytes: 16e9 });
  }

  it('is limited by the smallest group above the process, version 2', async () => {
    const limits = { 'memory.max': 'max\n', 'a/memory.max': '3000000000\n', 'a/b/memory.max': '5000000000\n' };
    expect(await machine('v2', '0::/a/b\n', limits)).toBe(3e9);
  });

  it('is limited by version 1, whose paths may be those of the host', async () => {
    const limits = { 'memory/memory.limit_in_bytes': '2000000000\n' };
    expect(await machine('v1', '5:cpu:/x\n4:memory:/docker/abc\n0::/\n', limits)).toBe(2e9);
    const unlimited = { 'memory/memory.limit_in_bytes': '9223372036854771712\n' };
    expect(await machine('v1-unlimited', '4:memory:/\n', unlimited)).toBe(16e9);
  });

  it('is all of it without groups', async () => {
    expect(machineMemory({ groups: join(folder, 'nowhere'), mount: folder, physicalBytes: 16e9 })).toBe(16e9);
  });
});

describe('running out of memory', () => {
  it.each([
    Object.assign(new Error('Worker terminated due to reaching memory limit: JS heap out of memory'), {
      code: 'ERR_WORKER_OUT_OF_MEMORY',
    }),
    new RangeError('Array buffer allocation failed'),
    new Error('std::bad_alloc'),
    new Error('bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 4000000000000'),
  ])('is a sentence with the setting to change: %s', (thrown) => {
    const told = explainMemory(thrown, 'a.task', 2e9);
    expect(told).toBeInstanceOf(MeedError);
    expect(String(told)).toMatch(/The task a\.task ran out of memory; a worker had 2\.0 GB .*Give more with --memory/);
  });

  it('is not suspected of other errors', () => {
    const thrown = new Error('Invalid rank for input');
    expect(explainMemory(thrown, 'a', 1)).toBe(thrown);
    expect(explainMemory('out of memory', 'a', 1)).toBe('out of memory');
  });
});
