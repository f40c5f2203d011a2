/** Honest statements of ScoreMatrix for tests: random ones, and ones of extreme entries. */
import { Random } from '../../../src/foundation/index.js';
import { FIELD_MODULUS, type Hasher, type Instance } from '../../../src/prover/reference/index.js';
import { scoreMatrixInput, scoreMatrixStatement } from '../../../src/prover/scoreMatrix.js';
import type { CircuitInput } from '../../../src/prover/witnessCalculator.js';

export const TINY: Instance = { slots: 2, queries: 2, columns: 4 };
export const SMALL: Instance = { slots: 4, queries: 4, columns: 16 };

export type EntrySource = (random: Random) => number;
export const anyEntry: EntrySource = (random) => random.below(65535) - 32767;
export const largest: EntrySource = () => 32767;
export const smallest: EntrySource = () => -32767;
export const zero: EntrySource = () => 0;
export const extreme: EntrySource = (random) => [32767, -32767, 0, 1, -1][random.below(5)];

export function randomField(random: Random): bigint {
  let x = 0n;
  for (let i = 0; i < 9; i++) x = (x << 32n) | BigInt(random.uint32());
  return x % FIELD_MODULUS;
}

/** The circuit's input for entries drawn from `entry`. */
export function honestInput(hasher: Hasher, instance: Instance, seed: number, entry: EntrySource): CircuitInput {
  const random = new Random(seed);
  const entries = (count: number): Int16Array => Int16Array.from({ length: count }, () => entry(random));
  const salts = (count: number): bigint[] => Array.from({ length: count }, () => randomField(random) >> 6n);
  const values = {
    instance,
    indexId: randomField(random),
    slots: entries(instance.slots * instance.columns),
    slotSalts: salts(instance.slots),
    queries: entries(instance.queries * instance.columns),
    batchSalt: randomField(random) >> 6n,
  };
  return scoreMatrixInput(scoreMatrixStatement(hasher, values), values, randomField(random));
}

/** A copy of an input's matrix that may be changed. */
export function matrixOf(input: CircuitInput, name: 'slots' | 'queries'): bigint[][] {
  const matrix = input[name] as readonly (readonly bigint[])[];
  return matrix.map((row) => [...row]);
}
