/**
 * The compiled arithmetic of BN254 (`kernels/bn254/`, AssemblyScript with SIMD), and the forms in which numbers lie in
 * its memory. An element of a field is 32 bytes, little-endian, a·2²⁶¹ mod p, any representative below 2²⁵⁶; a key's
 * file holds a·2²⁵⁶ mod p, which `fromKey` turns into ours for one product each. Zero is 32 zero bytes in both when it
 * comes from `fromKey` or `fromInteger`, so a point at infinity stays all zeros.
 * The trap: two forms of the same element may differ by a multiple of p; only `toKey` and `toInteger` give bytes that
 * can be compared.
 */
import { readFile } from 'node:fs/promises';
import { MeedError, resourcePath, systemCode } from '../../foundation/index.js';
import { CURVE_NAMES, type CurveKernel } from './curveKernel.js';
import { HASH_NAMES, type HashKernel } from './hashKernel.js';
import { TRANSFORM_NAMES, type TransformKernel } from './transformKernel.js';

/** Which prime: the coordinates' field or the scalars'. */
export const BASE_FIELD = 0;
export const SCALAR_FIELD = 1;
export type Field = typeof BASE_FIELD | typeof SCALAR_FIELD;

/** Bytes of an element. */
export const ELEMENT_BYTES = 32;

/**
 * Addresses are bytes in the shared memory, multiples of 16; counts are elements. Where not said otherwise `out` may be
 * an operand itself, and does not overlap one otherwise.
 */
export interface Kernel extends TransformKernel, CurveKernel, HashKernel {
  /** out[i] = a[i]·b[i]. */
  mulArray(field: Field, a: number, b: number, out: number, count: number): void;
  squareArray(field: Field, a: number, out: number, count: number): void;
  addArray(field: Field, a: number, b: number, out: number, count: number): void;
  /** out[i] = a[i] − b[i]. */
  subArray(field: Field, a: number, b: number, out: number, count: number): void;
  /** out[i] = a[i]·factor, canonical; `factor` is the address of one element. */
  scaleArray(field: Field, a: number, factor: number, out: number, count: number): void;
  /** out[i] = a[i]⁻¹, of zero zero; `out` is not `a`. */
  invertArray(field: Field, a: number, out: number, count: number): void;
  /** From a key's form (radix 2²⁵⁶). */
  fromKey(field: Field, a: number, out: number, count: number): void;
  /** To a key's form, canonical. */
  toKey(field: Field, a: number, out: number, count: number): void;
  /** From integers below 2²⁵⁶, 32 bytes each. */
  fromInteger(field: Field, a: number, out: number, count: number): void;
  /** To integers below p. */
  toInteger(field: Field, a: number, out: number, count: number): void;
  /** Tells an instance where its thread may work: `roomBytes()` bytes that no other thread uses. */
  setRoom(address: number): void;
  roomBytes(): number;
  firstFreeByte(): number;
}

const NAMES: readonly (keyof Kernel)[] = [
  'mulArray',
  'squareArray',
  'addArray',
  'subArray',
  'scaleArray',
  'invertArray',
  'fromKey',
  'toKey',
  'fromInteger',
  'toInteger',
  'setRoom',
  'roomBytes',
  'firstFreeByte',
  ...TRANSFORM_NAMES,
  ...CURVE_NAMES,
  ...HASH_NAMES,
];

/** @throws MeedError when the kernel was not compiled */
export async function compileArithmetic(): Promise<WebAssembly.Module> {
  const path = resourcePath('dist', 'kernels', 'bn254.wasm');
  try {
    return await WebAssembly.compile(await readFile(path));
  } catch (cause) {
    if (systemCode(cause) !== 'ENOENT') throw cause;
    throw new MeedError(`The compiled kernel ${path} is missing`, 'Run npm run build', { cause });
  }
}

export function instantiateArithmetic(module: WebAssembly.Module, memory: WebAssembly.Memory): Kernel {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  if (isKernel(exports)) return exports;
  throw new MeedError('The compiled kernel of the prover is of another version', 'Run npm run build');
}

function isKernel(exports: WebAssembly.Exports): exports is WebAssembly.Exports & Kernel {
  return NAMES.every((name) => typeof exports[name] === 'function');
}
