/**
 * The answer to a demand for one row's opening (docs/protocol.md, "Demanded openings"): its words and salts, and every hash
 * on the way from them to the registered root, so that a false answer has one hash that anybody can show wrong.
 * The trap: an answer comes from a hostile owner, and its shape is all that the contract has looked at.
 */
import { MeedError } from '../foundation/index.js';
import { type OpenedIndex, pathTo } from './openedIndex.js';
import { CHAIN_RATE, type Hasher, type OpenedRow, type OpenedVector, tag } from './reference/index.js';

/** As the contract has it. */
export interface RowAnswer {
  readonly dataSetLeaf: bigint;
  readonly contributor: bigint;
  /** The salt, then the words. */
  readonly row: readonly bigint[];
  /** The salt, then the words. */
  readonly prefix: readonly bigint[];
  /** From the leaf up. */
  readonly siblings: readonly bigint[];
  /** The row's chain, the running sum's chain, the leaf, the nodes from the leaf up. */
  readonly hashes: readonly bigint[];
}

/** What the owner of an index answers. @throws MeedError when the index has no such row */
export function rowAnswer(hasher: Hasher, index: OpenedIndex, row: number): RowAnswer {
  const opened = index.rows[row];
  if (opened === undefined) throw new MeedError(`The index has no row ${row}`, 'Name a row of the index');
  const { dataSetLeaf, contributor } = opened;
  const vector = ({ salt, words }: OpenedVector): bigint[] => [salt, ...words];
  const unhashed: RowAnswer = {
    dataSetLeaf,
    contributor,
    row: vector(opened.row),
    prefix: vector(opened.prefix),
    siblings: pathTo(index, row, index.tree.depth),
    hashes: [],
  };
  const hashes: bigint[] = [];
  const steps = 2 * blockCount(unhashed) + 1 + index.tree.depth;
  while (hashes.length < steps) {
    hashes.push(hasher.hash(stepInputs({ ...unhashed, hashes }, index.columns, row, hashes.length)));
  }
  return { ...unhashed, hashes };
}

/** The first step whose hash is not that of what goes into it, or undefined for a true answer. */
export function wrongStep(hasher: Hasher, columns: number, row: number, answer: RowAnswer): number | undefined {
  const step = answer.hashes.findIndex((hash, at) => hasher.hash(stepInputs(answer, columns, row, at)) !== hash);
  return step < 0 ? undefined : step;
}

/** What an answer opens. */
export function answeredRow({ dataSetLeaf, contributor, row, prefix }: RowAnswer): OpenedRow {
  const vector = ([salt, ...words]: readonly bigint[]): OpenedVector => ({ salt, words });
  return { dataSetLeaf, contributor, row: vector(row), prefix: vector(prefix) };
}

/** What is hashed at a step, from the hashes stated before it. */
function stepInputs(answer: RowAnswer, columns: number, row: number, step: number): bigint[] {
  const { hashes } = answer;
  const blocks = blockCount(answer);
  if (step < blocks) return chainInputs(answer.row, hashes, step, step);
  if (step < 2 * blocks) return chainInputs(answer.prefix, hashes, step - blocks, step);
  if (step === 2 * blocks) {
    const commitments = [hashes[blocks - 1], hashes[2 * blocks - 1]];
    return [tag('leaf', 0, columns), answer.dataSetLeaf, answer.contributor, ...commitments];
  }
  const level = step - 2 * blocks - 1;
  const below = hashes[step - 1];
  const sibling = answer.siblings[level];
  return Math.floor(row / 2 ** level) % 2 === 0 ? [below, sibling] : [sibling, below];
}

function chainInputs(vector: readonly bigint[], hashes: readonly bigint[], block: number, step: number): bigint[] {
  const start = 1 + CHAIN_RATE * block;
  return [block === 0 ? vector[0] : hashes[step - 1], ...vector.slice(start, start + CHAIN_RATE)];
}

function blockCount({ row }: RowAnswer): number {
  return Math.ceil((row.length - 1) / CHAIN_RATE);
}
