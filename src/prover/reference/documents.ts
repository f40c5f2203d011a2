/**
 * Commitments to texts (docs/protocol.md, "Documents"): symbols of 8, 16 or 32 bits (bytes or tokens), packed into words,
 * words into blocks, blocks into a binary Poseidon tree; the commitment binds salt, length and depth beside the root.
 * The trap: the last block is padded with 0, which is a symbol too; only the length tells text from padding.
 */
import { MeedError } from '../../foundation/index.js';
import { checkedSalt } from './commitments.js';
import { tag } from './constants.js';
import { indexRoot } from './indexTree.js';
import { treeDepth } from './merklePath.js';
import type { Hasher } from './poseidon.js';

/** How a text is cut: bits a symbol, words a block (2 to 15). */
export interface DocumentShape {
  readonly width: number;
  readonly words: number;
}

/** Bits of a word that symbols may use. */
const WORD_BITS = 240;

export function symbolsPerWord({ width }: DocumentShape): number {
  return Math.floor(WORD_BITS / width);
}

/** B: symbols of a block, and the most that a span may have. */
export function symbolsPerBlock(shape: DocumentShape): number {
  return shape.words * symbolsPerWord(shape);
}

/**
 * The blocks of a text, each of B symbols, the last padded with 0; a text has one block at least.
 * @throws MeedError when a symbol is not an unsigned number of that width
 */
export function documentBlocks(shape: DocumentShape, symbols: ArrayLike<number>): number[][] {
  const size = symbolsPerBlock(shape);
  const blocks = Math.max(1, Math.ceil(symbols.length / size));
  return Array.from({ length: blocks }, (_, b) =>
    Array.from({ length: size }, (_, i) => checkedSymbol(shape, symbols[b * size + i] ?? 0)),
  );
}

/** Poseidon(tag(block, words, width), words of the block) */
export function blockLeaf(hasher: Hasher, shape: DocumentShape, block: readonly number[]): bigint {
  return hasher.hash([tag('block', shape.words, shape.width), ...symbolWords(shape, block)]);
}

/**
 * Poseidon(tag(document, words, width), salt, length, depth, root of the blocks' tree)
 * @throws MeedError when a symbol or the salt is out of range
 */
export function documentCommitment(
  hasher: Hasher,
  shape: DocumentShape,
  salt: bigint,
  symbols: ArrayLike<number>,
): bigint {
  const leaves = documentBlocks(shape, symbols).map((block) => blockLeaf(hasher, shape, block));
  return hasher.hash([
    tag('document', shape.words, shape.width),
    checkedSalt(salt),
    BigInt(symbols.length),
    BigInt(treeDepth(leaves.length)),
    indexRoot(hasher, leaves),
  ]);
}

/**
 * chain(tag(span, words, width), salt, length, words of the span padded to a block). With salt 0 anyone who has the text
 * computes it: that is how a public span is given.
 * @throws MeedError when the span is empty or longer than a block
 */
export function spanCommitment(hasher: Hasher, shape: DocumentShape, salt: bigint, span: ArrayLike<number>): bigint {
  if (span.length < 1 || span.length > symbolsPerBlock(shape)) {
    throw new MeedError(
      `A span of ${span.length} symbols was given where blocks hold ${symbolsPerBlock(shape)}`,
      'Cut the span into pieces of one block at most, none of them empty',
    );
  }
  const [padded] = documentBlocks(shape, span);
  return hasher.chain(tag('span', shape.words, shape.width), [
    checkedSalt(salt),
    BigInt(span.length),
    ...symbolWords(shape, padded),
  ]);
}

function symbolWords(shape: DocumentShape, block: readonly number[]): bigint[] {
  const perWord = symbolsPerWord(shape);
  return Array.from({ length: shape.words }, (_, w) =>
    block
      .slice(w * perWord, (w + 1) * perWord)
      .reduce((word, symbol, t) => word + (BigInt(symbol) << BigInt(shape.width * t)), 0n),
  );
}

function checkedSymbol({ width }: DocumentShape, symbol: number): number {
  if (!Number.isInteger(symbol) || symbol < 0 || symbol >= 2 ** width) {
    throw new MeedError(
      `The symbol ${symbol} is not an unsigned number of ${width} bits`,
      'Commit tokens of a larger vocabulary with a larger width',
    );
  }
  return symbol;
}
