/**
 * The steps of a ceremony's second phase (Bowe, Gabizon and Miers 2017): start from phase 1 and a circuit, announce a
 * beacon, contribute secrets one after another, close with the beacon. One honest contributor is enough for nobody to know
 * the key's δ; the beacon takes from the last contributor what little choice he had.
 * The trap: before the first contribution γ = δ and the key is worthless, which snarkjs does not mind.
 */
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { explainFileError, MeedError, type Progress, sha256File, silent } from '../../foundation/index.js';
import { compileCircuit } from '../circuit.js';
import type { CircuitInstance } from '../instances.js';
import { assertKeyIsSound, keyHash } from '../verificationKey.js';
import { contributionSecret } from './entropy.js';
import {
  addKey,
  addRecord,
  type CeremonyFolder,
  type Clock,
  checkLatestKey,
  FILES,
  keyName,
  openFolder,
  partialKey,
  removePartials,
  requireOpen,
  systemClock,
  timeAfter,
} from './folder.js';
import { type KeyContribution, type KeyRecord, readKeyRecord } from './keyRecord.js';
import { phase1FileFor } from './phase1.js';
import { fetchPhase1 } from './phase1Fetch.js';
import { runPhase2 } from './phase2Process.js';
import {
  BEACON_BYTES,
  type CeremonyRecord,
  chained,
  ITERATIONS,
  isBeaconValue,
  isIterations,
  isName,
  isSource,
  LEAST_CONTRIBUTIONS,
  LONGEST_NAME,
  person,
  readTranscript,
  type Transcript,
  writeTranscript,
} from './transcript.js';

export interface StepOptions {
  readonly progress?: Progress;
  readonly clock?: Clock;
  /** Ends the step; the ceremony stays as it was. */
  readonly signal?: AbortSignal;
}

export interface Announcement {
  /** In words: which value of which public source, so exactly that everybody finds the same bytes. */
  readonly source: string;
  /** Before this time nobody can know the value. */
  readonly publicFrom: Date;
  /** Exponent of two: how often the value is hashed before it is used. */
  readonly iterations: number;
}

/** Contribution number of the latest step, and what its maker should publish. */
export interface Stepped {
  readonly transcript: Transcript;
  readonly contribution: KeyContribution;
}

export const BEACON_NAME = 'beacon';
/** x of the generator of G1, with which δ begins; −δ has the same. */
const INITIAL_DELTA_X = 1n;

/**
 * Begins a ceremony in an empty folder: derives the first key from phase 1 and the circuit, and announces the beacon.
 * @param phase1 a local phase-1 file instead of a download
 * @throws MeedError when the folder holds something, the announcement is incomplete, or phase 1 is not the published one
 */
export async function startCeremony(
  folder: string,
  instance: CircuitInstance,
  announcement: Announcement,
  { phase1, progress = silent, clock = systemClock, signal }: StepOptions & { readonly phase1?: string } = {},
): Promise<Transcript> {
  const path = resolve(folder);
  await emptyFolder(path);
  announcementOf(announcement, clock);
  const circuit = await compileCircuit(instance);
  const file = phase1FileFor(circuit.constraints, circuit.publicSignals);
  const phase1Path = resolve(await fetchPhase1(file, { path: phase1, progress }));
  const partial = partialKey(path);
  try {
    const r1cs = join(path, FILES.circuit);
    await copyFile(circuit.r1csPath, r1cs);
    const job = { step: 'new', r1cs, phase1: phase1Path, key: partial } as const;
    const initialHash = await runPhase2(job, { progress, signal });
    const keyFile = await sha256File(partial);
    const records = chained([], {
      kind: 'start',
      time: timeAfter(undefined, clock),
      template: instance.template,
      parameters: [...instance.parameters],
      constraints: circuit.constraints,
      publicSignals: circuit.publicSignals,
      circuitHash: circuit.circuitHash,
      phase1: file.name,
      phase1Hash: file.blake2b,
      keyFile,
      initialHash,
    });
    // the first key took its time, and the beacon's may have come
    const announced = announcementOf(announcement, clock);
    await rename(partial, join(path, keyName(0)));
    const transcriptPath = join(path, FILES.transcript);
    await writeTranscript(transcriptPath, chained(records, { ...announced, time: timeAfter(records[0], clock) }));
    return await readTranscript(transcriptPath);
  } catch (error) {
    throw explainFileError(error, path);
  } finally {
    await rm(partial, { force: true });
  }
}

