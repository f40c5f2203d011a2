/**
 * Every event that an auditor needs, in order and typed. What the node answers is hostile input: each log must come from
 * one of our contracts, decode exactly as its event, and stand in order; and the batches shown must hash to the
 * accumulator that the epoch was closed with.
 * The trap: ABI decoding accepts padding that encoding never makes, so every log is encoded again and compared.
 */
import {
  AbiCoder,
  getBytes,
  Interface,
  type InterfaceAbi,
  type JsonRpcProvider,
  ParamType,
  type Result,
  toUtf8String,
  Utf8ErrorFuncs,
} from 'ethers';
import { MeedError } from '../foundation/index.js';
import { unpackSums } from '../prover/reference/index.js';
import { accumulate } from './accumulator.js';
import { type ContractName, compileContracts } from './compile.js';
import type { Deployment } from './deploy.js';
import { address, bytes, bytes32, count, integer, listOf, quantity, record, truth } from './values.js';

/** Where an event stands in the chain. */
export interface Position {
  readonly blockNumber: number;
  readonly logIndex: number;
  readonly transactionHash: string;
}

/** What the part of a fee was paid for, in the order of IEpochSettlement.Role. */
export const ROLES = ['contributor', 'modelOwner', 'stakers', 'treasury', 'refund'] as const;
export type Role = (typeof ROLES)[number];

type Fields = (name: string) => unknown;

