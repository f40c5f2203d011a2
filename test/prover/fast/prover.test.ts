/** Proofs by Meed's own prover: every sum against the curve library, every proof against two verifiers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { groth16 } from 'snarkjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bn254 } from '../../../src/prover/curve.js';
import { developmentWaste, modulo } from '../../../src/prover/devkey/waste.js';
import { openKey, openProver, proofOf } from '../../../src/prover/fast/prover.js';
import { valuesAt } from '../../../src/prover/fast/wtns.js';
import { type Groth16Proof, verify } from '../../../src/prover/groth16.js';
import { wireValues } from '../support/constraints.js';
import { endSnarkjs, snarkProof } from '../support/snarkjs.js';
import { changed, sectionOf, type TinyKey, tinyKey } from './support/tiny.js';

let tiny: TinyKey;
let wtns: Uint8Array;
let folder: string;
beforeAll(async () => {
  tiny = await tinyKey();
  wtns = await tiny.wtns(3);
  folder = await mkdtemp(join(tmpdir(), 'meed-prover-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await endSnarkjs();
});

describe('a proof', () => {
  it('verifies here and with snarkjs, one after the other from one key, and carries the statement', async () => {
    const prover = await openProver(tiny.key, { threads: 2 });
    try {
      const proofs: Groth16Proof[] = [];
      for (const seed of [3, 4]) {
        const witness = await tiny.wtns(seed);
        const proof = await prover.prove(witness);
        expect(proof.publicSignals).toEqual(wireValues(witness).slice(1, 5));
        expect(await verify(tiny.key.verificationKey, proof.publicSignals, proof.words)).toBe(true);
        const signals = proof.publicSignals.map(String);
        expect(await groth16.verify(tiny.key.verificationKey, signals, snarkProof(proof))).toBe(true);
        proofs.push(proof);
      }
      const again = await prover.prove(wtns);
      expect(again.publicSignals).toEqual(proofs[0].publicSignals);
      expect(again.words).not.toEqual(proofs[0].words);
      expect(await verify(tiny.key.verificationKey, again.publicSignals, again.words)).toBe(true);
      expect(await verify(tiny.key.verificationKey, proofs[1].publicSignals, again.words)).toBe(false);
      expect(prover.bytes).toBeGreaterThan(1e6);
    } finally {
      await prover.dispose();
    }
  });

  it('is made of sums that the curve library finds, too, whatever the number of threads', async () => {
    const { G1, G2 } = await bn254();
    const section = (type: number): Buffer => {
      const { at, length } = sectionOf(tiny.zkey, type);
      return tiny.zkey.subarray(at, at + length);
    };
    for (const threads of [1, 2, 3]) {
      const key = await openKey(tiny.key.zkeyPath, { threads });
      try {
        const { sums, witness, scalars } = await key.sums(wtns);
        const ofC = witness.slice(32 * 5);
        const expected: [Uint8Array, Uint8Array][] = [
          [sums.a, await G1.multiExpAffine(section(5), witness)],
          [sums.b1, await G1.multiExpAffine(section(6), witness)],
          [sums.c, await G1.multiExpAffine(section(8), ofC)],
          [sums.h, await G1.multiExpAffine(section(9), scalars.slice())],
        ];
        for (const [ours, theirs] of expected) expect(G1.eq(G1.fromRprLEM(ours, 0), theirs)).toBe(true);
        const b2 = await G2.multiExpAffine(section(7), witness);
        expect(G2.eq(G2.fromRprLEM(sums.b2, 0), b2)).toBe(true);
      } finally {
        await key.dispose();
      }
    }
  });

  it('holds what its blinding makes of the sums: A and B by their discrete logarithms', async () => {
    const key = await openKey(tiny.key.zkeyPath, { threads: 1 });
    try {
      const { sums, witness } = await key.sums(wtns);
      const proof = (r: bigint, s: bigint): Promise<Groth16Proof> => proofOf(key.header, sums, witness, { r, s });
      const { G1, G2 } = await bn254();
      const { delta } = developmentWaste();
      const point = ({ words }: Groth16Proof): Uint8Array => G1.fromObject([words[0], words[1], 1n]);
      const twist = ({ words: [, , b, a, d, c] }: Groth16Proof): Uint8Array =>
        G2.fromObject([
          [a, b],
          [c, d],
          [1n, 0n],
        ]);
      const bare = await proof(0n, 0n);
      const blinded = await proof(11n, 13n);
      expect(G1.eq(point(blinded), G1.add(point(bare), G1.timesScalar(G1.g, modulo(11n * delta))))).toBe(true);
      expect(G2.eq(twist(blinded), G2.add(twist(bare), G2.timesScalar(G2.g, modulo(13n * delta))))).toBe(true);
      for (const { words, publicSignals } of [bare, blinded, await proof(0n, 5n), await proof(5n, 0n)]) {
        expect(await verify(tiny.key.verificationKey, publicSignals, words)).toBe(true);
      }
      expect(await proof(11n, 13n)).toEqual(blinded);
      expect(bare.publicSignals).toEqual(valuesAt(witness, 1, 4));
    } finally {
      await key.dispose();
    }
  });
});

describe('a prover', () => {
  it('refuses a witness that is none, stops at a signal, makes one proof at a time, and goes on after each', async () => {
    const prover = await openProver(tiny.key, { threads: 1 });
    try {
      await expect(prover.prove(wtns.subarray(0, wtns.length - 7))).rejects.toThrow('cut short');
      await expect(prover.prove(wtns, { signal: AbortSignal.abort(new Error('no more')) })).rejects.toThrow('no more');
      const stop = new AbortController();
      const stopped = prover.prove(wtns, { signal: stop.signal });
      setTimeout(() => stop.abort(new Error('enough')), 1);
      await expect(prover.prove(wtns)).rejects.toThrow('one proof at a time');
      await expect(stopped).rejects.toThrow('enough');
      const { publicSignals, words } = await prover.prove(wtns);
      expect(await verify(tiny.key.verificationKey, publicSignals, words)).toBe(true);
    } finally {
      await prover.dispose();
    }
  });

  it('refuses a damaged key, a missing one, and memory that it does not fit', async () => {
    const zkeyPath = join(folder, 'key.zkey');
    await writeFile(zkeyPath, tiny.zkey.subarray(0, 500_000));
    await expect(openProver({ zkeyPath })).rejects.toThrow('cut short');
    await expect(openProver({ zkeyPath: join(folder, 'none.zkey') })).rejects.toThrow('does not exist');
    await expect(openProver(tiny.key, { threads: 1, memoryBytes: 2 ** 21 })).rejects.toThrow('bytes of memory');
  });

  it('makes a proof that does not verify from a key whose points were exchanged: its verifier must look', async () => {
    const zkeyPath = join(folder, 'exchanged.zkey');
    const exchanged = changed(tiny.zkey, (copy) => {
      copy.writeUInt32LE(6, sectionOf(tiny.zkey, 5).headAt);
      copy.writeUInt32LE(5, sectionOf(tiny.zkey, 6).headAt);
    });
    await writeFile(zkeyPath, exchanged);
    const prover = await openProver({ zkeyPath }, { threads: 1 });
    try {
      const { publicSignals, words } = await prover.prove(wtns);
      expect(await verify(tiny.key.verificationKey, publicSignals, words)).toBe(false);
    } finally {
      await prover.dispose();
    }
  });
});
