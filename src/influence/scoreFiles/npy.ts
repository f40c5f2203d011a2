/**
 * NumPy's `.npy` (numpy.lib.format, versions 1.0 to 3.0): six magic bytes, a version, the length of a header, the header
 * (a Python dictionary of descr, fortran_order and shape), then the entries. Read are f4, f8, i1, i2,
 * i4, i8, u1, u2, u4, bool, of either byte order, C or Fortran order, of two dimensions; written are <f4 in C order, the
 * bytes that numpy.save writes.
 * The trap: the header is text that anybody wrote. It is matched against the one form that NumPy writes and never
 * evaluated, and the file must have exactly the bytes that it announces.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { explainFileError, MeedError } from '../../foundation/index.js';
import { asFloat32, type MatrixFormat, type MatrixShape, requireShape } from './matrix.js';

const MAGIC = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]);
const ALIGNMENT = 64;
/** NumPy refuses longer headers of strangers, too. */
const MOST_HEADER_BYTES = 10_000;
const BLOCK_BYTES = 2 ** 22;

const HEADER =
  /^\{\s*'descr'\s*:\s*'([^']*)'\s*,\s*'fortran_order'\s*:\s*(True|False)\s*,\s*'shape'\s*:\s*\(([\d\s,]*)\)\s*,?\s*\}\s*$/;

/** Reads entry i of little-endian bytes. */
interface Entries {
  readonly bytes: number;
  readonly read: (view: DataView, offset: number, little: boolean) => number;
}

const TYPES: Readonly<Record<string, Entries>> = {
  f4: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  i1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  i2: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  i4: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  i8: { bytes: 8, read: (view, at, little) => Number(view.getBigInt64(at, little)) },
  u1: { bytes: 1, read: (view, at) => view.getUint8(at) },
  u2: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  u4: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
  b1: { bytes: 1, read: (view, at) => view.getUint8(at) },
};

interface Header {
  readonly shape: MatrixShape;
  readonly entries: Entries;
  readonly isBoolean: boolean;
  readonly little: boolean;
  readonly order: 'C' | 'Fortran';
  /** Where the entries begin. */
  readonly offset: number;
}

export const npy: MatrixFormat = {
  async open(path) {
    const file = await openFile(path, 'r');
    let header: Header;
    try {
      header = await readHeader(file, path);
    } catch (error) {
      await file.close();
      throw explainFileError(error, path);
    }
    await file.close();
    return { shape: header.shape, blocks: header.order === 'C' ? rowBlocks(path, header) : transposed(path, header) };
  },

  async write(path, { shape, blocks }) {
    const file = await openFile(path, 'wx');
    try {
      await file.writeFile(headerBytes(shape));
      for await (const block of blocks) await file.writeFile(littleEndian(block));
    } catch (error) {
      throw explainFileError(error, path);
    } finally {
      await file.close();
    }
  },
};

