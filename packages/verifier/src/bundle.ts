/**
 * The bundle: everything public about one settled epoch, as one JSON file. Numbers of more than 53 bits are decimal
 * strings, bytes are lower-case hex. `parseBundle` checks form and size only; what the numbers say is checked elsewhere.
 * The trap: JSON may name a key twice, and readers differ in which they believe. A bundle is read only when its text,
 * without white space, is what it was read as.
 */
import {
  BASE_MODULUS,
  BASIS_POINTS,
  BATCHES_MAX,
  CREDITS_MAX,
  ENTRY_MAX,
  KEY_WORDS,
  PROOF_WORDS,
  PROOFS_MAX,
  PUBLIC_SIGNALS,
  SCALAR_MODULUS,
  SHAPE_MAX,
  SHARDS_MAX,
  TEXT_MAX,
} from './constants.js';
import { address, bytes32, list, oneOf, Refusal, record, unsigned, whole, word } from './reader.js';

export const FORMAT = 'meed-epoch-bundle/1';
export const ROLES = ['contributor', 'modelOwner', 'stakers', 'treasury'] as const;
export type Role = (typeof ROLES)[number];

export interface Shape {
  /** S: slots of a shard. */
  readonly slots: number;
  /** Q: receipts of a batch. */
  readonly queries: number;
  /** d: columns of a sketch. */
  readonly columns: number;
}

export interface Policy {
  readonly platformBps: number;
  readonly betaBps: number;
  readonly gammaBps: number;
  readonly deltaBps: number;
  readonly modelOwner: string;
  readonly stakers: string;
  readonly treasury: string;
}

export interface BundleShard {
  readonly commitment: bigint;
  /** Payout address of each of S slots, the zero address at unused ones. */
  readonly contributors: readonly string[];
}

export interface BundleBatch {
  readonly commitment: bigint;
  readonly payer: string;
  /** Q, in the token's smallest unit. */
  readonly fees: readonly bigint[];
  /** Q, zero at unused positions. */
  readonly outputHashes: readonly string[];
}

export interface BundleProof {
  readonly shard: number;
  readonly batch: number;
  /** S × Q, score[k·Q + q]. */
  readonly scores: readonly number[];
  /** shardCommitment, queryBatchCommitment, rho, evaluation, as the prover stated them. */
  readonly signals: readonly bigint[];
  /** A.x A.y | B.x1 B.x0 B.y1 B.y0 | C.x C.y */
  readonly words: readonly bigint[];
}

export interface BundleCredit {
  readonly batch: number;
  readonly role: Role;
  readonly account: string;
  readonly amount: bigint;
}

export interface Bundle {
  readonly shape: Shape;
  readonly keyWords: readonly bigint[];
  readonly chainId: bigint;
  readonly settlement: string;
  readonly circuitId: string;
  readonly epoch: bigint;
  /** Of the receipt book, when the epoch was closed. */
  readonly accumulator: string;
  readonly policy: Policy;
  readonly shards: readonly BundleShard[];
  readonly batches: readonly BundleBatch[];
  readonly proofs: readonly BundleProof[];
  readonly credits: readonly BundleCredit[];
}

/** @throws Refusal whose message is one sentence, for anything that is not a bundle of this version */
export function parseBundle(input: unknown): Bundle {
  const top = record(
    typeof input === 'string' || input instanceof Uint8Array ? parseText(input) : input,
    'The bundle',
    [
      'format',
      'protocol',
      'shape',
      'key',
      'chainId',
      'settlement',
      'circuitId',
      'epoch',
      'accumulator',
      'policy',
      'shards',
      'batches',
      'proofs',
      'credits',
    ],
  );
  oneOf([FORMAT])(top.format, 'format');
  parseProtocol(top.protocol);
  const shape = parseShape(top.shape);
  return {
    shape,
    keyWords: list(top.key, 'key', { length: KEY_WORDS }, word),
    chainId: word(top.chainId, 'chainId'),
    settlement: address(top.settlement, 'settlement'),
    circuitId: bytes32(top.circuitId, 'circuitId'),
    epoch: word(top.epoch, 'epoch'),
    accumulator: bytes32(top.accumulator, 'accumulator'),
    policy: parsePolicy(top.policy),
    shards: list(top.shards, 'shards', { most: SHARDS_MAX }, (item, where) => parseShard(item, where, shape)),
    batches: list(top.batches, 'batches', { most: BATCHES_MAX }, (item, where) => parseBatch(item, where, shape)),
    proofs: list(top.proofs, 'proofs', { most: PROOFS_MAX }, (item, where) => parseProof(item, where, shape)),
    credits: list(top.credits, 'credits', { most: CREDITS_MAX }, parseCredit),
  };
}

