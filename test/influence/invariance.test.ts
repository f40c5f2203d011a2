/**
 * Scores belong to an output and a sample. They do not depend on what else is asked for, in which order or batch, on how
 * many workers compute them, in threads, in this thread or in other processes: not in one bit. Two exceptions are stated
 * and bounded: on the CPU some operators' last bits depend on a sample's place in its batch, and another engine or device
 * computes the same functions in other orders.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuEngine, type Engine, openEngine, type Tensor } from '../../src/engine/index.js';
import { gradDot, openFactors, pathScorer, type ScoringOptions } from '../../src/influence/index.js';
import { type Samples, selectSamples } from '../../src/models/index.js';
import { inlinePool, localPool, type Pool, queuePool } from '../../src/work/index.js';
import { runChild, swiftshaderEnvironment } from '../engine/support/swiftshader.js';
import { type RedisServer, redisIsThere, startRedis } from '../work/redis.js';
import { allSubjects, type Subject, WEBGPU_ROWS } from './subjects.js';

/** Of |score| ≤ Σ_c w_c ‖∇_q‖ ‖∇_i‖: other engines and devices. */
const ENGINES_AGREE = 2e-5;
/** Where the last bits depend on a sample's place in the batch. */
const PLACES_AGREE = 1e-6;

const about = { name: 'path', scale: '', additivity: 'relative' } as const;
const subjects = await allSubjects();
const whole = new Map<string, Tensor>();

async function score(
  { model, states }: Subject,
  outputs: Samples,
  samples: Samples,
  options: ScoringOptions = {},
  engine: Engine = cpuEngine(),
): Promise<Tensor> {
  const scorer = await pathScorer(engine, model, states, about, options);
  try {
    return await scorer.score(outputs, samples);
  } finally {
    await scorer.dispose();
  }
}

const scored = (subject: Subject): Tensor => whole.get(subject.name) as Tensor;
const bits = ({ data }: Tensor): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** Σ_c w_c ‖∇_q‖ ‖∇_i‖ of every pair, from the scores of rows with themselves. */
async function bounds({ model, states }: Subject, outputs: Samples, samples: Samples): Promise<Float64Array> {
  const bound = new Float64Array(outputs.rows * samples.rows);
  for (const { parameters, weight } of states) {
    const scorer = await gradDot(cpuEngine(), model, parameters);
    const norms = async (rows: Samples): Promise<number[]> => {
      const { data } = await scorer.score(rows, rows);
      return Array.from({ length: rows.rows }, (_, i) => Math.sqrt(data[i * rows.rows + i]));
    };
    const [left, right] = [await norms(outputs), await norms(samples)];
    await scorer.dispose();
    for (const [q, a] of left.entries())
      for (const [i, b] of right.entries()) bound[q * samples.rows + i] += weight * a * b;
  }
  return bound;
}

/** Largest |difference| ÷ bound. */
function apart(a: ArrayLike<number>, b: ArrayLike<number>, bound: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < bound.length; i++) {
    const difference = Math.abs(a[i] - b[i]) / bound[i];
    if (!(difference <= most)) most = difference;
  }
  return a.length === b.length ? most : Number.NaN;
}

let pools: Pool[];

beforeAll(async () => {
  pools = [inlinePool(), ...[1, 2, 3].map((workers) => localPool({ workers, memoryBytes: 2e9 }))];
  for (const subject of subjects) whole.set(subject.name, await score(subject, subject.outputs, subject.samples));
});

afterAll(async () => {
  for (const pool of pools ?? []) await pool.close();
});

