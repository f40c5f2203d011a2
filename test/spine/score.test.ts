/** `meed score`: any method's scores of a finished run, in files that others read and `meed evaluate` takes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { METHODS } from '../../src/influence/index.js';
import { readMatrix } from '../../src/influence/scoreFiles/index.js';
import { buildCommand, meed, temporaryFolder } from './support/command.js';

const folder = temporaryFolder();
const out = join(folder, 'run');
const RUN = ['--dataset', 'glyphs', '--out', out];

beforeAll(async () => {
  await buildCommand();
  for (const args of [['data'], ['train', '--epochs', '2', '--hidden', '8']]) {
    const { status, stderr } = await meed(...args, ...RUN);
    expect(status, stderr).toBe(0);
  }
}, 120_000);

describe('meed score', () => {
  it('writes the same scores to every format, and says what they mean', async () => {
    const files = ['scores.npy', 'scores.arrow', 'scores.parquet'].map((name) => join(folder, name));
    const settings = ['--method', 'trak-dual', '--set', 'epochs=1+2,damping=0.5', '--outputs', '6'];
    const matrices = [];
    for (const file of files) {
      const { status, stdout, stderr } = await meed('score', ...RUN, ...settings, '--file', file, '--json');
      expect(status, stderr).toBe(0);
      const told = JSON.parse(stdout) as Record<string, unknown>;
      const card = METHODS.find(({ name }) => name === 'trak-dual');
      expect(told).toMatchObject({ claim: card?.claim, scale: card?.scale, method: 'trak-dual' });
      expect(told.settings).toMatchObject({ epochs: '1,2', damping: 0.5 });
      matrices.push(await readMatrix(file));
    }
    const manifest = JSON.parse(readFileSync(join(out, 'dataset', 'manifest.json'), 'utf8')) as {
      readonly facts: { readonly rows: number };
    };
    expect(matrices[0].shape).toEqual([6, manifest.facts.rows]);
    for (const other of matrices.slice(1)) expect(other).toEqual(matrices[0]);
    expect(matrices[0].data.some((x) => x > 0) && matrices[0].data.some((x) => x < 0)).toBe(true);
  }, 60_000);

  it('repeats a run step by step where a method asks for that', async () => {
    const file = join(folder, 'magic.npy');
    const { status, stderr } = await meed('score', ...RUN, '--method', 'magic', '--outputs', '2', '--file', file);
    expect(status, stderr).toBe(0);
    expect((await readMatrix(file)).shape[0]).toBe(2);
  }, 60_000);

  it('lists every method with what it claims, needs and costs', async () => {
    const { stdout } = await meed('score', '--list');
    for (const { name, claim, source } of METHODS)
      for (const text of [name, claim, source]) expect(stdout).toContain(text);
    const cards = JSON.parse((await meed('score', '--list', '--json')).stdout) as readonly { readonly name: string }[];
    expect(cards.map(({ name }) => name)).toEqual(METHODS.map(({ name }) => name));
  });

  it.each([
    [['--method', 'oracle'], /Give one of grad-dot/],
    [['--method', 'trak-dual', '--set', 'dampings=1'], /trak-dual has no setting "dampings".*damping, epochs/],
    [['--set', 'damping'], /Give names and values/],
    [['--outputs', '100000'], /100000 outputs were asked for/],
    [['--method', 'trak-dual', '--set', 'epochs=9'], /There is no state of epoch 9/],
    [['--file', join(folder, 'scores.txt')], /\.npy/],
  ])('refuses %s by a sentence', async (args, sentence) => {
    const { status, stderr } = await meed('score', ...RUN, ...args);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(sentence);
  });
});
