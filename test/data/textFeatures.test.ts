import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeTexts, fitTextRule, LONGEST_TEXT, termsOf } from '../../src/data/index.js';
import { refusal } from './fixture.js';

const TEXTS = ['The raven, nevermore.', 'the sea and the raven', 'A creature; a creature!'];

function dot(rows: Float32Array, width: number, a: number, b: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += rows[a * width + k] * rows[b * width + k];
  return sum;
}

describe('text features', () => {
  it('take words, pairs of neighbours and punctuation, whatever the case and the width of letters', () => {
    expect(termsOf('The Raven,')).toEqual(['the', 'raven', ',', 'the raven', 'raven ,']);
    expect(termsOf('ＲＡＶＥＮ')).toEqual(termsOf('raven'));
    expect(termsOf('naïve')).toEqual(termsOf('nai\u0308ve'));
    expect(termsOf(' \n\u0000')).toEqual([]);
  });

  it('are cosines of weighted counts: with enough columns those of an explicit vocabulary', () => {
    const width = 2 ** 16;
    const rows = encodeTexts(fitTextRule(TEXTS, { width, seed: 3 }), TEXTS);
    const counts = TEXTS.map((text) => {
      const own = new Map<string, number>();
      for (const term of termsOf(text)) own.set(term, (own.get(term) ?? 0) + 1);
      return own;
    });
    const weigh = (own: Map<string, number>): Map<string, number> =>
      new Map(
        [...own].map(([term, count]) => {
          const holding = counts.filter((other) => other.has(term)).length;
          return [term, (1 + Math.log(count)) * (Math.log(4 / (1 + holding)) + 1)];
        }),
      );
    const weights = counts.map(weigh);
    const product = (a: number, b: number): number => {
      let sum = 0;
      for (const [term, weight] of weights[a]) sum += weight * (weights[b].get(term) ?? 0);
      return sum;
    };
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) {
        expect(dot(rows, width, a, b)).toBeCloseTo(product(a, b) / Math.sqrt(product(a, a) * product(b, b)), 5);
      }
    }
  });

  it('give any text a finite row of unit length, or zeros', () => {
    const rule = fitTextRule(TEXTS, { width: 32, seed: 1 });
    const strange = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.constant('\ud800 lone \udfff'),
    );
    fc.assert(
      fc.property(strange, (text) => {
        const row = encodeTexts(rule, [text]);
        const length = dot(row, 32, 0, 0);
        expect(row.every(Number.isFinite)).toBe(true);
        expect(Math.abs(length) < 1e-9 || Math.abs(length - 1) < 1e-5).toBe(true);
      }),
      { numRuns: 50 },
    );
    expect(encodeTexts(rule, ['']).every((value) => value === 0)).toBe(true);
  });

  it('read a text to a limit, and each the same whatever stands beside it', () => {
    const rule = fitTextRule(TEXTS, { width: 64, seed: 1 });
    const long = 'raven '.repeat(LONGEST_TEXT);
    const begun = performance.now();
    expect(encodeTexts(rule, [long])).toEqual(encodeTexts(rule, [`${long.slice(0, LONGEST_TEXT)} unread words`]));
    // compatibility forms of one character are up to eighteen: expanded text is cut again
    expect(termsOf('\ufdfa'.repeat(LONGEST_TEXT)).join('').length).toBeLessThan(4 * LONGEST_TEXT);
    expect(performance.now() - begun).toBeLessThan(30_000);
    const all = encodeTexts(rule, TEXTS);
    expect(all.slice(64, 128)).toEqual(encodeTexts(rule, [TEXTS[1]]));
  });

  it('depend on the seed and refuse what cannot be', async () => {
    const rule = (seed: number) => encodeTexts(fitTextRule(TEXTS, { width: 64, seed }), TEXTS);
    expect(rule(1)).toEqual(rule(1));
    expect(rule(1)).not.toEqual(rule(2));
    expect(await refusal(() => fitTextRule([], { width: 8, seed: 1 }))).toContain('No texts were given');
    expect(await refusal(() => fitTextRule(TEXTS, { width: 0, seed: 1 }))).toContain('hashed to 0 columns');
  });
});
