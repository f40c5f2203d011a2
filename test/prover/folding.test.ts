/** QuerySum and QueryMean, compiled, against the integer reference and against witnesses that no honest prover would make. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import { type CompiledCircuit, compileCircuit } from '../../src/prover/circuit.js';
import { witness } from '../../src/prover/groth16.js';
import { listedInstances } from '../../src/prover/instances.js';
import { type FoldedBatch, queryMeanInput, queryMeanStatement } from '../../src/prover/queryMean.js';
import { type Fold, foldReceipts, foldSteps, querySumInput, querySumStatement } from '../../src/prover/querySum.js';
import {
  evaluateVector,
  type FoldedReceipt,
  normMax,
  receiptLink,
  roundedMean,
  squaredNorm,
  weightedSum,
} from '../../src/prover/reference/folding.js';
import { FIELD_MODULUS, type Hasher, loadHasher } from '../../src/prover/reference/index.js';
import type { CircuitInput } from '../../src/prover/witnessCalculator.js';
import { ConstraintSystem, wireValues } from './support/constraints.js';
import { chainCost, poseidonCost } from './support/costs.js';
import { randomField } from './support/statements.js';

/** Two words and five limbs, the last of each not full. */
const COLUMNS = 17;
const STEP = 3;
const QUERIES = 3;
const FEE_MAX = 2 ** 30 - 1;
const FIRST_LINK = 12345n;

let hasher: Hasher;
let sum: CompiledCircuit;
let mean: CompiledCircuit;
let sumSystem: ConstraintSystem;
let meanSystem: ConstraintSystem;

beforeAll(async () => {
  hasher = await loadHasher();
  sum = await compileCircuit({ template: 'QuerySum', parameters: [STEP, COLUMNS] });
  mean = await compileCircuit({ template: 'QueryMean', parameters: [QUERIES, COLUMNS] });
  sumSystem = await ConstraintSystem.read(sum.r1csPath);
  meanSystem = await ConstraintSystem.read(mean.r1csPath);
});

type VectorSource = (random: Random) => Int16Array;
const unit = (random: Random): Int16Array => {
  const direction = Array.from({ length: COLUMNS }, () => random.below(2001) - 1000);
  const norm = Math.hypot(...direction);
  return Int16Array.from(direction, (x) => Math.round((x / norm) * 32767));
};
const alone = (entry: number): Int16Array => Int16Array.from({ length: COLUMNS }, (_, j) => (j === 16 ? entry : 0));
const equal = (sign: number): Int16Array => new Int16Array(COLUMNS).fill(sign * Math.floor(32767 / Math.sqrt(COLUMNS)));

/** A vector of exactly this squared norm: the largest square that still fits, again and again. */
function ofNorm(squared: number): Int16Array {
  const vector = new Int16Array(COLUMNS);
  let rest = squared;
  for (let j = 0; rest > 0; j++) {
    vector[j] = Math.min(32767, Math.floor(Math.sqrt(rest)));
    rest -= vector[j] ** 2;
  }
  expect(squaredNorm(vector)).toBe(squared);
  return vector;
}

function receiptsOf(count: number, seed: number, source: VectorSource, feeOf = anyFee): FoldedReceipt[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => ({
    vector: source(random),
    fee: feeOf(random),
    outputHash: randomField(random).toString(16).padStart(64, '0'),
    salt: randomField(random) >> 6n,
  }));
}
const anyFee = (random: Random): number => random.uint32() >>> 2;

const fold = (receipts: readonly FoldedReceipt[]): Fold => foldReceipts(hasher, FIRST_LINK, COLUMNS, receipts);

/** A fold of receipts that foldReceipts refuses: chained and summed all the same. */
function uncheckedFold(receipts: readonly FoldedReceipt[]): Fold {
  const links = [FIRST_LINK];
  for (const receipt of receipts) links.push(receiptLink(hasher, links[links.length - 1], receipt));
  const sums = weightedSum(receipts, COLUMNS);
  return { columns: COLUMNS, receipts, links, ...sums, ...roundedMean(sums) };
}

const wholeStep = ({ receipts }: Fold) => ({ start: 0, end: receipts.length });
const sumInput = (folded: Fold, gamma: bigint): CircuitInput => querySumInput(folded, wholeStep(folded), STEP, gamma);
const accepted = async (circuit: CompiledCircuit, system: ConstraintSystem, input: CircuitInput): Promise<boolean> =>
  system.accepts(wireValues(await witness(circuit, input)));
const refused = async (circuit: CompiledCircuit, input: CircuitInput): Promise<void> =>
  expect(witness(circuit, input)).rejects.toThrow('do not satisfy the circuit');
