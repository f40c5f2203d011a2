/** The input of SpanMembership: symbols [start, start + length) of a committed text, under a commitment of their own. */
import { MeedError } from '../foundation/index.js';
import { paddedPath } from './openedIndex.js';
import {
  blockLeaf,
  type DocumentShape,
  documentBlocks,
  documentCommitment,
  type Hasher,
  merklePath,
  merkleTree,
  spanCommitment,
  symbolsPerBlock,
} from './reference/index.js';
import type { CircuitInput } from './witnessCalculator.js';

export interface OpenedDocument {
  readonly shape: DocumentShape;
  readonly salt: bigint;
  /** Unsigned, below 2^width: bytes or tokens. */
  readonly symbols: ArrayLike<number>;
}

export interface Span {
  /** First symbol. */
  readonly start: number;
  /** Number of symbols, at most a block's. */
  readonly length: number;
  /** Of the span's commitment; 0 for a span that is public. */
  readonly salt: bigint;
}

/** @throws MeedError when the span is not in the text or longer than a block, or the tree deeper than the circuit */
export function spanMembershipInput(
  hasher: Hasher,
  { shape, salt, symbols }: OpenedDocument,
  span: Span,
  levels: number,
): CircuitInput {
  const { start, length } = span;
  if (!Number.isInteger(start) || !Number.isInteger(length) || start < 0 || start + length > symbols.length) {
    throw new MeedError(
      `The span [${start}, ${start + length}) is not in a text of ${symbols.length} symbols`,
      'Take a span of the text',
    );
  }
  const size = symbolsPerBlock(shape);
  const blocks = documentBlocks(shape, symbols);
  const tree = merkleTree(
    hasher,
    blocks.map((cut) => blockLeaf(hasher, shape, cut)),
  );
  const block = Math.floor(start / size);
  const offset = start % size;
  const endsInside = offset + length <= size;
  const opened = [block, endsInside ? block : block + 1];
  return {
    documentCommitment: documentCommitment(hasher, shape, salt, symbols),
    start: BigInt(start),
    length: BigInt(length),
    spanCommitment: spanCommitment(
      hasher,
      shape,
      span.salt,
      Array.from({ length }, (_, i) => symbols[start + i]),
    ),
    documentSalt: salt,
    documentLength: BigInt(symbols.length),
    depth: BigInt(tree.depth),
    block: BigInt(block),
    last: endsInside ? 1n : 0n,
    blocks: opened.map((b) => blocks[b].map(BigInt)),
    siblings: opened.map((b) => paddedPath(merklePath(tree, b), levels)),
    spanSalt: span.salt,
  };
}
