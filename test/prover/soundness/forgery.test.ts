/**
 * Joint edits of a ScoreMatrix witness, such as an attacker would make: inputs that no honest generator takes, the advice
 * that suits them, and all that follows computed from the constraints. Each forgery says which public signals he may
 * choose; what is left broken is what stops him.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { type Determination, determine } from '../../../src/prover/analysis/index.js';
import { FIELD_MODULUS } from '../../../src/prover/reference/index.js';
import { calculateWitness } from '../../../src/prover/witnessCalculator.js';
import { wireValues } from '../support/constraints.js';
import { type Forgery, forge } from '../support/soundness/forge.js';
import { type InspectedCircuit, inspectInstance } from '../support/soundness/inspected.js';
import { subjects } from '../support/soundness/subjects.js';
import { TINY } from '../support/statements.js';

let circuit: InspectedCircuit;
let honest: bigint[];
/** Everything public follows from the private inputs, but for rho: the attacker makes the statement. */
let restated: Determination;
/** All public signals stay: the attacker wants another opening of a registered statement. */
let registered: Determination;
/** The commitments stay and the evaluation follows: the attacker wants other scores of registered vectors. */
let rescored: Determination;

beforeAll(async () => {
  circuit = await inspectInstance({ template: 'ScoreMatrix', parameters: [TINY.slots, TINY.queries, TINY.columns] });
  const { system } = circuit;
  const subject = subjects().find(({ name }) => name.startsWith('ScoreMatrix'));
  honest = wireValues(await calculateWitness(circuit.wasmPath, (await subject?.input(21)) ?? {}));
  restated = determine(system, [wire('rho'), ...system.privateInputWires]);
  registered = determine(system, system.inputs);
  const evaluation = wire('evaluation');
  rescored = determine(
    system,
    system.inputs.filter((input) => input !== evaluation),
  );
});

function wire(name: string): number {
  const found = circuit.names.indexOf(name);
  if (found < 0) throw new RangeError(`no signal ${name}`);
  return found;
}

function attempt(by: Determination, changes: Readonly<Record<string, bigint>>): Forgery {
  const values = [...honest];
  for (const [name, value] of Object.entries(changes)) values[wire(name)] = value;
  return forge(circuit.system, by, values);
}

const of = (name: string): bigint => honest[wire(name)];

it('the forger succeeds where he may: another entry in range is another statement', () => {
  const changed = attempt(restated, { 'slots[0][0]': (of('slots[0][0]') + 1n) % 65536n });
  expect(changed.broken).toEqual([]);
  expect(changed.values[wire('shardCommitment')]).not.toBe(of('shardCommitment'));
  expect(changed.values[wire('queryBatchCommitment')]).toBe(of('queryBatchCommitment'));
});