async function readHeader(file: FileHandle, path: string): Promise<Header> {
  const refuse = (what: string, remedy = 'Save it again with numpy.save'): never => {
    throw new MeedError(`${path} ${what}`, remedy);
  };
  const { size } = await file.stat();
  const start = await bytesAt(file, 0, Math.min(size, 12));
  if (start.length < 12 || !start.subarray(0, 6).equals(MAGIC)) return refuse('is not a .npy file');
  const major = start[6];
  if (major < 1 || major > 3 || start[7] !== 0) return refuse(`is a .npy file of version ${major}.${start[7]}`);
  const [from, length] = major === 1 ? [10, start.readUInt16LE(8)] : [12, start.readUInt32LE(8)];
  if (length > MOST_HEADER_BYTES) return refuse(`has a header of ${length} bytes`);
  const text = await bytesAt(file, from, Math.min(length, Math.max(0, size - from)));
  if (text.length < length) return refuse(`ends inside its header of ${length} bytes`);
  const [, descr, fortran, tuple] = HEADER.exec(text.toString('latin1')) ?? [];
  if (descr === undefined) return refuse('has a header that NumPy does not write');
  const [, byteOrder, type] = /^([<>|=])([a-z]\d+)$/.exec(descr) ?? [];
  const entries = type === undefined || !Object.hasOwn(TYPES, type) ? undefined : TYPES[type];
  if (!entries || (byteOrder === '|' && entries.bytes > 1)) {
    return refuse(`holds entries of the type '${descr}'`, 'Convert them to float32 with .astype("f4")');
  }
  const sizes = tuple
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  if (sizes.length !== 2 || sizes.some((part) => !/^\d+$/.test(part))) {
    return refuse(`has the shape (${tuple.trim()})`, 'Give it two dimensions, rows × columns, with .reshape');
  }
  const shape = requireShape(path, Number(sizes[0]), Number(sizes[1]));
  const offset = from + length;
  const expected = offset + shape[0] * shape[1] * entries.bytes;
  if (size !== expected) return refuse(`has ${size} bytes, its header asks for ${expected}`, 'Fetch an intact copy');
  return {
    shape,
    entries,
    isBoolean: type === 'b1',
    little: byteOrder !== '>',
    order: fortran === 'True' ? 'Fortran' : 'C',
    offset,
  };
}

async function* rowBlocks(path: string, header: Header): AsyncGenerator<Float32Array> {
  const [rows, columns] = header.shape;
  const step = Math.max(1, Math.floor(BLOCK_BYTES / (columns * header.entries.bytes)));
  const file = await openFile(path, 'r');
  try {
    for (let first = 0; first < rows; first += step) {
      yield await read(file, path, header, first * columns, Math.min(step, rows - first) * columns);
    }
  } finally {
    await file.close();
  }
}

/** Columns lie one behind the other, so the first row is whole only when everything was read: one block. */
async function* transposed(path: string, header: Header): AsyncGenerator<Float32Array> {
  const [rows, columns] = header.shape;
  const data = new Float32Array(rows * columns);
  const step = Math.max(1, Math.floor(BLOCK_BYTES / (rows * header.entries.bytes)));
  const file = await openFile(path, 'r');
  try {
    for (let first = 0; first < columns; first += step) {
      const count = Math.min(step, columns - first);
      const values = await read(file, path, header, first * rows, count * rows);
      for (let c = 0; c < count; c++) {
        for (let r = 0; r < rows; r++) data[r * columns + first + c] = values[c * rows + r];
      }
    }
  } finally {
    await file.close();
  }
  yield data;
}

async function read(
  file: FileHandle,
  path: string,
  { entries, isBoolean, little, offset }: Header,
  first: number,
  count: number,
): Promise<Float32Array> {
  const bytes = await bytesAt(file, offset + first * entries.bytes, count * entries.bytes);
  if (bytes.length < count * entries.bytes) {
    throw new MeedError(`${path} became shorter while it was read`, 'Read it when nobody writes it');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const value = entries.read(view, i * entries.bytes, little);
    if (isBoolean && value > 1) {
      throw new MeedError(`${path} holds the byte ${value} among true and false`, 'Save it again with numpy.save');
    }
    values[i] = asFloat32(path, value);
  }
  return values;
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const into = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(into, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return into.subarray(0, done);
}

function headerBytes([rows, columns]: MatrixShape): Buffer {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const unpadded = MAGIC.length + 4 + text.length + 1;
  const header = `${text}${' '.repeat(Math.ceil(unpadded / ALIGNMENT) * ALIGNMENT - unpadded)}\n`;
  const prefix = Buffer.alloc(10);
  MAGIC.copy(prefix);
  prefix[6] = 1;
  prefix.writeUInt16LE(header.length, 8);
  return Buffer.concat([prefix, Buffer.from(header, 'latin1')]);
}

function littleEndian(values: Float32Array): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (let i = 0; i < values.length; i++) bytes.writeFloatLE(values[i], i * 4);
  return bytes;
}

async function openFile(path: string, flags: 'r' | 'wx'): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (error) {
    throw explainFileError(error, path);
  }
}
