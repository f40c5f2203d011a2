/**
 * The one byte string of structured data: what is hashed to name a job, kept in a store, and sent over Redis. Tagged
 * values in depth-first order, little-endian; keys sorted by code unit; every number is eight bytes of IEEE 754, so NaN,
 * the infinities and -0 survive. A value has exactly one encoding and the decoder takes no other, so equal bytes and
 * equal values are the same thing.
 *
 * A large typed array may be *detached*: its place holds its length and SHA-256, its bytes travel apart. So a data set
 * that a hundred jobs share is hashed, sent and kept once.
 *
 * The decoder's input may be hostile: lengths are checked against the bytes that are there before anything is
 * allocated, depth and number of values are bounded, `__proto__` is no key, and nothing is evaluated.
 */
import { MeedError } from '../foundation/index.js';
import { ARRAY_KINDS, arrayKind, type StructuredArray } from './value.js';

/** Arrays of at least this many bytes are detached. Fixed: job keys depend on it. */
export const DETACH_BYTES = 65_536;
const MOST_DEPTH = 64;
/** Values other than elements of typed arrays; more belong into a typed array. */
const MOST_VALUES = 2 ** 22;
const MOST_BYTES = 2 ** 31;
const HASH_BYTES = 32;

const TAG = { null: 0, false: 1, true: 2, number: 3, string: 4, list: 5, object: 6, array: 7, detached: 8 } as const;
const NAN_BITS = 0x7ff8000000000000n;

if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
  throw new MeedError('This machine is big-endian, Meed exchanges little-endian arrays', 'Use a little-endian machine');
}

/** Takes the bytes of a large array and returns their SHA-256. */
export type Detach = (bytes: Uint8Array) => Uint8Array;
/** Returns the bytes of a detached array by the hex of their SHA-256, or undefined when they are not there. */
export type Attach = (hash: string) => Uint8Array | undefined;

/** @throws MeedError when something in the value is no structured data, naming its place */
export function encode(value: unknown, options: { readonly detach?: Detach } = {}): Uint8Array {
  const writer = new Writer(encodedBytes(value, options), options.detach);
  writer.value(value);
  return writer.bytes;
}

/**
 * Bytes that `encode` would need; checks the whole value without encoding it.
 * @throws MeedError when something in the value is no structured data, naming its place
 */
export function encodedBytes(value: unknown, options: { readonly detach?: Detach } = {}): number {
  let values = 0;
  const measure = (part: unknown, place: string, depth: number): number => {
    if (++values > MOST_VALUES) refuse(place, `more than ${MOST_VALUES} values`, 'Put numbers into typed arrays');
    if (depth > MOST_DEPTH) refuse(place, `more than ${MOST_DEPTH} levels`, 'Flatten it');
    if (part === null || typeof part === 'boolean') return 1;
    if (typeof part === 'number') return 9;
    if (typeof part === 'string') return 5 + textBytes(part, place);
    if (typeof part !== 'object') refuse(place, `a ${typeof part}`);
    if (ArrayBuffer.isView(part)) {
      if (arrayKind(part) < 0) refuse(place, `a ${part.constructor.name}`);
      return 10 + (options.detach && part.byteLength >= DETACH_BYTES ? HASH_BYTES : part.byteLength);
    }
    let bytes = 5;
    if (Array.isArray(part)) {
      for (let i = 0; i < part.length; i++) bytes += measure(part[i], `${place}[${i}]`, depth + 1);
      return bytes;
    }
    const prototype: unknown = Object.getPrototypeOf(part);
    if (prototype !== null && prototype !== Object.prototype) {
      refuse(place, `an instance of ${(part as object).constructor?.name ?? 'a class'}`);
    }
    if (Object.getOwnPropertySymbols(part).length > 0) refuse(place, 'a symbol as key');
    for (const [key, entry] of entriesOf(part)) {
      if (key === '__proto__') refuse(place, 'the key "__proto__"');
      bytes += 4 + textBytes(key, place) + measure(entry, `${place}.${key}`, depth + 1);
    }
    return bytes;
  };
  const bytes = measure(value, 'value', 0);
  if (bytes > MOST_BYTES)
    refuse('value', `${bytes} bytes, more than ${MOST_BYTES}`, 'Split the work into smaller chunks');
  return bytes;
}

/** @throws MeedError when the bytes are not exactly one encoding */
export function decode(bytes: Uint8Array, attach?: Attach): unknown {
  if (bytes.byteLength > MOST_BYTES) malformed(0, `${bytes.byteLength} bytes, more than ${MOST_BYTES}`);
  const reader = new Reader(bytes, attach);
  const value = reader.value(0);
  if (reader.at !== bytes.byteLength) malformed(reader.at, 'bytes after the end');
  return value;
}

function refuse(place: string, found: string, remedy = 'Give tasks JSON values and typed arrays only'): never {
  throw new MeedError(`A task's ${place} holds ${found}, which cannot be sent`, remedy);
}

function malformed(at: number, found: string): never {
  throw new MeedError(`Encoded data is malformed at byte ${at}: ${found}`, 'Make it again; it was damaged or forged');
}

