/**
 * The circuits that can be compiled: a template of `circuits/`, its parameters, and its public signals in their order. A
 * new circuit is a file in `circuits/`, an entry here, and its measured instances in `circuits/circuits.json`.
 * The trap: circom orders public signals as outputs first, then public inputs in the order of the template's declarations,
 * whatever the order in the main component; the lists here are in that order.
 */
import { type CircuitInstance, instanceName } from './instances.js';
import type { Instance } from './reference/constants.js';

export interface CircuitTemplate {
  /** As in circom. */
  readonly name: string;
  /** In `circuits/`. */
  readonly file: string;
  /** Of the parameters, in the order of the template. */
  readonly parameters: readonly string[];
  readonly outputs: readonly string[];
  readonly publicInputs: readonly string[];
  /** What the parameters may be, as a sentence for who gave others. */
  readonly allowed: string;
  readonly allows: (parameters: readonly number[]) => boolean;
}

export const SCORE_MATRIX: CircuitTemplate = {
  name: 'ScoreMatrix',
  file: 'score_matrix.circom',
  parameters: ['slots', 'queries', 'columns'],
  outputs: [],
  publicInputs: ['shardCommitment', 'queryBatchCommitment', 'rho', 'evaluation'],
  allowed: 'Take 2 to 1024 slots and queries, and 1 to 256 columns',
  allows: ([slots, queries, columns]) => within(slots, 2, 1024) && within(queries, 2, 1024) && within(columns, 1, 256),
};

export const QUERY_SUM: CircuitTemplate = {
  name: 'QuerySum',
  file: 'query_sum.circom',
  parameters: ['receipts', 'columns'],
  outputs: [],
  publicInputs: ['linkIn', 'linkOut', 'gamma', 'receiptsEvaluation', 'sumEvaluation'],
  allowed: 'Take 1 to 2048 receipts a step, and 1 to 256 columns',
  allows: ([receipts, columns]) => within(receipts, 1, 2048) && within(columns, 1, 256),
};

export const QUERY_MEAN: CircuitTemplate = {
  name: 'QueryMean',
  file: 'query_mean.circom',
  parameters: ['queries', 'columns'],
  outputs: [],
  publicInputs: ['queryBatchCommitment', 'position', 'remainderCommitment', 'divisor', 'gamma', 'sumEvaluation'],
  allowed: 'Take 2 to 1024 queries, and 1 to 256 columns',
  allows: ([queries, columns]) => within(queries, 2, 1024) && within(columns, 1, 256),
};

/** Levels of the largest tree that a circuit takes: 2^20 rows are a million. */
const allowsDepth = (depth: number): boolean => within(depth, 1, 32);
const REGISTERED_ROW = 'Take 1 to 256 columns and trees of 1 to 32 levels';

export const SUM_STEP: CircuitTemplate = {
  name: 'SumStep',
  file: 'sum_step.circom',
  parameters: ['columns', 'levels'],
  outputs: [],
  publicInputs: ['indexRoot', 'index', 'depth', 'first', 'claimant'],
  allowed: REGISTERED_ROW,
  allows: ([columns, levels]) => within(columns, 1, 256) && allowsDepth(levels),
};

export const ROW_RANGE: CircuitTemplate = {
  name: 'RowRange',
  file: 'row_range.circom',
  parameters: ['columns', 'levels'],
  outputs: [],
  publicInputs: ['indexRoot', 'index', 'depth', 'claimant'],
  allowed: REGISTERED_ROW,
  allows: ([columns, levels]) => within(columns, 1, 256) && allowsDepth(levels),
};

export const SLOT_IS_PREFIX: CircuitTemplate = {
  name: 'SlotIsPrefix',
  file: 'slot_is_prefix.circom',
  parameters: ['slots', 'columns', 'levels'],
  outputs: [],
  publicInputs: ['shardCommitment', 'position', 'indexId', 'indexRoot', 'index', 'depth', 'claimant'],
  allowed: `Take 2 to 1024 slots. ${REGISTERED_ROW}`,
  allows: ([slots, columns, levels]) => within(slots, 2, 1024) && within(columns, 1, 256) && allowsDepth(levels),
};

