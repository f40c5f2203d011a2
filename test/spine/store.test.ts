/** `meed store`: vectors from a run or a file, asked from the disk; the answers are those of the products written out. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import { writeMatrix } from '../../src/influence/scoreFiles/index.js';
import { buildCommand, meed, temporaryFolder } from './support/command.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const [ROWS, QUERIES, WIDTH, COUNT] = [60, 3, 12, 5];
const NAMES = Array.from({ length: ROWS }, (_, r) => `clinic ${r % 4}`);

let rows: Float32Array;
let queries: Float32Array;
beforeAll(async () => {
  await buildCommand();
  const random = Random.named(3, 'vectors');
  rows = Float32Array.from({ length: ROWS * WIDTH }, () => random.normal());
  queries = Float32Array.from({ length: QUERIES * WIDTH }, () => random.normal());
  await writeMatrix(at('rows.npy'), { shape: [ROWS, WIDTH], data: rows });
  await writeMatrix(at('queries.parquet'), { shape: [QUERIES, WIDTH], data: queries });
  await writeFile(at('names.txt'), `${NAMES.join('\n')}\n`);
}, 120_000);

const product = (q: number, r: number): number =>
  rows.subarray(r * WIDTH, (r + 1) * WIDTH).reduce((sum, x, j) => sum + x * queries[q * WIDTH + j], 0);

interface Answer {
  readonly output: number;
  readonly answer: readonly { readonly row: number; readonly score: number; readonly contributor: string }[];
}

async function top(...args: readonly string[]): Promise<Answer[]> {
  const { status, stdout, stderr } = await meed('store', 'top', at('store'), '--json', ...args);
  expect(status, stderr).toBe(0);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Answer);
}

const ASK = () => ['--queries', at('queries.parquet')];

describe('meed store', () => {
  it('writes vectors of a file, and finds the rows with the largest products', async () => {
    const { status, stdout, stderr } = await meed(
      ...['store', 'write', at('store'), '--vectors', at('rows.npy'), '--contributors', at('names.txt'), '--json'],
    );
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ rows: ROWS, kept: ROWS, columns: WIDTH, contributors: 4 });
    const answers = await top(...ASK(), '--count', String(COUNT));
    expect(answers.map(({ output }) => output)).toEqual([0, 1, 2]);
    for (const { output, answer } of answers) {
      const best = Array.from({ length: ROWS }, (_, r) => r).sort((a, b) => product(output, b) - product(output, a));
      // rounding to eight bits may swap neighbours, never bring a far row up
      for (const { row, contributor } of answer) {
        expect(best.indexOf(row)).toBeLessThan(COUNT + 2);
        expect(contributor).toBe(NAMES[row]);
      }
      expect(answer[0].score).toBeGreaterThan(answer[COUNT - 1].score);
    }
  }, 120_000);

  it('sums contributors, in both orders', async () => {
    const helpful = await top(...ASK(), '--groups');
    const harmful = await top(...ASK(), '--groups', '--harmful');
    for (const [q, { answer }] of helpful.entries()) {
      expect(harmful[q].answer).toEqual([...answer].reverse());
      const sums = answer.map(({ contributor }) =>
        NAMES.reduce((sum, name, r) => (name === contributor ? sum + product(q, r) : sum), 0),
      );
      const scale = sums[0] / answer[0].score;
      // of the largest sum: every entry of the sum is off by half a scale of 127 at most
      answer.forEach(({ score }, i) => {
        expect(Math.abs(score * scale - sums[i])).toBeLessThan(0.1 * Math.max(...sums.map(Math.abs)));
      });
    }
  }, 120_000);

  it('appends rows, counts what the scales cut off, and removes rows for good', async () => {
    await writeMatrix(at('more.npy'), { shape: [2, WIDTH], data: Float32Array.from({ length: 2 * WIDTH }, () => 1e3) });
    const more = await meed('store', 'append', at('store'), '--vectors', at('more.npy'), '--contributor', 'late');
    expect(more.status, more.stderr).toBe(0);
    expect(more.stderr).toContain(`${2 * WIDTH} entries lie beyond the scales`);
    const [{ answer }] = await top(...ASK(), '--count', '1');
    const gone = await meed('store', 'remove', at('store'), '--rows', `${answer[0].row},60-61`, '--erase', '--json');
    expect(JSON.parse(gone.stdout)).toMatchObject({ rows: ROWS + 2, contributors: 5 });
    const [left] = await top(...ASK(), '--count', String(ROWS + 2));
    expect(left.answer.map(({ row }) => row)).not.toContain(answer[0].row);
    expect(left.answer.some(({ contributor }) => contributor === 'late')).toBe(false);
    expect((await meed('store', 'info', at('store'))).stderr).toContain('of 62 rows × 12 int8');
  }, 120_000);

  it('takes the index of a run, and explains its receipts', async () => {
    const run = ['--dataset', 'glyphs', '--out', at('run')];
    for (const args of [
      ['data'],
      ['train', '--epochs', '2', '--hidden', '8'],
      ['index', '--instance', '2,2,16'],
      ['receipt', '--receipts', '2'],
    ]) {
      const { status, stderr } = await meed(...args, ...run);
      expect(status, stderr).toBe(0);
    }
    expect((await meed('store', 'write', at('index'), ...run)).status).toBe(0);
    const { stdout, status, stderr } = await meed('store', 'top', at('index'), ...run, '--count', '3');
    expect(status, stderr).toBe(0);
    expect(stdout).toMatch(/output 0\nrow +score +contributor\n/);
    expect(stdout).toContain('output 1');
  }, 120_000);

  it.each([
    [['write', at('store'), '--vectors', at('rows.npy'), '--contributor', 'a'], /not empty/],
    [['append', at('store'), '--vectors', at('rows.npy')], /Whose the rows are/],
    [['append', at('store'), '--vectors', at('rows.npy'), '--contributors', at('absent.txt')], /absent\.txt/],
    [['append', at('store')], /--vectors/],
    [['remove', at('store'), '--rows', '5-2'], /3,17-40/],
    [['remove', at('store'), '--rows', '999'], /no row 999/],
    [['top', at('store'), '--queries', at('rows.npy'), '--memory', '64KB'], /memory|bytes/],
    [['top', at('nowhere'), '--queries', at('rows.npy')], /nowhere/],
  ])('refuses %s by a sentence', async (args, sentence) => {
    const { status, stderr } = await meed('store', ...args);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
