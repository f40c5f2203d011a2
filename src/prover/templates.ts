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

export const TEMPLATES: readonly CircuitTemplate[] = [SCORE_MATRIX];

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
