/**
 * `circuits/circuits.json`: the instances that Meed has measured, with the number of constraints each compiles to.
 * The trap it guards: circom's default is `--O1`, and another compiler version may simplify less; a listed instance that
 * compiles to another count is refused rather than keyed.
 */
import { readFileSync } from 'node:fs';
import { resourcePath } from '../foundation/index.js';
import type { Instance } from './reference/constants.js';

export interface ListedInstance extends Instance {
  readonly constraints: number;
}

let listed: readonly ListedInstance[] | undefined;

/** The instances of the template ScoreMatrix, smallest first. */
export function listedInstances(): readonly ListedInstance[] {
  listed ??= JSON.parse(readFileSync(resourcePath('circuits', 'circuits.json'), 'utf8'))
    .scoreMatrix as ListedInstance[];
  return listed;
}

/** Number of constraints that the instance must have, or undefined when it is not listed. */
export function expectedConstraints(instance: Instance): number | undefined {
  return listedInstances().find(
    (entry) =>
      entry.slots === instance.slots && entry.queries === instance.queries && entry.columns === instance.columns,
  )?.constraints;
}
