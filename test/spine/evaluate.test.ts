/** `meed evaluate` as people and scripts meet it: a quick evaluation end to end, and scores of anybody judged by files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { judgeScores } from '../../src/cli/evaluation/scoreFiles.js';
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

/** A command is mostly the start of a process, which takes its time beside other test files. */
const PROCESSES_MS = 300_000;

beforeAll(buildCommand);

describe('meed evaluate', () => {
  it(
    'prints and writes the same figures for the same seed, with plots and the ground truth beside them',
    async () => {
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
      for (const name of plots)
        expect(readFileSync(join(out, name), 'utf8')).toMatch(/^<svg xmlns="http:.*<\/svg>\n$/s);
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
      const named = {
        scores,
        truth: join(truth, 'truth.npy'),
        masks: join(truth, 'masks.npy'),
        replicates: 20,
        seed: 1,
      };
      expect((await judgeScores({ ...named, sign: -1 })).lds.value).toBeCloseTo(-lds.value, 12);
      expect((await judgeScores({ ...named, sign: 1, against: scores })).difference?.value).toBe(0);
    },
    PROCESSES_MS,
  );

  it(
    'refuses what does not fit by one sentence',
    async () => {
      const wrong: [string[], 1 | 2, RegExp][] = [
        [['--methods', 'oracle'], 2, /There is no method "oracle"/],
        [['--subsets', '1'], 2, /whole number of at least 2/],
        [['--sign', '2'], 2, /Give 1 or -1/],
        [['--truth', join(folder, 'absent.npy')], 2, /one of the three files is not named/],
      ];
      const answers = await Promise.all(
        wrong.map(([args]) => meed('evaluate', ...args, '--out', join(folder, 'refused'))),
      );
      for (const [i, { status, stdout, stderr }] of answers.entries()) {
        const [args, expected, saying] = wrong[i];
        expect({ status, stdout }, `${args.join(' ')}: ${stderr}`).toEqual({ status: expected, stdout: '' });
        expect(stderr).toMatch(saying);
        expect(stderr).not.toMatch(/^\s+at /m);
      }
    },
    PROCESSES_MS,
  );
});

describe('scores in files', () => {
  const path = (name: string, ending = 'npy'): string => join(folder, `known-${name}.${ending}`);
  const given = (ending = 'npy') => ({
    scores: path('scores', ending),
    truth: path('truth', ending),
    masks: path('masks', ending),
    sign: 1 as const,
    replicates: 20,
    seed: 1,
  });

  it.each(['npy', 'arrow', 'parquet'])('of which the answer is known are judged so, from .%s', async (ending) => {
    // one query, three samples, four subsets: the truth is the sum of the scores of the subset
    const { scores, masks, truth } = given(ending);
    await writeMatrix(scores, { shape: [1, 3], data: Float32Array.of(1, 2, 4) });
    await writeMatrix(masks, { shape: [4, 3], data: Float32Array.of(1, 1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1) });
    await writeMatrix(truth, { shape: [4, 1], data: Float32Array.of(3, 6, 5, 7) });
    const { lds, queries, samples, subsets } = await judgeScores(given(ending));
    expect({ value: lds.value, dropped: lds.dropped, queries, samples, subsets }).toEqual({
      value: 1,
      dropped: 0,
      queries: 1,
      samples: 3,
      subsets: 4,
    });
    expect((await judgeScores({ ...given(ending), sign: -1 })).lds.value).toBe(-1);
  });

  it('that do not fit are refused, naming both numbers and the file', async () => {
    const [short, absent] = [path('short'), path('absent')];
    await writeMatrix(short, { shape: [4, 2], data: new Float32Array(8) });
    await expect(judgeScores({ ...given(), masks: short })).rejects.toThrow(/of 3 samples and the masks of 2/);
    await expect(judgeScores({ ...given(), truth: short })).rejects.toThrow(/of 1 queries and the truth of 2/);
    await expect(judgeScores({ ...given(), scores: absent })).rejects.toThrow(/known-absent\.npy does not exist/);
    await expect(judgeScores({ ...given(), masks: undefined })).rejects.toThrow(
      /Give --scores FILE, --truth FILE and --masks/,
    );
    await expect(judgeScores({ ...given(), again: short })).rejects.toThrow(/\[4,1\] were compared .* \[4,2\]/);
  });
});
