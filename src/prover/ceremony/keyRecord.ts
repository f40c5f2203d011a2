/**
 * What a .zkey says of itself: its verification key, and the record of its phase 2 (section 10 of snarkjs' format). Each
 * contribution is a public key of its secret x: (s, x·s) in G1, x·h in G2 with h hashed from all that came before it, and
 * δ after it. Read here a second time, beside snarkjs, because counting and ordering contributions is what it leaves to us.
 * The traps: the hash of a contribution does not cover the contributor's name, nor the beacon's value; a file cut short
 * between sections has whole sections; and a point of the file is not a point of its group before that was checked.
 */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { explainFileError, MeedError } from '../../foundation/index.js';
import { bn254 } from '../curve.js';
import { FIELD_MODULUS } from '../reference/constants.js';
import {
  BASE_FIELD_MODULUS,
  g1Words,
  g2Words,
  isG1Point,
  isG2Point,
  type VerificationKey,
} from '../verificationKey.js';

export interface KeyContribution {
  /** As snarkjs prints it: BLAKE2b-512 of the contribution's public key, hex. */
  readonly hash: string;
  readonly name: string;
  /** δ in G1 after the contribution: x, y. */
  readonly delta: readonly bigint[];
  readonly beacon?: {
    /** Hex. */
    readonly value: string;
    /** Exponent of two. */
    readonly iterations: number;
  };
}

export interface KeyRecord {
  readonly verificationKey: VerificationKey;
  /** snarkjs' circuit hash: BLAKE2b-512 of the initial key's points, hex. */
  readonly initialHash: string;
  readonly contributions: readonly KeyContribution[];
}

interface Section {
  readonly at: number;
  readonly length: number;
}

const G1_BYTES = 64;
const G2_BYTES = 128;
const FIELD_BYTES = 32;
const HASH_BYTES = 64;
const GROTH16 = 1;
const SECTION = { protocol: 1, header: 2, ic: 3, a: 5, b1: 6, b2: 7, c: 8, h: 9, ceremony: 10 } as const;
const SECTIONS = 10;
const CONTRIBUTION_TYPES = { person: 0, beacon: 1 } as const;
const PARAMETER = { name: 1, iterations: 2, beacon: 3 } as const;
/** No ceremony is as long; a damaged count must not be believed. */
const MOST_CONTRIBUTIONS = 10_000;
/** Of a part that is read into memory: a damaged length must not ask for all of it. */
const MOST_BYTES = 2 ** 24;

/** @throws MeedError when the file is no Groth16 key over BN254, is not whole, or its contributions do not follow one another */
export async function readKeyRecord(path: string): Promise<KeyRecord> {
  const file = await open(path).catch((error: unknown) => {
    throw explainFileError(error, path);
  });
  try {
    return await new Reader(path, file).record();
  } finally {
    await file.close();
  }
}

class Reader {
  constructor(
    readonly path: string,
    readonly file: FileHandle,
  ) {}

  damaged(how: string, remedy = 'Fetch the file again, or make it again from the key before it'): MeedError {
    return new MeedError(`The key ${this.path} ${how}`, remedy);
  }

  async record(): Promise<KeyRecord> {
    const sections = await this.sections();
    const part = (type: number): Promise<Bytes> => {
      const { at, length } = sections.get(type) as Section;
      return this.bytes(at, length);
    };
    const protocol = (await part(SECTION.protocol)).uint32();
    if (protocol !== GROTH16) throw this.damaged(`is of protocol ${protocol}, not of Groth16`, 'Name a Groth16 key');
    const header = await part(SECTION.header);
    for (const modulus of [BASE_FIELD_MODULUS, FIELD_MODULUS]) {
      if (header.uint32() !== FIELD_BYTES || header.integer(FIELD_BYTES) !== modulus) {
        throw this.damaged('is not over BN254', 'Name a key over BN254');
      }
    }
    const [wires, publicWires, domain] = [header.uint32(), header.uint32(), header.uint32()];
    const sizes: readonly [number, number][] = [
      [SECTION.ic, (publicWires + 1) * G1_BYTES],
      [SECTION.a, wires * G1_BYTES],
      [SECTION.b1, wires * G1_BYTES],
      [SECTION.b2, wires * G2_BYTES],
      [SECTION.c, (wires - publicWires - 1) * G1_BYTES],
      [SECTION.h, domain * G1_BYTES],
    ];
    for (const [type, bytes] of sizes) {
      const { length } = sections.get(type) as Section;
      if (length !== bytes) throw this.damaged(`has ${length} bytes in section ${type}, its header says ${bytes}`);
    }
    const alpha = await header.g1();
    await header.g1();
    const [beta, gamma] = [await header.g2(), await header.g2()];
    await header.g1();
    const delta = await header.g2();
    const ic = await part(SECTION.ic);
    const points: string[][] = [];
    for (let i = 0; i <= publicWires; i++) points.push(await ic.g1());
    const ceremony = await part(SECTION.ceremony);
    return {
      verificationKey: {
        protocol: 'groth16',
        curve: 'bn128',
        nPublic: publicWires,
        vk_alpha_1: alpha,
        vk_beta_2: beta,
        vk_gamma_2: gamma,
        vk_delta_2: delta,
        IC: points,
      },
      ...(await this.contributions(ceremony)),
    };
  }

