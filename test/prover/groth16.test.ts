/** Keys and proofs on the tiny instance: what must verify, and everything that must not. */
import { readFile } from 'node:fs/promises';
import { groth16, zKey } from 'snarkjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileCircuit } from '../../src/prover/circuit.js';
import { bn254 } from '../../src/prover/curve.js';
import { windowWidth } from '../../src/prover/devkey/fixedBase.js';
import { developmentKey, type ProvingKey } from '../../src/prover/devkey/index.js';
import { developmentWaste, inverse, modulo, power } from '../../src/prover/devkey/waste.js';
import { type Groth16Proof, prove, verify } from '../../src/prover/groth16.js';
import { constraintsOf, readR1csHeader } from '../../src/prover/r1cs.js';
import { FIELD_MODULUS, loadHasher } from '../../src/prover/reference/index.js';
import { scoreMatrixCircuit } from '../../src/prover/templates.js';
import { assertKeyIsSound, BASE_FIELD_MODULUS, circuitId, keyWords } from '../../src/prover/verificationKey.js';
import type { CircuitInput } from '../../src/prover/witnessCalculator.js';
import { endSnarkjs, snarkProof } from './support/snarkjs.js';
import { anyEntry, honestInput, TINY } from './support/statements.js';

let key: ProvingKey;
let input: CircuitInput;
let proof: Groth16Proof;

beforeAll(async () => {
  key = await developmentKey(await compileCircuit(scoreMatrixCircuit(TINY)));
  input = honestInput(await loadHasher(), TINY, 1, anyEntry);
  proof = await prove(key, input);
});
afterAll(async () => {
  await endSnarkjs();
});

describe('a proof', () => {
  it('verifies here and with snarkjs, and carries the statement', async () => {
    const statement = ['shardCommitment', 'queryBatchCommitment', 'rho', 'evaluation'].map((name) => input[name]);
    expect(proof.publicSignals).toEqual(statement);
    expect(proof.words).toHaveLength(8);
    expect(await verify(key.verificationKey, proof.publicSignals, proof.words)).toBe(true);
    const signals = proof.publicSignals.map(String);
    expect(await groth16.verify(key.verificationKey, signals, snarkProof(proof))).toBe(true);
  });

  it('is randomised: two proofs of one statement differ, and both verify', async () => {
    const second = await prove(key, input);
    expect(second.words).not.toEqual(proof.words);
    expect(second.publicSignals).toEqual(proof.publicSignals);
    expect(await verify(key.verificationKey, second.publicSignals, second.words)).toBe(true);
  });

  it('fails with any word changed, by a bit or by the modulus', async () => {
    for (let i = 0; i < 8; i++) {
      for (const word of [proof.words[i] ^ 1n, proof.words[i] + BASE_FIELD_MODULUS, 0n]) {
        const words = proof.words.map((old, at) => (at === i ? word : old));
        expect(await verify(key.verificationKey, proof.publicSignals, words), `word ${i}`).toBe(false);
      }
    }
    const negated = [proof.words[0], BASE_FIELD_MODULUS - proof.words[1], ...proof.words.slice(2)];
    expect(await verify(key.verificationKey, proof.publicSignals, negated)).toBe(false);
  });

  it('fails for other public signals, and for the same ones plus r', async () => {
    for (let i = 0; i < 4; i++) {
      const changed = (to: bigint) => proof.publicSignals.map((old, at) => (at === i ? to : old));
      const signal = proof.publicSignals[i];
      for (const other of [(signal + 1n) % FIELD_MODULUS, signal + FIELD_MODULUS, signal - FIELD_MODULUS]) {
        expect(await verify(key.verificationKey, changed(other), proof.words), `signal ${i}`).toBe(false);
      }
    }
    expect(await verify(key.verificationKey, proof.publicSignals.slice(0, 3), proof.words)).toBe(false);
  });

  it('is malleable, so nothing may be identified by its hash: (−A, −B, C) verifies too', async () => {
    const [ax, ay, bx1, bx0, by1, by0, cx, cy] = proof.words;
    const negate = (y: bigint): bigint => BASE_FIELD_MODULUS - y;
    const twin = [ax, negate(ay), bx1, bx0, negate(by1), negate(by0), cx, cy];
    expect(await verify(key.verificationKey, proof.publicSignals, twin)).toBe(true);
  });

  it('cannot be made for values that do not satisfy the circuit', async () => {
    const wrong = { ...input, evaluation: ((input.evaluation as bigint) + 1n) % FIELD_MODULUS };
    await expect(prove(key, wrong)).rejects.toThrow('do not satisfy the circuit');
  });
});

