/**
 * The transcript of a ceremony: a chain of records, each naming the one before it by hash, so that the last record's id
 * stands for the whole and every contributor who publishes the id of his own record pins all that came before it. The order
 * is the argument: the beacon's source, time and iterations stand before the last contribution, so nobody could choose
 * his contribution by the beacon's value, nor the beacon by the contributions.
 * The traps: a hash of a contribution (snarkjs') covers neither its name nor its time, the record here does; times are
 * what each machine's clock said, so they order nothing by themselves; and that two names are two people nobody can
 * compute: contributors say so themselves by publishing their record's id.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { explainFileError, type JsonObject, MeedError, sha256Json } from '../../foundation/index.js';
import type { VerificationKey } from '../verificationKey.js';

export const TRANSCRIPT_FORMAT = 'meed-ceremony/1';
export const LEAST_CONTRIBUTIONS = 2;
/** snarkjs cuts a name off behind this many UTF-16 units. */
export const LONGEST_NAME = 64;
/** Exponents of two: what snarkjs takes, below what would take years. */
export const ITERATIONS = { least: 10, most: 40 } as const;
/** Bytes of a beacon's value: below 16 it could be guessed. */
export const BEACON_BYTES = { least: 16, most: 255 } as const;

interface RecordHead {
  /** SHA-256 of the canonical JSON of all other fields, hex. */
  readonly id: string;
  /** Id of the record before this one, '' for the first. */
  readonly previous: string;
  /** By the clock of the machine that made it, ISO 8601 in UTC. */
  readonly time: string;
}

export interface StartRecord extends RecordHead {
  readonly kind: 'start';
  readonly template: string;
  readonly parameters: readonly number[];
  readonly constraints: number;
  readonly publicSignals: number;
  /** SHA-256 of the .r1cs file. */
  readonly circuitHash: string;
  /** Name and BLAKE2b-512 of the phase-1 file. */
  readonly phase1: string;
  readonly phase1Hash: string;
  /** SHA-256 of the key with which phase 2 begins. */
  readonly keyFile: string;
  /** snarkjs' circuit hash, BLAKE2b-512. */
  readonly initialHash: string;
}

export interface AnnouncementRecord extends RecordHead {
  readonly kind: 'announcement';
  /** Where the beacon's value will stand for everybody to look up, in words. */
  readonly source: string;
  /** Nobody can know the value before; ISO 8601 in UTC. */
  readonly publicFrom: string;
  /** Exponent of two: how often the value is hashed. */
  readonly iterations: number;
}

export interface ContributionRecord extends RecordHead {
  readonly kind: 'contribution';
  readonly name: string;
  /** As snarkjs prints it: BLAKE2b-512 of the contribution's public key. */
  readonly contributionHash: string;
  /** SHA-256 of the key after it. */
  readonly keyFile: string;
}

export interface BeaconRecord extends RecordHead {
  readonly kind: 'beacon';
  /** Hex. */
  readonly value: string;
  readonly contributionHash: string;
  readonly keyFile: string;
  readonly verificationKey: VerificationKey;
  /** keccak256 of the key's words, as on chain. */
  readonly keyHash: string;
}

export type CeremonyRecord = StartRecord | AnnouncementRecord | ContributionRecord | BeaconRecord;

/** A record before it has its place in the chain. */
export type NewRecord = {
  [K in CeremonyRecord['kind']]: Omit<Extract<CeremonyRecord, { kind: K }>, 'id' | 'previous'>;
}[CeremonyRecord['kind']];

export interface Transcript {
  readonly records: readonly CeremonyRecord[];
  readonly start: StartRecord;
  /** The latest. */
  readonly announcement: AnnouncementRecord;
  readonly contributions: readonly ContributionRecord[];
  /** Present when the ceremony is finished. */
  readonly beacon?: BeaconRecord;
  /** Id of the last record. */
  readonly hash: string;
}

const REMEDY = 'Ask the coordinator for an intact copy, and compare the ids that the contributors published';