function parseText(input: string | Uint8Array): unknown {
  const size = input.length;
  if (size > TEXT_MAX) throw new Refusal(`The bundle is ${size} long, and at most ${TEXT_MAX} is read.`);
  const { parsed, text, written } = readJson(input);
  const bare = (json: string): string => json.replace(/[ \t\r\n]+/g, '');
  if (bare(written) !== bare(text)) {
    throw new Refusal('The bundle names a key twice, or writes a value in more than one way.');
  }
  return parsed;
}

/** @returns the JSON, its text, and the text that its value would be written as */
function readJson(input: string | Uint8Array): { parsed: unknown; text: string; written: string } {
  try {
    const text = typeof input === 'string' ? input : new TextDecoder('utf-8', { fatal: true }).decode(input);
    const parsed: unknown = JSON.parse(text);
    return { parsed, text, written: JSON.stringify(parsed) };
  } catch {
    throw new Refusal(`The bundle of ${input.length} bytes is not JSON, or nested without end.`);
  }
}

function parseProtocol(value: unknown): void {
  const given = record(value, 'protocol', ['scalarModulus', 'baseModulus', 'entryMax', 'basisPoints']);
  oneOf([String(SCALAR_MODULUS)])(given.scalarModulus, 'protocol.scalarModulus');
  oneOf([String(BASE_MODULUS)])(given.baseModulus, 'protocol.baseModulus');
  whole(ENTRY_MAX, ENTRY_MAX)(given.entryMax, 'protocol.entryMax');
  whole(BASIS_POINTS, BASIS_POINTS)(given.basisPoints, 'protocol.basisPoints');
}

function parseShape(value: unknown): Shape {
  const given = record(value, 'shape', ['slots', 'queries', 'columns']);
  const size = whole(1, SHAPE_MAX);
  return {
    slots: size(given.slots, 'shape.slots'),
    queries: size(given.queries, 'shape.queries'),
    columns: size(given.columns, 'shape.columns'),
  };
}

function parsePolicy(value: unknown): Policy {
  const given = record(value, 'policy', [
    'platformBps',
    'betaBps',
    'gammaBps',
    'deltaBps',
    'modelOwner',
    'stakers',
    'treasury',
  ]);
  const part = whole(0, BASIS_POINTS);
  return {
    platformBps: part(given.platformBps, 'policy.platformBps'),
    betaBps: part(given.betaBps, 'policy.betaBps'),
    gammaBps: part(given.gammaBps, 'policy.gammaBps'),
    deltaBps: part(given.deltaBps, 'policy.deltaBps'),
    modelOwner: address(given.modelOwner, 'policy.modelOwner'),
    stakers: address(given.stakers, 'policy.stakers'),
    treasury: address(given.treasury, 'policy.treasury'),
  };
}

function parseShard(value: unknown, where: string, { slots }: Shape): BundleShard {
  const given = record(value, where, ['commitment', 'contributors']);
  return {
    commitment: word(given.commitment, `${where}.commitment`),
    contributors: list(given.contributors, `${where}.contributors`, { length: slots }, address),
  };
}

function parseBatch(value: unknown, where: string, { queries }: Shape): BundleBatch {
  const given = record(value, where, ['commitment', 'payer', 'fees', 'outputHashes']);
  return {
    commitment: word(given.commitment, `${where}.commitment`),
    payer: address(given.payer, `${where}.payer`),
    fees: list(given.fees, `${where}.fees`, { length: queries }, unsigned(96)),
    outputHashes: list(given.outputHashes, `${where}.outputHashes`, { length: queries }, bytes32),
  };
}

function parseProof(value: unknown, where: string, { slots, queries, columns }: Shape): BundleProof {
  const given = record(value, where, ['shard', 'batch', 'scores', 'signals', 'words']);
  const most = columns * ENTRY_MAX * ENTRY_MAX;
  return {
    shard: whole(0, SHARDS_MAX - 1)(given.shard, `${where}.shard`),
    batch: whole(0, BATCHES_MAX - 1)(given.batch, `${where}.batch`),
    scores: list(given.scores, `${where}.scores`, { length: slots * queries }, whole(-most, most)),
    signals: list(given.signals, `${where}.signals`, { length: PUBLIC_SIGNALS }, word),
    words: list(given.words, `${where}.words`, { length: PROOF_WORDS }, word),
  };
}

function parseCredit(value: unknown, where: string): BundleCredit {
  const given = record(value, where, ['batch', 'role', 'account', 'amount']);
  return {
    batch: whole(0, BATCHES_MAX - 1)(given.batch, `${where}.batch`),
    role: oneOf(ROLES)(given.role, `${where}.role`),
    account: address(given.account, `${where}.account`),
    amount: word(given.amount, `${where}.amount`),
  };
}
