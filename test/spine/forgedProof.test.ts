/**
 * A worker is trusted with nothing: a proof that it made of something else, words that are no proof and public numbers that are
 * others are refused before anything is written, and what an honest worker gives for the same jobs is taken.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { command, runOptions } from '../../src/cli/arguments.js';
import { Run } from '../../src/cli/run.js';
import { findStage } from '../../src/cli/stages.js';
import { silent } from '../../src/foundation/index.js';
import { circuitId, type Proofs, proveEpoch, readProofs } from '../../src/prover/index.js';
import type { Proven } from '../../src/prover/prove.task.js';
import { inlinePool, type MapOptions, type Pool } from '../../src/work/index.js';
import { temporaryFolder } from './support/command.js';
import { csvLines, csvOptions } from './support/rows.js';

const folder = temporaryFolder();
let prove: (out: string, work: MapOptions) => Promise<Proofs>;
/** What an honest worker gives, job by job. */
const honest: Proven[] = [];

/** A worker that gives what it likes; `job` counts from 0. */
function worker(gives: (job: number) => unknown): Pool {
  let jobs = 0;
  return { name: 'a worker', slots: 1, run: async () => gives(jobs++), close: async () => {} };
}

const proofsIn = (store: string): string[] =>
  readdirSync(store)
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(store, name));

beforeAll(async () => {
  const made = command('index', 'indexes', ['data', 'training', 'index', 'receipts']);
  const rows = csvOptions(folder, 'rows.csv', csvLines({ contributors: 2, rows: 60 }));
  const size = ['--instance', '2,2,4', '--receipts', '4', '--epochs', '1'];
  made.parse([...rows, ...size, '--out', join(folder, 'run')], { from: 'user' });
  const run = await Run.open(runOptions(made.opts()));
  for (const stage of ['data', 'train', 'index', 'receipt', 'epoch']) await findStage(stage).run(run, silent);
  const [stored, index, epoch] = [await run.dataset(), await run.index(), await run.epoch()];
  const key = await run.key(index.options.instance);
  const target = {
    chainId: 31337,
    settlement: `0x${'5e'.repeat(20)}`,
    circuitId: circuitId(index.options.instance, key.verificationKey),
    epoch: 1n,
  };
  prove = (out, work) => proveEpoch(out, index, epoch, key, stored.addresses, target, work);

  const own = inlinePool();
  const recording: Pool = {
    ...own,
    async run(job, watch) {
      const proven = (await own.run(job, watch)) as Proven;
      honest.push(proven);
      return proven;
    },
  };
  await prove(join(folder, 'honest'), { where: recording });
  await own.close();
});

describe('proofs from workers', () => {
  it.each<[string, (job: number) => unknown]>([
    ['the proof of another statement', () => honest[0]],
    ['the words of another proof', (job) => ({ ...honest[job], words: honest[0].words })],
    ['words that are no points', (job) => ({ ...honest[job], words: honest[job].words.map(() => '1') })],
    ['words that are no numbers', (job) => ({ ...honest[job], words: honest[job].words.map(() => 'one') })],
    ['nothing', () => null],
    ['too few words', (job) => ({ ...honest[job], words: honest[job].words.slice(1) })],
    ['too few public numbers', (job) => ({ ...honest[job], publicSignals: honest[job].publicSignals.slice(1) })],
    [
      'another evaluation',
      (job) => ({ ...honest[job], publicSignals: [...honest[job].publicSignals.slice(0, 3), '1'] }),
    ],
  ])('are refused when they are %s', async (_, gives) => {
    const out = join(folder, 'refused');
    await expect(prove(out, { where: worker(gives) })).rejects.toThrow(
      /The proof of shard \d, batch \d does not verify/,
    );
    expect(existsSync(out)).toBe(false);
  });

  it('are taken when they are what was asked for, whoever gives them', async () => {
    expect(honest.length).toBeGreaterThan(1);
    const out = join(folder, 'taken');
    await prove(out, { where: worker((job) => honest[job]) });
    const { proofs } = await readProofs(out);
    expect(proofs.map(({ words }) => words.map(String))).toEqual(honest.map(({ words }) => words));
  });

  it('are the same jobs however many workers there are, so that what one run finished another finds', async () => {
    const keys = [1, 3].map(() => [] as string[]);
    for (const [i, slots] of [1, 3].entries()) {
      let jobs = 0;
      const where: Pool = {
        ...worker(() => null),
        slots,
        async run(job) {
          keys[i].push(job.key());
          return honest[jobs++];
        },
      };
      await prove(join(folder, 'slots'), { where });
    }
    expect(new Set(keys[0]).size).toBe(honest.length);
    expect(keys[1]).toEqual(keys[0]);
  });

  it('that do not verify are not stored, and what lies in the store is not believed either', async () => {
    const store = join(folder, 'unfinished');
    const [out, second] = [join(folder, 'kept'), join(folder, 'again')];
    await expect(prove(out, { where: worker(() => honest[1]), store })).rejects.toThrow(/does not verify/);
    expect(proofsIn(store)).toEqual([]);
    // the first is right, the second is not
    await expect(prove(out, { where: worker(() => honest[0]), store })).rejects.toThrow(/does not verify/);
    expect(proofsIn(store)).toHaveLength(1);
    const rest = honest.slice(1);
    await prove(out, { where: worker((job) => rest[job]), store });
    const files = proofsIn(store);
    expect([files.length, honest.length]).toEqual([2, 2]);

    const contents = files.map((file) => JSON.parse(readFileSync(file, 'utf8')) as { words: string[] });
    writeFileSync(files[0], JSON.stringify({ ...contents[0], words: contents[1].words }));
    writeFileSync(files[1], JSON.stringify(contents[1]).slice(0, 100));
    const signals = [contents[0], contents[1]].map((content) => JSON.stringify(Reflect.get(content, 'publicSignals')));
    const wanted = honest.filter(({ publicSignals }) => signals.includes(JSON.stringify(publicSignals)));
    const told: string[] = [];
    await prove(second, { where: worker((job) => wanted[job]), store, notice: (sentence) => told.push(sentence) });
    expect(told).toEqual([`2 proofs in ${store} are damaged and are made again`]);
    expect((await readProofs(second)).proofs).toEqual((await readProofs(out)).proofs);
  });
});
