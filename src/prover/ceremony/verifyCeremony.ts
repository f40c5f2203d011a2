/**
 * Verifies a ceremony from its files, trusting nobody: the circuit is compiled again from this version's sources, phase 1
 * is the published one, the first key is derived again from both, each contribution follows from the one before it (pairing
 * checks of snarkjs, hashes and order here), and the key's other points are those of the first key under the final δ.
 * What remains for a person is what no file can show: that the names are different people, who published the ids of
 * their records, and that the beacon's value stands at the announced source.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { MeedError, type Progress, sha256File, silent } from '../../foundation/index.js';
import { compileCircuit } from '../circuit.js';
import type { KeySeal } from '../provingKey.js';
import { assertKeyIsSound, keyWords, keyWordsHash } from '../verificationKey.js';
import { type CeremonyFolder, checkLatestKey, openFolder } from './folder.js';
import { readKeyRecord } from './keyRecord.js';
import { phase1FileFor } from './phase1.js';
import { fetchPhase1 } from './phase1Fetch.js';
import { refusalOf, runPhase2 } from './phase2Process.js';
import { requireSameContributions } from './steps.js';
import type { BeaconRecord, Transcript } from './transcript.js';
import { noteVerified } from './verified.js';

export interface VerifyOptions {
  /** A local phase-1 file instead of a download. */
  readonly phase1?: string;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface VerifiedCeremony {
  readonly transcript: Transcript;
  /** Absent while the ceremony is unfinished: there is no key to use yet. */
  readonly seal?: KeySeal;
}

/**
 * @param folder of a ceremony at any step, or of a published one. That a finished one was verified is noted in the cache.
 * @throws MeedError with the first thing that does not hold
 */
export async function verifyCeremony(folder: string, options: VerifyOptions = {}): Promise<VerifiedCeremony> {
  const { phase1, progress = silent, signal } = options;
  const opened = await openFolder(folder);
  const { transcript, keyPath } = opened;
  const { start, beacon } = transcript;
  const { r1csPath } = await checkCircuit(opened);
  await checkLatestKey(opened);
  const record = await readKeyRecord(keyPath);
  requireSameContributions(record, transcript.records, keyPath, 'all');
  if (beacon !== undefined) {
    await assertKeyIsSound(record.verificationKey, start.publicSignals);
    requireStatedKey(beacon, keyWords(record.verificationKey), keyPath);
  }

  const file = phase1FileFor(start.constraints, start.publicSignals);
  if (start.phase1 !== file.name || start.phase1Hash !== file.blake2b) {
    throw new MeedError(
      `The ceremony was begun with ${start.phase1}, a circuit of ${start.constraints} constraints takes ${file.name}`,
      'Do not use this ceremony',
    );
  }
  const phase1Path = resolve(await fetchPhase1(file, { path: phase1, progress }));
  const temporary = await mkdtemp(join(tmpdir(), 'meed-ceremony-'));
  try {
    const initial = join(temporary, 'initial.zkey');
    const job = { step: 'new', r1cs: r1csPath, phase1: phase1Path, key: initial } as const;
    const initialHash = await runPhase2(job, { progress, signal });
    if (initialHash !== start.initialHash || (await sha256File(initial)) !== start.keyFile) {
      throw new MeedError(
        'The first key of the ceremony does not follow from phase 1 and the circuit',
        'Do not use this ceremony',
      );
    }
    const refusal = await refusalOf(
      { step: 'verify', initial, phase1: phase1Path, key: keyPath },
      { progress, signal },
    );
    if (refusal !== undefined) {
      throw new MeedError(`${keyPath} does not follow from its contributions: ${refusal}`, 'Do not use this ceremony');
    }
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  if (beacon === undefined) return { transcript };
  const seal = sealOf(transcript, beacon);
  await noteVerified(seal);
  return { transcript, seal };
}

/** What a finished ceremony's transcript ties together. */
export function sealOf({ start, hash }: Transcript, beacon: BeaconRecord): KeySeal {
  return { circuitHash: start.circuitHash, keyHash: beacon.keyHash, transcriptHash: hash };
}

/** @throws MeedError when the transcript's verification key or its hash is not that of the words */
export function requireStatedKey(
  { verificationKey, keyHash: stated }: BeaconRecord,
  words: readonly bigint[],
  where: string,
): void {
  if (keyWords(verificationKey).join() === words.join() && keyWordsHash(words) === stated) return;
  throw new MeedError(
    `The verification key in ${where} is another than the one in the transcript`,
    'Ask for an intact copy of the ceremony',
  );
}

async function checkCircuit({ transcript, r1csPath }: CeremonyFolder) {
  const { template, parameters, circuitHash, constraints, publicSignals } = transcript.start;
  const circuit = await compileCircuit({ template, parameters });
  const shape = `${template}(${parameters.join(', ')})`;
  if (circuit.circuitHash !== circuitHash) {
    throw new MeedError(
      `The ceremony is for a circuit ${circuitHash.slice(0, 16)}…, this version compiles ${shape} to ${circuit.circuitHash.slice(0, 16)}…`,
      'Verify with the version of Meed that the ceremony was held for',
    );
  }
  if (circuit.constraints !== constraints || circuit.publicSignals !== publicSignals) {
    throw new MeedError(
      `The transcript gives ${shape} ${constraints} constraints and ${publicSignals} public signals, it has ${circuit.constraints} and ${circuit.publicSignals}`,
      'Do not use this ceremony',
    );
  }
  const found = await sha256File(r1csPath);
  if (found !== circuitHash) {
    throw new MeedError(
      `${r1csPath} has SHA-256 ${found.slice(0, 16)}…, the transcript says ${circuitHash.slice(0, 16)}…`,
      'Ask for an intact copy of the ceremony',
    );
  }
  return circuit;
}
