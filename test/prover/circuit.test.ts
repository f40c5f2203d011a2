/** The compiled circuit against the integer reference, and against witnesses that no honest generator would make. */
import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import { type CompiledCircuit, compileCircuit } from '../../src/prover/circuit.js';
import { witness } from '../../src/prover/groth16.js';
import { expectedConstraints, listedInstances } from '../../src/prover/instances.js';
import { readR1csHeader } from '../../src/prover/r1cs.js';
import { FIELD_MODULUS, type Hasher, loadHasher } from '../../src/prover/reference/index.js';
import { scoreMatrixCircuit } from '../../src/prover/templates.js';
import type { CircuitInput } from '../../src/prover/witnessCalculator.js';
import { ConstraintSystem, wireValues } from './support/constraints.js';
import { chainCost } from './support/costs.js';
import {
  anyEntry,
  type EntrySource,
  extreme,
  honestInput,
  largest,
  matrixOf,
  randomField,
  SMALL,
  smallest,
  TINY,
  zero,
} from './support/statements.js';

let hasher: Hasher;
let tiny: CompiledCircuit;
let small: CompiledCircuit;
let tinySystem: ConstraintSystem;
let smallSystem: ConstraintSystem;

beforeAll(async () => {
  hasher = await loadHasher();
  tiny = await compileCircuit(scoreMatrixCircuit(TINY));
  small = await compileCircuit(scoreMatrixCircuit(SMALL));
  tinySystem = await ConstraintSystem.read(tiny.r1csPath);
  smallSystem = await ConstraintSystem.read(small.r1csPath);
});

describe('ScoreMatrix, compiled', () => {
  it('has the listed number of constraints and four public signals', async () => {
    for (const circuit of [tiny, small]) {
      const header = readR1csHeader(await readFile(circuit.r1csPath));
      expect(header.constraints).toBe(expectedConstraints(circuit.instance));
      expect(header.publicWires).toBe(4);
    }
    expect(tinySystem.count).toBe(tiny.constraints);
  });

  it('lists only instances whose count follows from the cost of the parts', () => {
    for (const { parameters, constraints } of listedInstances('ScoreMatrix')) {
      const [S, Q, d] = parameters;
      expect(constraints).toBe(partsCost(S, Q, d));
    }
  });

  it('compiles once for callers at the same time', async () => {
    const circuits = await Promise.all(Array.from({ length: 3 }, () => compileCircuit(scoreMatrixCircuit(TINY))));
    expect(new Set(circuits.map((circuit) => circuit.circuitHash)).size).toBe(1);
  });

  it('refuses an impossible shape with a sentence', async () => {
    await expect(compileCircuit({ template: 'ScoreMatrix', parameters: [2, 2, 0] })).rejects.toThrow(
      'cannot be compiled',
    );
    await expect(compileCircuit({ template: 'ScoreMatrix', parameters: [2, 2] })).rejects.toThrow('cannot be compiled');
    await expect(compileCircuit({ template: 'Split', parameters: [2] })).rejects.toThrow('no circuit Split');
    await expect(compileCircuit({ template: 'ScoreMatrix', parameters: [2.5, 2, 4] })).rejects.toThrow(
      'cannot be compiled',
    );
  });
});

describe('ScoreMatrix against the integer reference', () => {
  const sources: readonly [string, EntrySource][] = [
    ['random', anyEntry],
    ['largest', largest],
    ['smallest', smallest],
    ['zero', zero],
    ['extreme', extreme],
  ];
  it.each(sources)('accepts the reference commitments and evaluation of %s entries', async (_, source) => {
    for (const [circuit, system, instance] of [
      [tiny, tinySystem, TINY],
      [small, smallSystem, SMALL],
    ] as const) {
      for (let seed = 0; seed < 3; seed++) {
        const input = honestInput(hasher, instance, seed, source);
        expect(system.accepts(wireValues(await witness(circuit, input)))).toBe(true);
      }
    }
  });

  it('refuses every public signal but the right one', async () => {
    const input = honestInput(hasher, SMALL, 7, anyEntry);
    for (const name of ['shardCommitment', 'queryBatchCommitment', 'rho', 'evaluation']) {
      const changed = { ...input, [name]: ((input[name] as bigint) + 1n) % FIELD_MODULUS };
      await expect(witness(small, changed)).rejects.toThrow('do not satisfy the circuit');
    }
  });

  it('refuses a missing, an unknown and a misshapen signal', async () => {
    const { rho, ...without } = honestInput(hasher, TINY, 6, anyEntry);
    await expect(witness(tiny, without)).rejects.toThrow('of the circuit');
    await expect(witness(tiny, { ...without, sigma: rho })).rejects.toThrow('no such signal');
    await expect(witness(tiny, { ...without, rho: [1n, 2n] })).rejects.toThrow('2 values');
  });

  it('refuses swapped slots and queries, wrong salts and another index under the same commitments', async () => {
    const input = honestInput(hasher, SMALL, 8, anyEntry);
    const swapped = matrixOf(input, 'slots');
    [swapped[0], swapped[1]] = [swapped[1], swapped[0]];
    const salts = input.slotSalts as readonly bigint[];
    const changes: CircuitInput[] = [
      { ...input, slots: swapped },
      { ...input, slots: swapped, slotSalts: [salts[1], salts[0], salts[2], salts[3]] },
      { ...input, slotSalts: [salts[0] + 1n, ...salts.slice(1)] },
      { ...input, queries: matrixOf(input, 'queries').reverse() },
      { ...input, batchSalt: (input.batchSalt as bigint) + 1n },
      { ...input, indexId: ((input.indexId as bigint) + 1n) % FIELD_MODULUS },
    ];
    for (const changed of changes) await expect(witness(small, changed)).rejects.toThrow('do not satisfy');
  });

  it('refuses entries that pack into the same word but leave the range', async () => {
    // e_0 + 2^16 and e_1 − 1 give the same word and so the same commitment: only the range check tells them apart.
    const input = honestInput(hasher, TINY, 9, anyEntry);
    const slots = matrixOf(input, 'slots');
    slots[0][0] += 65536n;
    slots[0][1] -= 1n;
    await expect(witness(tiny, { ...input, slots })).rejects.toThrow('do not satisfy');
    const negative = matrixOf(input, 'slots');
    negative[0][0] = FIELD_MODULUS - 1n;
    await expect(witness(tiny, { ...input, slots: negative })).rejects.toThrow('do not satisfy');
  });
});