const gammaOf = (seed: number): bigint => randomField(new Random(seed));

describe('instances', () => {
  it('have the constraints that their parts cost', () => {
    for (const { parameters, constraints } of listedInstances('QuerySum')) {
      const [n, d] = parameters;
      const receipt = 17 * d + Math.ceil(d / 4) + chainCost(3 + Math.ceil(d / 15)) + 65;
      expect(constraints, `QuerySum ${parameters}`).toBe(n * receipt + 2 * n - 1);
    }
    for (const { parameters, constraints } of listedInstances('QueryMean')) {
      const [Q, d] = parameters;
      const words = Math.ceil(d / 15);
      // both chains begin with a constant, whose first S-box costs nothing
      const hashes = chainCost(2 + Q * words) + chainCost(1 + Math.ceil(d / 5)) - 6;
      const rest = 106 * d + 44 + Q + Q * words + 2 * Math.ceil(d / 4) - 1;
      expect(constraints, `QueryMean ${parameters}`).toBe(hashes + rest);
    }
    expect(poseidonCost(16)).toBe(609);
    const folding = listedInstances('QuerySum').filter(({ parameters: [n, d] }) => n >= 32 && d === 128);
    expect(folding.length).toBeGreaterThan(0);
    for (const { parameters, constraints } of folding) expect(constraints / parameters[0]).toBeLessThanOrEqual(3100);
    expect(sum.publicSignals).toBe(5);
    expect(mean.publicSignals).toBe(6);
  });
});

describe('QuerySum against the integer reference', () => {
  const sources: readonly [string, VectorSource, (random: Random) => number][] = [
    ['random vectors', unit, anyFee],
    ['one entry at 32767', () => alone(32767), () => FEE_MAX],
    ['one entry at −32767', () => alone(-32767), () => FEE_MAX],
    ['equal entries', () => equal(1), anyFee],
    ['zero vectors', () => new Int16Array(COLUMNS), anyFee],
    ['no fees', unit, () => 0],
    ['norms at their bound', () => ofNorm(normMax(COLUMNS)), () => FEE_MAX],
  ];
  it.each(sources)('accepts %s, for steps of every length', async (_, source, feeOf) => {
    for (let count = 0; count <= STEP; count++) {
      const input = sumInput(fold(receiptsOf(count, 7 + count, source, feeOf)), gammaOf(count));
      expect(await accepted(sum, sumSystem, input)).toBe(true);
    }
  });

  it('adds up over steps, in any cut, to the evaluation of the whole sum, from the first link to the last', async () => {
    const folded = fold(receiptsOf(7, 1, unit));
    const gamma = gammaOf(2);
    const steps = foldSteps(folded, STEP);
    expect(steps.map(({ end }) => end)).toEqual([3, 6, 7]);
    let link = FIRST_LINK;
    let total = 0n;
    for (const step of steps) {
      const statement = querySumStatement(folded, step, gamma);
      expect(statement.linkIn).toBe(link);
      link = statement.linkOut;
      total += statement.sumEvaluation;
      expect(await accepted(sum, sumSystem, querySumInput(folded, step, STEP, gamma))).toBe(true);
    }
    expect(link).toBe(folded.links[7]);
    expect(total % FIELD_MODULUS).toBe(evaluateVector(folded.sums, gamma));
    expect(() => querySumInput(folded, { start: 2, end: 6 }, STEP, gamma)).toThrow(/does not fit a circuit for 3/);
    expect(() => querySumInput(folded, { start: 6, end: 8 }, STEP, gamma)).toThrow(/receipts 6 to 8 of 7/);
  });

  it('refuses a norm one above the bound, a fee of 31 bits and an entry of 17', async () => {
    const gamma = gammaOf(3);
    const [honest] = receiptsOf(1, 4, unit);
    const long = { ...honest, vector: ofNorm(normMax(COLUMNS) + 1) };
    expect(() => fold([long])).toThrow(/squared norm/);
    await refused(sum, sumInput(uncheckedFold([long]), gamma));
    await refused(sum, sumInput(uncheckedFold([{ ...honest, fee: FEE_MAX + 1 }]), gamma));
    // the same word, and so the same link: only the range tells them apart
    const input = sumInput(fold([honest]), gamma);
    const vectors = (input.vectors as bigint[][]).map((vector) => [...vector]);
    vectors[0][0] += 65536n;
    vectors[0][1] -= 1n;
    await refused(sum, { ...input, vectors });
  });

  it('refuses another order, fee, output, salt, vector, link and evaluation', async () => {
    const folded = fold(receiptsOf(3, 5, unit));
    const gamma = gammaOf(6);
    const input = sumInput(folded, gamma);
    expect(await accepted(sum, sumSystem, input)).toBe(true);
    const [a, b, c] = folded.receipts;
    const others = [
      [b, a, c],
      [a, b],
      [a, b, b],
      [{ ...a, fee: a.fee + 1 }, b, c],
      [a, { ...b, salt: b.salt + 1n }, c],
      [a, b, { ...c, outputHash: a.outputHash }],
      [a, b, { ...c, vector: b.vector }],
    ];
    // the forger's receipts under the public signals of the book
    const { linkIn, linkOut, receiptsEvaluation, sumEvaluation } = input;
    for (const receipts of others) {
      await refused(sum, { ...sumInput(fold(receipts), gamma), linkIn, linkOut, receiptsEvaluation, sumEvaluation });
    }
    for (const name of ['linkIn', 'linkOut', 'gamma', 'receiptsEvaluation', 'sumEvaluation']) {
      await refused(sum, { ...input, [name]: ((input[name] as bigint) + 1n) % FIELD_MODULUS });
    }
  });

  it('refuses to skip a receipt that has a fee or an output, and a flag that is no flag', async () => {
    const receipts = receiptsOf(3, 8, unit);
    const gamma = gammaOf(9);
    for (const middle of [{ fee: 5, outputHash: '0'.repeat(64) }, { fee: 0 }, { fee: 0, outputHash: '0'.repeat(64) }]) {
      const skipped = { ...receipts[1], ...middle };
      const input = sumInput(fold([receipts[0], skipped, receipts[2]]), gamma);
      const { linkOut } = sumInput(fold([receipts[0], receipts[2]]), gamma);
      const skipping = { ...input, active: [1n, 0n, 1n], linkOut };
      const empty = middle.fee === 0 && middle.outputHash !== undefined;
      // one without fee and output changes nothing, chained or not
      if (empty) expect(await accepted(sum, sumSystem, skipping)).toBe(true);
      else await refused(sum, skipping);
      await refused(sum, { ...input, active: [1n, 2n, 1n] });
    }
  });
});

