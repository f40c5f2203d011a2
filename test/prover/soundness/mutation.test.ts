/**
 * Trap 7: edits of the *witness*, such as no honest generator makes, for every circuit at small parameters.
 * One wire at a time, the whole field is covered by solving for the other values that every constraint would accept, and
 * a list of telling values is tried on a second checker. Then inputs are edited and everything that follows from them is
 * computed again, as a forger would; the statement may follow too, and what is left to stop him is the range.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/foundation/index.js';
import { type Determination, determine, type Findings, findingsOf } from '../../../src/prover/analysis/index.js';
import { FIELD_MODULUS } from '../../../src/prover/reference/index.js';
import { calculateWitness } from '../../../src/prover/witnessCalculator.js';
import { ConstraintSystem, wireValues } from '../support/constraints.js';
import { alternatives, forge } from '../support/soundness/forge.js';
import { type InspectedCircuit, inspectSource } from '../support/soundness/inspected.js';
import { subjects, withoutPositions } from '../support/soundness/subjects.js';
import { randomField } from '../support/statements.js';

/** Positions of one list that are edited with all that follows. */
const SOME = 5;
const modulo = (x: bigint): bigint => ((x % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS;

/** What a forger would try for a value: constants, neighbours, the negative, flipped bits, a carry of 16 bits, anything. */
function edits(value: bigint, random: Random): bigint[] {
  const tried = [
    0n,
    1n,
    -1n,
    value + 1n,
    value - 1n,
    -value,
    value ^ 1n,
    value ^ 32768n,
    value + 65536n,
    randomField(random),
  ];
  return [...new Set(tried.map(modulo))].filter((edit) => edit !== value);
}

describe.each(subjects())('$name', ({ source, chosen, silent = {}, aside = {}, related = {}, choices = {}, input }) => {
  let circuit: InspectedCircuit;
  let findings: Findings;
  /** Computes the statement as well, but for what its maker may choose. */
  let restated: Determination;
  let values: bigint[];
  const publicWires = (): number[] =>
    Array.from({ length: circuit.system.outputs + circuit.system.publicInputs }, (_, i) => 1 + i);

  const isAside = (wire: number): boolean => withoutPositions(circuit.names[wire]) in aside;
  /** The private inputs, of long lists the ends and some between: each is edited alone above, here all follows again. */
  const someInputs = (random: Random): number[] => {
    const byName = new Map<string, number[]>();
    for (const wire of circuit.system.privateInputWires) {
      const name = withoutPositions(circuit.names[wire]);
      byName.set(name, [...(byName.get(name) ?? []), wire]);
    }
    return [...byName.values()].flatMap((wires) =>
      wires.length <= SOME
        ? wires
        : [
            wires[0],
            wires[wires.length - 1],
            ...Array.from({ length: SOME - 2 }, () => wires[random.below(wires.length)]),
          ],
    );
  };

  beforeAll(async () => {
    circuit = await inspectSource(source);
    const { system, names } = circuit;
    findings = findingsOf(system);
    const given = system.publicInputWires.filter((wire) => chosen.includes(withoutPositions(names[wire])));
    restated = determine(system, [...given, ...system.privateInputWires]);
    values = wireValues(await calculateWitness(circuit.wasmPath, await input(3)));
  });

  it('is computed again from its inputs alone, by its constraints: the honest witness comes out', () => {
    const { system } = circuit;
    expect(system.broken(values)).toEqual([]);
    expect(forge(system, findings.determination, values)).toEqual({ values, broken: [] });
    const given = new Set([0, ...system.privateInputWires]);
    for (const wire of system.publicInputWires)
      if (chosen.includes(withoutPositions(circuit.names[wire]))) given.add(wire);
    for (const { wire } of findings.choices) given.add(wire);
    const inputsOnly = values.map((value, wire) => (given.has(wire) ? value : 0n));
    expect(forge(system, restated, inputsOnly)).toEqual({ values, broken: [] });
    const open = restated.steps.flatMap((step) => (step.kind === 'free' || step.kind === 'choice' ? [step.wire] : []));
    expect(open.filter((wire) => !(withoutPositions(circuit.names[wire]) in choices))).toEqual([]);
  });

  it('accepts no other value of any one wire, of all the field', () => {
    const { system } = circuit;
    const loose: string[] = [];
    for (let wire = 1; wire < system.wires; wire++) {
      if (isAside(wire)) continue;
      const other = alternatives(system, values, wire);
      if (other === 'any' || other.length > 0) loose.push(circuit.names[wire]);
    }
    expect(loose).toEqual([]);
  });

  it('accepts no telling value of any wire and no two wires exchanged, by a checker that shares no code', async () => {
    const checker = await ConstraintSystem.read(circuit.r1csPath);
    const random = new Random(5);
    const changed = [...values];
    const loose: string[] = [];
    for (let wire = 1; wire < values.length; wire++) {
      if (isAside(wire)) continue;
      for (const edit of edits(values[wire], random)) {
        changed[wire] = edit;
        if (checker.acceptsChange(changed, [wire])) loose.push(`${circuit.names[wire]} = ${edit}`);
      }
      changed[wire] = values[wire];
    }
    for (let trial = 0; trial < values.length; trial++) {
      const [a, b] = [1 + random.below(values.length - 1), 1 + random.below(values.length - 1)];
      if (values[a] === values[b] || isAside(a) || isAside(b)) continue;
      [changed[a], changed[b]] = [values[b], values[a]];
      if (checker.acceptsChange(changed, [a, b])) loose.push(`${circuit.names[a]} ↔ ${circuit.names[b]}`);
      [changed[a], changed[b]] = [values[a], values[b]];
    }
    expect(loose).toEqual([]);
  });

  it('accepts no other private input for the same statement, whatever follows from it', () => {
    const { system } = circuit;
    const random = new Random(7);
    const loose: string[] = [];
    for (const wire of someInputs(random)) {
      if (withoutPositions(circuit.names[wire]) in silent) continue;
      for (const edit of edits(values[wire], random)) {
        const start = values.map((value, at) => (at === wire ? edit : value));
        const forged = forge(system, findings.determination, start);
        const same = publicWires().every((at) => forged.values[at] === values[at]);
        if (same && forged.broken.length === 0) loose.push(`${circuit.names[wire]} = ${edit}`);
      }
    }
    expect(loose).toEqual([]);
  });

  it('restates honest inputs in range as another statement, and refuses those out of it under any', () => {
    const { system } = circuit;
    const random = new Random(9);
    for (const wire of someInputs(random)) {
      const name = circuit.names[wire];
      const range = findings.ranges.get(wire);
      const beyond = range === undefined ? [] : [range.low - 1n, range.high + 1n, values[wire] + range.high + 1n];
      const within = range === undefined ? [randomField(random)] : [range.low, range.high];
      for (const [tried, isRefused] of [
        ...beyond.map((edit) => [edit, true]),
        ...within.map((edit) => [edit, false]),
      ] as [bigint, boolean][]) {
        const edit = modulo(tried);
        const start = values.map((value, at) => (at === wire ? edit : value));
        const forged = forge(system, restated, start);
        const what = `${name} = ${tried}`;
        if (isRefused) expect(forged.broken, what).not.toEqual([]);
        else if (related !== 'all' && !(withoutPositions(name) in related)) {
          expect(forged.broken, what).toEqual([]);
          const restates = publicWires().some((at) => forged.values[at] !== values[at]);
          if (!(withoutPositions(name) in silent)) expect(restates, what).toBe(edit !== values[wire]);
        }
      }
    }
  });

  it('refuses other bits for the same values: any one flipped, with all that follows', () => {
    const { system } = circuit;
    const bits = restated.steps.flatMap((step) =>
      step.kind === 'bits' || step.kind === 'wrapped' ? step.sum.bits : [],
    );
    const random = new Random(11);
    const tried = bits.length <= 60 ? bits : Array.from({ length: 60 }, () => bits[random.below(bits.length)]);
    for (const { wire, root } of tried) {
      const advice = new Map([[wire, modulo(root - values[wire])]]);
      expect(forge(system, restated, values, advice).broken, circuit.names[wire]).not.toEqual([]);
    }
  });
});
