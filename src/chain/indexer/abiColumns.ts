/**
 * How one value of the ABI becomes one value of a column: its DuckDB type and a strict reader of its encoding.
 * Integers of up to 128 bits are integers, wider ones decimal text: nothing is rounded, and DuckDB's own wide type ends
 * the process when it is summed (1.5.6). Addresses and bytes are 0x hex in lower case. Text that is not UTF-8 shows
 * U+FFFD, because a contract takes any bytes for a string and one such event must not stop the reader.
 * Why not ethers: it decodes 4,500 events a second on one core, and accepts encodings that no contract makes. Here every
 * tail must lie directly behind the one before it, so equal values have equal bytes, and a length can never ask for
 * more than was received.
 * Source: Solidity's contract ABI specification, "Formal Specification of the Encoding".
 */
import {
  BIGINT,
  BOOLEAN,
  type DuckDBType,
  type DuckDBValue,
  HUGEINT,
  INTEGER,
  LIST,
  listValue,
  SMALLINT,
  STRUCT,
  structValue,
  TINYINT,
  UBIGINT,
  UHUGEINT,
  UINTEGER,
  USMALLINT,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api';
import type { ParamType } from 'ethers';
import { MeedError } from '../../foundation/index.js';

/** Hex digits of a 32-byte word. */
const WORD = 64;
const WORD_BYTES = 32;

/** What an encoding may not be; the caller says whose it was. */
export class MalformedEncoding extends Error {}

/** Encoded data, without 0x, and how far it was read. */
export class Words {
  readonly hex: string;
  /** Word behind the last one that was read. */
  end = 0;

  constructor(hex: string) {
    this.hex = hex;
  }

  get count(): number {
    return this.hex.length / WORD;
  }

  at(word: number): string {
    const from = word * WORD;
    if (from + WORD > this.hex.length) throw new MalformedEncoding('it ends early');
    this.end = word + 1;
    return this.hex.slice(from, from + WORD);
  }

  /** A length or an offset. */
  size(word: number): number {
    const value = small(this.at(word), 12);
    if (value > this.hex.length / 2) throw new MalformedEncoding('a length exceeds the data');
    return value;
  }
}

export interface Codec {
  readonly type: DuckDBType;
  /** Words of its head when it is static; undefined when it is dynamic. */
  readonly words: number | undefined;
  /** Reads the value at a word and leaves `end` behind it. */
  read(words: Words, at: number): DuckDBValue;
}

/** @throws MeedError for a type that no contract of ours uses in an event */
export function codecOf(param: ParamType): Codec {
  if (param.isArray()) return arrayCodec(codecOf(param.arrayChildren), param.arrayLength ?? -1);
  if (param.isTuple()) return tupleCodec(param.components);
  const integer = /^(u?)int([0-9]+)$/.exec(param.type);
  if (integer) return integer[1] === 'u' ? unsigned(Number(integer[2])) : signed(Number(integer[2]));
  const fixed = /^bytes([0-9]+)$/.exec(param.type);
  if (fixed) return fixedBytes(Number(fixed[1]));
  const found = PLAIN[param.type];
  if (found) return found;
  throw new MeedError(
    `An event has a field of type ${param.type}, which has no column`,
    'Add its codec to the indexer',
  );
}

/** An indexed field: a static value stands in its topic, of any other only the hash does. */
export function topicCodecOf(param: ParamType): Codec {
  const hashed = param.isArray() || param.isTuple() || param.type === 'string' || param.type === 'bytes';
  return hashed ? fixedBytes(WORD_BYTES) : codecOf(param);
}

/** Reads several values that were encoded together, as an event's data is; everything must be used. */
export function readAll(codecs: readonly Codec[], words: Words): DuckDBValue[] {
  const values = readSequence(codecs, words, 0);
  if (words.end * WORD !== words.hex.length) throw new MalformedEncoding('it goes on behind its end');
  return values;
}

/** Heads first, each tail directly behind the one before it. */
function readSequence(codecs: readonly Codec[], words: Words, base: number): DuckDBValue[] {
  const values: DuckDBValue[] = [];
  let head = base;
  let tail = base;
  for (const codec of codecs) tail += codec.words ?? 1;
  for (const codec of codecs) {
    if (codec.words === undefined) {
      if (words.size(head) !== (tail - base) * WORD_BYTES) throw new MalformedEncoding('an offset leads astray');
      values.push(codec.read(words, tail));
      tail = words.end;
      head += 1;
    } else {
      values.push(codec.read(words, head));
      head += codec.words;
    }
  }
  words.end = tail;
  return values;
}

function staticCodec(type: DuckDBType, parse: (word: string) => DuckDBValue): Codec {
  return { type, words: 1, read: (words, at) => parse(words.at(at)) };
}

function unsigned(bits: number): Codec {
  const digits = bits / 4;
  const big = (word: string): bigint => BigInt(`0x${padded(word, digits)}`);
  if (bits <= 8) return staticCodec(UTINYINT, (word) => small(word, digits));
  if (bits <= 16) return staticCodec(USMALLINT, (word) => small(word, digits));
  if (bits <= 32) return staticCodec(UINTEGER, (word) => small(word, digits));
  if (bits <= 64) return staticCodec(UBIGINT, big);
  if (bits < 128) return staticCodec(HUGEINT, big); // sums of it stay integers, of UHUGEINT they do not
  if (bits === 128) return staticCodec(UHUGEINT, big);
  return staticCodec(VARCHAR, (word) => decimal(padded(word, digits)));
}

function signed(bits: number): Codec {
  const digits = bits / 4;
  const big = (word: string): bigint => twosComplement(word, bits, digits);
  const plain = (word: string): number => Number(big(word));
  if (bits <= 8) return staticCodec(TINYINT, plain);
  if (bits <= 16) return staticCodec(SMALLINT, plain);
  if (bits <= 32) return staticCodec(INTEGER, plain);
  if (bits <= 64) return staticCodec(BIGINT, big);
  if (bits <= 128) return staticCodec(HUGEINT, big);
  return staticCodec(VARCHAR, (word) => String(big(word)));
}

function fixedBytes(length: number): Codec {
  const digits = 2 * length;
  const padding = '0'.repeat(WORD - digits);
  return staticCodec(VARCHAR, (word) => {
    if (word.slice(digits) !== padding) throw new MalformedEncoding('its padding is not zero');
    return `0x${word.slice(0, digits)}`;
  });
}

const ADDRESS_DIGITS = 40;

const PLAIN: Readonly<Record<string, Codec>> = {
  address: staticCodec(VARCHAR, (word) => `0x${padded(word, ADDRESS_DIGITS)}`),
  bool: staticCodec(BOOLEAN, (word) => {
    const value = small(word, 12);
    if (value > 1) throw new MalformedEncoding('a truth value is neither 0 nor 1');
    return value === 1;
  }),
  bytes: { type: VARCHAR, words: undefined, read: (words, at) => `0x${readBytes(words, at)}` },
  string: {
    type: VARCHAR,
    words: undefined,
    read: (words, at) => Buffer.from(readBytes(words, at), 'hex').toString('utf8'),
  },
};

function readBytes(words: Words, at: number): string {
  const length = words.size(at);
  const whole = Math.ceil(length / WORD_BYTES);
  if (at + 1 + whole > words.count) throw new MalformedEncoding('it ends early');
  const from = (at + 1) * WORD;
  const until = from + 2 * length;
  words.end = at + 1 + whole;
  if (/[^0]/.test(words.hex.slice(until, words.end * WORD))) throw new MalformedEncoding('its padding is not zero');
  return words.hex.slice(from, until);
}

/** @param fixed number of entries, −1 when the data says it */
function arrayCodec(entry: Codec, fixed: number): Codec {
  const type = LIST(entry.type);
  const read = (words: Words, at: number): DuckDBValue => {
    const length = fixed < 0 ? words.size(at) : fixed;
    const base = fixed < 0 ? at + 1 : at;
    if (base + length * (entry.words ?? 1) > words.count) throw new MalformedEncoding('it ends early');
    words.end = base;
    if (entry.words === undefined) return listValue(readSequence(Array<Codec>(length).fill(entry), words, base));
    const items = new Array<DuckDBValue>(length);
    for (let i = 0; i < length; i++) items[i] = entry.read(words, base + i * entry.words);
    words.end = base + length * entry.words;
    return listValue(items);
  };
  const isStatic = fixed >= 0 && entry.words !== undefined;
  return { type, words: isStatic ? fixed * (entry.words ?? 0) : undefined, read };
}

function tupleCodec(components: readonly ParamType[]): Codec {
  const codecs = components.map(codecOf);
  const names = components.map(({ name }, i) => name || `field${i}`);
  const heads = codecs.map(({ words }) => words);
  return {
    type: STRUCT(Object.fromEntries(codecs.map(({ type }, i) => [names[i], type]))),
    words: heads.reduce<number | undefined>(
      (sum, w) => (sum === undefined || w === undefined ? undefined : sum + w),
      0,
    ),
    read: (words, at) => {
      const values = readSequence(codecs, words, at);
      return structValue(Object.fromEntries(values.map((value, i) => [names[i], value])));
    },
  };
}

/** The last digits of a word whose others are zero. */
function padded(word: string, digits: number): string {
  const cut = WORD - digits;
  for (let i = 0; i < cut; i++) if (word.charCodeAt(i) !== 48) throw new MalformedEncoding('its padding is not zero');
  return word.slice(cut);
}

/** At most 12 digits, so that a number holds it. */
function small(word: string, digits: number): number {
  return Number.parseInt(padded(word, digits), 16);
}

function decimal(hex: string): string {
  return BigInt(`0x${hex}`).toString();
}

function twosComplement(word: string, bits: number, digits: number): bigint {
  const cut = WORD - digits;
  const negative = Number.parseInt(word[cut], 16) >= 8;
  const sign = negative ? 102 : 48; // 'f' and '0'
  for (let i = 0; i < cut; i++)
    if (word.charCodeAt(i) !== sign) throw new MalformedEncoding('its sign does not extend');
  return BigInt.asIntN(bits, BigInt(`0x${word.slice(cut)}`));
}