/** Announces another beacon, where the time of the one before came too soon. At least one contribution must follow it. */
export async function announceBeacon(
  folder: string,
  announcement: Announcement,
  { clock = systemClock }: StepOptions = {},
): Promise<Transcript> {
  const opened = await openFolder(folder);
  requireOpen(opened);
  const announced = announcementOf(announcement, clock);
  return addRecord(opened, { ...announced, time: timeAfter(opened.transcript.records.at(-1), clock) });
}

/**
 * Adds a secret to the key and forgets it.
 * @param name who contributes, different from all before
 * @param text what the contributor typed, mixed with random bytes; may be empty
 * @throws MeedError when the beacon may be public already, the name is taken, or the latest key is damaged
 */
export async function contribute(
  folder: string,
  name: string,
  text: string,
  { progress = silent, clock = systemClock, signal }: StepOptions = {},
): Promise<Stepped> {
  const opened = await openFolder(folder);
  const { path, transcript } = opened;
  requireOpen(opened);
  requireName(name, transcript);
  const inTime = (): string => {
    const time = timeAfter(transcript.records.at(-1), clock);
    const { publicFrom } = transcript.announcement;
    if (time < publicFrom) return time;
    throw new MeedError(
      `The beacon may be public since ${publicFrom}: a contribution now could have been chosen by it`,
      transcript.contributions.length < LEAST_CONTRIBUTIONS
        ? 'Announce a later beacon with `meed ceremony announce`, then contribute'
        : 'Close the ceremony with `meed ceremony beacon`, or announce a later one with `meed ceremony announce`',
    );
  };
  inTime();
  await checkLatestKey(opened);
  await removePartials(path);
  const partial = partialKey(path);
  try {
    const entropy = contributionSecret(text);
    const hash = await runPhase2(
      { step: 'contribute', from: opened.keyPath, key: partial, name, entropy },
      { progress, signal },
    );
    const { contribution, keyFile } = await madeBy(opened, partial, hash);
    const record = { kind: 'contribution', time: inTime(), name, contributionHash: hash, keyFile } as const;
    return { transcript: await addKey(opened, partial, record), contribution };
  } finally {
    await rm(partial, { force: true });
  }
}

/**
 * Closes the ceremony with the announced value.
 * @param value hex, the bytes as the announcement describes them
 * @throws MeedError before the announced time, with fewer than two contributions, or with none since the announcement
 */
export async function applyBeacon(
  folder: string,
  value: string,
  { progress = silent, clock = systemClock, signal }: StepOptions = {},
): Promise<Stepped> {
  const opened = await openFolder(folder);
  const { path, transcript } = opened;
  requireOpen(opened);
  if (!isBeaconValue(value)) {
    const { least, most } = BEACON_BYTES;
    throw new MeedError(
      `"${value.slice(0, 80)}" is no value of a beacon`,
      `Give ${least} to ${most} bytes as lower-case hex`,
      { exitCode: 2 },
    );
  }
  const time = timeAfter(transcript.records.at(-1), clock);
  requireDue(transcript, time);
  await checkLatestKey(opened);
  await removePartials(path);
  const partial = partialKey(path);
  const { iterations } = transcript.announcement;
  try {
    const job = { step: 'beacon', from: opened.keyPath, key: partial, name: BEACON_NAME, value, iterations } as const;
    const hash = await runPhase2(job, { progress, signal });
    const { contribution, keyFile, verificationKey } = await madeBy(opened, partial, hash);
    await assertKeyIsSound(verificationKey, transcript.start.publicSignals);
    const added = await addKey(opened, partial, {
      kind: 'beacon',
      time,
      value,
      contributionHash: hash,
      keyFile,
      verificationKey,
      keyHash: keyHash(verificationKey),
    });
    return { transcript: added, contribution };
  } finally {
    await rm(partial, { force: true });
  }
}

async function emptyFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    const left = (await readdir(path)).filter((name) => !name.endsWith('.partial'));
    if (left.includes(FILES.transcript)) {
      throw new MeedError(`${path} holds a ceremony already`, 'Go on with it, or name another folder');
    }
    // what an interrupted start left, and nothing else
    const own: readonly string[] = [FILES.circuit, keyName(0)];
    const other = left.find((name) => !own.includes(name));
    if (other !== undefined) throw new MeedError(`${path} is not empty: it holds ${other}`, 'Name an empty folder');
    await removePartials(path);
  } catch (error) {
    throw explainFileError(error, path);
  }
}

