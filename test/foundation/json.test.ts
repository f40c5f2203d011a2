import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, type Json, MeedError, sha256Json } from '../../src/foundation/index.js';

const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as Json);

/** The same value with the keys of every object inserted the other way round. */
function reversedKeys(value: Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(reversedKeys);
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, entry]) => [key, reversedKeys(entry)]),
  );
}

describe('canonical JSON', () => {
  it('gives the published form of the examples of RFC 8785', () => {
    const numbers: Json = JSON.parse('[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]');
    const string: Json = JSON.parse('"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"');
    expect(canonicalJson({ numbers, string, literals: [null, true, false] })).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const sorted = canonicalJson(Object.fromEntries(keys.map((key) => [key, 0])));
    expect(sorted).toBe('{"\\r":0,"1":0,"\u0080":0,"\u00f6":0,"\u20ac":0,"\ud83d\ude00":0,"\ufb33":0}');
  });

  it('depends on the value alone, not on the order of keys', () => {
    fc.assert(fc.property(json, (value) => canonicalJson(reversedKeys(value)) === canonicalJson(value)));
  });

  it('loses nothing: parsing gives the value back', () => {
    fc.assert(
      fc.property(json, (value) => {
        // −0 prints as 0, in JSON.stringify as here
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
  });

  it('tells different values apart by their hash', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        expect(sha256Json(a) === sha256Json(b)).toBe(isDeepStrictEqual(a, b));
      }),
    );
    expect(sha256Json({ a: '1' })).not.toBe(sha256Json({ a: 1 }));
    expect(sha256Json([])).not.toBe(sha256Json({}));
    expect(sha256Json(null)).not.toBe(sha256Json('null'));
  });

  it('leaves out absent keys, as the manifest on disk does', () => {
    const { absent }: { absent?: number } = {};
    const value = { b: 1, ...{ a: absent } };
    expect(canonicalJson(value as Json)).toBe('{"b":1}');
    expect(JSON.parse(JSON.stringify(value))).toEqual({ b: 1 });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('refuses %s at any depth', (bad) => {
    for (const value of [bad, [bad], { a: { b: [1, bad] } }]) {
      expect(() => canonicalJson(value)).toThrow(MeedError);
      expect(() => canonicalJson(value)).toThrow(String(bad));
    }
  });

  it('refuses what JSON has no form for', () => {
    const list: Json[] = new Array<Json>(2);
    list.fill(1, 0, 1);
    expect(() => canonicalJson(list)).toThrow(MeedError);
  });
});
