/**
 * Meed's own Groth16 prover: a key is parsed once and stays in shared memory with its points converted and its tables made;
 * each proof is then a witness copied in, the quotient's scalars, five multi-scalar multiplications and a dozen single
 * operations. It reads the .zkey and .wtns files of snarkjs and gives proofs that snarkjs verifies.
 * The traps: threads work on one memory, so a prover makes one proof at a time; and it does not verify what it makes, so a
 * key that was damaged where its form does not show gives proofs that do not hold.
 */
import { bn254 } from '../curve.js';
import type { Groth16Proof } from '../groth16.js';
import { assemble, type Sums } from './assemble.js';
import { type Blinding, randomBlinding } from './blinding.js';
import { type ByteSource, openFile, readBytes } from './byteSource.js';
import { ELEMENT_BYTES } from './fieldKernel.js';
import { type Arithmetic, openArithmetic } from './fieldThreads.js';
import { loadPoints } from './keyPoints.js';
import { MultiScalar } from './msm.js';
import { openQuotient, type Quotient } from './quotient.js';
import { compressRows } from './sparseRows.js';
import { readWtns, valuesAt } from './wtns.js';
import { readZkey, type Zkey } from './zkey.js';

export interface ProverOptions {
  /** Worker threads; 2 unless told. */
  readonly threads?: number;
  /** Most bytes of shared memory; 4 GiB, all that can be addressed, unless told. */
  readonly memoryBytes?: number;
}

/** What a proof's time goes to: the transforms, the sums over the key's points, and the single operations at the end. */
export type Stage = 'quotient' | 'h' | 'b2' | 'a' | 'b1' | 'c' | 'assembly';

export interface ProofOptions {
  readonly signal?: AbortSignal;
  /** Told when a stage begins, for profiles. */
  readonly stage?: (name: Stage) => void;
}

export interface Prover {
  /**
   * A proof for a witness, blinded anew. It is not verified here.
   * @param wtns the bytes of a .wtns file
   * @throws MeedError when they are no witness of the key's circuit; the signal's reason, between stages
   */
  prove(wtns: Uint8Array, options?: ProofOptions): Promise<Groth16Proof>;
  /** Bytes of the shared memory. */
  readonly bytes: number;
  /** Ends the threads; a proof that is being made is given up. */
  dispose(): Promise<void>;
}

/** @throws MeedError when the file is no Groth16 key on BN254, is damaged, or does not fit the memory */
export async function openProver(
  { zkeyPath }: { readonly zkeyPath: string },
  options?: ProverOptions,
): Promise<Prover> {
  const key = await openKey(zkeyPath, options);
  let busy = false;
  return {
    async prove(wtns, options = {}) {
      if (busy) throw new Error('a prover makes one proof at a time');
      busy = true;
      try {
        const { sums, witness } = await key.sums(wtns, options);
        options.stage?.('assembly');
        return await proofOf(key.header, sums, witness, randomBlinding());
      } finally {
        busy = false;
      }
    },
    get bytes() {
      return key.bytes;
    },
    dispose: () => key.dispose(),
  };
}

/** The proof of a witness' sums with the blinding. */
export async function proofOf(key: Zkey, sums: Sums, witness: Uint8Array, blinding: Blinding): Promise<Groth16Proof> {
  return {
    words: assemble(await bn254(), key, sums, blinding),
    publicSignals: valuesAt(witness, 1, key.publicWires),
  };
}

/** A key in memory, and what a proof needs of it before it is blinded. */
export interface OpenKey {
  readonly header: Zkey;
  readonly bytes: number;
  /** @throws MeedError when the bytes are no witness of the circuit; the signal's reason, between stages */
  sums(wtns: Uint8Array, options?: ProofOptions): Promise<WitnessSums>;
  dispose(): Promise<void>;
}

export interface WitnessSums {
  readonly sums: Sums;
  /** Integers of 32 bytes, one a wire. */
  readonly witness: Uint8Array;
  /** The quotient's, one an element of the domain. */
  readonly scalars: Uint8Array;
}

export async function openKey(zkeyPath: string, options: ProverOptions = {}): Promise<OpenKey> {
  const source = await openFile(zkeyPath);
  try {
    const header = await readZkey(source);
    const arithmetic = await openArithmetic(options);
    try {
      const loaded = await loadKey(arithmetic, source, header);
      return {
        header,
        get bytes() {
          return arithmetic.bytes.byteLength;
        },
        async sums(wtns, options = {}) {
          const { values } = await readWtns(wtns, header.wires);
          const sums = await sumsOf(arithmetic, header, loaded, values, options);
          const { scalars } = loaded.quotient;
          return {
            sums,
            witness: values,
            scalars: arithmetic.bytes.subarray(scalars, scalars + ELEMENT_BYTES * header.domain),
          };
        },
        dispose: () => arithmetic.close(),
      };
    } catch (error) {
      await arithmetic.close();
      throw error;
    }
  } finally {
    await source.close();
  }
}

/** Addresses of the points, and what computes on them. */
interface LoadedKey {
  readonly a: number;
  readonly b1: number;
  readonly b2: number;
  readonly c: number;
  readonly h: number;
  readonly quotient: Quotient;
  readonly sum: MultiScalar;
}

async function loadKey(arithmetic: Arithmetic, source: ByteSource, key: Zkey): Promise<LoadedKey> {
  const { at, length } = key.coefficients;
  const coefficients = compressRows(source.name, await readBytes(source, at, length), key);
  return {
    a: await loadPoints(arithmetic, source, key.a),
    b1: await loadPoints(arithmetic, source, key.b1),
    b2: await loadPoints(arithmetic, source, key.b2),
    c: await loadPoints(arithmetic, source, key.c),
    h: await loadPoints(arithmetic, source, key.h),
    quotient: await openQuotient(arithmetic, coefficients, key),
    sum: new MultiScalar(arithmetic, { g1: Math.max(key.domain, key.wires), g2: key.wires }),
  };
}

/** The five sums of a witness, given as integers of 32 bytes. */
async function sumsOf(
  arithmetic: Arithmetic,
  { wires, publicWires, domain }: Zkey,
  { a, b1, b2, c, h, quotient, sum }: LoadedKey,
  witness: Uint8Array,
  { signal, stage = () => {} }: ProofOptions,
): Promise<Sums> {
  arithmetic.bytes.set(witness, quotient.witness);
  stage('quotient');
  await quotient.compute(signal);
  const firstPrivate = publicWires + 1;
  const ofC = quotient.witness + ELEMENT_BYTES * firstPrivate;
  const next = (name: Stage, begin: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    signal?.throwIfAborted();
    stage(name);
    return begin();
  };
  return {
    h: await next('h', () => sum.g1(h, quotient.scalars, domain)),
    b2: await next('b2', () => sum.g2(b2, quotient.witness, wires)),
    a: await next('a', () => sum.g1(a, quotient.witness, wires)),
    b1: await next('b1', () => sum.g1(b1, quotient.witness, wires)),
    c: await next('c', () => sum.g1(c, ofC, wires - firstPrivate)),
  };
}