  /** All ten sections, each there once, and nothing behind them. */
  async sections(): Promise<Map<number, Section>> {
    const { size } = await this.file.stat();
    const sections = new Map<number, Section>();
    if (size < 12) throw this.damaged('is too short for a key');
    const head = await this.bytes(0, 12);
    if (head.text(4) !== 'zkey') throw this.damaged('does not begin with "zkey"', 'Name a .zkey file');
    head.uint32();
    let count = head.uint32();
    let at = 12;
    while (count-- > 0) {
      if (at + 12 > size) throw this.damaged('is cut short');
      const entry = await this.bytes(at, 12);
      const [type, length] = [entry.uint32(), entry.uint64()];
      at += 12;
      if (at + length > size) throw this.damaged('is cut short');
      if (sections.has(type)) throw this.damaged(`has section ${type} twice`);
      sections.set(type, { at, length });
      at += length;
    }
    if (at !== size) throw this.damaged(`has ${size - at} bytes behind its last section`);
    for (let type = 1; type <= SECTIONS; type++) {
      if (!sections.has(type)) throw this.damaged(`has no section ${type}`);
    }
    return sections;
  }

  async bytes(at: number, length: number): Promise<Bytes> {
    if (length > MOST_BYTES) throw this.damaged(`has a part of ${length} bytes that should be small`);
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await this.file.read(buffer, 0, length, at);
    if (bytesRead !== length) throw this.damaged('is cut short');
    return new Bytes(buffer, (how) => this.damaged(how));
  }

  async contributions(bytes: Bytes): Promise<Pick<KeyRecord, 'initialHash' | 'contributions'>> {
    const initial = bytes.take(HASH_BYTES);
    const before = createHash('blake2b512').update(initial);
    const count = bytes.uint32();
    if (count > MOST_CONTRIBUTIONS) throw this.damaged(`claims ${count} contributions`);
    const contributions: KeyContribution[] = [];
    for (let i = 1; i <= count; i++) {
      const delta = g1Words(await bytes.g1());
      const [s, sx] = [await bytes.g1(), await bytes.g1()];
      const spx = await bytes.g2();
      const transcript = bytes.take(HASH_BYTES);
      const signed = before
        .copy()
        .update(bigEndian([...g1Words(s), ...g1Words(sx)]))
        .digest();
      if (!signed.equals(transcript)) throw this.damaged(`has a contribution ${i} that was made on another key`);
      const type = bytes.uint32();
      const given = parameters(bytes, bytes.uint32());
      if (type !== CONTRIBUTION_TYPES.person && type !== CONTRIBUTION_TYPES.beacon) {
        throw this.damaged(`has a contribution ${i} of unknown type ${type}`);
      }
      const publicKey = Buffer.concat([
        bigEndian([...delta, ...g1Words(s), ...g1Words(sx), ...g2Words(spx)]),
        transcript,
      ]);
      before.update(publicKey);
      const isBeacon = type === CONTRIBUTION_TYPES.beacon;
      if (isBeacon !== (given.beacon !== undefined)) throw this.damaged(`has an unclear beacon in contribution ${i}`);
      contributions.push({
        hash: createHash('blake2b512').update(publicKey).digest('hex'),
        name: given.name,
        delta,
        ...(given.beacon && { beacon: given.beacon }),
      });
    }
    if (bytes.left !== 0) throw this.damaged('has more in its record of phase 2 than its contributions');
    return { initialHash: initial.toString('hex'), contributions };
  }
}

/** Name, iterations and beacon value of a contribution, in this order, each at most once. */
function parameters(bytes: Bytes, length: number): { name: string; beacon?: { value: string; iterations: number } } {
  const part = new Bytes(bytes.take(length), bytes.damaged);
  let name = '';
  let iterations: number | undefined;
  let value: string | undefined;
  for (let last = 0; part.left > 0; ) {
    const kind = part.byte();
    if (kind <= last) throw part.damaged('has contribution parameters out of order');
    last = kind;
    if (kind === PARAMETER.name) name = part.take(part.byte()).toString('utf8');
    else if (kind === PARAMETER.iterations) iterations = part.byte();
    else if (kind === PARAMETER.beacon) value = part.take(part.byte()).toString('hex');
    else throw part.damaged(`has an unknown contribution parameter ${kind}`);
  }
  if ((iterations === undefined) !== (value === undefined)) throw part.damaged('has half a beacon');
  return iterations === undefined || value === undefined ? { name } : { name, beacon: { value, iterations } };
}

/** Reads along a part of the file. */
class Bytes {
  #at = 0;
  readonly #bytes: Buffer;
  readonly damaged: (how: string) => MeedError;

  constructor(bytes: Buffer, damaged: (how: string) => MeedError) {
    this.#bytes = bytes;
    this.damaged = damaged;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer {
    if (length > this.left) throw this.damaged('is cut short');
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  byte(): number {
    return this.take(1)[0];
  }

  uint32(): number {
    return this.take(4).readUInt32LE();
  }

  uint64(): number {
    return Number(this.take(8).readBigUInt64LE());
  }

  integer(length: number): bigint {
    return BigInt(`0x${Buffer.from(this.take(length)).reverse().toString('hex')}`);
  }

  text(length: number): string {
    return this.take(length).toString('latin1');
  }

  /** Decimal (x, y, 1) of an affine point in Montgomery form. */
  async g1(): Promise<string[]> {
    const { G1 } = await bn254();
    const point = G1.toObject(G1.fromRprLEM(this.take(G1_BYTES), 0)).map(String);
    if (!(await isG1Point(g1Words(point)))) throw this.damaged('holds a point that is not on the curve');
    return point;
  }

  async g2(): Promise<string[][]> {
    const { G2 } = await bn254();
    const point = G2.toObject(G2.fromRprLEM(this.take(G2_BYTES), 0)).map((pair) => pair.map(String));
    if (!(await isG2Point(g2Words(point)))) throw this.damaged('holds a point that is not in the group of order r');
    return point;
  }
}

function bigEndian(words: readonly bigint[]): Buffer {
  return Buffer.from(words.map((word) => word.toString(16).padStart(2 * FIELD_BYTES, '0')).join(''), 'hex');
}