/** Adds a record to a chain. */
export function chained(records: readonly CeremonyRecord[], record: NewRecord): CeremonyRecord[] {
  const body = { ...record, previous: records.at(-1)?.id ?? '' };
  return [...records, { ...body, id: recordId(body) } as CeremonyRecord];
}

function recordId(body: object): string {
  const { id, ...rest } = JSON.parse(JSON.stringify(body)) as JsonObject;
  return sha256Json(rest);
}

/**
 * Reads a transcript and checks it as far as it goes by itself: form, chain and order.
 * @throws MeedError naming the record and what is wrong with it
 */
export async function readTranscript(path: string): Promise<Transcript> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw explainFileError(error, path);
  });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new MeedError(`${path} is not JSON`, REMEDY, { cause });
  }
  return parseTranscript(parsed, path);
}

export async function writeTranscript(path: string, records: readonly CeremonyRecord[]): Promise<void> {
  const text = `${JSON.stringify({ format: TRANSCRIPT_FORMAT, records }, null, 2)}\n`;
  try {
    await writeFile(`${path}.partial`, text, { flush: true });
    await rename(`${path}.partial`, path);
  } catch (error) {
    throw explainFileError(error, path);
  }
}

/** As `readTranscript`, from JSON. @param where named in errors */
export function parseTranscript(value: unknown, where: string): Transcript {
  const { format, records: list } = fieldsOf(value);
  if (format !== TRANSCRIPT_FORMAT) throw new MeedError(`${where} is not a transcript of ${TRANSCRIPT_FORMAT}`, REMEDY);
  if (!Array.isArray(list)) throw new MeedError(`${where} has no list of records`, REMEDY);
  const wrong = (at: number, how: string): MeedError => new MeedError(`Record ${at} of ${where} ${how}`, REMEDY);
  const records = list.map((entry: unknown, at): CeremonyRecord => {
    if (!isRecord(entry)) throw wrong(at, 'is malformed');
    return entry;
  });
  let previous: CeremonyRecord | undefined;
  for (const [at, record] of records.entries()) {
    if (record.previous !== (previous?.id ?? '')) throw wrong(at, 'does not name the record before it');
    if (record.id !== recordId(record)) throw wrong(at, 'was changed after it was written: its id is another');
    if (previous !== undefined && record.time < previous.time) throw wrong(at, 'is older than the record before it');
    previous = record;
  }
  const [start, announced] = records;
  if (start?.kind !== 'start') throw wrong(0, 'is not the start of a ceremony');
  if (announced?.kind !== 'announcement') throw wrong(1, 'does not announce a beacon');
  return { ...inOrder(records.slice(1), wrong), records, start, hash: records[records.length - 1].id };
}

function inOrder(
  records: readonly CeremonyRecord[],
  wrong: (at: number, how: string) => MeedError,
): Pick<Transcript, 'announcement' | 'contributions' | 'beacon'> {
  let announcement = records[0] as AnnouncementRecord;
  const contributions: ContributionRecord[] = [];
  let beacon: BeaconRecord | undefined;
  let sinceAnnounced = 0;
  for (const [i, record] of records.entries()) {
    const at = i + 1;
    if (beacon !== undefined) throw wrong(at, 'stands behind the beacon, which ends a ceremony');
    switch (record.kind) {
      case 'start':
        throw wrong(at, 'starts a second ceremony');
      case 'announcement':
        if (record.publicFrom <= record.time) throw wrong(at, 'announces a beacon that was public already');
        announcement = record;
        sinceAnnounced = 0;
        break;
      case 'contribution':
        if (record.time >= announcement.publicFrom) {
          throw wrong(at, `is a contribution of ${record.time}, when the beacon was public already`);
        }
        if (contributions.some((other) => person(other.name) === person(record.name))) {
          throw wrong(at, `is a second contribution of ${record.name}`);
        }
        contributions.push(record);
        sinceAnnounced++;
        break;
      case 'beacon':
        if (record.time < announcement.publicFrom) throw wrong(at, 'is a beacon before its announced time');
        if (contributions.length < LEAST_CONTRIBUTIONS) {
          throw wrong(
            at,
            `is a beacon after ${contributions.length} contribution(s) instead of ${LEAST_CONTRIBUTIONS}`,
          );
        }
        if (sinceAnnounced === 0) throw wrong(at, 'is a beacon that was announced after the last contribution');
        beacon = record;
        break;
    }
  }
  return { announcement, contributions, beacon };
}

