/** `meed evaluate` as people and scripts meet it: a quick evaluation end to end, and scores of anybody judged by files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import type { GridRow } from '../../src/influence/index.js';
import { readMatrix, writeMatrix } from '../../src/influence/scoreFiles/index.js';
import { buildCommand, meed, temporaryFolder } from './support/command.js';

const folder = temporaryFolder();
const TINY = [
  '--quick',
  '--subsets',
  '4',
  '--queries',
  '8',
  '--epochs',
  '2',
  '--replicates',
  '20',
  '--methods',
  'grad-dot,grad-cosine',
];

beforeAll(buildCommand);

describe('meed evaluate', () => {
  it('prints and writes the same figures for the same seed, with plots and the ground truth beside them', async () => {
    const out = join(folder, 'glyphs');
    const first = await meed('evaluate', ...TINY, '--measures', 'lds,duplicates', '--out', out, '--json');
    expect(first.status, first.stderr).toBe(0);
    const { rows } = JSON.parse(first.stdout) as { readonly rows: readonly GridRow[] };
    expect(new Set(rows.map(({ method }) => method))).toEqual(new Set(['grad-dot', 'grad-cosine']));
    for (const { note, value, low, high } of rows) {
      expect({ note, ordered: Number(low) <= Number(value) && Number(value) <= Number(high) }).toEqual({
        note: null,
        ordered: true,
      });
    }
    const files = readdirSync(out);
    expect(files).toContain('grid.parquet');
    const plots = files.filter((name) => name.endsWith('.svg'));
    expect(plots).toContain('glyphs-mlp-1-run-lds.svg');
    for (const name of plots) expect(readFileSync(join(out, name), 'utf8')).toMatch(/^<svg xmlns="http:.*<\/svg>\n$/s);
    // finished cells and trainings are found again: the second run prints the first one's figures, times included
    const second = await meed('evaluate', ...TINY, '--measures', 'lds,duplicates', '--out', out);
    expect(second.status, second.stderr).toBe(0);
    expect(second.stdout).toContain('glyphs/mlp, 1 run: lds,');
    for (const { value } of rows) expect(second.stdout).toContain(Number(value).toFixed(3));

    // its own ground truth judges scores from a file
    const truth = join(out, 'truth', 'evaluation');
    const masks = await readMatrix(join(truth, 'masks.npy'));
    const random = new Random(1);
    const scores = join(folder, 'scores.npy');
    await writeMatrix(scores, {
      shape: [8, masks.shape[1]],
      data: Float32Array.from({ length: 8 * masks.shape[1] }, () => random.normal()),
    });
    const files3 = ['--scores', scores, '--truth', join(truth, 'truth.npy'), '--masks', join(truth, 'masks.npy')];
    const judged = await meed('evaluate', ...files3, '--again', join(truth, 'again.npy'), '--json');
    expect(judged.status, judged.stderr).toBe(0);
    const { lds, ceiling, subsets, queries } = JSON.parse(judged.stdout);
    expect([subsets, queries]).toEqual([4, 8]);
    expect(lds.low).toBeLessThanOrEqual(lds.value);
    expect(ceiling.value).toBeCloseTo(rows.find(({ measure }) => measure === 'lds')?.ceiling ?? Number.NaN, 6);
    const turned = await meed('evaluate', ...files3, '--sign', '-1', '--json');
    expect(JSON.parse(turned.stdout).lds.value).toBeCloseTo(-lds.value, 12);
    const against = await meed('evaluate', ...files3, '--against', scores);
    expect(against.stdout).toMatch(/less the other scores 0\.0000/);
  });

  it('judges scores of which the answer is known, from every format', async () => {
    // one query, three samples, four subsets: the truth is exactly the sum of the scores of the subset
    const masks = Float32Array.from([1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1]);
    const truth = Float32Array.from([3, 6, 5, 7]);
    for (const ending of ['npy', 'arrow', 'parquet']) {
      const path = (name: string): string => join(folder, `${name}.${ending}`);
      await writeMatrix(path('scores'), { shape: [1, 3], data: Float32Array.of(1, 2, 4) });
      await writeMatrix(path('masks'), { shape: [4, 3], data: masks });
      await writeMatrix(path('truth'), { shape: [4, 1], data: truth });
      const { status, stdout, stderr } = await meed(
        'evaluate',
        ...['scores', 'truth', 'masks'].flatMap((name) => [`--${name}`, path(name)]),
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(/^LDS 1\.0000, /);
    }
  });

  it('refuses what does not fit by one sentence', async () => {
    const path = (name: string): string => join(folder, `${name}.npy`);
    await writeMatrix(path('short'), { shape: [4, 2], data: new Float32Array(8) });
    const wrong: [string[], 1 | 2, RegExp][] = [
      [['--scores', path('scores'), '--truth', path('truth')], 2, /one of the three files is not named/],
      [
        ['--scores', path('scores'), '--truth', path('truth'), '--masks', path('short')],
        1,
        /of 3 samples and the masks of 2/,
      ],
      [
        ['--scores', path('scores'), '--truth', path('absent'), '--masks', path('masks')],
        1,
        /absent\.npy does not exist/,
      ],
      [['--methods', 'oracle'], 2, /There is no method "oracle"/],
      [['--measures', 'luck'], 2, /There is no measure "luck"/],
      [['--subsets', '1'], 2, /whole number of at least 2/],
      [['--sign', '2'], 2, /Give 1 or -1/],
      [['--dataset', 'emnist'], 2, /There is no data set "emnist"/],
      [['--model', 'net.onnx'], 1, /net\.onnx does not exist/],
    ];
    for (const [args, expected, saying] of wrong) {
      const { status, stdout, stderr } = await meed('evaluate', ...args, '--out', join(folder, 'refused'));
      expect({ status, stdout }, `${args.join(' ')}: ${stderr}`).toEqual({ status: expected, stdout: '' });
      expect(stderr).toMatch(saying);
      expect(stderr).not.toMatch(/^\s+at /m);
    }
  });
});
