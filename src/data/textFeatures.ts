/**
 * Text as numbers: hashed tf-idf (Weinberger et al. 2009 for the hashing with signs; Salton and Buckley 1988 for the
 * weights). A text is its words, its pairs of neighbouring words and its punctuation; each is hashed to one of `width`
 * columns with a sign, counted as 1 + ln(count), weighed by how rare its column is among the training texts, and the row
 * is brought to unit length. No vocabulary is kept, so nothing that a text says can be read back from it.
 * The traps: text is hostile (it may be megabytes, or halves of surrogate pairs), so a text is read to a limit and in one
 * pass; and rarity must be learned from training rows alone, or held-out rows would speak in it.
 */
import { MeedError } from '../foundation/index.js';

export interface TextFeatureOptions {
  /** Columns; a power of two is not needed. */
  readonly width: number;
  /** Of the hash. */
  readonly seed: number;
}

/** How texts become rows: what an encoder of new rows must know. */
export interface TextRule {
  readonly width: number;
  readonly seed: number;
  /** ln((1 + n) / (1 + texts with the column)) + 1, [width] */
  readonly rarity: Float32Array;
}

/** Characters of a text that are read; the longest book page is far shorter. */
export const LONGEST_TEXT = 100_000;

/** @throws MeedError when there are no texts, or the width is no whole number from 1 */
export function fitTextRule(texts: readonly string[], { width, seed }: TextFeatureOptions): TextRule {
  if (!Number.isInteger(width) || width < 1 || width > 2 ** 20 || !Number.isInteger(seed)) {
    throw new MeedError(
      `Texts cannot be hashed to ${width} columns with the seed ${seed}`,
      'Give whole numbers, from 1 to 1,048,576 columns',
    );
  }
  if (texts.length === 0) throw new MeedError('No texts were given to learn rarity from', 'Give at least one');
  const holding = new Float64Array(width);
  for (const text of texts) for (const column of columnsOf(text, width, seed).keys()) holding[column]++;
  const rarity = Float32Array.from(holding, (count) => Math.log((1 + texts.length) / (1 + count)) + 1);
  return { width, seed, rarity };
}

/** @returns texts × width, rows of unit length; of a text without terms, zeros */
export function encodeTexts({ width, seed, rarity }: TextRule, texts: readonly string[]): Float32Array {
  const features = new Float32Array(texts.length * width);
  for (const [i, text] of texts.entries()) {
    const row = features.subarray(i * width, (i + 1) * width);
    let squares = 0;
    for (const [column, signed] of columnsOf(text, width, seed)) {
      // terms of opposite signs may have cancelled in their column
      if (signed === 0) continue;
      row[column] = Math.sign(signed) * (1 + Math.log(Math.abs(signed))) * rarity[column];
      squares += row[column] ** 2;
    }
    const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
    for (let column = 0; column < width; column++) row[column] *= scale;
  }
  return features;
}

/** Terms of a text: words in lower case, pairs of neighbours, and single marks of punctuation. */
export function termsOf(text: string): string[] {
  const tokens = text
    .slice(0, LONGEST_TEXT)
    .normalize('NFKC')
    .slice(0, LONGEST_TEXT)
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+|[\p{P}\p{S}]/gu);
  if (!tokens) return [];
  return [...tokens, ...tokens.slice(1).map((token, at) => `${tokens[at]} ${token}`)];
}

/** Sum of the signs of the terms in each column. */
function columnsOf(text: string, width: number, seed: number): Map<number, number> {
  const columns = new Map<number, number>();
  for (const term of termsOf(text)) {
    const hash = hashOf(term, seed);
    // the lowest bit is the sign, the others the column
    const column = (hash >>> 1) % width;
    columns.set(column, (columns.get(column) ?? 0) + (hash & 1 ? 1 : -1));
  }
  return columns;
}

/** FNV-1a over the UTF-16 code units, the seed first, with MurmurHash3's final mixing. */
function hashOf(term: string, seed: number): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < term.length; i++) h = Math.imul(h ^ term.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
