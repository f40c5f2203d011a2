/**
 * A verification key as the contracts take it: α | β | γ | δ | IC_0 … IC_n, G2 with the imaginary part first.
 * Two kinds of key let anybody forge a proof, and both are refused before anything is sent: γ = ±δ, and the development
 * key, whose secrets are public. Any other key may have been made by one person who kept its secrets, and its words do
 * not show it: so a chain where money is real gets only the key of a ceremony that this machine has verified.
 */
import { MeedError } from '../foundation/index.js';
import { type CeremonyOrigin, keyWordsHash, sameSeal } from '../prover/index.js';
import { DEVELOPMENT_CHAIN_ID } from './node.js';

export type KeyWords = readonly bigint[];

/** Words of a key of so many public signals. */
export function keyWordCount(signals: number): number {
  return 16 + 2 * signals;
}

/** Words of a ScoreMatrix key. */
export const KEY_WORDS = keyWordCount(4);
const GAMMA = 6;
const DELTA = 10;
/** x of sha256("meed development key: delta") mod r times the G2 generator; −δ has the same. */
export const DEVELOPMENT_DELTA_X: readonly [bigint, bigint] = [
  21143968729057999302115787582452985956821065258138870958822533271768036480642n,
  3690447125038241572931432816337289511675275435568491449119848201216176909813n,
];

/**
 * @param signals public signals of the circuit, four unless told
 * @throws MeedError when the key is of another length, or anybody could forge a proof for it on this chain
 */
export function requireUnforgeable(key: KeyWords, chainId: number, signals = 4): void {
  const words = keyWordCount(signals);
  if (key.length !== words) {
    throw new MeedError(
      `The verification key has ${key.length} words, not ${words}`,
      `Export it again for ${signals} public signals`,
    );
  }
  if (key[GAMMA] === key[DELTA] && key[GAMMA + 1] === key[DELTA + 1]) {
    throw new MeedError(
      'The verification key has γ = ±δ, so anybody can forge proofs for it',
      'Contribute to phase 2 of the ceremony and export the key again',
    );
  }
  const development = key[DELTA] === DEVELOPMENT_DELTA_X[0] && key[DELTA + 1] === DEVELOPMENT_DELTA_X[1];
  if (development && chainId !== DEVELOPMENT_CHAIN_ID) {
    throw new MeedError(
      `The verification key is the development key, whose secrets are public, and chain ${chainId} is not the development chain ${DEVELOPMENT_CHAIN_ID}`,
      'Run a ceremony and deploy its key',
    );
  }
}

/**
 * @param ceremony where the key comes from, as far as the caller knows
 * @throws MeedError when it is the origin of another key; or, on any chain but the development chain, when there is none
 *   or this machine has not verified it
 */
export function requireVerifiedOrigin(key: KeyWords, ceremony: CeremonyOrigin | undefined, chainId: number): void {
  const keyHash = keyWordsHash(key);
  if (ceremony !== undefined && ceremony.seal.keyHash !== keyHash) {
    throw new MeedError(
      `The verification key has the hash ${keyHash}, its ceremony made ${ceremony.seal.keyHash}`,
      'Deploy the key that the ceremony published',
    );
  }
  if (chainId === DEVELOPMENT_CHAIN_ID) return;
  if (ceremony === undefined) {
    throw new MeedError(
      `The verification key is of no ceremony, and chain ${chainId} is not the development chain ${DEVELOPMENT_CHAIN_ID}`,
      'Hold a ceremony with `meed ceremony start` and name its published folder with --key',
    );
  }
  if (ceremony.verified === undefined || !sameSeal(ceremony.verified, ceremony.seal)) {
    throw new MeedError(
      `The ceremony ${ceremony.seal.transcriptHash} of the verification key was never verified on this machine`,
      'Run `meed ceremony verify` on its published folder, then deploy',
    );
  }
}