describe.each(subjects.map((subject) => [subject.name, subject] as const))('scores of the %s', (_, subject) => {
  it('do not depend on what else is asked for, nor in which order', async () => {
    const { outputs, samples, placeMatters } = subject;
    const bound = placeMatters ? await bounds(subject, outputs, selectSamples(samples, range(0, 300))) : undefined;
    const most = bound ? 300 : samples.rows;
    const chosen = (rows: number) => fc.array(fc.nat(rows - 1), { minLength: 1, maxLength: 90 });
    const scorer = await pathScorer(cpuEngine(), subject.model, subject.states, about);
    await fc.assert(
      fc.asyncProperty(chosen(outputs.rows), chosen(most), async (queries, rows) => {
        const part = await scorer.score(selectSamples(outputs, queries), selectSamples(samples, rows));
        const expected = queries.flatMap((q) => rows.map((i) => scored(subject).data[q * samples.rows + i]));
        if (!bound) expect([...part.data]).toEqual(expected);
        else {
          const of = queries.flatMap((q) => rows.map((i) => bound[q * 300 + i]));
          expect(apart(part.data, expected, of)).toBeLessThan(PLACES_AGREE);
        }
      }),
      { numRuns: 8 },
    );
    await scorer.dispose();
  });

  it('are the same bits inline, and on one, two and three threads', async () => {
    for (const where of pools) {
      const { outputs, samples } = subject;
      expect(bits(await score(subject, outputs, samples, { where })).equals(bits(scored(subject)))).toBe(true);
    }
    // the comparison can fail
    const other = await score(subject, subject.outputs, selectSamples(subject.samples, [1, ...range(1, 1100)]));
    expect(bits(other).equals(bits(scored(subject)))).toBe(false);
  });

  it('are the same bits with so little memory that factors come a few at a time', async () => {
    const { model, outputs, samples } = subject;
    const source = await openFactors(cpuEngine(), model);
    const one = source.chunk * source.bytesPerRow;
    await source.dispose();
    // a quarter of the memory is for one side's factors: those of one run, then less
    const enough = score(subject, outputs, samples, { where: inlinePool({ memoryBytes: 4 * one }) });
    expect(bits(await enough).equals(bits(scored(subject)))).toBe(true);
    const less = score(subject, outputs, samples, { where: inlinePool({ memoryBytes: one / 2 }) });
    await expect(less).rejects.toThrow(/^factors of (outputs|samples): .*Give more with --memory/i);
  });

  it.runIf(subject.others.includes('tfjs'))('are those of TensorFlow.js to a part of the norms', async () => {
    const rows = selectSamples(subject.samples, range(0, 40));
    const asked = selectSamples(subject.outputs, range(0, 5));
    const tfjs = await openEngine({ engine: 'tfjs', device: 'cpu', threads: 1, strict: 'lenient' });
    const theirs = await score(subject, asked, rows, {}, tfjs);
    const ours = await score(subject, asked, rows);
    expect(apart(theirs.data, ours.data, await bounds(subject, asked, rows))).toBeLessThan(ENGINES_AGREE);
  });
});

describe.skipIf(!redisIsThere())('scores from a queue', () => {
  let redis: RedisServer;
  let pool: Pool;
  let workers: ChildProcess[];
  beforeAll(async () => {
    redis = await startRedis();
    const cli = fileURLToPath(new URL('../work/worker.cli.ts', import.meta.url));
    const options = ['--workers', '1', '--memory', '1GB'];
    workers = [1, 2].map(() =>
      spawn(process.execPath, ['--import', 'tsx', cli, 'worker', '--queue', redis.url, ...options], {
        stdio: 'ignore',
      }),
    );
    pool = await queuePool(redis.url, { concurrencyHint: 4 });
  });
  afterAll(async () => {
    await pool?.close();
    const ended = (workers ?? []).map((worker) => once(worker, 'exit'));
    for (const worker of workers ?? []) worker.kill('SIGTERM');
    expect((await Promise.all(ended)).map(([status]) => status)).toEqual([0, 0]);
    await redis?.stop();
  });

  it.each(subjects.map((subject) => [subject.name, subject] as const))(
    'of the %s are the same bits from two worker processes',
    async (_, subject) => {
      const from = await score(subject, subject.outputs, subject.samples, { where: pool });
      expect(bits(from).equals(bits(scored(subject)))).toBe(true);
    },
  );
});

const vulkan = swiftshaderEnvironment();
if (!vulkan)
  process.stderr.write('Scores on WebGPU are not tested: no Chromium with SwiftShader found (CHROME_PATH)\n');

describe.skipIf(!vulkan)('scores on WebGPU', () => {
  it('are those of the CPU to a part of the norms', async () => {
    const { stdout, stderr } = await runChild('../../influence/webgpuScores.ts', vulkan ?? {});
    const lines = stdout.split('\n').filter((line) => line.startsWith('['));
    const answers = new Map(lines.map((line) => JSON.parse(line) as [string, number[]]));
    for (const subject of subjects.filter(({ others }) => others.includes('webgpu'))) {
      const rows = selectSamples(subject.samples, range(0, WEBGPU_ROWS.samples));
      const asked = selectSamples(subject.outputs, range(0, WEBGPU_ROWS.outputs));
      const theirs = answers.get(subject.name);
      if (!theirs) throw new Error(`nothing was said about the ${subject.name}: ${stderr}`);
      const ours = await score(subject, asked, rows);
      expect(apart(theirs, ours.data, await bounds(subject, asked, rows))).toBeLessThan(ENGINES_AGREE);
    }
  });
});

describe('workers', () => {
  it('are refused for an engine that they do not have', async () => {
    const [{ model, states }] = subjects;
    const tfjs = await openEngine({ engine: 'tfjs', device: 'cpu', threads: 1, strict: 'lenient' });
    const where = inlinePool();
    await expect(pathScorer(tfjs, model, states, about, { where })).rejects.toThrow(
      /Workers compute with onnxruntime-node .* cpu, the engine tfjs .* was asked for/,
    );
    await where.close();
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
