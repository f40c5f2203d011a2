/**
 * `verifyEpoch`: re-derives a settled epoch from its bundle and says, check by check, what holds. It answers for any
 * input and throws for none.
 * What it cannot know: that the bundle is about the chain it names. A bundle may be sound in itself and made up, with a
 * key whose secrets its author keeps. So the result names the anchors, which the reader compares with the chain: the
 * settlement contract's circuit id, the receipt book's accumulator, the index registry's shards; given as `expected`, they
 * are compared here.
 */
import { hexOf } from './abi.js';
import { type Bundle, type BundleCredit, parseBundle } from './bundle.js';
import { SCALAR_MODULUS } from './constants.js';
import { isDevelopmentKey, type Key, readKey, requireKeyOfChain } from './key.js';
import { badProofs, type Progress } from './proofs.js';
import { Refusal } from './reader.js';
import { deriveCredits, requirePolicy } from './split.js';
import { contributorsHash, deriveAccumulator, deriveCircuitId, deriveSignals } from './statement.js';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What holds, or the first thing that does not. */
  readonly sentence: string;
}

/** What stands on chain about the epoch, and so binds the bundle to it. */
export interface Anchors {
  /** Decimal. */
  readonly chainId: string;
  /** Address of the EpochSettlement contract. */
  readonly settlement: string;
  /** EpochSettlement.circuitId() */
  readonly circuitId: string;
  /** Decimal. */
  readonly epoch: string;
  /** ReceiptBook.epochOf(epoch).accumulator: all batches, their fees and outputs, in order. */
  readonly accumulator: string;
  /** IndexRegistry.shardOf(index, shard), one text a shard: commitment in decimal, a space, contributorsHash. */
  readonly shards: readonly string[];
}

export interface EpochVerdict {
  /** Whether every check holds. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  /** Missing when the bundle could not be read. */
  readonly anchors?: Anchors;
  /** Names of the anchors that were compared with `expected`. */
  readonly compared: readonly string[];
}

export interface VerifyOptions {
  /** What the reader took from the chain. */
  readonly expected?: Partial<Anchors>;
  readonly progress?: Progress;
}

/** Bad proofs that are named; looking for more would let a hostile bundle choose how long it takes. */
const NAMED_PROOFS = 3;
const ZERO_ADDRESS = `0x${'0'.repeat(40)}`;
const ZERO_HASH = `0x${'0'.repeat(64)}`;

/**
 * @param input the bundle as text, as the bytes of its file, or parsed
 * @returns the checks in order; a bundle that cannot be read has one, `format`
 */
export async function verifyEpoch(input: unknown, options: VerifyOptions = {}): Promise<EpochVerdict> {
  const checks: Check[] = [];
  /** Runs a check; its sentence is what `holds` returns, or the refusal it throws. */
  const check = async <T>(
    name: string,
    holds: () => T | Promise<T>,
    tell: (value: T) => string,
  ): Promise<T | undefined> => {
    try {
      const value = await holds();
      checks.push({ name, ok: true, sentence: tell(value) });
      return value;
    } catch (error) {
      checks.push({ name, ok: false, sentence: sentenceOf(error) });
      return undefined;
    }
  };
  const verdict = (rest: Omit<EpochVerdict, 'ok' | 'checks'>): EpochVerdict => ({
    ok: checks.every(({ ok }) => ok),
    checks,
    ...rest,
  });

  const bundle = await check('format', () => parseBundle(input), describe);
  if (bundle === undefined) return verdict({ compared: [] });
  const anchors = anchorsOf(bundle);
  const compared = await check('anchors', () => compareAnchors(anchors, options.expected ?? {}), describeAnchors);
  const key = await check(
    'key',
    () => checkKey(bundle),
    () => describeKey(bundle),
  );
  await check(
    'circuit',
    () => checkCircuit(bundle),
    () => 'The circuit id is that of the shape and the key.',
  );
  await check(
    'receipts',
    () => checkReceipts(bundle),
    (fees) => `The accumulator is that of the batches, whose fees sum to ${fees}.`,
  );
  const complete = await check(
    'completeness',
    () => checkCompleteness(bundle),
    (n) => `Each of ${n} (shard, batch) pairs has one proof.`,
  );
  const places = await check(
    'signals',
    () => checkSignals(bundle),
    () => "Every proof's public signals are those derived again.",
  );
  await check(
    'proofs',
    () => {
      if (key === undefined) throw new Refusal('The proofs were not checked, since the key is not sound.');
      if (places === undefined) throw new Refusal('The proofs were not checked, since their statements do not hold.');
      return checkProofs(bundle, key, places, options.progress ?? (() => undefined));
    },
    (count) => `All ${count} proofs hold, by one multi-pairing of ${count + 3} pairings.`,
  );
  await check(
    'split',
    () => {
      if (complete === undefined) throw new Refusal('The split was not derived, since scores are missing.');
      return checkSplit(bundle);
    },
    (total) => `Every credit is the one derived again, and together they are the fees: ${total}.`,
  );
  return verdict({ anchors, compared: compared ?? [] });
}

