/**
 * What the soundness tests are about: every template of the list at small parameters, and the building blocks, each with
 * honest values and with what is expected of its structure. All that the analysis reports beyond the expectation fails.
 * A new template needs an entry here; without one its tests fail and say so.
 */
import { Random } from '../../../../src/foundation/index.js';
import type { CircuitInstance } from '../../../../src/prover/instances.js';
import { loadHasher } from '../../../../src/prover/reference/index.js';
import { TEMPLATES } from '../../../../src/prover/templates.js';
import type { CircuitInput } from '../../../../src/prover/witnessCalculator.js';
import { anyEntry, type EntrySource, honestInput, randomField, TINY } from '../statements.js';

/** A signal's name without positions, and why it may be so. */
export type Reasons = Readonly<Record<string, string>>;

export interface Expectation {
  /** Public inputs that whoever makes a statement may choose; the other public signals follow from the private inputs. */
  readonly chosen: readonly string[];
  /** Bits that every input of that name is proven to have. */
  readonly bits: Readonly<Record<string, number>>;
  /** Private inputs without a proven range. */
  readonly anyField: Reasons;
  /** Wires that the inputs leave two values. */
  readonly choices?: Reasons;
  /** Wires that a constraint fixes only where its factor does not vanish. */
  readonly conditional?: Reasons;
  /** Private inputs whose change may leave all public signals as they are. */
  readonly silent?: Reasons;
  /** Private inputs that the relation ties to others, so that not every value in range fits some statement. */
  readonly related?: Reasons;
  readonly input: (seed: number, entry?: EntrySource) => Promise<CircuitInput>;
}

export interface Subject extends Expectation {
  readonly name: string;
  /** The main component. */
  readonly source: string;
}

interface TemplateExample extends Expectation {
  readonly parameters: readonly number[];
}

const SALT = 'hides what is committed, and is bound by the hash';

const EXAMPLES: Readonly<Record<string, TemplateExample>> = {
  ScoreMatrix: {
    parameters: [TINY.slots, TINY.queries, TINY.columns],
    chosen: ['rho'],
    bits: { slots: 16, queries: 16 },
    anyField: {
      indexId: 'only hashed: one value for both commitments, compared with the registered ones',
      slotSalts: SALT,
      querySalts: SALT,
    },
    input: async (seed, entry = anyEntry) => honestInput(await loadHasher(), TINY, seed, entry),
  },
};

/** Random field elements under the names, arrays of the given length. */
function fields(lengths: Readonly<Record<string, number | undefined>>): (seed: number) => Promise<CircuitInput> {
  return async (seed) => {
    const random = new Random(seed);
    return Object.fromEntries(
      Object.entries(lengths).map(([name, length]) => [
        name,
        length === undefined ? randomField(random) : Array.from({ length }, () => randomField(random)),
      ]),
    );
  };
}

const HASHED = 'a hash takes any field element';

const BLOCKS: readonly Subject[] = [
  {
    name: 'Poseidon(3)',
    source: main('poseidon.circom', 'Poseidon(3)'),
    chosen: [],
    bits: {},
    anyField: { inputs: HASHED },
    input: fields({ inputs: 3 }),
  },
  {
    name: 'Chain(17)',
    source: main('chain.circom', 'Chain(17)'),
    chosen: [],
    bits: {},
    anyField: { start: HASHED, elements: HASHED },
    input: fields({ start: undefined, elements: 17 }),
  },
  {
    name: 'VectorCommitment(17)',
    source: main('vector_commitment.circom', 'VectorCommitment(17)'),
    chosen: [],
    bits: { entries: 16 },
    anyField: { salt: SALT },
    input: async (seed) => {
      const random = new Random(seed);
      return { entries: Array.from({ length: 17 }, () => BigInt(random.below(65536))), salt: randomField(random) };
    },
  },
  {
    name: 'Power(24)',
    source: main('power.circom', 'Power(24)'),
    chosen: [],
    bits: {},
    anyField: { base: 'any element has powers' },
    silent: { base: 'x^24 = (−x)^24; ScoreMatrix takes the base from the public rho' },
    input: fields({ base: undefined }),
  },
];

/** Every template that has an example, then the blocks. */
export function subjects(): Subject[] {
  const templates = TEMPLATES.flatMap(({ name, file, publicInputs }) => {
    const example = EXAMPLES[name];
    if (example === undefined) return [];
    const { parameters, ...expectation } = example;
    const call = `${name}(${parameters.join(', ')})`;
    return [{ ...expectation, name: call, source: main(file, call, publicInputs) }];
  });
  return [...templates, ...BLOCKS];
}

/** Templates that nobody has given honest values for. */
export function templatesWithoutExample(): string[] {
  return TEMPLATES.map(({ name }) => name).filter((name) => EXAMPLES[name] === undefined);
}

/** Templates and their parameters, to be compiled for proving. */
export function exampleInstances(): CircuitInstance[] {
  return Object.entries(EXAMPLES).map(([template, { parameters }]) => ({ template, parameters }));
}

function main(file: string, call: string, publicInputs: readonly string[] = []): string {
  const isPublic = publicInputs.length === 0 ? '' : ` { public [${publicInputs.join(', ')}] }`;
  return `pragma circom 2.1.0;\ninclude "${file}";\ncomponent main${isPublic} = ${call};\n`;
}

/** "slots[1][2]" and "shard.hash[0].first[3]" without positions: "slots", "shard.hash.first". */
export function withoutPositions(name: string): string {
  return name.replace(/\[\d+\]/g, '');
}