describe('witness mutation', () => {
  it('every private wire of the tiny circuit is constrained: changing any one alone breaks a constraint', async () => {
    const values = wireValues(await witness(tiny, honestInput(hasher, TINY, 10, anyEntry)));
    expect(tinySystem.accepts(values)).toBe(true);
    const random = new Random(11);
    const loose: number[] = [];
    for (let wire = 1; wire < values.length; wire++) {
      const honest = values[wire];
      for (const other of [honest + 1n, FIELD_MODULUS - honest, honest ^ 1n, randomField(random)]) {
        values[wire] = other % FIELD_MODULUS;
        if (values[wire] !== honest && tinySystem.acceptsChange(values, [wire])) loose.push(wire);
      }
      values[wire] = honest;
    }
    expect(loose).toEqual([]);
  });

  it('random wires of the small circuit too', async () => {
    const values = wireValues(await witness(small, honestInput(hasher, SMALL, 12, extreme)));
    const random = new Random(13);
    for (let trial = 0; trial < 500; trial++) {
      const wire = 1 + random.below(values.length - 1);
      const honest = values[wire];
      values[wire] = (honest + 1n + BigInt(random.uint32())) % FIELD_MODULUS;
      expect(smallSystem.acceptsChange(values, [wire]), `wire ${wire}`).toBe(false);
      values[wire] = honest;
    }
  });

  it('a 17-bit entry with everything else made consistent breaks one constraint: its top bit is no bit', async () => {
    // e_0 + 2^16 and e_1 − 1 pack into the same word, so all hashes stay. The forger also carries the change through
    // the bits, Horner's sums, the products and the public evaluation: a full forgery of the score, but for one bit.
    const input = honestInput(hasher, TINY, 15, anyEntry);
    const values = wireValues(await witness(tiny, input));
    const forged = [...values];
    const replace = (before: bigint, after: bigint): void => {
      const wires = values.map((_, wire) => wire).filter((wire) => values[wire] === before);
      expect(wires.length).toBeLessThanOrEqual(1);
      for (const wire of wires) forged[wire] = after;
    };
    const slots = matrixOf(input, 'slots');
    const queries = matrixOf(input, 'queries');
    const rho = input.rho as bigint;
    const modulo = (x: bigint): bigint => ((x % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS;
    const horner = (rows: readonly bigint[][], base: bigint, j: number): bigint =>
      modulo(rows.reduceRight((sum, row) => sum * base + row[j] - 32768n, 0n));
    const forgedSlots = [[slots[0][0] + 65536n, slots[0][1] - 1n, slots[0][2], slots[0][3]], slots[1]];
    let evaluation = 0n;
    for (let j = 0; j < TINY.columns; j++) {
      const query = horner(queries, rho, j);
      const [before, after] = [slots, forgedSlots].map((rows) => horner(rows, rho ** 2n, j));
      replace(before, after);
      replace(modulo(before * query), modulo(after * query));
      replace(slots[0][j], forgedSlots[0][j]);
      evaluation += after * query;
    }
    replace(input.evaluation as bigint, modulo(evaluation));

    // The compiler keeps the entry and its low 15 bits, and writes the top bit as (entry − low bits) / 2^15. Its wires
    // come component by component in the order of names: the queries' bits first, then the slots'.
    const slotsAt = TINY.queries * TINY.columns;
    const bits = values.map((_, wire) => wire).filter((wire) => wire > 0 && tinySystem.isBoolean(wire));
    const lowBits = (entry: number): number[] => bits.slice(15 * (slotsAt + entry), 15 * (slotsAt + entry + 1));
    const low = (wires: readonly number[]): bigint =>
      wires.reduce((sum, wire, i) => sum + (values[wire] << BigInt(i)), 0n);
    expect(low(lowBits(0))).toBe(slots[0][0] & 32767n);
    expect(low(lowBits(1))).toBe(slots[0][1] & 32767n);
    lowBits(1).forEach((wire, i) => {
      forged[wire] = (forgedSlots[0][1] >> BigInt(i)) & 1n;
    });
    expect(tinySystem.broken(values)).toEqual([]);
    expect(forged).not.toEqual(values);
    expect(tinySystem.broken(forged)).toHaveLength(1);
  });
});

/** Constraints from the cost of each part, derived by hand: see the templates' head comments. */
function partsCost(S: number, Q: number, d: number): number {
  let power = 0;
  for (let e = Q; e > 1; e >>= 1) power += 1 + (e & 1);
  const words = Math.ceil(d / 15);
  // The tag is a constant, so the S-box that takes it in the first round costs nothing: 3 a list.
  const lists = chainCost(S + 1) + chainCost(2 + Q * words) - 6;
  return 16 * (S + Q) * d + (S + Q - 1) * d + S * chainCost(words) + lists + power;
}