/** Names that differ in case, spaces or form of letters alone are one. */
export function person(name: string): string {
  return name.normalize('NFKC').toLowerCase().replaceAll(/\s+/gu, ' ').trim();
}

/** A name can be printed, is not empty and survives the key's format. */
export function isName(name: unknown): boolean {
  return (
    typeof name === 'string' &&
    name.length <= LONGEST_NAME &&
    person(name) !== '' &&
    name === name.trim() &&
    !/[\p{C}\p{Zl}\p{Zp}]/u.test(name)
  );
}

/** A sentence on one line. */
export function isSource(text: unknown): boolean {
  return typeof text === 'string' && text.trim() !== '' && text.length <= 500 && !/[\p{C}\p{Zl}\p{Zp}]/u.test(text);
}

export function isBeaconValue(value: unknown): boolean {
  return (
    typeof value === 'string' &&
    /^(?:[0-9a-f]{2})+$/.test(value) &&
    value.length >= 2 * BEACON_BYTES.least &&
    value.length <= 2 * BEACON_BYTES.most
  );
}

export function isIterations(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= ITERATIONS.least && Number(value) <= ITERATIONS.most;
}

function isRecord(value: unknown): value is CeremonyRecord {
  const fields = fieldsOf(value);
  const { id, previous, time, kind } = fields;
  if (!isHash(id, 32) || !(previous === '' || isHash(previous, 32)) || !isTime(time)) return false;
  switch (kind) {
    case 'start':
      return (
        typeof fields.template === 'string' &&
        Array.isArray(fields.parameters) &&
        fields.parameters.every(isCount) &&
        isCount(fields.constraints) &&
        isCount(fields.publicSignals) &&
        typeof fields.phase1 === 'string' &&
        isHash(fields.circuitHash, 32) &&
        isHash(fields.phase1Hash, 64) &&
        isHash(fields.keyFile, 32) &&
        isHash(fields.initialHash, 64)
      );
    case 'announcement':
      return isSource(fields.source) && isTime(fields.publicFrom) && isIterations(fields.iterations);
    case 'contribution':
      return isName(fields.name) && isHash(fields.contributionHash, 64) && isHash(fields.keyFile, 32);
    case 'beacon':
      return (
        isBeaconValue(fields.value) &&
        isHash(fields.contributionHash, 64) &&
        isHash(fields.keyFile, 32) &&
        typeof fields.keyHash === 'string' &&
        /^0x[0-9a-f]{64}$/.test(fields.keyHash) &&
        isVerificationKey(fields.verificationKey)
      );
    default:
      return false;
  }
}

function isVerificationKey(value: unknown): value is VerificationKey {
  const { protocol, curve, nPublic, vk_alpha_1, vk_beta_2, vk_gamma_2, vk_delta_2, IC } = fieldsOf(value);
  return (
    typeof protocol === 'string' &&
    typeof curve === 'string' &&
    isCount(nPublic) &&
    isG1(vk_alpha_1) &&
    [vk_beta_2, vk_gamma_2, vk_delta_2].every(isG2) &&
    Array.isArray(IC) &&
    IC.every(isG1)
  );
}

function isG1(value: unknown): boolean {
  return Array.isArray(value) && value.length === 3 && value.every(isDecimal);
}

function isG2(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length === 3 &&
    value.every((pair: unknown) => Array.isArray(pair) && pair.length === 2 && pair.every(isDecimal))
  );
}

function isDecimal(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9]{1,78}$/.test(value);
}

function isHash(value: unknown, bytes: number): boolean {
  return typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-f]+$/.test(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Only the one form that `Date.toISOString` writes, so that texts compare as times do. */
function isTime(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) return false;
  const parsed = new Date(value);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString() === value;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
