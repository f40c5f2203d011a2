/**
 * Values that came from a node, checked before use. A node may be anybody's, so nothing it says has a type until it was
 * looked at; each reader here names the field and throws a sentence when the value is not what it must be.
 */
import { getAddress, isAddress } from 'ethers';
import { MeedError } from '../foundation/index.js';

/** An address in its checksummed form; a checksum that was given is checked. */
export function address(value: unknown, field: string): string {
  if (typeof value === 'string' && isAddress(value)) {
    return /^0x.*[A-F]/.test(value) ? value : getAddress(value);
  }
  throw malformed(field, 'an address');
}

/** 32 bytes as 0x hex, lower case. */
export function bytes32(value: unknown, field: string): string {
  if (typeof value === 'string' && /^0x[0-9a-f]{64}$/i.test(value)) return value.toLowerCase();
  throw malformed(field, '32 bytes');
}

/** A SHA-256 as Meed writes it: 64 hex digits without 0x, lower case. */
export function hash(value: unknown, field: string): string {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return value;
  throw malformed(field, 'a SHA-256');
}

/** Any bytes as 0x hex, lower case. */
export function bytes(value: unknown, field: string): string {
  if (typeof value === 'string' && /^0x([0-9a-f]{2})*$/i.test(value)) return value.toLowerCase();
  throw malformed(field, 'bytes');
}

export function integer(value: unknown, field: string): bigint {
  if (typeof value === 'bigint') return value;
  throw malformed(field, 'an integer');
}

/** A non-negative integer that a number holds exactly. */
export function count(value: unknown, field: string): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
  throw malformed(field, 'a count');
}

/** A JSON-RPC quantity: 0x hex. */
export function quantity(value: unknown, field: string): number {
  if (typeof value === 'string' && /^0x[0-9a-f]{1,13}$/i.test(value)) return Number(value);
  throw malformed(field, 'a quantity');
}

export function truth(value: unknown, field: string): boolean {
  if (typeof value === 'boolean') return value;
  throw malformed(field, 'true or false');
}

export function text(value: unknown, field: string): string {
  if (typeof value === 'string') return value;
  throw malformed(field, 'text');
}

export function listOf<T>(value: unknown, field: string, read: (entry: unknown, field: string) => T): T[] {
  if (Array.isArray(value)) return Array.from(value, (entry: unknown, i) => read(entry, `${field}[${i}]`));
  throw malformed(field, 'a list');
}

export function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw malformed(field, 'a record');
}

function malformed(field: string, expected: string): MeedError {
  return new MeedError(`${field} is not ${expected}`, 'Use another node, or fetch an intact record');
}
