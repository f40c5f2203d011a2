/**
 * Ranges of blocks from a node, each checked before it is believed. A log is taken only if one of our contracts emits such
 * an event, it is encoded as that contract encodes it, it stands in order, and its block is the one that the node shows
 * at that height; anything else refuses the answer with a sentence.
 * The trap: between two questions the chain may move, and a block without logs leaves no trace of that. So the range's
 * end and the block below its beginning are looked at around the question for logs, and by their hashes both must have
 * been there all along; otherwise the range is read again.
 * A range is as long as the node allows: refused, it is halved; below its number of logs, it grows.
 */
import type { DuckDBValue } from '@duckdb/node-api';
import { MeedError } from '../../foundation/index.js';
import { bytes, bytes32, listOf, quantity, record } from '../values.js';
import { MalformedEncoding } from './abiColumns.js';
import { type Call, NodeRefusal, type Rpc } from './rpc.js';
import type { EventTable, Schema } from './schema.js';
import type { BlockId, EventBlock, Range } from './store.js';

/** What a node without limits is asked for; public ones take 10,000 blocks and less. */
export const MOST_BLOCKS = 10_000;
/** A range is cut so as to hold about so many logs: enough to write at once, few enough to hold. */
const LOGS_A_RANGE = 10_000;
/** So many blocks below the chain's head every hash is remembered, so that a reorganisation costs only what it changed. */
const DENSE_BLOCKS = 64;

/** The chain is no longer the one that was read. */
export class ChainMoved extends Error {}

export interface CheckedRange extends Range {
  readonly from: number;
  readonly end: BlockId;
  readonly events: number;
}

export class RangeReader {
  readonly #rpc: Rpc;
  readonly #schema: Schema;
  readonly #most: number;
  #span: number;

  constructor(rpc: Rpc, schema: Schema, mostBlocks = MOST_BLOCKS) {
    this.#rpc = rpc;
    this.#schema = schema;
    this.#most = mostBlocks;
    this.#span = mostBlocks;
  }

