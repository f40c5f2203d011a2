import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import { explainReceipt, type RowScore, type ScoredRows, writeScores } from '../../src/influence/index.js';
import { refusal, temporaryFolder } from '../data/fixture.js';

const [RECEIPTS, ROWS] = [3, 120];
const NAMES = ['ann', "o'brien", 'çelik "q"', ''];

/** Scores on a coarse grid, so that there are many ties and zeros. */
function scored(seed: number): ScoredRows {
  const random = new Random(seed);
  return {
    scores: {
      shape: [RECEIPTS, ROWS],
      data: Float32Array.from({ length: RECEIPTS * ROWS }, () => (random.below(9) - 4) / 8),
    },
    contributors: Array.from({ length: ROWS }, () => NAMES[random.below(NAMES.length)]),
    labels: Int32Array.from({ length: ROWS }, () => random.below(10) - 2),
  };
}

function rowsOf({ scores, contributors, labels }: ScoredRows, receipt: number): RowScore[] {
  return contributors.map((contributor, row) => ({
    row,
    contributor,
    label: labels[row],
    score: scores.data[receipt * ROWS + row],
  }));
}

describe('scores on disk', () => {
  it('explain a receipt as a sort by brute force does, ties by row, zeros neither helpful nor harmful', async () => {
    const path = join(temporaryFolder(), 'scores.parquet');
    const stored = scored(1);
    await writeScores(path, stored);
    for (let receipt = 0; receipt < RECEIPTS; receipt++) {
      const rows = rowsOf(stored, receipt);
      for (const count of [1, 10, 1000]) {
        const { helpful, harmful } = await explainReceipt(path, receipt, count);
        const sorted = (sign: number) =>
          rows.filter(({ score }) => sign * score > 0).sort((a, b) => sign * (b.score - a.score) || a.row - b.row);
        expect(helpful).toEqual(sorted(1).slice(0, count));
        expect(harmful).toEqual(sorted(-1).slice(0, count));
      }
    }
  });

  it('sum to the contributors exactly, largest first', async () => {
    const path = join(temporaryFolder(), 'scores.parquet');
    const stored = scored(2);
    await writeScores(path, stored);
    const { contributors } = await explainReceipt(path, 1, 1);
    const expected = NAMES.map((contributor) => {
      const own = rowsOf(stored, 1).filter((row) => row.contributor === contributor);
      const sum = (part: (score: number) => number) => own.reduce((total, { score }) => total + part(score), 0);
      return {
        contributor,
        rows: own.length,
        score: sum((score) => score),
        helped: sum((score) => Math.max(0, score)),
        harmed: sum((score) => Math.min(0, score)),
      };
    }).sort((a, b) => b.score - a.score || (a.contributor < b.contributor ? -1 : 1));
    expect(contributors).toEqual(expected);
  });

  it('keep every float32 score to the last bit', async () => {
    const path = join(temporaryFolder(), 'scores.parquet');
    const values = Float32Array.of(1e-38, 3.4e38, Math.fround(1 / 3), -1e-45, -1);
    await writeScores(path, {
      scores: { shape: [1, 5], data: values },
      contributors: ['a', 'a', 'a', 'a', 'a'],
      labels: new Int32Array(5),
    });
    const { helpful, harmful } = await explainReceipt(path, 0, 5);
    expect(helpful.map(({ score }) => score)).toEqual([values[1], values[2], values[0]]);
    expect(harmful.map(({ score }) => score)).toEqual([values[4], values[3]]);
  });

  it.each(["it's here", 'a; DROP TABLE scores; --', 'with [brackets] and * stars'])(
    'lie in a folder named %s',
    async (name) => {
      const folder = join(temporaryFolder(), name);
      await mkdir(folder);
      const path = join(folder, "scores'.parquet");
      await writeScores(path, scored(3));
      expect((await explainReceipt(path, 0, 1000)).contributors.reduce((sum, { rows }) => sum + rows, 0)).toBe(ROWS);
    },
  );

  it('say which receipts there are, and when the file is none', async () => {
    const path = join(temporaryFolder(), 'scores.parquet');
    await writeScores(path, scored(4));
    for (const receipt of [3, -1]) {
      expect(await refusal(() => explainReceipt(path, receipt, 5))).toBe(
        `There is no receipt ${receipt} in ${path}. Name one from 0 to 2.`,
      );
    }
    expect(await refusal(() => explainReceipt(`${path}.none`, 0, 5))).toMatch(/DuckDB refused the scores/);
    expect(await refusal(() => writeScores(join(path, 'below'), scored(4)))).toMatch(/DuckDB refused the scores/);
  });
});
