/**
 * The IDX format of the MNIST files: two zero bytes, the element type (8 = unsigned byte), the number of dimensions, each
 * dimension as a big-endian u32, then the bytes. The file is taken as hostile: nothing is allocated or indexed by a
 * size that it claims before the size is checked against what is expected and what is there.
 */
import { MeedError } from '../../src/foundation/index.js';

const UNSIGNED_BYTE = 8;
const REMEDY = 'Fetch the file again from its origin';

/**
 * The elements of an IDX file of unsigned bytes.
 * @param shape the dimensions that it must have
 * @throws MeedError naming the file when magic number, dimensions or length are wrong
 */
export function readIdx(bytes: Uint8Array, shape: readonly number[], file: string): Uint8Array {
  const header = 4 + 4 * shape.length;
  if (bytes.length < header) {
    throw new MeedError(`${file} ends after ${bytes.length} bytes, inside its header of ${header}`, REMEDY);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  const expectedMagic = (UNSIGNED_BYTE << 8) | shape.length;
  if (magic !== expectedMagic) {
    throw new MeedError(
      `${file} starts with ${hex(magic)}, an IDX file of ${shape.length} dimensions starts with ${hex(expectedMagic)}`,
      REMEDY,
    );
  }
  const found = shape.map((_, axis) => view.getUint32(4 + 4 * axis));
  if (found.some((size, axis) => size !== shape[axis])) {
    throw new MeedError(
      `${file} says it holds ${found.join(' × ')} values, ${shape.join(' × ')} were expected`,
      REMEDY,
    );
  }
  const expected = header + shape.reduce((product, size) => product * size, 1);
  if (bytes.length !== expected) {
    throw new MeedError(`${file} has ${bytes.length} bytes, its header promises ${expected}`, REMEDY);
  }
  return bytes.subarray(header);
}

function hex(magic: number): string {
  return `0x${magic.toString(16).padStart(8, '0')}`;
}