/** How each event is read; the type of an event is what its reader returns. */
const READERS = {
  DatasetPublished: (f: Fields) => ({
    datasetId: bytes32(f('datasetId'), 'datasetId'),
    owner: address(f('owner'), 'owner'),
    root: bytes32(f('root'), 'root'),
    manifestHash: bytes32(f('manifestHash'), 'manifestHash'),
    rows: count(f('rows'), 'rows'),
    licence: toUtf8String(bytes(f('licence'), 'licence'), Utf8ErrorFuncs.replace),
  }),
  ContributorApproved: (f: Fields) => ({
    datasetId: bytes32(f('datasetId'), 'datasetId'),
    contributor: address(f('contributor'), 'contributor'),
  }),
  ContributorRevoked: (f: Fields) => ({
    datasetId: bytes32(f('datasetId'), 'datasetId'),
    contributor: address(f('contributor'), 'contributor'),
  }),
  IndexRegistered: (f: Fields) => ({
    index: bytes32(f('index'), 'index'),
    datasetId: bytes32(f('datasetId'), 'datasetId'),
    owner: address(f('owner'), 'owner'),
    indexId: integer(f('indexId'), 'indexId'),
    modelId: bytes32(f('modelId'), 'modelId'),
    encoderHash: bytes32(f('encoderHash'), 'encoderHash'),
    indexRoot: integer(f('indexRoot'), 'indexRoot'),
    rows: count(f('rows'), 'rows'),
    slotsPerShard: count(f('slotsPerShard'), 'slotsPerShard'),
  }),
  SlotsRegistered: (f: Fields) => ({
    index: bytes32(f('index'), 'index'),
    firstShard: count(f('firstShard'), 'firstShard'),
    firstRow: count(f('firstRow'), 'firstRow'),
    slots: listOf(f('slots'), 'slots', (slot, field) => {
      const [end, contributor] = listOf(slot, field, (value) => value);
      return { end: count(end, `${field}.end`), contributor: address(contributor, `${field}.contributor`) };
    }),
    shardCommitments: listOf(f('shardCommitments'), 'shardCommitments', integer),
  }),
  IndexCompleted: (f: Fields) => ({
    index: bytes32(f('index'), 'index'),
    shards: count(f('shards'), 'shards'),
    payableFrom: count(f('payableFrom'), 'payableFrom'),
  }),
  IndexAbandoned: (f: Fields) => ({ index: bytes32(f('index'), 'index') }),
  IndexDisabled: (f: Fields) => ({ index: bytes32(f('index'), 'index') }),
  EpochOpened: (f: Fields) => ({
    epoch: integer(f('epoch'), 'epoch'),
    index: bytes32(f('index'), 'index'),
    settlement: address(f('settlement'), 'settlement'),
    owner: address(f('owner'), 'owner'),
    queries: count(f('queries'), 'queries'),
  }),
  PayerAdmitted: (f: Fields) => ({ epoch: integer(f('epoch'), 'epoch'), payer: address(f('payer'), 'payer') }),
  BatchPosted: (f: Fields) => ({
    epoch: integer(f('epoch'), 'epoch'),
    batch: integer(f('batch'), 'batch'),
    payer: address(f('payer'), 'payer'),
    commitment: integer(f('commitment'), 'commitment'),
    outputHashes: listOf(f('outputHashes'), 'outputHashes', bytes32),
    fees: listOf(f('fees'), 'fees', integer),
    accumulator: bytes32(f('accumulator'), 'accumulator'),
  }),
  EpochClosed: (f: Fields) => ({
    epoch: integer(f('epoch'), 'epoch'),
    batches: count(f('batches'), 'batches'),
    fees: integer(f('fees'), 'fees'),
    accumulator: bytes32(f('accumulator'), 'accumulator'),
  }),
  ShardSettled: (f: Fields) => ({
    epoch: integer(f('epoch'), 'epoch'),
    batch: integer(f('batch'), 'batch'),
    shard: integer(f('shard'), 'shard'),
    rho: integer(f('rho'), 'rho'),
    contributors: listOf(f('contributors'), 'contributors', address),
    /** contributors × Q, row by row */
    sums: Array.from(unpackSums(getBytes(bytes(f('packedSums'), 'packedSums')))),
  }),
  EpochFinalized: (f: Fields) => ({ epoch: integer(f('epoch'), 'epoch') }),
  ReceiptPaid: (f: Fields) => ({
    epoch: integer(f('epoch'), 'epoch'),
    batch: integer(f('batch'), 'batch'),
    receipt: count(f('receipt'), 'receipt'),
    outputHash: bytes32(f('outputHash'), 'outputHash'),
    fee: integer(f('fee'), 'fee'),
    pool: integer(f('pool'), 'pool'),
  }),
  DistributionAdvanced: (f: Fields) => ({
    epoch: integer(f('epoch'), 'epoch'),
    batch: integer(f('batch'), 'batch'),
    soFar: progressOf(f('soFar')),
  }),
  BatchPaid: (f: Fields) => ({
    epoch: integer(f('epoch'), 'epoch'),
    batch: integer(f('batch'), 'batch'),
    dust: integer(f('dust'), 'dust'),
  }),
  Credited: (f: Fields) => ({
    account: address(f('account'), 'account'),
    epoch: integer(f('epoch'), 'epoch'),
    batch: integer(f('batch'), 'batch'),
    role: role(f('role')),
    amount: integer(f('amount'), 'amount'),
  }),
  Withdrawn: (f: Fields) => ({
    account: address(f('account'), 'account'),
    to: address(f('to'), 'to'),
    amount: integer(f('amount'), 'amount'),
  }),
  RefundsOpened: (f: Fields) => ({ epoch: integer(f('epoch'), 'epoch') }),
};

/** How far the distribution of a batch has come, as the contract wants it given again. */
export interface DistributionProgress {
  /** Whether all contributors are weighed. */
  readonly paying: boolean;
  /** The next shard of this pass. */
  readonly shard: bigint;
  /** Token units credited to contributors. */
  readonly given: bigint;
  readonly weights: readonly bigint[];
  /** The contributor whose slots may go on in the next shard, and its sums so far. */
  readonly account: string;
  readonly sums: readonly bigint[];
}

/** @throws MeedError when a field is missing or of the wrong kind */
export function progressOf(value: unknown): DistributionProgress {
  const [paying, shard, given, weights, account, sums] = listOf(value, 'soFar', (field) => field);
  return {
    paying: truth(paying, 'paying'),
    shard: integer(shard, 'shard'),
    given: integer(given, 'given'),
    weights: listOf(weights, 'weights', integer),
    account: address(account, 'account'),
    sums: listOf(sums, 'sums', integer),
  };
}