describe('a verification key', () => {
  it('is refused with gamma = delta, off its curve, outside the subgroup, or for another statement', async () => {
    const sound = key.verificationKey;
    await expect(assertKeyIsSound(sound, 4)).resolves.toBeUndefined();
    await expect(assertKeyIsSound({ ...sound, vk_delta_2: sound.vk_gamma_2 }, 4)).rejects.toThrow('gamma = delta');
    await expect(assertKeyIsSound({ ...sound, nPublic: 3 }, 4)).rejects.toThrow('3 public signals');
    await expect(assertKeyIsSound({ ...sound, protocol: 'plonk' }, 4)).rejects.toThrow('plonk');
    await expect(assertKeyIsSound({ ...sound, vk_alpha_1: ['1', '3', '1'] }, 4)).rejects.toThrow('point alpha');
    await expect(assertKeyIsSound({ ...sound, vk_beta_2: await pointOutsideSubgroup() }, 4)).rejects.toThrow(
      'point beta',
    );
  });

  it('has 24 words, imaginary parts first, and its id changes with the shape and with any word', () => {
    const words = keyWords(key.verificationKey);
    expect(words).toHaveLength(24);
    expect(words[2]).toBe(BigInt(key.verificationKey.vk_beta_2[0][1]));
    expect(words[14]).toBe(BigInt(key.verificationKey.IC[0][0]));
    const id = circuitId(TINY, key.verificationKey);
    expect(id).toMatch(/^0x[0-9a-f]{64}$/);
    expect(circuitId({ ...TINY, columns: 5 }, key.verificationKey)).not.toBe(id);
    const other = { ...key.verificationKey, vk_gamma_2: key.verificationKey.vk_beta_2 };
    expect(circuitId(TINY, other)).not.toBe(id);
  });
});

describe('the development key', () => {
  it('says that it is forgeable, beside the key', async () => {
    expect(key.forgeable).toBe(true);
    const properties = JSON.parse(await readFile(key.zkeyPath.replace('key.zkey', 'properties.json'), 'utf8'));
    expect(properties.forgeable).toBe(true);
  });

  it('is indeed forgeable: its secrets make a proof of a false statement', async () => {
    // With A = a·G1, B = b·G2, C = ((ab − αβ − γ·statement)/δ)·G1 for statement = Σ x_i IC_i, no witness is needed.
    const { alpha, beta, gamma, delta } = developmentWaste();
    const { G1, G2 } = await bn254();
    const signals = [1n, 2n, 3n, 4n];
    const point = (at: number): Uint8Array => {
      const [x, y] = key.verificationKey.IC[at].map(BigInt);
      return G1.fromObject([x, y, 1n]);
    };
    const statement = signals.reduce((sum, x, i) => G1.add(sum, G1.timesScalar(point(i + 1), x)), point(0));
    const constant = G1.timesScalar(G1.g, modulo((5n * 7n - alpha * beta) * inverse(delta)));
    const c = G1.add(constant, G1.neg(G1.timesScalar(statement, modulo(gamma * inverse(delta)))));
    const [ax, ay] = G1.toObject(G1.toAffine(G1.timesScalar(G1.g, 5n)));
    const [bx, by] = G2.toObject(G2.toAffine(G2.timesScalar(G2.g, 7n)));
    const [cx, cy] = G1.toObject(G1.toAffine(c));
    const words = [ax, ay, bx[1], bx[0], by[1], by[0], cx, cy];
    expect(await verify(key.verificationKey, signals, words)).toBe(true);
  });

  it('gives snarkjs the same verification key from the .zkey', async () => {
    const exported: object = await zKey.exportVerificationKey(key.zkeyPath);
    expect(exported).toMatchObject(key.verificationKey);
  });

  it('holds the points of Groth’s setup, derived a second time with integers', async () => {
    const { G1, G2 } = await bn254();
    const zkey = await readFile(key.zkeyPath);
    const sections = sectionsOf(zkey);
    const { a, b, c } = await setupSums();
    const { alpha, beta, gamma, delta } = developmentWaste();
    for (const wire of [0, 1, 4, 5, 100, 500, a.length - 1]) {
      const g1 = (section: number, index: number): Uint8Array => G1.fromRprLEM(zkey, sections[section] + 64 * index);
      expect(G1.eq(g1(5, wire), G1.timesScalar(G1.g, a[wire]))).toBe(true);
      expect(G1.eq(g1(6, wire), G1.timesScalar(G1.g, b[wire]))).toBe(true);
      const b2 = G2.fromRprLEM(zkey, sections[7] + 128 * wire);
      expect(G2.eq(b2, G2.timesScalar(G2.g, b[wire]))).toBe(true);
      const combined = modulo((beta * a[wire] + alpha * b[wire] + c[wire]) * inverse(wire <= 4 ? gamma : delta));
      const point = wire <= 4 ? g1(3, wire) : g1(8, wire - 5);
      expect(G1.eq(point, G1.timesScalar(G1.g, combined))).toBe(true);
    }
  });

  it('chooses wider windows for more points', () => {
    expect(windowWidth(1000)).toBeLessThan(windowWidth(200_000));
  });
});

