/**
 * The strict decoder against ethers' own encoder, on random values of every shape that an event may have, and against
 * random damage: what it accepts is exactly what a contract would have written.
 */
import { DuckDBListValue, DuckDBStructValue, type DuckDBValue } from '@duckdb/node-api';
import { AbiCoder, ParamType, zeroPadValue } from 'ethers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { developmentAddress } from '../../../src/chain/account.js';
import type { CompiledContracts } from '../../../src/chain/compile.js';
import { compileContracts } from '../../../src/chain/index.js';
import { codecOf, MalformedEncoding, readAll, topicCodecOf, Words } from '../../../src/chain/indexer/abiColumns.js';
import { schemaOf } from '../../../src/chain/indexer/schema.js';

const coder = AbiCoder.defaultAbiCoder();

const decode = (types: readonly string[], data: string): DuckDBValue[] =>
  readAll(
    types.map((type) => codecOf(ParamType.from(type))),
    new Words(data.slice(2)),
  );

/** A column's value in the form that ethers encodes again. */
function plain(value: DuckDBValue): unknown {
  if (value instanceof DuckDBListValue) return value.items.map(plain);
  if (value instanceof DuckDBStructValue) return Object.values(value.entries).map(plain);
  return value;
}

const hex = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => `0x${Buffer.from(bytes).toString('hex')}`);
const uint = (bits: number) => fc.bigInt(0n, 2n ** BigInt(bits) - 1n);
const int = (bits: number) => fc.bigInt(-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n);
const BITS = [8, 16, 24, 32, 40, 64, 96, 120, 128, 136, 256];

type Typed = { readonly type: string; readonly value: unknown };
const leaf: fc.Arbitrary<Typed> = fc.oneof(
  ...BITS.map((bits) => uint(bits).map((value) => ({ type: `uint${bits}`, value }))),
  ...BITS.map((bits) => int(bits).map((value) => ({ type: `int${bits}`, value }))),
  ...[1, 4, 20, 32].map((length) => hex(length).map((value) => ({ type: `bytes${length}`, value }))),
  hex(20).map((value) => ({ type: 'address', value })),
  fc.boolean().map((value) => ({ type: 'bool', value })),
  fc.uint8Array({ maxLength: 70 }).map((b) => ({ type: 'bytes', value: `0x${Buffer.from(b).toString('hex')}` })),
  fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => ({ type: 'string', value })),
);
/** Lists of equal entries, pairs, and what is made of them. */
const typed: fc.Arbitrary<Typed> = fc.letrec<{ any: Typed }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.tuple(tie('any'), fc.nat(3)).map(([{ type, value }, n]) => ({ type: `${type}[]`, value: Array(n).fill(value) })),
    fc.tuple(tie('any'), fc.integer({ min: 1, max: 3 })).map(([{ type, value }, n]) => ({
      type: `${type}[${n}]`,
      value: Array(n).fill(value),
    })),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => ({
      type: `tuple(${a.type} a, ${b.type} b)`,
      value: [a.value, b.value],
    })),
  ),
})).any;
const event = fc.array(typed, { minLength: 1, maxLength: 4 });

const typesOf = (values: readonly Typed[]): string[] => values.map(({ type }) => type);
const encode = (values: readonly Typed[]): string =>
  coder.encode(
    typesOf(values),
    values.map(({ value }) => value),
  );

