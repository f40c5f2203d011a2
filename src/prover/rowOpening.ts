/**
 * The input of RowOpening: the exact score of one registered row against one query of a posted batch, with the row's
 * data-set leaf and contributor in the open.
 */
import { MeedError } from '../foundation/index.js';
import { type OpenedIndex, pathTo } from './openedIndex.js';
import {
  entriesOf,
  type Hasher,
  type Instance,
  offsetEntry,
  openedCommitment,
  packWords,
  publishedRowScore,
  queryBatchCommitment,
} from './reference/index.js';
import type { CircuitInput } from './witnessCalculator.js';

/** A batch of queries with its opening. */
export interface OpenedBatch {
  readonly instance: Instance;
  readonly indexId: bigint;
  readonly salt: bigint;
  /** Q × d, row-major, signed. */
  readonly queries: Int16Array;
}

/** Which score: of the row in the index, against the query in the batch. */
export interface ScorePosition {
  readonly row: number;
  readonly query: number;
}

/** @throws MeedError when the row is out of range, the query not of the batch, or the tree deeper than the circuit */
export function rowOpeningInput(
  hasher: Hasher,
  index: OpenedIndex,
  batch: OpenedBatch,
  position: ScorePosition,
  levels: number,
): CircuitInput {
  const { instance, indexId, salt, queries } = batch;
  const d = index.columns;
  if (position.query < 0 || position.query >= instance.queries || instance.columns !== d) {
    throw new MeedError(
      `Query ${position.query} of ${d} columns is not in a batch of ${instance.queries} queries of ${instance.columns}`,
      'Open the batch that the receipt is in',
    );
  }
  const { dataSetLeaf, contributor, row, prefix } = index.rows[position.row];
  const entries = entriesOf(row.words, d);
  const vectors = Array.from({ length: instance.queries }, (_, q) => queries.subarray(q * d, (q + 1) * d));
  const query = vectors[position.query];
  return {
    indexRoot: index.tree.root,
    index: BigInt(position.row),
    depth: BigInt(index.tree.depth),
    dataSetLeaf,
    contributor,
    indexId,
    queryBatchCommitment: queryBatchCommitment(hasher, instance, indexId, salt, queries),
    query: BigInt(position.query),
    score: publishedRowScore(entries, query),
    row: entries.map((entry) => BigInt(offsetEntry(entry))),
    rowSalt: row.salt,
    prefixCommitment: openedCommitment(hasher, prefix),
    siblings: pathTo(index, position.row, levels),
    batchSalt: salt,
    batchWords: vectors.map(packWords),
    queryEntries: Array.from(query, (entry) => BigInt(offsetEntry(entry))),
  };
}
