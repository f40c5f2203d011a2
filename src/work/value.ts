/**
 * What a task takes and gives: structured data, that is JSON values and typed arrays, so that it crosses threads,
 * machines and the years between two runs. The trap: a class instance, a Map or a function would cross to a thread and
 * not to a machine, or lose its methods on the way; none of them is structured data, and the type says so.
 */
import type { Json } from '../foundation/index.js';

/** Kinds of typed array with their code in the encoding; only ever append. Elements are little-endian. */
export const ARRAY_KINDS = [
  { name: 'Uint8Array', of: Uint8Array },
  { name: 'Int8Array', of: Int8Array },
  { name: 'Uint16Array', of: Uint16Array },
  { name: 'Int16Array', of: Int16Array },
  { name: 'Uint32Array', of: Uint32Array },
  { name: 'Int32Array', of: Int32Array },
  { name: 'Float32Array', of: Float32Array },
  { name: 'Float64Array', of: Float64Array },
  { name: 'BigInt64Array', of: BigInt64Array },
] as const;

export type StructuredArray =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigInt64Array;

/**
 * `T` itself when it is structured data, otherwise a type that `T` does not fit. Optional properties are allowed; an
 * absent one and one that is undefined are the same.
 */
export type Structured<T> = T extends StructuredArray | Json
  ? T
  : T extends ((...given: never) => unknown) | bigint | symbol | ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>
    ? never
    : T extends object
      ? { readonly [K in keyof T]: Structured<T[K]> }
      : T extends undefined
        ? undefined
        : never;

/** Code of a typed array's kind, or -1 when it is of none that may be sent. */
export function arrayKind(value: ArrayBufferView): number {
  // the tag, not the constructor: a Buffer is a Uint8Array
  const tag = Object.getOwnPropertyDescriptor(TYPED_ARRAY, Symbol.toStringTag)?.get?.call(value);
  return ARRAY_KINDS.findIndex(({ name }) => name === tag);
}

const TYPED_ARRAY: object = Object.getPrototypeOf(Uint8Array.prototype);
