/**
 * The key that settles: what it must be by the evidence. A development key follows from its circuit alone. A key from a
 * ceremony does not, so the chain stage's manifest ties three hashes together, each of which the auditor has from
 * elsewhere: the circuit's from compiling it, the transcript's from its records, the key's from the transcript.
 * The trap: a transcript that hangs together may still be made up; whether its key follows from phase 1 and the
 * contributions is what `meed ceremony verify` finds out, and the audit says whether it was done on this machine.
 */
import { join } from 'node:path';
import {
  assertKeyIsSound,
  compileCircuit,
  developmentKey,
  findVerified,
  type Instance,
  type KeySeal,
  keyWords,
  keyWordsHash,
  readTranscript,
  requireStatedKey,
  scoreMatrixCircuit,
  type VerificationKey,
} from '../../prover/index.js';
import type { Deployment } from '../deploy.js';
import { DEVELOPMENT_CHAIN_ID } from '../node.js';
import { CEREMONY_FILE } from '../validator/index.js';
import { differs, requireEqual, requireEqualLists } from './check.js';
import type { Evidence } from './evidence.js';

export interface SettlementKey {
  readonly verificationKey: VerificationKey;
  /** Where the key comes from, in words, with what must be known of it. */
  readonly origin: string;
}

export async function settlementKey(evidence: Evidence): Promise<SettlementKey> {
  const { deployment, artefact } = await evidence.registration();
  return keyOfDeployment(deployment, artefact.folder, (await evidence.index()).options.instance);
}

/**
 * @param folder of the chain stage, with the transcript where there was a ceremony
 * @throws MeedError naming which of the three hashes differs, or that a real chain settles with a development key
 */
export async function keyOfDeployment(
  { seal, chainId }: Pick<Deployment, 'seal' | 'chainId'>,
  folder: string,
  instance: Instance,
): Promise<SettlementKey> {
  const circuit = await compileCircuit(scoreMatrixCircuit(instance));
  if (seal === undefined) {
    if (chainId !== DEVELOPMENT_CHAIN_ID) {
      throw differs(`the ceremony of the key on chain ${chainId}`, 'none', 'one: the chain is no development chain');
    }
    const { verificationKey } = await developmentKey(circuit);
    return { verificationKey, origin: 'a development key, so whoever wants can forge a proof' };
  }
  const { start, beacon, contributions, hash } = await readTranscript(join(folder, CEREMONY_FILE));
  requireEqual("the transcript's hash in the manifest", seal.transcriptHash, hash);
  requireEqual("the circuit's hash in the manifest", seal.circuitHash, circuit.circuitHash);
  requireEqual("the circuit's hash in the transcript", start.circuitHash, circuit.circuitHash);
  if (beacon === undefined) throw differs('the ceremony of the key', 'unfinished', 'a beacon after its contributions');
  requireEqual("the key's hash in the manifest", seal.keyHash, beacon.keyHash);
  requireStatedKey(beacon, keyWords(beacon.verificationKey), CEREMONY_FILE);
  await assertKeyIsSound(beacon.verificationKey, circuit.publicSignals);
  const verified = await findVerified(seal);
  const names = contributions.map(({ name }) => name).join(', ');
  const how = verified ? 'verified on this machine' : 'not verified on this machine: see `meed ceremony verify`';
  return { verificationKey: beacon.verificationKey, origin: `a key of the ceremony of ${names}, ${how}` };
}

/** @throws MeedError when the words that the verifier was created with are not the key's, or not what the manifest sealed */
export function requireKeyOnChain(
  words: readonly bigint[],
  verificationKey: VerificationKey,
  seal: KeySeal | undefined,
): void {
  if (seal !== undefined) requireEqual("the key's hash on chain", keyWordsHash(words), seal.keyHash);
  requireEqualLists('word of the key on chain', words, keyWords(verificationKey));
}