export type EventName = keyof typeof READERS;
export type ChainEvent<Name extends EventName> = ReturnType<(typeof READERS)[Name]> & Position;
/** All events of a deployment by name, each list in the order of the chain. */
export type ChainEvents = { readonly [Name in EventName]: readonly ChainEvent<Name>[] };

const EMITTERS: readonly ContractName[] = ['DatanetRegistry', 'IndexRegistry', 'ReceiptBook', 'EpochSettlement'];
/** Public nodes refuse wider ranges. */
const BLOCKS_A_QUERY = 10_000;

/**
 * Reads all events of a deployment.
 * @throws MeedError when an answer is malformed, out of order, or batches are missing from a closed epoch
 */
export async function readEvents(provider: JsonRpcProvider, deployment: Deployment): Promise<ChainEvents> {
  const decode = await logDecoder(deployment);
  const events = emptyEvents();
  let previous: Position = { blockNumber: 0, logIndex: -1, transactionHash: '' };
  const last = quantity(await provider.send('eth_blockNumber', []), 'eth_blockNumber');
  for (let from = deployment.fromBlock; from <= last; from += BLOCKS_A_QUERY) {
    const to = Math.min(from + BLOCKS_A_QUERY - 1, last);
    for (const log of await fetchLogs(provider, deployment, from, to)) {
      const position = positionOf(log, from, to);
      requireLater(position, previous);
      previous = position;
      const { name, fields } = decode(log);
      if (isEventName(name)) events[name].push({ ...READERS[name](fields), ...position });
      if (name === 'IndexAbandoned') forget(events, bytes32(fields('index'), 'index'));
      if (name === 'ContributorsCredited') {
        events.Credited.push(...contributorCredits(fields).map((credit) => ({ ...credit, ...position })));
      }
    }
  }
  const read = events as ChainEvents;
  requireWholeEpochs(read);
  return read;
}

/** An abandoned registration is as if it had never been begun: the same index may be registered otherwise. */
function forget(events: Record<EventName, unknown[]>, index: string): void {
  const others = (event: unknown): boolean => record(event, 'event').index !== index;
  for (const name of ['IndexRegistered', 'SlotsRegistered'] as const) events[name] = events[name].filter(others);
}

/** The contract tells the credits of many contributors in one event: 20 bytes of the account, 12 of the amount each. */
function contributorCredits(f: Fields): ReturnType<(typeof READERS)['Credited']>[] {
  const place = { epoch: integer(f('epoch'), 'epoch'), batch: integer(f('batch'), 'batch') };
  return listOf(f('credits'), 'credits', (entry, field) => {
    const word = bytes32(entry, field);
    const account = address(word.slice(0, 42), field);
    return { account, ...place, role: 'contributor' as const, amount: BigInt(`0x${word.slice(42)}`) };
  });
}

/** @throws MeedError when the batches shown for a closed epoch do not hash to its accumulator */
function requireWholeEpochs(events: ChainEvents): void {
  for (const closed of events.EpochClosed) {
    const batches = events.BatchPosted.filter(({ epoch }) => epoch === closed.epoch);
    if (batches.length === closed.batches && accumulate(batches) === closed.accumulator) continue;
    throw new MeedError(
      `The node shows ${batches.length} batches of epoch ${closed.epoch}, and they do not hash to its accumulator`,
      'Use another node: this one leaves out or changes logs',
    );
  }
}

async function fetchLogs(
  provider: JsonRpcProvider,
  deployment: Deployment,
  from: number,
  to: number,
): Promise<Record<string, unknown>[]> {
  const filter = {
    address: EMITTERS.map((name) => deployment.addresses[name]),
    fromBlock: `0x${from.toString(16)}`,
    toBlock: `0x${to.toString(16)}`,
  };
  return listOf(await provider.send('eth_getLogs', [filter]), 'eth_getLogs', record);
}

type Decoder = (log: Record<string, unknown>) => { readonly name: string; readonly fields: Fields };

