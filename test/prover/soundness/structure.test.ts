/**
 * The structure of every circuit: nothing unused, nothing that checks nothing, and nothing that the inputs do not
 * determine, beyond what test/prover/support/soundness/subjects.ts lists with a reason.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { sha256File } from '../../../src/foundation/index.js';
import { type Findings, findingsOf, freeWiresAt } from '../../../src/prover/analysis/index.js';
import { range } from '../../../src/prover/analysis/sparseSystem.js';
import { compileCircuit } from '../../../src/prover/circuit.js';
import { calculateWitness } from '../../../src/prover/witnessCalculator.js';
import { wireValues } from '../support/constraints.js';
import { type InspectedCircuit, inspectInstance, inspectSource } from '../support/soundness/inspected.js';
import { secondWitness } from '../support/soundness/secondWitness.js';
import {
  exampleInstances,
  subjects,
  templatesWithoutExample,
  withoutPositions,
} from '../support/soundness/subjects.js';

/** What circom warns of and why it may stand. */
const ACCEPTED_WARNINGS: readonly { code: string; text: RegExp; reason: string; file?: string }[] = [
  {
    code: 'T3002',
    text: /Consider using <==/,
    file: 'poseidon.circom',
    reason: 'first[p] is fixed two lines below, by the same relation with the dense sum on its right side',
  },
  {
    code: 'CA02',
    text: /\.bits contains a total of \d+ signals that do not appear in any constraint of the father/,
    reason: 'a range check: the bits are constrained inside the component and wanted nowhere else',
  },
  { code: 'CA01', text: /"Horner\(1\)": Local signal point/, reason: 'one coefficient is its own value at any point' },
];

it('every template has an example', () => {
  expect(templatesWithoutExample()).toEqual([]);
});

it('what is analysed is what is proven: the same bytes', async () => {
  for (const instance of exampleInstances()) {
    const inspected = await inspectInstance(instance);
    expect(await sha256File(inspected.r1csPath)).toBe((await compileCircuit(instance)).circuitHash);
  }
});

describe.each(subjects())(
  '$name',
  ({ source, ranges, anyField, voids = {}, choices = {}, conditional = {}, flat = {}, unsearched, input }) => {
    let circuit: InspectedCircuit;
    let findings: Findings;
    const named = (wires: readonly number[]): string[] => [
      ...new Set(wires.map((wire) => withoutPositions(circuit.names[wire]))),
    ];
    beforeAll(async () => {
      circuit = await inspectSource(source);
      findings = findingsOf(circuit.system);
    });

    it('mentions every wire, and every input has one', async () => {
      expect(named(findings.unused)).toEqual([]);
      expect(findings.droppedInputs).toBe(0);
      const inputs = await input(1);
      expect(circuit.withoutWire.filter((name) => withoutPositions(name) in inputs)).toEqual([]);
    });

    it('has no constraint that a private wire can always meet, but for what is listed', () => {
      expect(named(findings.voids.map(({ wire }) => wire)).filter((name) => !(name in voids))).toEqual([]);
    });

    it('determines every wire by the inputs, but for what is listed', () => {
      expect(named(findings.free)).toEqual([]);
      expect(named(findings.choices.map(({ wire }) => wire)).filter((name) => !(name in choices))).toEqual([]);
      expect(named(findings.conditional.map(({ wire }) => wire)).filter((name) => !(name in conditional))).toEqual([]);
      // Every wire is an input, solved for, one of a sum's bits, or listed.
      const { steps } = findings.determination;
      const covered = steps.flatMap((step) =>
        step.kind === 'bits' || step.kind === 'wrapped' ? step.sum.bits.map(({ wire }) => wire) : [step.wire],
      );
      const { system } = circuit;
      expect([...covered, ...system.inputs].sort((a, b) => a - b)).toEqual(range(1, system.wires));
    });

    it('proves the stated range of every private input that is not any field element', () => {
      for (const wire of circuit.system.privateInputWires) {
        const name = withoutPositions(circuit.names[wire]);
        const proven = findings.ranges.get(wire);
        if (name in anyField) expect(proven, name).toBeUndefined();
        else expect([proven?.low, proven?.high], name).toEqual(ranges[name]);
      }
    });

    it.runIf(unsearched === undefined)(
      'has one witness for honest inputs: no branch of what is listed leads to a second',
      async () => {
        for (const seed of [1, 2]) {
          const values = wireValues(await calculateWitness(circuit.wasmPath, await input(seed)));
          expect(secondWitness(circuit.system, findings.determination, values)).toBeUndefined();
        }
      },
    );

    it('leaves no wire free near honest witnesses: the derivative has full rank', async () => {
      for (const seed of [1, 2]) {
        const values = wireValues(await calculateWitness(circuit.wasmPath, await input(seed)));
        expect(circuit.system.broken(values)).toEqual([]);
        const known = [...circuit.system.inputs];
        for (let wire = 1; wire < circuit.system.wires; wire++) {
          if (withoutPositions(circuit.names[wire]) in flat) known.push(wire);
        }
        expect(named(freeWiresAt(circuit.system, values, known))).toEqual([]);
      }
    });

    it('is passed by circom’s inspection but for what is accepted', () => {
      const left = circuit.warnings.filter(
        ({ code, text, file }) =>
          !ACCEPTED_WARNINGS.some(
            (accepted) => accepted.code === code && accepted.file === file && accepted.text.test(text),
          ),
      );
      expect(left).toEqual([]);
    });
  },
);
