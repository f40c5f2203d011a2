/**
 * Groth16 verification keys in the JSON form of snarkjs, and the checks without which one is worthless.
 * The trap: snarkjs exports a key whose γ equals δ when nobody contributed to phase 2, and accepts it; against such a
 * key anybody can forge a proof (two deployments lost their money to it in 2026). Every key that is made, imported or
 * named in a circuit id passes through `assertKeyIsSound`.
 */
import { AbiCoder, keccak256 } from 'ethers';
import { MeedError, sha256 } from '../foundation/index.js';
import { bn254 } from './curve.js';
import type { Instance } from './reference/constants.js';

/** Order of BN254's base field, in which coordinates lie. */
export const BASE_FIELD_MODULUS = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;

/** Decimal coordinates, (x, y, 1). */
export type G1Json = readonly string[];
/** Pairs (real, imaginary) of decimal coordinates. */
export type G2Json = readonly (readonly string[])[];

export interface VerificationKey {
  readonly protocol: string;
  readonly curve: string;
  readonly nPublic: number;
  readonly vk_alpha_1: G1Json;
  readonly vk_beta_2: G2Json;
  readonly vk_gamma_2: G2Json;
  readonly vk_delta_2: G2Json;
  readonly IC: readonly G1Json[];
}

const REFUSED = 'Use a key from a finished ceremony, or a development key made by Meed';

/**
 * @param publicSignals how many the circuit has, without the constant
 * @throws MeedError when the key is for another protocol or another number of public signals, a point is not on its
 *   curve or not in the group of order r or is zero, or γ = ±δ
 */
export async function assertKeyIsSound(key: VerificationKey, publicSignals: number): Promise<void> {
  if (key.protocol !== 'groth16' || key.curve !== 'bn128') {
    throw new MeedError(`The verification key is for ${key.protocol} on ${key.curve}, not groth16 on bn128`, REFUSED);
  }
  if (key.nPublic !== publicSignals || key.IC.length !== publicSignals + 1) {
    throw new MeedError(
      `The verification key is for ${key.nPublic} public signals instead of ${publicSignals}`,
      REFUSED,
    );
  }
  const points: [string, boolean][] = [
    ['alpha', await isG1Point(g1Words(key.vk_alpha_1))],
    ['beta', await isG2Point(g2Words(key.vk_beta_2))],
    ['gamma', await isG2Point(g2Words(key.vk_gamma_2))],
    ['delta', await isG2Point(g2Words(key.vk_delta_2))],
  ];
  for (const [i, point] of key.IC.entries()) points.push([`IC ${i}`, await isG1Point(g1Words(point))]);
  const wrong = points.find(([, valid]) => !valid);
  if (wrong !== undefined) {
    throw new MeedError(`The point ${wrong[0]} of the verification key is not a point of its group`, REFUSED);
  }
  const [gamma, delta] = [g2Words(key.vk_gamma_2), g2Words(key.vk_delta_2)];
  // points with the same x are equal or opposite, and both can be forged against
  if (gamma[0] === delta[0] && gamma[1] === delta[1]) {
    throw new MeedError('The verification key has gamma = delta or −delta: anybody can forge proofs for it', REFUSED);
  }
}

/** α | β | γ | δ | IC_0 … IC_4 as 24 integers in the EVM's order, the imaginary part of G2 coordinates first. */
export function keyWords(key: VerificationKey): bigint[] {
  return [
    ...g1Words(key.vk_alpha_1),
    ...g2Words(key.vk_beta_2),
    ...g2Words(key.vk_gamma_2),
    ...g2Words(key.vk_delta_2),
    ...key.IC.flatMap(g1Words),
  ];
}

/** SHA-256, hex: names the proving key that goes with it, where several machines must have the same. */
export function verificationKeyHash(key: VerificationKey): string {
  return sha256(`meed/key/v1 ${keyWords(key).join(' ')}`);
}

/** keccak256(abi.encode(key words)), bytes32 hex: what a contract makes of the key that it was created with. */
export function keyHash(key: VerificationKey): string {
  return keyWordsHash(keyWords(key));
}

/** As `keyHash`, of words as they stand on chain. */
export function keyWordsHash(words: readonly bigint[]): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode([`uint256[${words.length}]`], [words]));
}

/** keccak256(abi.encode(S, Q, d, keccak256(abi.encode(key words)))), bytes32 hex. */
export function circuitId(instance: Instance, key: VerificationKey): string {
  return keccak256(
    AbiCoder.defaultAbiCoder().encode(
      ['uint256', 'uint256', 'uint256', 'bytes32'],
      [instance.slots, instance.queries, instance.columns, keyHash(key)],
    ),
  );
}

/** x, y */
export function g1Words(point: G1Json): bigint[] {
  return [BigInt(point[0]), BigInt(point[1])];
}

/** x imaginary, x real, y imaginary, y real */
export function g2Words(point: G2Json): bigint[] {
  return [BigInt(point[0][1]), BigInt(point[0][0]), BigInt(point[1][1]), BigInt(point[1][0])];
}

function areCoordinates(words: readonly bigint[]): boolean {
  return words.every((word) => word >= 0n && word < BASE_FIELD_MODULUS) && words.some((word) => word !== 0n);
}

/** Whether (x, y) is a point of G1 other than zero. G1 has prime order, so being on the curve is enough. */
export async function isG1Point(words: readonly bigint[]): Promise<boolean> {
  if (!areCoordinates(words)) return false;
  const { G1 } = await bn254();
  return G1.isValid(G1.fromObject([words[0], words[1], 1n]));
}

/** Whether the four words, in the EVM's order, are a point of G2 other than zero: on the twist *and* of order r. */
export async function isG2Point(words: readonly bigint[]): Promise<boolean> {
  if (!areCoordinates(words)) return false;
  const { G2, r } = await bn254();
  const point = G2.fromObject([
    [words[1], words[0]],
    [words[3], words[2]],
    [1n, 0n],
  ]);
  return G2.isValid(point) && G2.isZero(G2.timesScalar(point, r));
}