function sentenceOf(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  // a hostile object may throw anything from a getter
  return 'The bundle could not be read: one of its values threw an error of its own.';
}

function describe({ shape, shards, batches, proofs }: Bundle): string {
  const { slots, queries, columns } = shape;
  return `${shards.length} shards, ${batches.length} batches and ${proofs.length} proofs of ScoreMatrix(${slots}, ${queries}, ${columns}).`;
}

function anchorsOf(bundle: Bundle): Anchors {
  return {
    chainId: String(bundle.chainId),
    settlement: bundle.settlement,
    circuitId: bundle.circuitId,
    epoch: String(bundle.epoch),
    accumulator: bundle.accumulator,
    shards: bundle.shards.map((shard) => `${shard.commitment} ${hexOf(contributorsHash(shard))}`),
  };
}

function compareAnchors(anchors: Anchors, expected: Partial<Anchors>): string[] {
  const names = Object.keys(anchors) as (keyof Anchors)[];
  const given = names.filter((name) => expected[name] !== undefined);
  for (const name of given) {
    const own = String(anchors[name]).toLowerCase();
    if (own !== String(expected[name]).toLowerCase())
      throw new Refusal(`The ${name} of the bundle is not the one expected.`);
  }
  return given;
}

function describeAnchors(compared: readonly string[]): string {
  if (compared.length === 0) return 'Nothing was compared with a chain: the bundle is judged by itself.';
  return `As expected: ${compared.join(', ')}.`;
}

function checkKey({ keyWords, chainId }: Bundle): Key {
  const key = readKey(keyWords);
  requireKeyOfChain(keyWords, chainId);
  return key;
}

function describeKey({ keyWords }: Bundle): string {
  if (isDevelopmentKey(keyWords)) return 'The key is the development key: anybody can forge proofs for it.';
  return 'All points of the key are in their groups, and gamma is not ±delta.';
}

function checkCircuit(bundle: Bundle): void {
  if (deriveCircuitId(bundle) !== bundle.circuitId) {
    throw new Refusal('The circuit id is not that of the shape and the key.');
  }
}

function checkReceipts(bundle: Bundle): bigint {
  let sum = 0n;
  for (const [b, { fees, outputHashes, commitment }] of bundle.batches.entries()) {
    requireElement(commitment, `The commitment of batch ${b}`);
    const total = fees.reduce((all, fee) => all + fee, 0n);
    if (total >> 96n !== 0n) throw new Refusal(`The fees of batch ${b} sum to 2^96 or more.`);
    const stray = outputHashes.findIndex((hash, q) => hash === ZERO_HASH && fees[q] !== 0n);
    if (stray >= 0) throw new Refusal(`Receipt ${stray} of batch ${b} is unused and has a fee.`);
    sum += total;
  }
  if (deriveAccumulator(bundle) !== bundle.accumulator) {
    throw new Refusal('The accumulator is not that of the batches.');
  }
  return sum;
}

/** A commitment of zero is always a mistake or an attack, and one of r or more has a twin. */
function requireElement(value: bigint, what: string): void {
  if (value === 0n || value >= SCALAR_MODULUS) throw new Refusal(`${what} is no field element from 1 to r − 1.`);
}

