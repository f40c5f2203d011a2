/** Typed arrays as `.npy` files, format 1.0 (NumPy enhancement proposal 1), for the exchange with Python. */
import { writeFile } from 'node:fs/promises';

const CODES = { Float32Array: '<f4', Int32Array: '<i4', Uint8Array: '|u1' } as const;

export async function writeArray(
  path: string,
  data: Float32Array | Int32Array | Uint8Array,
  shape: readonly number[],
): Promise<void> {
  const kind = data.constructor.name as keyof typeof CODES;
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${CODES[kind]}', 'fortran_order': False, 'shape': (${sizes}), }`;
  // magic, version and length take ten bytes; the data begin at a multiple of 64
  const header = `${text.padEnd(64 * Math.ceil((10 + text.length + 1) / 64) - 10 - 1)}\n`;
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length & 0xff, header.length >> 8]);
  const numbers = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  await writeFile(path, Buffer.concat([start, Buffer.from(header, 'latin1'), numbers]));
}
