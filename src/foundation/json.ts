/**
 * Canonical JSON: the one byte string of a value, so that its hash is its identity. Keys are sorted by code unit,
 * there is no white space, and numbers print as ECMAScript prints them (RFC 8785 agrees on all values used here).
 * The trap: NaN and the infinities have no JSON form and would silently become null, so they are refused, and so is an
 * absent entry of a list; absent keys are left out, as in the file.
 */
import { MeedError } from './errors.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** @throws MeedError when the value holds NaN, an infinity or a list with a gap */
export function canonicalJson(value: Json): string {
  if (value === undefined) {
    throw new MeedError('A manifest cannot hold an undefined entry', 'Report the stage that produced it');
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new MeedError(`A manifest cannot hold the number ${value}`, 'Report the stage that produced it');
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isArray(value)) return `[${Array.from(value, canonicalJson).join(',')}]`;
  const body = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
  return `{${body.join(',')}}`;
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
