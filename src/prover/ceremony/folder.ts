/**
 * The folder of a ceremony, which travels from contributor to contributor: the transcript, the constraints and the keys,
 * `key-0000.zkey` being the one that phase 2 begins with. A step writes its key under a name of its own, renames it when it
 * is whole and only then adds the record, so a step that is interrupted leaves the ceremony as it was and is done again.
 * The trap: a key without a record is left of such a step, and nobody may take it for the latest.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { explainFileError, MeedError, sha256File } from '../../foundation/index.js';
import {
  type BeaconRecord,
  type CeremonyRecord,
  chained,
  type NewRecord,
  parseTranscript,
  readTranscript,
  TRANSCRIPT_FORMAT,
  type Transcript,
  writeTranscript,
} from './transcript.js';

export const FILES = {
  transcript: 'transcript.json',
  circuit: 'circuit.r1cs',
  /** Only in a published folder. */
  finalKey: 'final.zkey',
  verificationKey: 'verification_key.json',
} as const;

/** What the steps read the time from. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

export interface CeremonyFolder {
  readonly path: string;
  readonly transcript: Transcript;
  readonly r1csPath: string;
  /** The latest key. */
  readonly keyPath: string;
}

/** @throws MeedError when there is no ceremony, or its transcript is wrong; the keys are not looked at */
export async function openFolder(folder: string): Promise<CeremonyFolder> {
  const path = resolve(folder);
  const transcriptPath = join(path, FILES.transcript);
  if (!existsSync(transcriptPath)) {
    throw new MeedError(
      `There is no ceremony in ${folder}`,
      'Name its folder, or begin one with `meed ceremony start`',
    );
  }
  const transcript = await readTranscript(transcriptPath);
  const final = join(path, FILES.finalKey);
  const keyPath = existsSync(final) ? final : join(path, keyName(keysOf(transcript) - 1));
  return { path, transcript, r1csPath: join(path, FILES.circuit), keyPath };
}

/** Keys that the transcript tells of, the first one included. */
export function keysOf({ contributions, beacon }: Transcript): number {
  return 1 + contributions.length + (beacon === undefined ? 0 : 1);
}

/** SHA-256 of the latest key, as recorded. */
export function latestKeyHash({ start, contributions, beacon }: Transcript): string {
  return (beacon ?? contributions.at(-1) ?? start).keyFile;
}

/** @throws MeedError when the latest key is missing, cut short or another than the recorded one */
export async function checkLatestKey({ keyPath, transcript }: CeremonyFolder): Promise<void> {
  const found = await sha256File(keyPath).catch((error: unknown) => {
    throw explainFileError(error, keyPath);
  });
  const recorded = latestKeyHash(transcript);
  if (found !== recorded) {
    throw new MeedError(
      `${keyPath} has SHA-256 ${found.slice(0, 16)}…, the transcript says ${recorded.slice(0, 16)}…`,
      'The file is damaged or of another ceremony: ask for an intact copy',
    );
  }
}

export function keyName(number: number): string {
  return `key-${String(number).padStart(4, '0')}.zkey`;
}

/** A path in the folder for a key in the making. */
export function partialKey(folder: string): string {
  return join(folder, `${randomUUID()}.zkey.partial`);
}

/**
 * Gives a finished key its name, then adds its record.
 * @param partial the key as it was made beside the others
 * @throws MeedError when the record has no place here, or somebody else added one in the meantime
 */
export async function addKey(folder: CeremonyFolder, partial: string, record: NewRecord): Promise<Transcript> {
  const target = join(folder.path, keyName(keysOf(folder.transcript)));
  extended(folder, record);
  await unchangedSince(folder);
  await rename(partial, target).catch((error: unknown) => {
    throw explainFileError(error, target);
  });
  return addRecord(folder, record);
}

/** @returns the transcript with the record. @throws MeedError when the record has no place here, or one was added meanwhile */
export async function addRecord(folder: CeremonyFolder, record: NewRecord): Promise<Transcript> {
  const transcript = extended(folder, record);
  await unchangedSince(folder);
  await writeTranscript(join(folder.path, FILES.transcript), transcript.records);
  return transcript;
}

/** Checked before it is written: a wrong record would spoil the ceremony of all. */
function extended({ path, transcript }: CeremonyFolder, record: NewRecord): Transcript {
  const records = chained(transcript.records, record);
  return parseTranscript({ format: TRANSCRIPT_FORMAT, records }, join(path, FILES.transcript));
}

async function unchangedSince({ path, transcript }: CeremonyFolder): Promise<void> {
  const now = await readTranscript(join(path, FILES.transcript));
  if (now.hash === transcript.hash) return;
  throw new MeedError(
    `Somebody else added a record to ${path} in the meantime`,
    'Run the command again: it goes on from that record',
  );
}

/** Removes what interrupted steps left; to be called when no step runs. */
export async function removePartials(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw explainFileError(error, folder);
  });
  for (const name of names.filter((one) => one.endsWith('.partial'))) await rm(join(folder, name), { force: true });
}

/** The time for a record that follows the latest. @throws MeedError when the clock is behind that record's */
export function timeAfter(latest: CeremonyRecord | undefined, clock: Clock): string {
  const time = clock().toISOString();
  if (latest === undefined || time >= latest.time) return time;
  throw new MeedError(
    `This machine's clock says ${time}, the latest record was made at ${latest.time}`,
    'Set the clock, or wait',
  );
}

/** @throws MeedError when the ceremony has ended */
export function requireOpen({ path, transcript }: CeremonyFolder): void {
  if (transcript.beacon === undefined) return;
  throw new MeedError(
    `The ceremony in ${path} has had its beacon and takes nothing more`,
    'Publish it, or begin another',
  );
}

/** @throws MeedError while the ceremony has no beacon, naming what it lacks */
export function requireFinished({ contributions, beacon }: Transcript, where: string, least: number): BeaconRecord {
  if (beacon !== undefined) return beacon;
  const lacks =
    contributions.length < least ? `${contributions.length} of at least ${least} contributions` : 'no beacon';
  throw new MeedError(
    `The ceremony in ${where} has ${lacks}: whoever made its key so far could forge proofs`,
    'Finish it with `meed ceremony contribute` and `meed ceremony beacon`',
  );
}
