/**
 * What the soundness tests are about: every template of the list at small parameters, and the building blocks, each with
 * honest values and with what is expected of its structure. All that the analysis reports beyond the expectation fails.
 * A new template needs an entry here; without one its tests fail and say so.
 */
import { Random } from '../../../../src/foundation/index.js';
import type { CircuitInstance } from '../../../../src/prover/instances.js';
import { queryMeanInput, queryMeanStatement } from '../../../../src/prover/queryMean.js';
import { type Fold, foldReceipts, querySumInput } from '../../../../src/prover/querySum.js';
import { loadHasher, openedCommitment } from '../../../../src/prover/reference/index.js';
import { rowOpeningInput } from '../../../../src/prover/rowOpening.js';
import { rowRangeInput } from '../../../../src/prover/rowRange.js';
import { rowsToSlotInputs } from '../../../../src/prover/rowsToSlot.js';
import { slotIsPrefixInput } from '../../../../src/prover/slotIsPrefix.js';
import { slotsToShardInput } from '../../../../src/prover/slotsToShard.js';
import { spanMembershipInput } from '../../../../src/prover/spanMembership.js';
import { sumStepInput } from '../../../../src/prover/sumStep.js';
import { TEMPLATES } from '../../../../src/prover/templates.js';
import type { CircuitInput } from '../../../../src/prover/witnessCalculator.js';
import { addToEntry, CLAIMANT, honestIndex, withRow, wordsWith } from '../indexes.js';
import { anyEntry, type EntrySource, honestInput, randomField, TINY } from '../statements.js';

/** A signal's name without positions, and why it may be so. */
export type Reasons = Readonly<Record<string, string>>;

