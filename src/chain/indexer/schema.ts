/**
 * Which tables there are: one for every event that the ABIs of the deployed contracts declare, named
 * "Contract"."Event", with a column for every field. Nothing here knows an event by name, so an event of a new contract
 * becomes a table by being declared.
 * The trap: a store made for other ABIs holds other columns; the schema's hash is kept in the store and compared.
 */
import { BIGINT, type DuckDBType, type DuckDBValue, INTEGER, VARCHAR } from '@duckdb/node-api';
import { type EventFragment, Interface } from 'ethers';
import { MeedError, sha256Json } from '../../foundation/index.js';
import type { CompiledContract } from '../compile.js';
import { type Codec, codecOf, MalformedEncoding, readAll, topicCodecOf, Words } from './abiColumns.js';

export interface Column {
  readonly name: string;
  readonly type: DuckDBType;
}

/** Where every event stands; before its own fields. */
const POSITION: readonly Column[] = [
  { name: 'block_number', type: BIGINT },
  { name: 'log_index', type: INTEGER },
  { name: 'transaction_hash', type: VARCHAR },
];

export interface EventTable {
  readonly contract: string;
  readonly name: string;
  readonly columns: readonly Column[];
  /**
   * The event's own fields, in the order of their columns.
   * @param topics lower-case 0x hex, the first names the event. @param data lower-case 0x hex
   * @throws MalformedEncoding when they are not exactly what the contract would have written
   */
  decode(topics: readonly string[], data: string): DuckDBValue[];
}

export interface Schema {
  readonly tables: readonly EventTable[];
  /** Lower-case addresses whose logs are read. */
  readonly emitters: readonly string[];
  /** SHA-256 over contracts, addresses, tables, columns and types. */
  readonly hash: string;
  /** The table of a log, or undefined when no contract of the deployment emits it. */
  find(address: string, topic: string): EventTable | undefined;
}

/** By name. */
type Contracts = Readonly<Record<string, Pick<CompiledContract, 'abi'> | undefined>>;
type Addresses = Readonly<Record<string, string>>;

/** @throws MeedError when an event cannot have a table, or an address is of no contract that was compiled */
export function schemaOf(contracts: Contracts, { addresses }: { readonly addresses: Addresses }): Schema {
  const byLog = new Map<string, EventTable>();
  const tables: EventTable[] = [];
  const emitters: string[] = [];
  for (const [contract, address] of Object.entries(addresses).sort(byName)) {
    const compiled = contracts[contract];
    if (compiled === undefined)
      throw new MeedError(`There is no contract ${contract}`, 'Use the version that deployed it');
    const events = eventsOf(compiled.abi);
    if (events.length > 0) emitters.push(address.toLowerCase());
    for (const event of events) {
      const overloaded = events.filter(({ name }) => name === event.name).length > 1;
      const table = tableOf(contract, event, overloaded ? `${event.name}_${event.topicHash.slice(2, 10)}` : event.name);
      tables.push(table);
      byLog.set(`${address.toLowerCase()} ${event.topicHash}`, table);
    }
  }
  const described = tables.map(({ contract, name, columns }) => ({ contract, name, columns: columns.map(declared) }));
  return {
    tables,
    emitters,
    hash: sha256Json({ emitters, tables: described }),
    find: (address, topic) => byLog.get(`${address} ${topic}`),
  };
}

export function declared({ name, type }: Column): string {
  return `${identifier(name)} ${type}`;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function tableName({ contract, name }: EventTable): string {
  return `${identifier(contract)}.${identifier(name)}`;
}

function byName([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}

function eventsOf(abi: CompiledContract['abi']): EventFragment[] {
  const events: EventFragment[] = [];
  new Interface(abi).forEachEvent((event) => events.push(event));
  return events.sort((a, b) => (a.topicHash < b.topicHash ? -1 : 1));
}

function tableOf(contract: string, event: EventFragment, name: string): EventTable {
  if (event.anonymous) {
    throw new MeedError(`${contract}.${event.name} is anonymous, so its logs name no table`, 'Give the event a name');
  }
  const fields = event.inputs.map((input, i) => ({
    name: input.name || `field${i}`,
    indexed: input.indexed === true,
    codec: input.indexed ? topicCodecOf(input) : codecOf(input),
  }));
  const columns = [...POSITION, ...fields.map(({ name: field, codec }) => ({ name: field, type: codec.type }))];
  requireDistinct(contract, name, columns);
  const topicCodecs = fields.filter(({ indexed }) => indexed).map(({ codec }) => codec);
  const dataCodecs = fields.filter(({ indexed }) => !indexed).map(({ codec }) => codec);
  return {
    contract,
    name,
    columns,
    decode: (topics, data) => {
      if (topics.length !== topicCodecs.length + 1) throw new MalformedEncoding('it has a wrong number of topics');
      const indexed = topicCodecs.map((codec: Codec, i) => codec.read(new Words(topics[i + 1].slice(2)), 0));
      const others = readAll(dataCodecs, new Words(data.slice(2)));
      return fields.map((field) => (field.indexed ? indexed : others).shift() ?? null);
    },
  };
}

/** DuckDB's names do not tell capital letters from small ones. */
function requireDistinct(contract: string, table: string, columns: readonly Column[]): void {
  const names = columns.map(({ name }) => name.toLowerCase());
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new MeedError(`Two columns of ${contract}.${table} are called ${twice}`, 'Rename the field of the event');
}
