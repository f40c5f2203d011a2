/**
 * A published ceremony: an artefact with the final key, the constraints, the transcript and the verification key, whose
 * manifest ties the key's hash on chain to the circuit's and the transcript's. Nothing unfinished or unverified is published.
 */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Artefact, readArtefact, writeArtefact, writeJson } from '../../artefact/index.js';
import { type JsonObject, MeedError } from '../../foundation/index.js';
import type { CompiledCircuit } from '../circuit.js';
import type { KeySeal, ProvingKey } from '../provingKey.js';
import { assertKeyIsSound, keyWords } from '../verificationKey.js';
import { FILES, openFolder, requireFinished } from './folder.js';
import { readKeyRecord } from './keyRecord.js';
import { requireSameContributions } from './steps.js';
import { LEAST_CONTRIBUTIONS, readTranscript, type Transcript } from './transcript.js';
import { findVerified, sameSeal } from './verified.js';
import { requireStatedKey, sealOf, type VerifyOptions, verifyCeremony } from './verifyCeremony.js';

const KIND = 'ceremony';

export interface PublishedCeremony {
  readonly artefact: Artefact;
  readonly transcript: Transcript;
  readonly seal: KeySeal;
}

/**
 * Verifies the ceremony in `folder` and writes it to `out`.
 * @throws MeedError when it lacks contributions or its beacon, or does not verify
 */
export async function publishCeremony(
  folder: string,
  out: string,
  options: VerifyOptions = {},
): Promise<PublishedCeremony> {
  const { path, transcript, r1csPath, keyPath } = await openFolder(folder);
  const { verificationKey } = requireFinished(transcript, path, LEAST_CONTRIBUTIONS);
  await assertKeyIsSound(verificationKey, transcript.start.publicSignals);
  const verified = await verifyCeremony(folder, options);
  const { seal } = verified;
  if (seal === undefined || verified.transcript.hash !== transcript.hash) {
    throw new MeedError(`${path} was changed while it was verified`, 'Run the command again');
  }
  const { template, parameters, phase1, phase1Hash } = transcript.start;
  const recipe = { kind: KIND, inputs: {}, parameters: { template, parameters, phase1, phase1Hash } };
  const artefact = await writeArtefact(out, recipe, async (staging) => {
    await copyFile(keyPath, join(staging, FILES.finalKey));
    await copyFile(r1csPath, join(staging, FILES.circuit));
    await copyFile(join(path, FILES.transcript), join(staging, FILES.transcript));
    await writeJson(join(staging, FILES.verificationKey), JSON.parse(JSON.stringify(verificationKey)) as JsonObject);
    return { ...seal, contributors: transcript.contributions.map(({ name }) => name) };
  });
  return { artefact, transcript, seal };
}

/** @throws MeedError when a file of it is missing or changed, or its manifest contradicts its transcript */
export async function readPublished(folder: string): Promise<PublishedCeremony> {
  const artefact = await readArtefact(folder, KIND);
  const transcript = await readTranscript(join(artefact.folder, FILES.transcript));
  const beacon = requireFinished(transcript, folder, LEAST_CONTRIBUTIONS);
  const seal = sealOf(transcript, beacon);
  const hashOf = (name: string): string | undefined =>
    artefact.manifest.files.find(({ path }) => path === name)?.sha256;
  const own = hashOf(FILES.finalKey) === beacon.keyFile && hashOf(FILES.circuit) === seal.circuitHash;
  if (!own || !sameSeal(artefact.manifest.facts, seal)) {
    throw new MeedError(
      `Key, circuit and transcript in ${folder} and its manifest do not belong together`,
      'Do not use this key: fetch the published ceremony again',
    );
  }
  return { artefact, transcript, seal };
}

/**
 * The proving key of a published ceremony for a circuit.
 * @throws MeedError when the ceremony is for another circuit, or its files contradict each other
 */
export async function ceremonyKey(folder: string, circuit: CompiledCircuit): Promise<ProvingKey> {
  const { artefact, transcript, seal } = await readPublished(folder);
  const { template, parameters } = transcript.start;
  if (seal.circuitHash !== circuit.circuitHash) {
    throw new MeedError(
      `${folder} is the key of ${template}(${parameters.join(', ')}), circuit ${seal.circuitHash.slice(0, 16)}…; ${circuit.instance.template}(${circuit.instance.parameters.join(', ')}), circuit ${circuit.circuitHash.slice(0, 16)}…, is to be proven`,
      'Name the key of this circuit, or choose its shape with --instance',
    );
  }
  const zkeyPath = join(artefact.folder, FILES.finalKey);
  const record = await readKeyRecord(zkeyPath);
  requireSameContributions(record, transcript.records, zkeyPath, 'all');
  const { verificationKey } = record;
  await assertKeyIsSound(verificationKey, circuit.publicSignals);
  requireStatedKey(requireFinished(transcript, folder, LEAST_CONTRIBUTIONS), keyWords(verificationKey), zkeyPath);
  const verified = await findVerified(seal);
  const transcriptPath = join(artefact.folder, FILES.transcript);
  return { circuit, zkeyPath, verificationKey, forgeable: false, ceremony: { seal, transcriptPath, verified } };
}