export interface Expectation {
  /** Public inputs that whoever makes a statement may choose; the other public signals follow from the private inputs. */
  readonly chosen: readonly string[];
  /** Lowest and highest value that inputs of that name are proven to have. */
  readonly ranges: Readonly<Record<string, readonly [bigint, bigint]>>;
  /** Private inputs without a proven range. */
  readonly anyField: Reasons;
  /** Wires of constraints that can always be met. */
  readonly voids?: Reasons;
  /** Wires that the inputs leave two values. */
  readonly choices?: Reasons;
  /** Wires that a constraint fixes only where its factor does not vanish. */
  readonly conditional?: Reasons;
  /** Wires of which the honest value is a double root, so that the derivative alone does not fix them. */
  readonly flat?: Reasons;
  /** Why the branches of the choices are too many to be searched to the end. */
  readonly unsearched?: string;
  /** Private inputs whose change may leave all public signals as they are. */
  readonly silent?: Reasons;
  /** Public inputs that the example's statement does not look at. */
  readonly aside?: Reasons;
  /** Private inputs that the relation ties to others, so that not every value in range fits some statement. */
  readonly related?: Reasons | 'all';
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

/** Columns and levels of the circuits that open rows. */
const DISPUTE = { columns: 16, levels: 3 };

const SALT = 'hides what is committed, and is bound by the hash';
const HASHED = 'a hash takes any field element';
const OPENED = 'compared with a registered commitment by its hash';
const BOUND = {
  'bound.square': 'names whom the proof serves: public, in no relation (Bound)',
  'bound.cube': 'names whom the proof serves: public, in no relation (Bound)',
};
const FLAGS = 'flags whose sums say which one is set (OneHot, Unary)';
const DOUBLE = 'a flag behind a flag of 0 is 0 or 0: no other value, and no slope (Unary)';
const LIMBS = 'bits of x or of x + r until the bound on the limbs decides (CanonicalLimbs)';
const PATH = 'a bit of the index, 0 or the flag of its level (MerklePath)';

const bits = (n: number): readonly [bigint, bigint] => [0n, (1n << BigInt(n)) - 1n];
const ENTRY = bits(16);
/** Eight bits above −128, which an inverse excludes. */
const SMALL_ENTRY = [32640n, 32895n] as const;

const EXAMPLES: Readonly<Record<string, TemplateExample>> = {
  ScoreMatrix: {
    parameters: [TINY.slots, TINY.queries, TINY.columns],
    chosen: ['rho'],
    ranges: { slots: ENTRY, queries: ENTRY },
    anyField: {
      indexId: 'only hashed: one value for both commitments, compared with the registered ones',
      slotSalts: SALT,
      batchSalt: SALT,
    },
    input: async (seed, entry = anyEntry) => honestInput(await loadHasher(), TINY, seed, entry),
  },
  QuerySum: {
    parameters: [2, 4],
    chosen: ['linkIn', 'gamma'],
    ranges: { active: bits(1), fees: bits(30), vectors: ENTRY },
    anyField: { outputHashes: HASHED, salts: SALT },
    related: {
      active: 'what is skipped has neither fee nor output hash',
      vectors: 'the squared norm is bounded as well',
    },
    input: async (seed) => {
      const fold = await foldOf(seed, 4);
      return querySumInput(fold, { start: 0, end: 2 }, 2, randomField(new Random(seed + 100)));
    },
  },
  QueryMean: {
    // five columns are two limbs: with one limb gamma would stand in no constraint
    parameters: [2, 5],
    chosen: ['position', 'divisor', 'gamma'],
    ranges: { entries: ENTRY, remainders: bits(45) },
    anyField: {
      indexId: HASHED,
      batchSalt: SALT,
      words: 'hashed; those at the position are compared with entries',
      remainderSalt: SALT,
    },
    related: {
      words: 'those at the position are the entries',
      entries: 'they are the words at the position',
      remainders: 'below twice the divisor',
    },
    input: async (seed) => {
      const [hasher, fold] = [await loadHasher(), await foldOf(seed, 5)];
      const batch = {
        instance: { slots: 2, queries: 2, columns: 5 },
        indexId: 5n,
        batchSalt: BigInt(seed),
        queries: Int16Array.from([1, -2, 3, -4, 5, ...fold.quotients]),
        position: 1,
        remainderSalt: 9n,
      };
      return queryMeanInput(queryMeanStatement(hasher, fold, batch), fold, batch, randomField(new Random(seed + 100)));
    },
  },
  SumStep: {
    parameters: [DISPUTE.columns, DISPUTE.levels],
    chosen: ['index', 'depth', 'first', 'claimant'],
    ranges: { position: bits(1) },
    anyField: {
      dataSetLeaf: OPENED,
      contributor: OPENED,
      siblings: OPENED,
      rowCommitmentBefore: OPENED,
      prefixWordsBefore: OPENED,
      prefixSaltBefore: SALT,
      rowWords: OPENED,
      rowSalt: SALT,
      prefixWords: OPENED,
      prefixSalt: SALT,
    },
    voids: BOUND,
    choices: { 'levels.flags': FLAGS, 'registered.path.bits': PATH },
    related: 'all',
    input: async (seed) => {
      const hasher = await loadHasher();
      const { index, slots } = honestIndex(hasher, DISPUTE.columns, [3, 2], seed);
      const wrong = withRow(hasher, index, 1, ({ prefix }) => ({
        prefix: { ...prefix, words: addToEntry(prefix.words, seed, 1) },
      }));
      return sumStepInput(hasher, wrong, { row: 1, slots, claimant: CLAIMANT }, DISPUTE.levels);
    },
  },
  RowRange: {
    parameters: [DISPUTE.columns, DISPUTE.levels],
    chosen: ['index', 'depth', 'claimant'],
    ranges: { above: bits(1), word: bits(1) },
    anyField: {
      limb: 'OneHot has a solution only for limbs of a word',
      dataSetLeaf: OPENED,
      contributor: OPENED,
      siblings: OPENED,
      prefixCommitment: OPENED,
      rowWords: OPENED,
      rowSalt: SALT,
    },
    voids: BOUND,
    choices: {
      'levels.flags': FLAGS,
      'registered.path.bits': PATH,
      'atLimb.flags': FLAGS,
      'limbs.low.bits': LIMBS,
      'limbs.rest.bits': LIMBS,
      'limbs.top.bits': LIMBS,
      'margin.bits': LIMBS,
      'chosen.values': LIMBS,
    },
    unsearched: 'flags over 16 limbs and four sums of bits are millions of branches: they are tried one by one',
    conditional: {
      'chosen.out': 'the limb that the flags choose, which are one-hot',
      'limbs.equal': '1 exactly where the top limb is the largest (CanonicalLimbs)',
      'limbs.inverse': 'of the distance to the largest top limb, 0 where there is none (CanonicalLimbs)',
    },
    related: 'all',
    input: async (seed) => {
      const hasher = await loadHasher();
      const { index, rows } = honestIndex(hasher, DISPUTE.columns, [3, 2], seed);
      const entries = rows.subarray(2 * DISPUTE.columns, 3 * DISPUTE.columns);
      const wrong = withRow(hasher, index, 2, ({ row }) => ({
        row: { ...row, words: wordsWith(entries, seed, seed % 2 === 0 ? 128 : -128) },
      }));
      return rowRangeInput(hasher, wrong, { row: 2, claimant: CLAIMANT }, DISPUTE.levels);
    },
  },
  SlotIsPrefix: {
    parameters: [3, DISPUTE.columns, DISPUTE.levels],
    chosen: ['position', 'indexId', 'index', 'depth', 'claimant'],
    ranges: {},
    anyField: {
      committedIndexId: OPENED,
      slotCommitments: OPENED,
      dataSetLeaf: OPENED,
      contributor: OPENED,
      rowCommitment: OPENED,
      prefixCommitment: OPENED,
      siblings: OPENED,
    },
    voids: BOUND,
    choices: { 'levels.flags': FLAGS, 'registered.path.bits': PATH, 'at.flags': FLAGS },
    aside: { indexId: 'what is disputed stands at another position than the id' },
    related: 'all',
    input: async (seed) => {
      const hasher = await loadHasher();
      const { index, slots } = honestIndex(hasher, DISPUTE.columns, [3, 2], seed);
      const committed = [77n, BigInt(seed), openedCommitment(hasher, index.rows[4].prefix), 1234567n];
      return slotIsPrefixInput(hasher, index, { indexId: 77n, committed, slots, claimant: CLAIMANT }, DISPUTE.levels);
    },
  },
  RowOpening: {
    parameters: [3, DISPUTE.columns, DISPUTE.levels],
    chosen: ['index', 'depth', 'dataSetLeaf', 'contributor', 'indexId', 'query'],
    ranges: { row: SMALL_ENTRY, queryEntries: ENTRY },
    anyField: {
      rowSalt: SALT,
      prefixCommitment: OPENED,
      siblings: OPENED,
      batchSalt: SALT,
      batchWords: 'hashed; those of the query are compared with its entries',
    },
    choices: { 'levels.flags': FLAGS, 'registered.path.bits': PATH, 'at.flags': FLAGS },
    related: 'all',
    input: async (seed) => {
      const hasher = await loadHasher();
      const { index } = honestIndex(hasher, DISPUTE.columns, [3, 2], seed);
      const random = new Random(seed + 50);
      const batch = {
        instance: { slots: 2, queries: 3, columns: DISPUTE.columns },
        indexId: 99n,
        salt: BigInt(random.uint32()),
        queries: Int16Array.from({ length: 3 * DISPUTE.columns }, () => anyEntry(random)),
      };
      return rowOpeningInput(hasher, index, batch, { row: seed % 5, query: 1 }, DISPUTE.levels);
    },
  },
  RowsToSlot: {
    parameters: [4, 4, 4],
    chosen: ['segment', 'depth', 'count', 'begins', 'ends', 'slotsBefore'],
    ranges: { rows: SMALL_ENTRY },
    anyField: {
      rowSalts: SALT,
      prefixSalts: SALT,
      dataSetLeaves: HASHED,
      contributors: HASHED,
      siblings: OPENED,
      wordsBefore: OPENED,
      saltBefore: SALT,
    },
    choices: { 'present.flags': FLAGS, 'above.flags': FLAGS, last: PATH, 'path.bits': PATH },
    aside: { begins: 'beginning anew is going on from a prefix of zeros, which the first segment opens' },
    related: 'all',
    input: async (seed) => {
      const hasher = await loadHasher();
      const { index, slots } = honestIndex(hasher, 4, [3, 6, 1, 1], seed);
      return rowsToSlotInputs(hasher, index, slots, 4, 4)[seed % 3];
    },
  },
  SlotsToShard: {
    parameters: [3, 4],
    chosen: ['indexId', 'count', 'slotsBefore'],
    ranges: {},
    anyField: { slotCommitments: OPENED, paddingSalts: SALT },
    choices: { 'used.flags': FLAGS },
    conditional: { 'used.flags': 'where a slot is no zero vector; Unary decides in any case' },
    silent: { paddingSalts: 'at a slot in use nothing is padded' },
    related: 'all',
    input: async (seed) => {
      const hasher = await loadHasher();
      const random = new Random(seed);
      return slotsToShardInput(
        hasher,
        { slots: 3, queries: 2, columns: 4 },
        {
          indexId: 5n,
          slotCommitments: [randomField(random), randomField(random)],
          paddingSalts: [7n],
          slotsBefore: randomField(random),
        },
      );
    },
  },
  SpanMembership: {
    parameters: [16, 2, 3],
    chosen: ['start', 'length'],
    ranges: { blocks: ENTRY, last: bits(1) },
    anyField: {
      documentSalt: SALT,
      documentLength: OPENED,
      depth: OPENED,
      block: 'the offset that it leaves is ranged on both sides',
      siblings: OPENED,
      spanSalt: SALT,
    },
    choices: { 'levels.flags': FLAGS, 'mask.flags': FLAGS, 'path.bits': PATH },
    flat: { 'mask.flags': DOUBLE },
    related: 'all',
    input: async (seed) => {
      const random = new Random(seed);
      const symbols = Uint16Array.from({ length: 157 }, () => random.below(65536));
      const text = { shape: { width: 16, words: 2 }, salt: 123n, symbols };
      return spanMembershipInput(await loadHasher(), text, { start: 40 + seed, length: 20, salt: 7n }, 3);
    },
  },
};

/** Two receipts. */
async function foldOf(seed: number, columns: number): Promise<Fold> {
  const random = new Random(seed);
  const receipts = Array.from({ length: 2 }, () => ({
    vector: Int16Array.from({ length: columns }, () => random.below(20001) - 10000),
    fee: 1 + random.below(1000000),
    outputHash: randomField(random).toString(16).padStart(64, '0'),
    salt: randomField(random) >> 6n,
  }));
  return foldReceipts(await loadHasher(), 12345n, columns, receipts);
}

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

const BLOCKS: readonly Subject[] = [
  {
    name: 'Poseidon(3)',
    source: main('poseidon.circom', 'Poseidon(3)'),
    chosen: [],
    ranges: {},
    anyField: { inputs: HASHED },
    input: fields({ inputs: 3 }),
  },
  {
    name: 'Chain(17)',
    source: main('chain.circom', 'Chain(17)'),
    chosen: [],
    ranges: {},
    anyField: { start: HASHED, elements: HASHED },
    input: fields({ start: undefined, elements: 17 }),
  },
  {
    name: 'VectorCommitment(17)',
    source: main('vector_commitment.circom', 'VectorCommitment(17)'),
    chosen: [],
    ranges: { entries: ENTRY },
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
    ranges: {},
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
