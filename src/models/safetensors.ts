/**
 * The safetensors format (Hugging Face, version 0.x): eight bytes with the length N of the header, N bytes of JSON that
 * give each tensor's type, shape and place, then the numbers, little-endian. Types F32, F16, BF16 and F64 are numbers of a
 * model; others (masks, indices) are listed and can be left alone.
 * The trap: every figure of the header is a stranger's. The header's length has a limit, shapes must fill their places,
 * places must lie inside the file, without overlap or gap, before a single number is read.
 */
import { type Json, MeedError, messageOf } from '../foundation/index.js';

export interface StoredTensor {
  readonly name: string;
  /** As in the file: "F32", "BF16", "I64". */
  readonly type: string;
  readonly shape: readonly number[];
  /** A copy, as float32; F64 is rounded. @throws MeedError when the type is none of F32, F16, BF16, F64 */
  read(): Float32Array;
}

/** The format's own limit, so that a header cannot claim the memory of the machine. */
const HEADER_LIMIT = 100 * 2 ** 20;
const BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  F64: 8,
  I64: 8,
  U64: 8,
};
const REMEDY = 'Get the file again, whole, from where it was published';

/** @throws MeedError when the file is not safetensors, or its header does not fit its numbers */
export function readSafetensors(bytes: Uint8Array): ReadonlyMap<string, StoredTensor> {
  if (bytes.length < 8) throw new MeedError(`A safetensors file of ${bytes.length} bytes has no header`, REMEDY);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getBigUint64(0, true);
  if (length > HEADER_LIMIT || Number(length) > bytes.length - 8) {
    throw new MeedError(
      `The safetensors header claims ${length} bytes of a file of ${bytes.length}; at most ${HEADER_LIMIT} are allowed`,
      REMEDY,
    );
  }
  const start = 8 + Number(length);
  const header = parseHeader(bytes.subarray(8, start));
  const tensors = new Map<string, StoredTensor>();
  const places: { readonly name: string; readonly begin: number; readonly end: number }[] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { type, shape, begin, end } = parseEntry(name, entry);
    if (end > bytes.length - start) {
      throw new MeedError(`The tensor "${name}" ends at byte ${end} of ${bytes.length - start}`, REMEDY);
    }
    places.push({ name, begin, end });
    const data = new DataView(bytes.buffer, bytes.byteOffset + start + begin, end - begin);
    tensors.set(name, { name, type, shape, read: () => numbersOf(name, type, data) });
  }
  let next = 0;
  for (const { name, begin, end } of places.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== next) throw new MeedError(`The tensor "${name}" begins at byte ${begin}, not at ${next}`, REMEDY);
    next = end;
  }
  if (next !== bytes.length - start) {
    throw new MeedError(`${bytes.length - start - next} bytes of the safetensors file belong to no tensor`, REMEDY);
  }
  return tensors;
}

function parseHeader(bytes: Uint8Array): Readonly<Record<string, Json>> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new MeedError(`The safetensors header is no JSON: ${messageOf(error)}`, REMEDY, { cause: error });
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw new MeedError('The safetensors header is no JSON object', REMEDY);
  return header as Readonly<Record<string, Json>>;
}

function parseEntry(name: string, entry: Json): { type: string; shape: number[]; begin: number; end: number } {
  const refuse = (what: string): never => {
    throw new MeedError(`The tensor "${name}" has ${what}`, REMEDY);
  };
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return refuse('no description');
  const { dtype, shape, data_offsets: offsets } = entry as Readonly<Record<string, unknown>>;
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) return refuse(`the unknown type ${String(dtype)}`);
  const whole = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((extent) => Number.isSafeInteger(extent) && extent >= 0);
  if (!whole(shape)) return refuse('a shape that is no list of whole numbers');
  if (!whole(offsets) || offsets.length !== 2) return refuse('offsets that are no two whole numbers');
  const [begin, end] = offsets;
  const size = shape.reduce((product, extent) => product * extent, BYTES[dtype]);
  if (end - begin !== size)
    return refuse(`${end - begin} bytes for the shape [${shape}] of ${dtype}, which takes ${size}`);
  return { type: dtype, shape, begin, end };
}

function numbersOf(name: string, type: string, data: DataView): Float32Array {
  const read = READERS[type];
  if (!read) {
    throw new MeedError(
      `The tensor "${name}" is of type ${type}`,
      'Store the weights as F32, F16 or BF16; quantised files are not read',
    );
  }
  const size = BYTES[type];
  return Float32Array.from({ length: data.byteLength / size }, (_, i) => read(data, i * size));
}

const READERS: Readonly<Record<string, ((data: DataView, at: number) => number) | undefined>> = {
  F32: (data, at) => data.getFloat32(at, true),
  F64: (data, at) => data.getFloat64(at, true),
  F16: (data, at) => half(data.getUint16(at, true)),
  // the upper half of a float32
  BF16: (data, at) => {
    WORD[0] = data.getUint16(at, true) << 16;
    return FLOAT[0];
  },
};
const FLOAT = new Float32Array(1);
const WORD = new Uint32Array(FLOAT.buffer);

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
