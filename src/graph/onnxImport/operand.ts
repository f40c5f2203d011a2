/**
 * What an ONNX value is while a file is read: a constant whose numbers are known, or a value of the graph being built.
 * Exporters compute shapes inside the graph; since every extent is bound, those computations run on constants and vanish.
 * The trap: graphs know one numeric type, so what ONNX calls int64 or bool is remembered here, where division and casts
 * depend on it.
 */
import { MeedError } from '../../foundation/index.js';
import { type Shape, sizeOf, type Value } from '../graph.js';

/** Both float widths, all whole-number widths and booleans as 0/1. */
export type Element = 'float' | 'int' | 'bool';

export type Numbers = Float32Array | Float64Array;

/** Stored tensors that this was made from: by moving its numbers, or by computing with them. */
export type Origins = ReadonlyMap<string, 'moved' | 'computed'>;

export interface Known {
  readonly kind: 'known';
  readonly element: Element;
  readonly shape: Shape;
  readonly origins: Origins;
  /** Row-major; computed when first asked for. */
  data(): Numbers;
}

export interface Traced {
  readonly kind: 'traced';
  readonly element: Element;
  /** What ONNX says the shape is. */
  readonly shape: Shape;
  /** Broadcasts to `shape`: an Expand is not carried out before an operator needs it, so that parameters stay visible. */
  readonly value: Value;
}

export type Operand = Known | Traced;

/** More numbers than any mask or table of a real model. */
export const MOST_FOLDED = 2 ** 27;

const NOWHERE: Origins = new Map();

/** A constant; its numbers are computed when first asked for. */
export function known(element: Element, shape: Shape, compute: () => Numbers, origins: Origins = NOWHERE): Known {
  refuseHuge(shape, MOST_FOLDED);
  let data: Numbers | undefined;
  return {
    kind: 'known',
    element,
    shape,
    origins,
    data: () => {
      data ??= compute();
      return data;
    },
  };
}

/** The origins of what is computed from constants. */
export function computedFrom(constants: readonly Known[]): Origins {
  return new Map(constants.flatMap(({ origins }) => [...origins.keys()].map((name) => [name, 'computed'])));
}

/** The origins of constants whose numbers are joined. */
export function movedFrom(constants: readonly Known[]): Origins {
  return new Map(constants.flatMap(({ origins }) => [...origins]));
}

/** A one-axis int64 constant. */
export function wholeList(values: readonly number[]): Known {
  return known('int', [values.length], () => Float64Array.from(values));
}

/** Entries that any value of a graph may have; engines count them in 32 bits. */
const MOST_ENTRIES = 2 ** 31 - 1;

export function refuseHuge(shape: Shape, most = MOST_ENTRIES): void {
  if (shape.some((extent) => !Number.isSafeInteger(extent) || extent < 0) || sizeOf(shape) > most) {
    throw new MeedError(
      `A computed value would have the shape [${shape}]`,
      `It may have at most ${most} numbers; check the bound dimensions`,
    );
  }
}