describe('a decoded event', () => {
  it('holds what was encoded, to the last bit', () => {
    fc.assert(
      fc.property(event, (values) => {
        const data = encode(values);
        const decoded = decode(typesOf(values), data);
        expect(coder.encode(typesOf(values), decoded.map(plain))).toBe(data);
      }),
      { numRuns: 400 },
    );
  });

  it('is refused when it was damaged, or is what the damaged bytes say', () => {
    let refused = 0;
    const property = fc.property(event, fc.nat(), fc.integer({ min: 1, max: 15 }), (values, at, change) => {
      fc.pre(!JSON.stringify(typesOf(values)).includes('string')); // text is shown, and need not encode again
      const digits = encode(values).slice(2);
      const place = at % digits.length;
      const digit = (Number.parseInt(digits[place], 16) ^ change).toString(16);
      const damaged = `0x${digits.slice(0, place)}${digit}${digits.slice(place + 1)}`;
      try {
        const decoded = decode(typesOf(values), damaged);
        expect(coder.encode(typesOf(values), decoded.map(plain))).toBe(damaged);
      } catch (error) {
        if (!(error instanceof MalformedEncoding)) throw error;
        refused++;
      }
    });
    fc.assert(property, { numRuns: 1500 });
    expect(refused).toBeGreaterThan(100);
  });

  it('is refused when it is cut short or goes on', () => {
    fc.assert(
      fc.property(event, (values) => {
        const data = encode(values);
        expect(() => decode(typesOf(values), `${data}${'0'.repeat(64)}`)).toThrow(MalformedEncoding);
        if (data.length > 2) expect(() => decode(typesOf(values), data.slice(0, -64))).toThrow(MalformedEncoding);
      }),
    );
  });

  it('asks for no memory that its data does not fill: lengths and offsets of 2^255', () => {
    const offset = (32).toString(16).padStart(64, '0');
    const huge = `8${'0'.repeat(63)}`;
    for (const type of ['uint256[]', 'bytes', 'string', 'string[]', 'tuple(uint8 a, bytes b)[]']) {
      expect(() => decode([type], `0x${offset}${huge}`)).toThrow(MalformedEncoding);
      expect(() => decode([type], `0x${huge}`)).toThrow(MalformedEncoding);
      expect(() => decode([type], `0x${offset}${'f'.repeat(64)}`)).toThrow(MalformedEncoding);
    }
  });

  it('shows text that is not UTF-8 with U+FFFD instead of stopping: a contract takes any bytes', () => {
    const data = coder.encode(['bytes'], ['0x61ff62']);
    expect(decode(['string'], data)).toEqual(['a\ufffdb']);
  });
});

it('reads an indexed value from its topic, and the hash of one that is longer than a word', () => {
  const read = (type: string, topic: string) => topicCodecOf(ParamType.from(type)).read(new Words(topic.slice(2)), 0);
  const account = developmentAddress(1).toLowerCase();
  expect(read('address', zeroPadValue(account, 32))).toBe(account);
  expect(() => read('address', `0x01${'0'.repeat(62)}`)).toThrow(MalformedEncoding);
  expect(read('string', `0x${'ab'.repeat(32)}`)).toBe(`0x${'ab'.repeat(32)}`);
  expect(read('int64', `0x${'f'.repeat(64)}`)).toBe(-1n);
});

describe('the tables', () => {
  const schemaFor = (contracts: CompiledContracts) => {
    const addresses = Object.fromEntries(Object.keys(contracts).map((name, i) => [name, developmentAddress(i)]));
    return schemaOf(contracts, { addresses });
  };

  it('are those of the ABIs: one for every event of every contract', async () => {
    const contracts = await compileContracts();
    const declared = Object.entries(contracts).flatMap(([contract, { abi }]) =>
      (abi as readonly { type: string; name: string }[])
        .filter((e) => e.type === 'event')
        .map((e) => `${contract}.${e.name}`),
    );
    const { tables } = schemaFor(contracts);
    expect(tables.map(({ contract, name }) => `${contract}.${name}`).sort()).toEqual(declared.sort());
    expect(tables.length).toBeGreaterThan(20);
  });

  it('of an event that a contract gains are made by declaring it; two of one name are told apart', async () => {
    const contracts = await compileContracts();
    const event = (name: string, type: string) => ({
      type: 'event',
      name,
      inputs: [{ name: 'value', type, indexed: false }],
    });
    const changed = {
      ...contracts,
      ReceiptBook: {
        ...contracts.ReceiptBook,
        abi: [event('New', 'uint8'), event('Twice', 'bool'), event('Twice', 'int8')],
      },
    };
    const names = schemaFor(changed)
      .tables.filter(({ contract }) => contract === 'ReceiptBook')
      .map(({ name }) => name);
    expect(names).toContain('New');
    expect(names.filter((name) => /^Twice_[0-9a-f]{8}$/.test(name))).toHaveLength(2);
    expect(schemaFor(changed).hash).not.toBe(schemaFor(contracts).hash);
  });

  it('refuse what they cannot hold: an anonymous event, two columns of one name', async () => {
    const contracts = await compileContracts();
    const withEvent = (entry: object) => ({ ...contracts, ReceiptBook: { ...contracts.ReceiptBook, abi: [entry] } });
    expect(() => schemaFor(withEvent({ type: 'event', name: 'A', anonymous: true, inputs: [] }))).toThrow(
      'is anonymous',
    );
    const inputs = ['x', 'X'].map((name) => ({ name, type: 'bool', indexed: false }));
    expect(() => schemaFor(withEvent({ type: 'event', name: 'B', inputs }))).toThrow(
      'Two columns of ReceiptBook.B are called x',
    );
  });
});