function announcementOf({ source, publicFrom, iterations }: Announcement, clock: Clock) {
  if (!isSource(source)) {
    throw new MeedError(
      `"${source.slice(0, 80)}" does not say where the beacon will stand`,
      'Describe in one line which value of which public source it is',
      { exitCode: 2 },
    );
  }
  if (!isIterations(iterations)) {
    throw new MeedError(
      `A beacon of 2^${iterations} iterations cannot be used`,
      `Take ${ITERATIONS.least} to ${ITERATIONS.most}`,
      { exitCode: 2 },
    );
  }
  if (Number.isNaN(publicFrom.getTime()) || publicFrom <= clock()) {
    throw new MeedError(
      'The beacon must be announced before its value can be known',
      'Name a time that lies ahead, as 2031-05-23T12:00:00Z',
      { exitCode: 2 },
    );
  }
  return { kind: 'announcement', source, publicFrom: publicFrom.toISOString(), iterations } as const;
}

function requireName(name: string, { contributions }: Transcript): void {
  if (!isName(name) || person(name) === BEACON_NAME) {
    throw new MeedError(
      `"${name.slice(0, 80)}" is no name for a contributor`,
      `Give one of at most ${LONGEST_NAME} printable characters`,
      { exitCode: 2 },
    );
  }
  if (contributions.some((other) => person(other.name) === person(name))) {
    throw new MeedError(
      `${name} has contributed already, and a second contribution of one person adds nothing`,
      'Let somebody else contribute',
    );
  }
}

function requireDue({ contributions, announcement, records }: Transcript, time: string): void {
  if (contributions.length < LEAST_CONTRIBUTIONS) {
    throw new MeedError(
      `The ceremony has ${contributions.length} of at least ${LEAST_CONTRIBUTIONS} contributions`,
      'Let another person contribute with `meed ceremony contribute`',
    );
  }
  if (records.indexOf(announcement) > records.indexOf(contributions[contributions.length - 1])) {
    throw new MeedError(
      'The beacon was announced after the last contribution, so it could have been chosen by it',
      'Let somebody contribute once more with `meed ceremony contribute`',
    );
  }
  if (time < announcement.publicFrom) {
    throw new MeedError(
      `The beacon is announced for ${announcement.publicFrom}, and it is ${time}`,
      `Wait, then give the value of: ${announcement.source}`,
    );
  }
}

/** What a step made, read from its key: everything before must be as it was, and δ must have moved. */
async function madeBy(
  { transcript }: CeremonyFolder,
  partial: string,
  hash: string,
): Promise<KeyRecord & { contribution: KeyContribution; keyFile: string }> {
  const record = await readKeyRecord(partial);
  requireSameContributions(record, transcript.records, partial, 'before');
  const contribution = record.contributions.at(-1);
  if (contribution?.hash !== hash) {
    throw new MeedError(`${partial} does not end with the contribution just made`, 'Run the command again');
  }
  return { ...record, contribution, keyFile: await sha256File(partial) };
}

/**
 * Compares the contributions in a key with those of the transcript, one by one.
 * @param until `before` leaves out the last one of the key, which has no record yet
 * @throws MeedError naming the first that differs
 */
export function requireSameContributions(
  { contributions, initialHash }: KeyRecord,
  records: readonly CeremonyRecord[],
  where: string,
  until: 'before' | 'all',
): void {
  const remedy = 'Ask the coordinator for an intact copy; if others have the same, do not use this ceremony';
  const [start] = records;
  if (start.kind === 'start' && start.initialHash !== initialHash) {
    throw new MeedError(`${where} began with another key than the transcript says`, remedy);
  }
  const held = until === 'all' ? contributions : contributions.slice(0, -1);
  let announced: { readonly iterations: number } | undefined;
  let at = 0;
  for (const record of records) {
    if (record.kind === 'announcement') announced = record;
    if (record.kind !== 'contribution' && record.kind !== 'beacon') continue;
    const found = held[at];
    const name = record.kind === 'beacon' ? BEACON_NAME : record.name;
    const differs = (how: string): MeedError =>
      new MeedError(`Contribution ${at + 1} in ${where} ${how} than the transcript says`, remedy);
    if (found === undefined) throw new MeedError(`${where} lacks contribution ${at + 1}, of ${name}`, remedy);
    if (found.hash !== record.contributionHash) throw differs('is another');
    if (found.name !== name) throw differs('names another contributor');
    const beacon = record.kind === 'beacon' ? record.value : undefined;
    if (found.beacon?.value !== beacon) throw differs('has another beacon');
    if (record.kind === 'beacon' && found.beacon?.iterations !== announced?.iterations) {
      throw differs('hashes its beacon another number of times');
    }
    at++;
  }
  if (held.length !== at) {
    throw new MeedError(`${where} has ${held.length} contributions, the transcript ${at}`, remedy);
  }
  const seen = new Set([INITIAL_DELTA_X]);
  for (const { delta, name } of contributions) {
    if (seen.has(delta[0])) throw new MeedError(`The contribution of ${name} in ${where} brings δ back`, remedy);
    seen.add(delta[0]);
  }
}
