/** One value, one encoding; and nothing but an encoding is decoded. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeedError } from '../../src/foundation/index.js';
import { DETACH_BYTES, decode, encode, encodedBytes } from '../../src/work/codec.js';
import { InputEncoder, jobKey } from '../../src/work/jobKey.js';
import { decodeResult, encodeResult } from '../../src/work/result.js';

const text = fc.string({ unit: 'grapheme' });
const array = fc.oneof(
  fc.uint8Array(),
  fc.int8Array(),
  fc.uint16Array(),
  fc.int16Array(),
  fc.uint32Array(),
  fc.int32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    text,
    array,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      text.filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
}));

describe('the encoding', () => {
  it('gives back what it was given, bit by bit', () => {
    fc.assert(
      fc.property(value, (given) => {
        const bytes = encode(given);
        expect(bytes.byteLength).toBe(encodedBytes(given));
        const back = decode(bytes);
        expect(back).toEqual(given);
        expect(encode(back)).toEqual(bytes);
      }),
    );
  });

  it('tells -0 from 0 and keeps NaN, the infinities and views into larger buffers', () => {
    const given = {
      zeros: [0, -0],
      odd: [Number.NaN, Number.POSITIVE_INFINITY],
      view: new Float32Array(8).subarray(3, 5),
    };
    const back = decode(encode(given)) as typeof given;
    expect(Object.is(back.zeros[1], -0)).toBe(true);
    expect(back.odd).toEqual(given.odd);
    expect(back.view).toEqual(new Float32Array(2));
  });

  it('does not depend on the order of keys, nor on absent against undefined', () => {
    expect(encode({ b: 1, a: [2] })).toEqual(encode({ a: [2], c: undefined, b: 1 }));
    expect(encode({ b: 1 })).not.toEqual(encode({ b: '1' }));
    expect(encode([Float32Array.of(1)])).not.toEqual(encode([Int32Array.of(0x3f800000)]));
  });

  it('takes no bytes but an encoding: what it decodes, it encodes to the same bytes', () => {
    const mutated = fc.tuple(value, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }));
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      mutated.map(([given, changes]) => {
        const bytes = encode(given);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return bytes;
      }),
      fc.tuple(value, fc.nat()).map(([given, cut]) => {
        const bytes = encode(given);
        return bytes.subarray(0, cut % bytes.length);
      }),
    );
    let refused = 0;
    fc.assert(
      fc.property(hostile, (bytes) => {
        let decoded: unknown;
        try {
          decoded = decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MeedError);
          refused++;
          return;
        }
        expect(encode(decoded)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
    expect(refused).toBeGreaterThan(500);
  });

  it('refuses claims beyond the bytes that are there before it allocates anything', () => {
    const huge = [0xff, 0xff, 0xff, 0xff];
    const before = process.memoryUsage().rss;
    for (const claim of [
      [5, ...huge],
      [6, ...huge],
      [4, ...huge],
      [7, 6, ...huge, 0, 0, 0, 0],
      [7, 6, ...huge, ...huge],
      [8, 6, 0, 0, 0, 0x7f, 0, 0, 0, 0, ...new Array(32).fill(0)],
    ]) {
      expect(() => decode(Uint8Array.from(claim))).toThrow(MeedError);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
  });

  it('is bounded in depth and in number of values', () => {
    const deep = Uint8Array.from([...Array.from({ length: 5000 }, () => [5, 1, 0, 0, 0]).flat(), 0]);
    expect(() => decode(deep)).toThrow(/more than 64 levels/);
    const many = new Uint8Array(5 + 2 ** 23);
    many[0] = 5;
    new DataView(many.buffer).setUint32(1, 2 ** 23, true);
    expect(() => decode(many)).toThrow(/entries announced/);
    let nested: unknown = 0;
    for (let i = 0; i < 100; i++) nested = [nested];
    expect(() => encode(nested)).toThrow(/more than 64 levels/);
  });

  it('pollutes no prototype', () => {
    const forged = Uint8Array.from([
      6,
      1,
      0,
      0,
      0,
      9,
      0,
      0,
      0,
      ...new TextEncoder().encode('__proto__'),
      6,
      0,
      0,
      0,
      0,
    ]);
    expect(() => decode(forged)).toThrow(/"__proto__"/);
    expect(() => encode(JSON.parse('{"__proto__": 1}'))).toThrow(/"__proto__"/);
    const own = decode(encode({ constructor: 1, toString: 2 })) as Record<string, unknown>;
    expect(Object.keys(own).sort()).toEqual(['constructor', 'toString']);
    expect(Object.getPrototypeOf(own)).toBe(Object.prototype);
  });

  it.each([
    ['a function', { f: () => 1 }, /value\.f holds a function/],
    ['a map', [new Map()], /value\[0\] holds an instance of Map/],
    ['a date', { at: new Date(0) }, /an instance of Date/],
    ['undefined in a list', [undefined], /value\[0\] holds a undefined/],
    ['a bigint', 1n, /a bigint/],
    ['a data view', new DataView(new ArrayBuffer(8)), /a DataView/],
    ['an unpaired surrogate', { s: '\ud800' }, /unpaired surrogate/],
    ['a symbol', { [Symbol('s')]: 1 }, /a symbol as key/],
  ])('refuses %s, naming its place', (_, given, sentence) => {
    expect(() => encode(given)).toThrow(sentence);
    expect(() => encode(given)).toThrow(MeedError);
  });
});

describe('inputs with large arrays apart', () => {
  const large = Float32Array.from({ length: DETACH_BYTES / 4 }, (_, i) => i);

  it('come together again, and only from the very bytes', () => {
    const { tree, arrays } = new InputEncoder().encode({ large, small: large.subarray(1) });
    expect(arrays.size).toBe(1);
    expect(tree.byteLength).toBeLessThan(DETACH_BYTES + 200);
    expect(decode(tree, (hash) => arrays.get(hash))).toEqual({ large, small: large.subarray(1) });
    expect(() => decode(tree)).toThrow(/are not there/);
    expect(() => decode(tree, () => new Uint8Array(3))).toThrow(/has 3 bytes/);
  });

  it('share what they share, and are named by every bit of it', () => {
    const encoder = new InputEncoder();
    const keys = [0, 1].map((i) => jobKey({ name: 'a', version: 1 }, encoder.encode({ large, i }).tree));
    expect(keys[0]).not.toBe(keys[1]);
    expect(keys[0]).toBe(
      jobKey({ name: 'a', version: 1 }, new InputEncoder().encode({ large: large.slice(), i: 0 }).tree),
    );
    const changed = large.slice();
    changed[7] = -changed[7];
    expect(keys[0]).not.toBe(jobKey({ name: 'a', version: 1 }, encoder.encode({ large: changed, i: 0 }).tree));
    expect(keys[0]).not.toBe(jobKey({ name: 'a', version: 2 }, encoder.encode({ large, i: 0 }).tree));
    expect(keys[0]).not.toBe(jobKey({ name: 'b', version: 1 }, encoder.encode({ large, i: 0 }).tree));
  });
});

describe('a stored result', () => {
  const result = { key: 'a'.repeat(64), task: 't', version: 1, output: { x: Float64Array.of(1, 2) } };
  const bytes = encodeResult(result);

  it('comes back as it was', () => {
    expect(decodeResult(bytes, result.key)).toEqual(result);
  });

  it('is refused when any byte is another, when it is cut, and under another key', () => {
    for (let at = 0; at < bytes.length; at++) {
      const flipped = bytes.slice();
      flipped[at] ^= 1;
      expect(() => decodeResult(flipped, result.key)).toThrow(/is damaged/);
      expect(() => decodeResult(bytes.subarray(0, at), result.key)).toThrow(/is damaged/);
    }
    expect(() => decodeResult(bytes, 'b'.repeat(64))).toThrow(/belongs to job a+/);
  });
});
