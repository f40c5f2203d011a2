/**
 * `circuits/circuits.json`: the instances that Meed has measured, with the number of constraints each compiles to.
 * The trap it guards: circom's default is `--O1`, and another compiler version may simplify less; a listed instance that
 * compiles to another count is refused rather than keyed.
 */
import { readFileSync } from 'node:fs';
import { resourcePath } from '../foundation/index.js';

/** A template of `circuits/` with its parameters in order. */
export interface CircuitInstance {
  readonly template: string;
  readonly parameters: readonly number[];
}

export interface ListedInstance extends CircuitInstance {
  readonly constraints: number;
}

let listed: readonly ListedInstance[] | undefined;

/** All listed instances, or those of one template, in the order of the file: smallest first. */
export function listedInstances(template?: string): readonly ListedInstance[] {
  listed ??= Object.entries(
    JSON.parse(readFileSync(resourcePath('circuits', 'circuits.json'), 'utf8')) as Record<
      string,
      Omit<ListedInstance, 'template'>[]
    >,
  ).flatMap(([name, instances]) => instances.map((instance) => ({ template: name, ...instance })));
  return template === undefined ? listed : listed.filter((instance) => instance.template === template);
}

/** Number of constraints that the instance must have, or undefined when it is not listed. */
export function expectedConstraints({ template, parameters }: CircuitInstance): number | undefined {
  return listedInstances(template).find((entry) => String(entry.parameters) === String(parameters))?.constraints;
}

/** The parameters: "16x16x128". */
export function instanceName({ parameters }: CircuitInstance): string {
  return parameters.join('x');
}