describe('QueryMean against the integer reference', () => {
  const batchWith = (folded: Fold, seed: number, position = 1): FoldedBatch => {
    const random = new Random(seed);
    const queries = new Int16Array(QUERIES * COLUMNS);
    for (let q = 0; q < QUERIES; q++) queries.set(unit(random), q * COLUMNS);
    queries.set(folded.quotients, position * COLUMNS);
    return {
      instance: { slots: 2, queries: QUERIES, columns: COLUMNS },
      indexId: randomField(random),
      batchSalt: randomField(random) >> 6n,
      queries,
      position,
      remainderSalt: randomField(random) >> 6n,
    };
  };
  const meanInput = (folded: Fold, batch: FoldedBatch, gamma: bigint): CircuitInput =>
    queryMeanInput(queryMeanStatement(hasher, folded, batch), folded, batch, gamma);
  /** A fold of which only the sums matter. */
  const ofSums = (sums: readonly bigint[], weight: bigint): Fold => {
    const sum = { sums: BigInt64Array.from({ length: COLUMNS }, (_, j) => sums[j % sums.length]), weight };
    return { columns: COLUMNS, receipts: [], links: [FIRST_LINK], ...sum, ...roundedMean(sum) };
  };
  const WEIGHT_MAX = (1n << 44n) - 1n;

  it.each([0, 1, 2])('accepts folds of random and extreme receipts at position %i', async (position) => {
    const folds = [
      fold(receiptsOf(5, 10 + position, unit)),
      fold(
        receiptsOf(
          4,
          11,
          () => alone(-32767),
          () => FEE_MAX,
        ),
      ),
      fold(receiptsOf(3, 12, unit, () => 0)),
      fold([]),
    ];
    for (const folded of folds) {
      expect(await accepted(mean, meanSystem, meanInput(folded, batchWith(folded, 13, position), gammaOf(14)))).toBe(
        true,
      );
    }
    expect([...folds[1].quotients]).toEqual([...alone(-32767)]);
  });

  it('accepts remainders at both bounds and the largest weight and sums', async () => {
    const even = ofSums([5n, -5n, 15n, -32765n * 5n], 10n);
    expect(new Set(even.remainders)).toEqual(new Set([0n]));
    const odd = ofSums([5n, 11n * -7n + 5n, 11n * 32766n + 5n], 11n);
    expect(new Set(odd.remainders)).toEqual(new Set([21n]));
    const largest = ofSums([32767n * WEIGHT_MAX, -32767n * WEIGHT_MAX, WEIGHT_MAX / 2n, 0n], WEIGHT_MAX);
    for (const folded of [even, odd, largest]) {
      expect(await accepted(mean, meanSystem, meanInput(folded, batchWith(folded, 15), gammaOf(16)))).toBe(true);
    }
  });

  it('refuses a quotient one off, balanced by a remainder out of range, and a remainder of 46 bits', async () => {
    const gamma = gammaOf(17);
    const commitRemainders = (remainders: readonly bigint[], salt: bigint): bigint => {
      const words = [0, 1, 2, 3].map((w) =>
        remainders.slice(5 * w, 5 * w + 5).reduce((word, rest, t) => word + rest * 2n ** BigInt(45 * t), 0n),
      );
      const field = words.map((word) => ((word % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS);
      return hasher.chain((4n << 64n) + BigInt(COLUMNS), [salt, ...field]);
    };
    const check = async (folded: Fold, change: number): Promise<boolean> => {
      const quotients = folded.quotients.with(3, folded.quotients[3] + change);
      const batch = batchWith({ ...folded, quotients }, 18);
      const statement = queryMeanStatement(hasher, { ...folded, quotients }, batch);
      const remainders = [...folded.remainders];
      remainders[3] -= 2n * folded.divisor * BigInt(change);
      const input = {
        ...queryMeanInput(statement, { ...folded, quotients }, batch, gamma),
        remainders: remainders.map((rest) => (rest + FIELD_MODULUS) % FIELD_MODULUS),
        remainderCommitment: commitRemainders(remainders, batch.remainderSalt),
      };
      if (change === 0) return accepted(mean, meanSystem, input);
      await refused(mean, input);
      return false;
    };
    for (const folded of [fold(receiptsOf(4, 19, unit)), ofSums([0n], WEIGHT_MAX), ofSums([5n, -5n], 10n)]) {
      expect(await check(folded, 0)).toBe(true);
      await check(folded, 1);
      await check(folded, -1);
    }
  });

  it('refuses another position, batch, salt, divisor, index and evaluation', async () => {
    const folded = fold(receiptsOf(5, 20, unit));
    const input = meanInput(folded, batchWith(folded, 21), gammaOf(22));
    const next = (value: unknown): bigint => ((value as bigint) + 1n) % FIELD_MODULUS;
    for (const name of Object.keys(input).filter((name) => typeof input[name] === 'bigint')) {
      await refused(mean, { ...input, [name]: next(input[name]) });
    }
    for (const position of [0n, 2n, 3n, FIELD_MODULUS - 1n]) await refused(mean, { ...input, position });
    const words = (input.words as bigint[][]).toReversed();
    await refused(mean, { ...input, words, position: input.position });
    for (const divisor of [0n, 1n << 44n, FIELD_MODULUS - folded.divisor]) await refused(mean, { ...input, divisor });
    const batch = batchWith(folded, 21);
    expect(() => queryMeanStatement(hasher, folded, { ...batch, position: 0 })).toThrow(/Query 0 of the batch is not/);
  });

  it('a folded query scores as the mean of its receipts does, but for the rounding', () => {
    const folded = fold(receiptsOf(6, 23, unit));
    const slot = equal(-1);
    const dot = (vector: ArrayLike<number>): number => Array.from(slot).reduce((s, x, j) => s + x * vector[j], 0);
    const exact = folded.receipts.reduce((s, { vector, fee }) => s + fee * dot(vector), 0) / Number(folded.weight);
    const rounding = Array.from(slot).reduce((s, x) => s + Math.abs(x) / 2, 0);
    expect(Math.abs(dot(folded.quotients) - exact)).toBeLessThanOrEqual(rounding);
  });

  it('constrains every private wire: changing any one alone breaks a constraint', async () => {
    const folded = fold(receiptsOf(3, 24, unit));
    const gamma = gammaOf(25);
    for (const [circuit, system, input] of [
      [sum, sumSystem, sumInput(folded, gamma)],
      [mean, meanSystem, meanInput(folded, batchWith(folded, 26), gamma)],
    ] as const) {
      const values = wireValues(await witness(circuit, input));
      const random = new Random(27);
      const loose: number[] = [];
      for (let wire = 1; wire < values.length; wire++) {
        const honest = values[wire];
        for (const other of [honest + 1n, FIELD_MODULUS - honest, randomField(random)]) {
          values[wire] = other % FIELD_MODULUS;
          if (values[wire] !== honest && system.acceptsChange(values, [wire])) loose.push(wire);
        }
        values[wire] = honest;
      }
      expect(loose).toEqual([]);
    }
  });
});
