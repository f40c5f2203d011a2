import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Blocks, cutBlocks, type Shakespeare, shakespeareBlocks } from '../../datasets/tinyshakespeare.js';
import { silent } from '../../src/foundation/index.js';
import { refusal, temporaryFolder } from './fixture.js';

const folder = process.env.MEED_DATASETS;
if (folder === undefined) console.log('tinyshakespeare: the real text is skipped, MEED_DATASETS names no folder');

const PUBLISHED_BYTES = 1_115_394;

/** The context + 1 characters that a block was cut from. */
function spell({ features, targets, width }: Blocks, row: number, { characters }: Shakespeare): string {
  const inside = [...features.subarray(row * width, (row + 1) * width)].map((id) => characters[id]);
  const following = [...targets.subarray(row * width, (row + 1) * width)].map((id) => characters[id]);
  expect(following.slice(0, -1)).toEqual(inside.slice(1));
  return [...inside, following[width - 1]].join('');
}

function spellAll(blocks: Blocks, all: Shakespeare): string {
  return Array.from({ length: blocks.rows }, (_, row) => spell(blocks, row, all)).join('');
}

describe('blocks of a text', () => {
  it('are what is printed, by hand', () => {
    const { train, test, characters } = cutBlocks('abcabdxyzz', { train: 2, test: 1, context: 2 });
    expect(characters).toEqual(['a', 'b', 'c', 'd', 'x', 'y', 'z']);
    expect([...train.features]).toEqual([0, 1, 0, 1]);
    expect([...train.targets]).toEqual([1, 2, 1, 3]);
    expect([...test.features]).toEqual([5, 6]);
    expect([...test.targets]).toEqual([6, 6]);
  });

  it('spell the beginning and the end of any text, each place once, and every target is the next character', () => {
    const shapes = fc.record({
      text: fc.string({ maxLength: 80, unit: 'binary-ascii' }),
      train: fc.nat(4),
      test: fc.nat(4),
      context: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(shapes, ({ text, ...choice }) => {
        const [first, last] = [choice.train, choice.test].map((rows) => rows * (choice.context + 1));
        fc.pre(first + last <= text.length);
        const all = cutBlocks(text, choice);
        expect(spellAll(all.train, all)).toBe(text.slice(0, first));
        expect(spellAll(all.test, all)).toBe(text.slice(text.length - last));
      }),
    );
  });

  it('are refused where the text is too short, or the choice is none', async () => {
    expect(cutBlocks('abcdef', { train: 1, test: 1, context: 2 }).test.rows).toBe(1);
    expect(await refusal(() => cutBlocks('abcde', { train: 1, test: 1, context: 2 }))).toContain(
      '2 blocks of 3 characters were asked for, the text has 5',
    );
    for (const choice of [
      { train: 1.5, test: 1, context: 2 },
      { train: 1, test: -1, context: 2 },
      { train: 1, test: 1, context: 0 },
      { train: 1, test: 1, context: Number.NaN },
    ]) {
      expect(await refusal(() => cutBlocks('abcdefghijkl', choice))).toContain('were asked for');
    }
  });
});

describe('the file', () => {
  beforeEach(() => {
    vi.stubEnv('MEED_CACHE', temporaryFolder());
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
  });

  const put = (text: Uint8Array): string => {
    const own = temporaryFolder();
    mkdirSync(join(own, 'tinyshakespeare'));
    writeFileSync(join(own, 'tinyshakespeare', 'input.txt'), text);
    return own;
  };
  const load = (own: string) => shakespeareBlocks({ train: 1, test: 1, context: 4 }, { folder: own, progress: silent });

  it('is refused when it is shorter than the published one, or as long and another', async () => {
    expect(await refusal(() => load(put(Buffer.from('First Citizen:\n'))))).toContain(
      `has 15 bytes, its card says ${PUBLISHED_BYTES}`,
    );
    expect(await refusal(() => load(put(new Uint8Array(PUBLISHED_BYTES).fill(97))))).toMatch(
      /has SHA-256 [0-9a-f]{64}, its card says 86c4e6aa/,
    );
  });

  it.skipIf(folder === undefined)('is the published one, and no other when a letter is changed', async () => {
    const real = readFileSync(join(folder ?? '', 'tinyshakespeare', 'input.txt'));
    const blocks = await shakespeareBlocks(
      { train: 1000, test: 400, context: 64 },
      { folder: put(real), progress: silent },
    );
    const { train, test, characters } = blocks;
    expect([train.rows, test.rows, train.width, characters.length]).toEqual([1000, 400, 64, 65]);
    const text = real.toString('latin1');
    expect(spell(train, 0, blocks)).toMatch(/^First Citizen:\nBefore we proceed/);
    expect(spellAll(train, blocks)).toBe(text.slice(0, 65_000));
    expect(spellAll(test, blocks)).toBe(text.slice(-400 * 65));
    real[500_000] ^= 1;
    expect(await refusal(() => load(put(real)))).toContain('its card says 86c4e6aa');
  });
});