/** Offsets of the sections' contents in a .zkey. */
function sectionsOf(zkey: Buffer): Record<number, number> {
  const sections: Record<number, number> = {};
  let position = 12;
  for (let i = zkey.readUInt32LE(8); i > 0; i--) {
    sections[zkey.readUInt32LE(position)] = position + 12;
    position += 12 + Number(zkey.readBigUInt64LE(position + 4));
  }
  return sections;
}

/** A, B and C of every wire at tau, from the constraints with bigints. */
async function setupSums(): Promise<{ a: bigint[]; b: bigint[]; c: bigint[] }> {
  const r1cs = await readFile(key.circuit.r1csPath);
  const { wires, publicWires, constraints } = readR1csHeader(r1cs);
  const { Fr } = await bn254();
  const { tau } = developmentWaste();
  const size = 2048;
  expect(constraints + publicWires).toBeLessThan(size);
  const root = Fr.toObject(Fr.w[11]);
  const scale = modulo((power(tau, BigInt(size)) - 1n) * inverse(BigInt(size)));
  const lagrange = (i: number): bigint => {
    const x = power(root, BigInt(i));
    return modulo(scale * x * inverse(modulo(tau - x)));
  };
  const sums = [0, 1, 2].map(() => Array<bigint>(wires).fill(0n));
  let row = 0;
  for (const parts of constraintsOf(r1cs)) {
    const basis = lagrange(row++);
    parts.forEach((part, matrix) => {
      part.wires.forEach((wire, i) => {
        sums[matrix][wire] = modulo(sums[matrix][wire] + part.coefficients[i] * basis);
      });
    });
  }
  for (let wire = 0; wire <= publicWires; wire++) sums[0][wire] = modulo(sums[0][wire] + lagrange(constraints + wire));
  return { a: sums[0], b: sums[1], c: sums[2] };
}

/** A point on the twist whose order is not r: found by trying x = 1, 2, … */
async function pointOutsideSubgroup(): Promise<string[][]> {
  const { G2, r } = await bn254();
  for (let x = 1n; ; x++) {
    const y = twistRoot(x);
    if (y === undefined) continue;
    const point = G2.fromObject([[x, 0n], y, [1n, 0n]]);
    expect(G2.isValid(point)).toBe(true);
    if (!G2.isZero(G2.timesScalar(point, r))) return [[String(x), '0'], y.map(String), ['1', '0']];
  }
}

/** y with y² = x³ + 3/(9 + u) in F_q², for a real x, if there is one. */
function twistRoot(x: bigint): [bigint, bigint] | undefined {
  const q = BASE_FIELD_MODULUS;
  const mod = (z: bigint): bigint => ((z % q) + q) % q;
  const pow = (base: bigint, exponent: bigint): bigint => {
    let [result, square] = [1n, mod(base)];
    for (let e = exponent; e > 0n; e >>= 1n) {
      if (e & 1n) result = mod(result * square);
      square = mod(square * square);
    }
    return result;
  };
  const root = (z: bigint): bigint | undefined => {
    const s = pow(z, (q + 1n) / 4n);
    return mod(s * s) === mod(z) ? s : undefined;
  };
  // 3/(9 + u) = (27 − 3u)/82
  const tenth = pow(82n, q - 2n);
  const [re, im] = [mod(x ** 3n + 27n * tenth), mod(-3n * tenth)];
  const norm = root(mod(re * re + im * im));
  if (norm === undefined) return undefined;
  for (const sign of [norm, mod(-norm)]) {
    const real = root(mod((re + sign) * pow(2n, q - 2n)));
    if (real === undefined || real === 0n) continue;
    return [real, mod(im * pow(2n * real, q - 2n))];
  }
  return undefined;
}