describe('no other opening of registered commitments:', () => {
  it.each(['slots[0][0]', 'slots[1][3]', 'queries[0][2]', 'queries[1][0]'])(
    '%s and its bits changed consistently',
    (name) => {
      for (const value of [0n, 1n, 65535n, (of(name) + 1n) % 65536n, of(name) ^ 32768n]) {
        if (value === of(name)) continue;
        expect(attempt(rescored, { [name]: value }).broken, String(value)).not.toEqual([]);
        expect(attempt(registered, { [name]: value }).broken, String(value)).not.toEqual([]);
      }
    },
  );

  it('another salt or index id, and salts exchanged', () => {
    for (const name of ['slotSalts[0]', 'slotSalts[1]', 'batchSalt', 'indexId']) {
      for (const value of [0n, of(name) + 1n, FIELD_MODULUS - of(name), of(name) + (1n << 248n)]) {
        expect(attempt(rescored, { [name]: value }).broken, name).not.toEqual([]);
      }
    }
    const exchanged = { 'slotSalts[0]': of('slotSalts[1]'), 'slotSalts[1]': of('slotSalts[0]') };
    expect(attempt(rescored, exchanged).broken).not.toEqual([]);
  });

  it('slots exchanged with their salts, and slots in the place of queries', () => {
    const names = ['slots', 'queries'].flatMap((side) =>
      Array.from({ length: TINY.columns }, (_, j) => [side, j] as const),
    );
    const exchanged: Record<string, bigint> = {
      'slotSalts[0]': of('slotSalts[1]'),
      'slotSalts[1]': of('slotSalts[0]'),
    };
    const crossed: Record<string, bigint> = {};
    for (const [side, j] of names) {
      if (side === 'slots') {
        exchanged[`slots[0][${j}]`] = of(`slots[1][${j}]`);
        exchanged[`slots[1][${j}]`] = of(`slots[0][${j}]`);
      }
      for (const k of [0, 1])
        crossed[`${side}[${k}][${j}]`] = of(`${side === 'slots' ? 'queries' : 'slots'}[${k}][${j}]`);
    }
    expect(attempt(rescored, exchanged).broken).not.toEqual([]);
    expect(attempt(rescored, crossed).broken).not.toEqual([]);
    // Both are statements of their own, so nothing but the commitments stands against them.
    expect(attempt(restated, exchanged).broken).toEqual([]);
    expect(attempt(restated, crossed).broken).toEqual([]);
  });

  it('scores moved from one query to another: the same total at rho is no other matrix', () => {
    const swapped: Record<string, bigint> = {};
    for (let j = 0; j < TINY.columns; j++) {
      swapped[`queries[0][${j}]`] = of(`queries[1][${j}]`);
      swapped[`queries[1][${j}]`] = of(`queries[0][${j}]`);
    }
    expect(attempt(rescored, swapped).broken).not.toEqual([]);
    expect(attempt(restated, swapped).values[wire('evaluation')]).not.toBe(of('evaluation'));
  });
});

describe('the range stops, under any statement:', () => {
  it('value moved between entries of one word, which leaves the commitment as it is', () => {
    const forged = attempt(restated, {
      'slots[0][0]': of('slots[0][0]') + 65536n,
      'slots[0][1]': of('slots[0][1]') - 1n,
    });
    expect(forged.values[wire('shardCommitment')]).toBe(of('shardCommitment'));
    expect(forged.values[wire('evaluation')]).not.toBe(of('evaluation'));
    expect(forged.broken).toHaveLength(1);
    // and over the whole word: the last entry takes what the first gave
    const across = attempt(restated, {
      'slots[0][0]': of('slots[0][0]') - (1n << 48n),
      'slots[0][3]': of('slots[0][3]') + 1n,
    });
    expect(across.values[wire('shardCommitment')]).toBe(of('shardCommitment'));
    expect(across.broken).not.toEqual([]);
  });

  it('a negative entry, as r − x, and entries one beyond each end', () => {
    for (const name of ['slots[1][2]', 'queries[0][0]']) {
      for (const value of [-1n, -32768n, 65536n, 65537n, FIELD_MODULUS - 1n, (FIELD_MODULUS - 1n) / 2n, 1n << 240n]) {
        expect(attempt(restated, { [name]: value }).broken, `${name} = ${value}`).not.toEqual([]);
      }
    }
  });

  it('a fraction that doubles into the range, and one whose product with another fits', () => {
    const half = (FIELD_MODULUS + 1n) / 2n;
    expect(attempt(restated, { 'slots[0][0]': half }).broken).not.toEqual([]);
    expect(attempt(restated, { 'slots[0][0]': half, 'queries[0][0]': 2n }).broken).not.toEqual([]);
  });

  it('and admits both ends: offset 0, an entry of −32768 which honest parties never have, and 65535', () => {
    for (const value of [0n, 65535n]) expect(attempt(restated, { 'slots[0][0]': value }).broken).toEqual([]);
  });
});

it('proves nothing for who lets the prover choose rho: at 0 the evaluation is the first score alone', () => {
  const chosen = attempt(restated, { rho: 0n });
  expect(chosen.broken).toEqual([]);
  let score = 0n;
  for (let j = 0; j < TINY.columns; j++) score += (of(`slots[0][${j}]`) - 32768n) * (of(`queries[0][${j}]`) - 32768n);
  expect(chosen.values[wire('evaluation')]).toBe(((score % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS);
  // at the contract's rho another evaluation of the same vectors is refused
  for (const change of [1n, FIELD_MODULUS - 1n, of('rho')]) {
    expect(attempt(registered, { evaluation: (of('evaluation') + change) % FIELD_MODULUS }).broken).not.toEqual([]);
  }
});