async function logDecoder(deployment: Deployment): Promise<Decoder> {
  const compiled = await compileContracts();
  const byAddress = new Map(EMITTERS.map((name) => [deployment.addresses[name], readable(compiled[name].abi)]));
  return (log) => {
    const emitter = address(log.address, 'log.address');
    const [topic, ...topics] = listOf(log.topics, 'log.topics', bytes32);
    const data = bytes(log.data, 'log.data');
    const event = byAddress.get(emitter)?.get(topic ?? '');
    if (!event) {
      throw new MeedError(
        `The node answered with a log that no contract of ours emits (${emitter})`,
        'Use another node',
      );
    }
    try {
      const indexed = decodeExactly(event.indexed, `0x${topics.map((word) => word.slice(2)).join('')}`);
      const others = decodeExactly(event.others, data);
      const fields: Fields = (name) => (event.topics.has(name) ? indexed : others).getValue(name);
      return { name: event.name, fields };
    } catch (cause) {
      throw new MeedError(`The node answered with a malformed ${event.name} event`, 'Use another node', { cause });
    }
  };
}

/** @throws Error when the values' own encoding is another one */
function decodeExactly(types: readonly ParamType[], data: string): Result {
  const coder = AbiCoder.defaultAbiCoder();
  const values = coder.decode(types, data);
  if (coder.encode(types, values) !== data) throw new Error('not canonical');
  return values;
}

/** An event's parameters, sorted once: ethers would hash its signature again for every log. */
interface EmittedEvent {
  readonly name: string;
  readonly indexed: readonly ParamType[];
  readonly others: readonly ParamType[];
  /** Names of the indexed ones. */
  readonly topics: ReadonlySet<string>;
}

/**
 * The events by topic, with their texts as bytes, which are encoded alike: anybody can publish a text that is no UTF-8,
 * and one such log must not stop who reads the others. No event of ours has an indexed text, whose hash alone is logged.
 */
function readable(abi: InterfaceAbi): ReadonlyMap<string, EmittedEvent> {
  const events = new Map<string, EmittedEvent>();
  new Interface(abi).forEachEvent(({ name, inputs, topicHash }) => {
    const indexed = inputs.filter((input) => input.indexed === true);
    const others = inputs
      .filter((input) => input.indexed !== true)
      .map((input) => ParamType.from(input.format('full').replace(/^string/, 'bytes')));
    events.set(topicHash, { name, indexed, others, topics: new Set(indexed.map((input) => input.name)) });
  });
  return events;
}

function positionOf(log: Record<string, unknown>, from: number, to: number): Position {
  const blockNumber = quantity(log.blockNumber, 'log.blockNumber');
  if (log.removed === true || blockNumber < from || blockNumber > to) {
    throw new MeedError(
      `The node answered with a log of block ${blockNumber} that was not asked for`,
      'Use another node',
    );
  }
  return {
    blockNumber,
    logIndex: quantity(log.logIndex, 'log.logIndex'),
    transactionHash: bytes32(log.transactionHash, 'log.transactionHash'),
  };
}

function requireLater(position: Position, previous: Position): void {
  const later =
    position.blockNumber > previous.blockNumber ||
    (position.blockNumber === previous.blockNumber && position.logIndex > previous.logIndex);
  if (later) return;
  throw new MeedError(`The node's logs are out of order at block ${position.blockNumber}`, 'Use another node');
}

function role(value: unknown): Role {
  const found = ROLES[count(value, 'role')];
  if (found !== undefined) return found;
  throw new MeedError(`The node answered with the unknown role ${String(value)}`, 'Use another node');
}

function isEventName(name: string): name is EventName {
  return Object.hasOwn(READERS, name);
}

function emptyEvents(): Record<EventName, unknown[]> {
  return {
    DatasetPublished: [],
    ContributorApproved: [],
    ContributorRevoked: [],
    IndexRegistered: [],
    SlotsRegistered: [],
    IndexCompleted: [],
    IndexAbandoned: [],
    IndexDisabled: [],
    EpochOpened: [],
    PayerAdmitted: [],
    BatchPosted: [],
    EpochClosed: [],
    ShardSettled: [],
    EpochFinalized: [],
    ReceiptPaid: [],
    DistributionAdvanced: [],
    BatchPaid: [],
    Credited: [],
    Withdrawn: [],
    RefundsOpened: [],
  };
}
