/**
 * A key's points in the prover's memory: read from the file to where they stay, and converted there, once, to the kernel's
 * form; no second copy is ever made. The trap: infinity is all zeros in both forms, and the conversion keeps zeros.
 */
import type { ByteSource } from './byteSource.js';
import { BASE_FIELD, ELEMENT_BYTES } from './fieldKernel.js';
import type { Arithmetic } from './fieldThreads.js';
import type { Section } from './sections.js';

/** Coordinates that one call converts: a millisecond or so. */
const COORDINATES = 2 ** 14;

/**
 * @param section affine points of either group
 * @returns their address, 64 bytes a point of G1, 128 of G2
 * @throws MeedError when the file ends within them
 */
export async function loadPoints(arithmetic: Arithmetic, source: ByteSource, section: Section): Promise<number> {
  const at = arithmetic.allocate(section.length);
  await source.readInto(arithmetic.bytes.subarray(at, at + section.length), section.at);
  const coordinates = section.length / ELEMENT_BYTES;
  const parts: Promise<number>[] = [];
  for (let first = 0; first < coordinates; first += COORDINATES) {
    const address = at + ELEMENT_BYTES * first;
    const count = Math.min(COORDINATES, coordinates - first);
    parts.push(arithmetic.run('fromKey', BASE_FIELD, address, address, count));
  }
  await Promise.all(parts);
  return at;
}
