/** The tiny instance's development key and witnesses, as bytes that a test may damage. */
import { readFile } from 'node:fs/promises';
import { compileCircuit } from '../../../../src/prover/circuit.js';
import { developmentKey, type ProvingKey } from '../../../../src/prover/devkey/index.js';
import { witness } from '../../../../src/prover/groth16.js';
import { loadHasher } from '../../../../src/prover/reference/index.js';
import { scoreMatrixCircuit } from '../../../../src/prover/templates.js';
import { anyEntry, honestInput, TINY } from '../../support/statements.js';

export interface TinyKey {
  readonly key: ProvingKey;
  readonly zkey: Buffer;
  /** A witness of the circuit that this seed draws. */
  wtns(seed: number): Promise<Uint8Array>;
}

export async function tinyKey(): Promise<TinyKey> {
  const key = await developmentKey(await compileCircuit(scoreMatrixCircuit(TINY)));
  const hasher = await loadHasher();
  return {
    key,
    zkey: await readFile(key.zkeyPath),
    wtns: (seed) => witness(key.circuit, honestInput(hasher, TINY, seed, anyEntry)),
  };
}

export interface FileSection {
  readonly type: number;
  /** Offsets in the file. */
  readonly headAt: number;
  readonly at: number;
  readonly length: number;
}

/** The sections of a .zkey or .wtns file in their order. */
export function fileSections(file: Buffer): FileSection[] {
  const sections: FileSection[] = [];
  let position = 12;
  while (position < file.length) {
    const length = Number(file.readBigUInt64LE(position + 4));
    sections.push({ type: file.readUInt32LE(position), headAt: position, at: position + 12, length });
    position += 12 + length;
  }
  return sections;
}

export function sectionOf(file: Buffer, type: number): FileSection {
  const found = fileSections(file).find((section) => section.type === type);
  if (!found) throw new Error(`no section ${type}`);
  return found;
}

/** A copy of the file, changed. */
export function changed(file: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(file);
  change(copy);
  return copy;
}