export const ROW_OPENING: CircuitTemplate = {
  name: 'RowOpening',
  file: 'row_opening.circom',
  parameters: ['queries', 'columns', 'levels'],
  outputs: [],
  publicInputs: [
    'indexRoot',
    'index',
    'depth',
    'dataSetLeaf',
    'contributor',
    'indexId',
    'queryBatchCommitment',
    'query',
    'score',
  ],
  allowed: `Take 2 to 1024 queries. ${REGISTERED_ROW}`,
  allows: ([queries, columns, levels]) => within(queries, 2, 1024) && within(columns, 1, 256) && allowsDepth(levels),
};

export const ROWS_TO_SLOT: CircuitTemplate = {
  name: 'RowsToSlot',
  file: 'rows_to_slot.circom',
  parameters: ['rows', 'columns', 'levels'],
  outputs: [],
  publicInputs: [
    'indexRoot',
    'segment',
    'depth',
    'count',
    'begins',
    'ends',
    'prefixBefore',
    'prefixAfter',
    'slotsBefore',
    'slotsAfter',
  ],
  allowed:
    'Take 2, 4, 8 … 128 rows, 1 to 256 columns, and trees of more levels than a segment of the rows has, up to 32',
  allows: ([rows, columns, levels]) =>
    within(Math.log2(rows), 1, 7) && within(columns, 1, 256) && within(levels, Math.log2(rows) + 1, 32),
};

export const SLOTS_TO_SHARD: CircuitTemplate = {
  name: 'SlotsToShard',
  file: 'slots_to_shard.circom',
  parameters: ['slots', 'columns'],
  outputs: [],
  publicInputs: ['shardCommitment', 'indexId', 'count', 'slotsBefore', 'slotsAfter'],
  allowed: 'Take 2 to 1024 slots, and 1 to 256 columns',
  allows: ([slots, columns]) => within(slots, 2, 1024) && within(columns, 1, 256),
};

export const SPAN_MEMBERSHIP: CircuitTemplate = {
  name: 'SpanMembership',
  file: 'span_membership.circom',
  parameters: ['width', 'words', 'levels'],
  outputs: [],
  publicInputs: ['documentCommitment', 'start', 'length', 'spanCommitment'],
  allowed: 'Take symbols of 8, 16 or 32 bits, blocks of 2 to 15 words, and trees of 1 to 32 levels',
  allows: ([width, words, levels]) => [8, 16, 32].includes(width) && within(words, 2, 15) && allowsDepth(levels),
};

export const TEMPLATES: readonly CircuitTemplate[] = [
  SCORE_MATRIX,
  QUERY_SUM,
  QUERY_MEAN,
  SUM_STEP,
  ROW_RANGE,
  SLOT_IS_PREFIX,
  ROW_OPENING,
  ROWS_TO_SLOT,
  SLOTS_TO_SHARD,
  SPAN_MEMBERSHIP,
];

/** The template of that name, or undefined. */
export function findTemplate(name: string): CircuitTemplate | undefined {
  return TEMPLATES.find((template) => template.name === name);
}

/** S slots, Q queries, d columns as an instance of the template ScoreMatrix. */
export function scoreMatrixCircuit({ slots, queries, columns }: Instance): CircuitInstance {
  return { template: SCORE_MATRIX.name, parameters: [slots, queries, columns] };
}

/** "16x16x128" */
export function shapeName(instance: Instance): string {
  return instanceName(scoreMatrixCircuit(instance));
}

/** Whether the parameter is an integer in [low, high]. */
export function within(parameter: number, low: number, high: number): boolean {
  return Number.isInteger(parameter) && parameter >= low && parameter <= high;
}