function entriesOf(value: object): [string, unknown][] {
  return Object.entries(value)
    .filter(([, entry]) => entry !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textBytes(text: string, place: string): number {
  // an unpaired surrogate has no UTF-8 and would come back as another text
  if (/\p{Surrogate}/u.test(text)) refuse(place, 'a text with an unpaired surrogate');
  return Buffer.byteLength(text, 'utf8');
}

class Writer {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #detach?: Detach;
  #at = 0;

  constructor(size: number, detach?: Detach) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
    this.#detach = detach;
  }

  value(value: unknown): void {
    if (value === null) this.#byte(TAG.null);
    else if (typeof value === 'boolean') this.#byte(value ? TAG.true : TAG.false);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'string') {
      this.#byte(TAG.string);
      this.#text(value);
    } else if (ArrayBuffer.isView(value)) this.#array(value as StructuredArray);
    else if (Array.isArray(value)) {
      this.#byte(TAG.list);
      this.#count(value.length);
      for (let i = 0; i < value.length; i++) this.value(value[i]);
    } else {
      const entries = entriesOf(value as object);
      this.#byte(TAG.object);
      this.#count(entries.length);
      for (const [key, entry] of entries) {
        this.#text(key);
        this.value(entry);
      }
    }
  }

  #byte(byte: number): void {
    this.#view.setUint8(this.#at, byte);
    this.#at += 1;
  }

  #count(count: number): void {
    this.#view.setUint32(this.#at, count, true);
    this.#at += 4;
  }

  #number(value: number): void {
    this.#byte(TAG.number);
    if (Number.isNaN(value)) this.#view.setBigUint64(this.#at, NAN_BITS, true);
    else this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  #text(text: string): void {
    const { written } = ENCODER.encodeInto(text, this.bytes.subarray(this.#at + 4));
    this.#count(written);
    this.#at += written;
  }

  #array(array: StructuredArray): void {
    const detach = array.byteLength >= DETACH_BYTES ? this.#detach : undefined;
    this.#byte(detach ? TAG.detached : TAG.array);
    this.#byte(arrayKind(array));
    this.#view.setBigUint64(this.#at, BigInt(array.byteLength), true);
    this.#at += 8;
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    const written = detach ? detach(bytes) : bytes;
    this.bytes.set(written, this.#at);
    this.#at += written.byteLength;
  }
}

class Reader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #attach?: Attach;
  #values = 0;

  constructor(bytes: Uint8Array, attach?: Attach) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#attach = attach;
  }

  value(depth: number): unknown {
    if (depth > MOST_DEPTH) malformed(this.at, `more than ${MOST_DEPTH} levels`);
    if (++this.#values > MOST_VALUES) malformed(this.at, `more than ${MOST_VALUES} values`);
    const begun = this.at;
    const tag = this.#bytes[this.#take(1)];
    switch (tag) {
      case TAG.null:
        return null;
      case TAG.false:
        return false;
      case TAG.true:
        return true;
      case TAG.number:
        return this.#number();
      case TAG.string:
        return this.#text();
      case TAG.list:
        // an element takes a byte at least, so a larger claim is false
        return Array.from({ length: this.#count(1) }, () => this.value(depth + 1));
      case TAG.object:
        return this.#object(depth);
      case TAG.array:
      case TAG.detached:
        return this.#array(tag === TAG.detached);
      default:
        return malformed(begun, `the unknown tag ${tag}`);
    }
  }

  /** Moves past `count` bytes and returns where they begin. */
  #take(count: number): number {
    const begun = this.at;
    if (count > this.#bytes.byteLength - begun) {
      malformed(begun, `${count} bytes announced, ${this.#bytes.byteLength - begun} there`);
    }
    this.at += count;
    return begun;
  }

  #count(leastBytesEach: number): number {
    const begun = this.#take(4);
    const count = this.#view.getUint32(begun, true);
    if (count * leastBytesEach > this.#bytes.byteLength - this.at || count > MOST_VALUES) {
      malformed(begun, `${count} entries announced, ${this.#bytes.byteLength - this.at} bytes there`);
    }
    return count;
  }

  #number(): number {
    const begun = this.#take(8);
    const value = this.#view.getFloat64(begun, true);
    if (Number.isNaN(value) && this.#view.getBigUint64(begun, true) !== NAN_BITS) malformed(begun, 'a second NaN');
    return value;
  }

  #text(): string {
    const begun = this.#take(4);
    const length = this.#view.getUint32(begun, true);
    const start = this.#take(length);
    try {
      return DECODER.decode(this.#bytes.subarray(start, start + length));
    } catch {
      return malformed(start, 'a text that is not UTF-8');
    }
  }

  #object(depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    let previous: string | undefined;
    for (let left = this.#count(5); left > 0; left--) {
      const begun = this.at;
      const key = this.#text();
      if (key === '__proto__') malformed(begun, 'the key "__proto__"');
      if (previous !== undefined && !(previous < key)) malformed(begun, 'keys out of order');
      previous = key;
      object[key] = this.value(depth + 1);
    }
    return object;
  }

  #array(detached: boolean): StructuredArray {
    const begun = this.#take(1);
    const kind = ARRAY_KINDS[this.#bytes[begun]];
    if (!kind) malformed(begun, `the unknown kind of array ${this.#bytes[begun]}`);
    const lengthAt = this.#take(8);
    const length = Number(this.#view.getBigUint64(lengthAt, true));
    if (length % kind.of.BYTES_PER_ELEMENT !== 0) malformed(lengthAt, `${length} bytes of ${kind.name}`);
    if (detached && length < DETACH_BYTES) malformed(lengthAt, `an array of ${length} bytes apart`);
    const start = this.#take(detached ? HASH_BYTES : length);
    const here = this.#bytes.subarray(start, this.at);
    const bytes = detached ? this.#attached(start, here, length) : here;
    const copy = new Uint8Array(length);
    copy.set(bytes);
    return new kind.of(copy.buffer);
  }

  #attached(at: number, hash: Uint8Array, length: number): Uint8Array {
    const hex = Buffer.from(hash).toString('hex');
    const bytes = this.#attach?.(hex);
    if (!bytes) malformed(at, `the bytes of array ${hex} are not there`);
    if (bytes.byteLength !== length) malformed(at, `array ${hex} has ${bytes.byteLength} bytes, not ${length}`);
    return bytes;
  }
}
