/**
 * TensorProto to numbers: float types stay 32 or 64 bits wide (16-bit ones widen exactly), whole numbers and booleans become
 * float64, exact below 2^53. Every size is checked against the bytes that are there before anything is allocated.
 * The trap: the same tensor may be stored raw, in one of five typed lists, or in another file; exactly one must hold it.
 */
import { MeedError } from '../../foundation/index.js';
import { type Shape, sizeOf } from '../graph.js';
import { ELEMENT_CODE } from '../onnxSchema.js';
import { readExternal } from './externalData.js';
import { type Element, type Known, known, type Numbers } from './operand.js';
import type { TensorProto } from './proto.js';

interface Storage {
  readonly element: Element;
  readonly bytes: number;
  /** The typed list that holds it when it is not raw. */
  readonly list: 'floatData' | 'int32Data' | 'int64Data' | 'doubleData' | 'uint64Data';
  /** From one number of the typed list, where that is a bit pattern. */
  readonly fromList?: (entry: number) => number;
  raw(view: DataView, position: number): number;
}

const STORAGE: Readonly<Record<number, Storage>> = {
  [ELEMENT_CODE.float32]: { element: 'float', bytes: 4, list: 'floatData', raw: (v, at) => v.getFloat32(at, true) },
  [ELEMENT_CODE.float64]: { element: 'float', bytes: 8, list: 'doubleData', raw: (v, at) => v.getFloat64(at, true) },
  [ELEMENT_CODE.float16]: {
    element: 'float',
    bytes: 2,
    list: 'int32Data',
    fromList: float16,
    raw: (v, at) => float16(v.getUint16(at, true)),
  },
  [ELEMENT_CODE.bfloat16]: {
    element: 'float',
    bytes: 2,
    list: 'int32Data',
    fromList: bfloat16,
    raw: (v, at) => bfloat16(v.getUint16(at, true)),
  },
  [ELEMENT_CODE.int8]: { element: 'int', bytes: 1, list: 'int32Data', raw: (v, at) => v.getInt8(at) },
  [ELEMENT_CODE.uint8]: { element: 'int', bytes: 1, list: 'int32Data', raw: (v, at) => v.getUint8(at) },
  [ELEMENT_CODE.int16]: { element: 'int', bytes: 2, list: 'int32Data', raw: (v, at) => v.getInt16(at, true) },
  [ELEMENT_CODE.uint16]: { element: 'int', bytes: 2, list: 'int32Data', raw: (v, at) => v.getUint16(at, true) },
  [ELEMENT_CODE.int32]: { element: 'int', bytes: 4, list: 'int32Data', raw: (v, at) => v.getInt32(at, true) },
  [ELEMENT_CODE.uint32]: { element: 'int', bytes: 4, list: 'uint64Data', raw: (v, at) => v.getUint32(at, true) },
  [ELEMENT_CODE.int64]: {
    element: 'int',
    bytes: 8,
    list: 'int64Data',
    raw: (v, at) => Number(v.getBigInt64(at, true)),
  },
  [ELEMENT_CODE.uint64]: {
    element: 'int',
    bytes: 8,
    list: 'uint64Data',
    raw: (v, at) => Number(v.getBigUint64(at, true)),
  },
  [ELEMENT_CODE.bool]: { element: 'bool', bytes: 1, list: 'int32Data', raw: (v, at) => (v.getUint8(at) ? 1 : 0) },
};

const EXTERNAL = 1;

/** @throws MeedError for a type that graphs do not know, such as strings */
export function elementOf(code: number, what: string): Element {
  const storage = STORAGE[code];
  if (!storage) {
    const name = { 0: 'none', 8: 'strings', 14: 'complex64', 15: 'complex128' }[code] ?? `code ${code}`;
    throw new MeedError(
      `${what} has a type that Meed does not read (${name})`,
      'Export the model with float and integer tensors',
    );
  }
  return storage.element;
}

/** @param path the `.onnx` file, beside which external data lies */
export async function readTensor(tensor: TensorProto, path: string, what: string): Promise<Known> {
  if (tensor.dataLocation !== EXTERNAL) return inlineTensor(tensor, what);
  const { shape, length } = sizes(tensor, what);
  const bytes = await readExternal(path, tensor, length);
  return stored(tensor, shape, bytes);
}

/** A tensor that is in the file itself, as attributes always are. */
export function inlineTensor(tensor: TensorProto, what: string): Known {
  const { shape, length, storage } = sizes(tensor, what);
  if (tensor.dataLocation === EXTERNAL || tensor.externalData.length > 0) {
    throw new MeedError(`${what} says that its data is in another file`, 'Only initializers may be stored outside');
  }
  const list = tensor[storage.list];
  if (tensor.rawData.length === 0 && (list.length > 0 || length === 0)) {
    if (list.length !== sizeOf(shape)) refuseLength(what, shape, `${list.length} numbers`);
    const { fromList } = storage;
    const values = fromList ? list.map(fromList) : list;
    const data = tensor.dataType === ELEMENT_CODE.float64 || storage.element !== 'float';
    return known(storage.element, shape, () => (data ? Float64Array.from(values) : Float32Array.from(values)));
  }
  if (tensor.rawData.length !== length) refuseLength(what, shape, `${tensor.rawData.length} bytes`);
  return stored(tensor, shape, tensor.rawData);
}

function stored(tensor: TensorProto, shape: Shape, bytes: Uint8Array): Known {
  const { element } = STORAGE[tensor.dataType];
  return known(element, shape, () => decode(tensor.dataType, bytes));
}

function sizes(tensor: TensorProto, what: string): { shape: Shape; length: number; storage: Storage } {
  elementOf(tensor.dataType, what);
  const storage = STORAGE[tensor.dataType];
  const length = tensor.dims.reduce((size, extent) => size * extent, storage.bytes);
  if (tensor.dims.some((extent) => !Number.isSafeInteger(extent) || extent < 0) || !Number.isSafeInteger(length)) {
    throw new MeedError(`${what} claims the shape [${tensor.dims}]`, 'Export the model again; do not trust this file');
  }
  return { shape: tensor.dims, length, storage };
}

function refuseLength(what: string, shape: Shape, found: string): never {
  throw new MeedError(`${what} claims the shape [${shape}] but holds ${found}`, 'Export the model again');
}

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function decode(code: number, bytes: Uint8Array): Numbers {
  const { element, bytes: width, raw } = STORAGE[code];
  const size = bytes.length / width;
  if (code === ELEMENT_CODE.float32 && littleEndian) return new Float32Array(new Uint8Array(bytes).buffer);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = element !== 'float' || code === ELEMENT_CODE.float64;
  const numbers = wide ? new Float64Array(size) : new Float32Array(size);
  for (let i = 0; i < size; i++) numbers[i] = raw(view, i * width);
  return numbers;
}

/** IEEE 754 binary16. */
function float16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a float32. */
function bfloat16(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, (bits & 0xffff) * 0x10000);
  return view.getFloat32(0);
}