  /** Number of the chain's last block. */
  async head(): Promise<number> {
    return quantity(await this.#rpc.call('eth_blockNumber', []), 'eth_blockNumber');
  }

  /** The block at a height, or undefined when the chain is shorter. */
  async block(number: number): Promise<EventBlock | undefined> {
    return headerOf(await this.#rpc.call('eth_getBlockByNumber', [hex(number), false]), number);
  }

  /**
   * The next range above a block that was read, at most up to `head`.
   * @throws ChainMoved when that block is not in the chain, or the chain changed meanwhile
   * @throws MeedError when the node refuses even a single block, or answers what cannot be
   */
  async after(below: BlockId, head: number): Promise<CheckedRange> {
    const from = below.number + 1;
    for (;;) {
      const to = Math.min(from + this.#span - 1, head);
      const end = await this.block(to);
      if (!end) throw new ChainMoved(`block ${to} is gone`);
      const logs = await this.#logs(from, to, end);
      if (logs === undefined) continue;
      const numbers = [...new Set(logs.map(({ blockNumber }) => blockNumber))];
      const seen = await this.#headers(below, numbers, Math.max(from, Math.min(to, head - DENSE_BLOCKS)), end);
      for (const { blockNumber, blockHash } of logs) {
        if (seen.get(blockNumber)?.hash !== blockHash) throw new ChainMoved(`block ${blockNumber} was replaced`);
      }
      this.#adapt(to - from + 1, logs.length);
      const blocks = numbers.map((number) => known(seen, number));
      const anchors = [...seen.values()].filter(({ number }) => number >= from).sort((a, b) => a.number - b.number);
      return { from, end, events: logs.length, rows: columnsOf(logs), blocks, anchors };
    }
  }

  /** Undefined when the node wants a shorter range, which `#span` then is. */
  async #logs(from: number, to: number, end: BlockId): Promise<Log[] | undefined> {
    const place = from === to ? { blockHash: end.hash } : { fromBlock: hex(from), toBlock: hex(to) };
    try {
      const answer = await this.#rpc.call('eth_getLogs', [{ address: this.#schema.emitters, ...place }]);
      return readLogs(answer, this.#schema, from, to);
    } catch (error) {
      if (!(error instanceof NodeRefusal)) throw error;
      if (from === to) {
        // asked for by its hash: a node that does not know the block any more refuses too
        if ((await this.block(to))?.hash !== end.hash) throw new ChainMoved(`block ${to} was replaced`);
        throw new MeedError(
          `The node refuses the logs of the single block ${from}: ${error.message}`,
          'Use another node',
          { cause: error },
        );
      }
      this.#span = Math.ceil((to - from + 1) / 2);
      return undefined;
    }
  }

  /**
   * The blocks named, those from `dense` on, and the end, by number.
   * @throws ChainMoved when the block below or the end are no longer what they were
   */
  async #headers(
    below: BlockId,
    numbers: readonly number[],
    dense: number,
    end: BlockId,
  ): Promise<ReadonlyMap<number, EventBlock>> {
    const wanted = new Set([below.number, ...numbers]);
    for (let number = dense; number <= end.number; number++) wanted.add(number);
    const list = [...wanted];
    const calls: Call[] = list.map((number) => ({ method: 'eth_getBlockByNumber', params: [hex(number), false] }));
    const answers = await this.#rpc.all(calls);
    const seen = new Map<number, EventBlock>();
    for (const [i, number] of list.entries()) {
      const block = headerOf(answers[i], number);
      if (block) seen.set(number, block);
    }
    for (const { number, hash } of [below, end]) {
      if (seen.get(number)?.hash !== hash) throw new ChainMoved(`block ${number} was replaced`);
    }
    return seen;
  }

  #adapt(blocks: number, logs: number): void {
    const fits = logs === 0 ? this.#most : Math.floor((blocks * LOGS_A_RANGE) / logs);
    this.#span = Math.max(1, Math.min(this.#most, 2 * Math.max(this.#span, blocks), fits));
  }
}

interface Log {
  readonly table: EventTable;
  readonly values: readonly DuckDBValue[];
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly logIndex: number;
  readonly transactionHash: string;
}

function readLogs(answer: unknown, schema: Schema, from: number, to: number): Log[] {
  let previous = { blockNumber: -1, logIndex: -1 };
  return listOf(answer, 'eth_getLogs', (entry, field) => {
    const log = readLog(record(entry, field), schema);
    if (log.blockNumber < from || log.blockNumber > to) {
      throw new MeedError(
        `The node answered with a log of block ${log.blockNumber}, asked for blocks ${from} to ${to}`,
        'Use another node',
      );
    }
    const later =
      log.blockNumber > previous.blockNumber ||
      (log.blockNumber === previous.blockNumber && log.logIndex > previous.logIndex);
    if (!later) {
      throw new MeedError(
        `The node's logs are out of order or doubled at block ${log.blockNumber}, log ${log.logIndex}`,
        'Use another node',
      );
    }
    previous = log;
    return log;
  });
}

function readLog(log: Readonly<Record<string, unknown>>, schema: Schema): Log {
  const emitter = bytes(log.address, 'log.address');
  const topics = listOf(log.topics, 'log.topics', bytes32);
  const data = bytes(log.data, 'log.data');
  const blockNumber = quantity(log.blockNumber, 'log.blockNumber');
  if (log.removed === true) {
    throw new MeedError(`The node answered with a removed log of block ${blockNumber}`, 'Use another node');
  }
  const table = schema.find(emitter, topics[0] ?? '');
  if (!table) {
    throw new MeedError(
      `The node answered with a log that no contract of ours emits: address ${emitter}, topic ${topics[0] ?? 'none'}`,
      'Use another node, or the version of Meed that deployed the contracts',
    );
  }
  return {
    table,
    values: valuesOf(table, topics, data, blockNumber),
    blockNumber,
    blockHash: bytes32(log.blockHash, 'log.blockHash'),
    logIndex: quantity(log.logIndex, 'log.logIndex'),
    transactionHash: bytes32(log.transactionHash, 'log.transactionHash'),
  };
}

function valuesOf(table: EventTable, topics: readonly string[], data: string, blockNumber: number): DuckDBValue[] {
  try {
    return table.decode(topics, data);
  } catch (cause) {
    if (!(cause instanceof MalformedEncoding)) throw cause;
    throw new MeedError(
      `The node answered with a malformed ${table.contract}.${table.name} event in block ${blockNumber}: ${cause.message}`,
      'Use another node',
      { cause },
    );
  }
}

function columnsOf(logs: readonly Log[]): Map<EventTable, DuckDBValue[][]> {
  const rows = new Map<EventTable, DuckDBValue[][]>();
  for (const { table, blockNumber, logIndex, transactionHash, values } of logs) {
    const columns = rows.get(table) ?? table.columns.map(() => []);
    rows.set(table, columns);
    columns[0].push(BigInt(blockNumber));
    columns[1].push(logIndex);
    columns[2].push(transactionHash);
    for (const [i, value] of values.entries()) columns[3 + i].push(value);
  }
  return rows;
}

/** @throws MeedError when what is there is no block of this number */
function headerOf(answer: unknown, number: number): EventBlock | undefined {
  if (answer === null || answer === undefined) return undefined;
  const block = record(answer, 'eth_getBlockByNumber');
  if (quantity(block.number, 'block.number') !== number) {
    throw new MeedError(`The node answered with another block than ${number}`, 'Use another node');
  }
  return { number, hash: bytes32(block.hash, 'block.hash'), time: quantity(block.timestamp, 'block.timestamp') };
}

function known(seen: ReadonlyMap<number, EventBlock>, number: number): EventBlock {
  const block = seen.get(number);
  if (block) return block;
  throw new ChainMoved(`block ${number} is gone`);
}

function hex(number: number): string {
  return `0x${number.toString(16)}`;
}