function checkCompleteness({ shards, batches, proofs }: Bundle): number {
  const seen = new Set<number>();
  for (const [i, { shard, batch }] of proofs.entries()) {
    if (shard >= shards.length || batch >= batches.length) {
      throw new Refusal(`Proof ${i} is of shard ${shard} and batch ${batch}, and there is no such pair.`);
    }
    const place = shard * batches.length + batch;
    if (seen.has(place)) throw new Refusal(`Shard ${shard} and batch ${batch} are proven twice.`);
    seen.add(place);
  }
  const needed = shards.length * batches.length;
  if (seen.size === needed) return needed;
  let missing = 0;
  while (seen.has(missing)) missing++;
  const shard = Math.floor(missing / batches.length);
  throw new Refusal(
    `${needed - seen.size} of ${needed} (shard, batch) pairs have no proof, the first is shard ${shard}, batch ${missing % batches.length}.`,
  );
}

/** @returns the public signals that each proof must have */
function checkSignals(bundle: Bundle): bigint[][] {
  const { shape, shards, batches, proofs } = bundle;
  for (const [s, { commitment }] of shards.entries()) requireElement(commitment, `The commitment of shard ${s}`);
  const names = ['shard commitment', 'batch commitment', 'rho', 'evaluation'];
  return proofs.map((proof, i) => {
    if (proof.shard >= shards.length || proof.batch >= batches.length) {
      throw new Refusal(`Proof ${i} names a shard or batch that does not exist.`);
    }
    for (const [k, account] of shards[proof.shard].contributors.entries()) {
      const scores = proof.scores.slice(k * shape.queries, (k + 1) * shape.queries);
      if (account === ZERO_ADDRESS && scores.some((score) => score !== 0)) {
        throw new Refusal(`Proof ${i} gives a score to slot ${k}, which is unused.`);
      }
    }
    const derived = deriveSignals(bundle, proof);
    const large = proof.signals.findIndex((signal) => signal >= SCALAR_MODULUS);
    if (large >= 0) throw new Refusal(`The ${names[large]} of proof ${i} is r or more.`);
    const wrong = proof.signals.findIndex((signal, j) => signal !== derived[j]);
    if (wrong >= 0) throw new Refusal(`The ${names[wrong]} of proof ${i} is not the one derived again.`);
    return derived;
  });
}

async function checkProofs(
  { proofs }: Bundle,
  key: Key,
  signals: readonly (readonly bigint[])[],
  progress: Progress,
): Promise<number> {
  const statements = proofs.map(({ words }, i) => ({ words, signals: signals[i] }));
  const bad = await badProofs(key, statements, NAMED_PROOFS, progress);
  if (bad.length === 0) return proofs.length;
  const named = bad.map((i) => `shard ${proofs[i].shard}, batch ${proofs[i].batch}`).join('; ');
  throw new Refusal(`The proof does not hold of ${named}${bad.length === NAMED_PROOFS ? '; maybe of more' : ''}.`);
}

function checkSplit(bundle: Bundle): bigint {
  requirePolicy(bundle.policy);
  const name = ({ batch, role, account }: BundleCredit): string => `batch ${batch}, ${role} ${account}`;
  const expected = new Map(deriveCredits(bundle).map((credit) => [name(credit), credit.amount]));
  let total = 0n;
  for (const credit of bundle.credits) {
    const amount = expected.get(name(credit));
    if (amount === undefined) throw new Refusal(`The credit of ${name(credit)} is not due, or is there twice.`);
    if (amount !== credit.amount) {
      throw new Refusal(`The credit of ${name(credit)} is ${credit.amount}, and ${amount} is due.`);
    }
    expected.delete(name(credit));
    total += amount;
  }
  const [missing] = expected;
  if (missing !== undefined) throw new Refusal(`The credit of ${missing[0]} is missing, and ${missing[1]} is due.`);
  const fees = bundle.batches.flatMap((batch) => batch.fees).reduce((sum, fee) => sum + fee, 0n);
  if (total !== fees) throw new Refusal(`The credits sum to ${total}, the fees to ${fees}.`);
  return total;
}
