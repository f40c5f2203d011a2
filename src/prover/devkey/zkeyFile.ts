/**
 * Writes a Groth16 proving key in snarkjs' .zkey format (version 1): numbered sections, integers little-endian, points
 * affine in Montgomery form. Section 10, the record of a ceremony, names no contribution, because there was none.
 * The trap: B's points of wires that appear in no right-hand factor are the point at infinity, written as zeros.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { FIELD_MODULUS } from '../reference/constants.js';
import { BASE_FIELD_MODULUS } from '../verificationKey.js';

export interface ZkeyContent {
  readonly wires: number;
  readonly publicWires: number;
  readonly domain: number;
  /** Affine points in Montgomery form: α, β, δ. */
  readonly headerG1: { readonly alpha: Uint8Array; readonly beta: Uint8Array; readonly delta: Uint8Array };
  readonly headerG2: { readonly beta: Uint8Array; readonly gamma: Uint8Array; readonly delta: Uint8Array };
  readonly ic: Uint8Array;
  /** Section 4 as it stands: a count, then (matrix, constraint, wire, value·R²). */
  readonly coefficients: Uint8Array;
  readonly a: Uint8Array;
  readonly b1: Uint8Array;
  readonly b2: Uint8Array;
  readonly c: Uint8Array;
  readonly h: Uint8Array;
  /** Hex; takes the place of the ceremony's circuit hash. */
  readonly circuitHash: string;
}

const GROTH16 = 1;

export async function writeZkey(path: string, key: ZkeyContent): Promise<void> {
  const header = Buffer.concat([
    uint32(32),
    integer(BASE_FIELD_MODULUS),
    uint32(32),
    integer(FIELD_MODULUS),
    uint32(key.wires),
    uint32(key.publicWires),
    uint32(key.domain),
    key.headerG1.alpha,
    key.headerG1.beta,
    key.headerG2.beta,
    key.headerG2.gamma,
    key.headerG1.delta,
    key.headerG2.delta,
  ]);
  const ceremony = Buffer.concat([createHash('blake2b512').update(key.circuitHash).digest(), uint32(0)]);
  const sections: readonly [number, Uint8Array][] = [
    [1, uint32(GROTH16)],
    [2, header],
    [3, key.ic],
    [4, key.coefficients],
    [5, key.a],
    [6, key.b1],
    [7, key.b2],
    [8, key.c],
    [9, key.h],
    [10, ceremony],
  ];
  const file = await open(path, 'wx');
  try {
    await file.writeFile(Buffer.concat([Buffer.from('zkey'), uint32(1), uint32(sections.length)]));
    for (const [type, body] of sections) {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(body.length));
      await file.writeFile(Buffer.concat([uint32(type), length]));
      await file.writeFile(body);
    }
  } finally {
    await file.close();
  }
}

function uint32(x: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(x);
  return bytes;
}

function integer(x: bigint): Uint8Array {
  return Buffer.from(x.toString(16).padStart(64, '0'), 'hex').reverse();
}
