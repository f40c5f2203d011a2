/**
 * A ceremony from start to a proof, on a real phase-1 file; and everything in it that must be refused. What verifies is
 * also verified by snarkjs alone, from the published files.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, cp, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zKey } from 'snarkjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeArtefact } from '../../../src/artefact/index.js';
import { systemCode } from '../../../src/foundation/index.js';
import { readKeyRecord } from '../../../src/prover/ceremony/keyRecord.js';
import { refusalOf } from '../../../src/prover/ceremony/phase2Process.js';
import { chained, type NewRecord, TRANSCRIPT_FORMAT } from '../../../src/prover/ceremony/transcript.js';
import { compileCircuit } from '../../../src/prover/circuit.js';
import { prove, verify } from '../../../src/prover/groth16.js';
import {
  announceBeacon,
  applyBeacon,
  assertKeyIsSound,
  ceremonyKey,
  contribute,
  findVerified,
  keyHash,
  type PublishedCeremony,
  publishCeremony,
  readPublished,
  readTranscript,
  scoreMatrixCircuit,
  startCeremony,
  verifyCeremony,
} from '../../../src/prover/index.js';
import { loadHasher } from '../../../src/prover/reference/index.js';
import { endSnarkjs } from '../support/snarkjs.js';
import { anyEntry, honestInput, SMALL, TINY } from '../support/statements.js';
import {
  ANNOUNCEMENT,
  BEACON_VALUE,
  beforeNoon,
  CIRCUIT,
  copyOf,
  forgetVerified,
  NOON,
  PATIENCE,
  PHASE1,
  removeTemporary,
  temporary,
} from './fixture.js';

vi.setConfig({ testTimeout: PATIENCE, hookTimeout: PATIENCE });

if (PHASE1 === undefined) console.log('no ceremony is held: set MEED_DATASETS to a folder that holds ptau/');

describe.skipIf(PHASE1 === undefined)('a ceremony', () => {
  const phase1 = PHASE1 ?? '';
  /** Copies after each step. */
  let started: string;
  let one: string;
  let two: string;
  let finished: string;
  let publishedFolder: string;
  let published: PublishedCeremony;

  beforeAll(async () => {
    const root = await temporary();
    [started, one, two, finished] = ['started', 'one', 'two', 'finished'].map((name) => join(root, name));
    await startCeremony(started, CIRCUIT, ANNOUNCEMENT, { phase1, clock: beforeNoon(60) });
    await cp(started, one, { recursive: true });
    await contribute(one, 'Ada Lovelace', 'dice: 3 5 2', { clock: beforeNoon(40) });
    await cp(one, two, { recursive: true });
    await contribute(two, 'Emmy Noether', '', { clock: beforeNoon(20) });
    await cp(two, finished, { recursive: true });
    await applyBeacon(finished, BEACON_VALUE, { clock: beforeNoon(-1) });
    publishedFolder = join(root, 'published');
    published = await publishCeremony(finished, publishedFolder, { phase1 });
  });
  afterAll(async () => {
    // snarkjs' own functions, used here as the second opinion, keep a curve with workers in this global.
    await endSnarkjs();
    if (published !== undefined) await forgetVerified(published.seal);
    await removeTemporary();
  });

  it('gives a key that proves, and whose proofs verify', async () => {
    const circuit = await compileCircuit(CIRCUIT);
    const key = await ceremonyKey(publishedFolder, circuit);
    expect(key.forgeable).toBe(false);
    expect(key.ceremony?.seal).toEqual({
      circuitHash: circuit.circuitHash,
      keyHash: keyHash(key.verificationKey),
      transcriptHash: published.transcript.hash,
    });
    const proof = await prove(key, honestInput(await loadHasher(), TINY, 5, anyEntry));
    expect(await verify(key.verificationKey, proof.publicSignals, proof.words)).toBe(true);
  });

  it('is verified by snarkjs alone from the published files, which export the same verification key', async () => {
    const key = join(publishedFolder, 'final.zkey');
    expect(await zKey.verifyFromR1cs(join(publishedFolder, 'circuit.r1cs'), phase1, key)).toBe(true);
    const exported: object = await zKey.exportVerificationKey(key);
    const stated = JSON.parse(await readFile(join(publishedFolder, 'verification_key.json'), 'utf8'));
    expect(exported).toMatchObject(stated);
  });

  it('ties circuit, key and transcript together in the manifest, and notes that it was verified here', async () => {
    const { artefact, seal, transcript } = await readPublished(publishedFolder);
    expect(artefact.manifest.facts).toMatchObject({ ...seal, contributors: ['Ada Lovelace', 'Emmy Noether'] });
    expect(transcript.records.map(({ kind }) => kind)).toEqual([
      'start',
      'announcement',
      'contribution',
      'contribution',
      'beacon',
    ]);
    expect(await findVerified(seal)).toEqual(seal);
    expect(await findVerified({ ...seal, keyHash: `0x${'0'.repeat(64)}` })).toBeUndefined();
    expect(await findVerified({ ...seal, transcriptHash: '0'.repeat(64) })).toBeUndefined();
  });

  it('records in the key what snarkjs says of it: hashes of contributions, names, the beacon', async () => {
    const { contributions, initialHash } = await readKeyRecord(join(finished, 'key-0003.zkey'));
    const { transcript } = published;
    expect(initialHash).toBe(transcript.start.initialHash);
    expect(contributions.map(({ hash }) => hash)).toEqual([
      ...transcript.contributions.map(({ contributionHash }) => contributionHash),
      transcript.beacon?.contributionHash,
    ]);
    expect(contributions.map(({ name }) => name)).toEqual(['Ada Lovelace', 'Emmy Noether', 'beacon']);
    expect(contributions[2].beacon).toEqual({ value: BEACON_VALUE, iterations: 10 });
  });

  it('has a worthless key before the first contribution, which is neither sound nor published', async () => {
    const { verificationKey } = await readKeyRecord(join(started, 'key-0000.zkey'));
    expect(verificationKey.vk_gamma_2).toEqual(verificationKey.vk_delta_2);
    await expect(assertKeyIsSound(verificationKey, 4)).rejects.toThrow('gamma = delta');
    const out = join(await temporary(), 'out');
    for (const [folder, lack] of [
      [started, '0 of at least 2 contributions'],
      [one, '1 of at least 2 contributions'],
      [two, 'no beacon'],
    ]) {
      await expect(publishCeremony(folder, out, { phase1 })).rejects.toThrow(lack);
    }
    expect(existsSync(out)).toBe(false);
  });

  it('takes no beacon too early, with one contribution, or announced after the last contribution', async () => {
    await expect(applyBeacon(two, BEACON_VALUE, { clock: beforeNoon(1) })).rejects.toThrow('is announced for 2031');
    await expect(applyBeacon(one, BEACON_VALUE, { clock: beforeNoon(-1) })).rejects.toThrow('1 of at least 2');
    await expect(applyBeacon(two, 'beef', { clock: beforeNoon(-1) })).rejects.toThrow('16 to 255 bytes');
    await expect(applyBeacon(two, 'XY'.repeat(20), { clock: beforeNoon(-1) })).rejects.toThrow('is no value');
    const late = await copyOf(two);
    const publicFrom = new Date(NOON.getTime() + 3_600_000);
    await announceBeacon(late, { ...ANNOUNCEMENT, publicFrom }, { clock: beforeNoon(10) });
    await expect(applyBeacon(late, BEACON_VALUE, { clock: beforeNoon(-61) })).rejects.toThrow(
      'announced after the last contribution',
    );
  });

  it('takes no contribution once the beacon may be known, of a name that was there, or after the end', async () => {
    await expect(contribute(one, 'Emmy', '', { clock: beforeNoon(0) })).rejects.toThrow('may be public since');
    await expect(contribute(one, 'ADA  lovelace', '', { clock: beforeNoon(5) })).rejects.toThrow('contributed already');
    await expect(contribute(one, 'a\nb', '', { clock: beforeNoon(5) })).rejects.toThrow('is no name');
    await expect(contribute(one, 'Beacon', '', { clock: beforeNoon(5) })).rejects.toThrow('is no name');
    await expect(contribute(one, 'x'.repeat(65), '', { clock: beforeNoon(5) })).rejects.toThrow('64 printable');
    await expect(contribute(one, 'Emmy', '', { clock: beforeNoon(50) })).rejects.toThrow("machine's clock");
    await expect(contribute(finished, 'Emmy II', '', { clock: beforeNoon(-2) })).rejects.toThrow('has had its beacon');
    await expect(applyBeacon(finished, BEACON_VALUE, { clock: beforeNoon(-2) })).rejects.toThrow('has had its beacon');
  });

  it('begins only in an empty folder, with a beacon that lies ahead and a source that says where', async () => {
    const folder = await temporary();
    const begin = (changes: object, at = folder) =>
      startCeremony(at, CIRCUIT, { ...ANNOUNCEMENT, ...changes }, { phase1, clock: beforeNoon(60) });
    await expect(begin({ publicFrom: beforeNoon(60)() })).rejects.toThrow('before its value can be known');
    await expect(begin({ publicFrom: new Date(Number.NaN) })).rejects.toThrow('before its value can be known');
    await expect(begin({ source: ' ' })).rejects.toThrow('where the beacon will stand');
    await expect(begin({ iterations: 64 })).rejects.toThrow('2^64 iterations');
    await expect(begin({}, started)).rejects.toThrow('holds a ceremony already');
    await writeFile(join(folder, 'letter.txt'), 'keep me');
    await expect(begin({})).rejects.toThrow('holds letter.txt');
    expect(await readdir(folder)).toEqual(['letter.txt']);
  });

  it('goes on after an interrupted step, as if it had not been', async () => {
    const folder = await copyOf(one);
    const before = await readTranscript(join(folder, 'transcript.json'));
    const SECRET = 'dice that nobody saw';
    const seen: string[] = [];
    const stop = new AbortController();
    const interrupted = contribute(folder, 'Emmy Noether', SECRET, {
      clock: beforeNoon(20),
      signal: stop.signal,
      progress: () => {
        seen.push(...childrenSeen());
        stop.abort();
      },
    });
    await expect(interrupted).rejects.toThrow(/abort/i);
    // the arguments and environment of the process that had the secret
    expect(seen.some((text) => text.includes('snarkjs'))).toBe(true);
    for (const text of seen) expect(text).not.toContain(SECRET);
    for (const text of seen) expect(text).not.toMatch(/[0-9a-f]{128}/);
    // what a killed process leaves: a key in the making, and a key that was named but never recorded
    await writeFile(join(folder, 'left.zkey.partial'), 'half a key');
    await copyFile(join(one, 'key-0001.zkey'), join(folder, 'key-0002.zkey'));
    expect(await readTranscript(join(folder, 'transcript.json'))).toEqual(before);
    await contribute(folder, 'Emmy Noether', '', { clock: beforeNoon(20) });
    expect((await readdir(folder)).sort()).toEqual([
      'circuit.r1cs',
      'key-0000.zkey',
      'key-0001.zkey',
      'key-0002.zkey',
      'transcript.json',
    ]);
    expect((await readKeyRecord(join(folder, 'key-0002.zkey'))).contributions).toHaveLength(2);
  });

  describe('does not verify', () => {
    /** Rewrites the transcript so that its chain holds, as a forger would. */
    async function rewrite(folder: string, change: (records: NewRecord[]) => NewRecord[]): Promise<void> {
      const path = join(folder, 'transcript.json');
      const { records } = await readTranscript(path);
      const bare = records.map(({ id, previous, ...record }) => record as NewRecord);
      const forged = change(bare).reduce(chained, []);
      await writeFile(path, JSON.stringify({ format: TRANSCRIPT_FORMAT, records: forged }));
    }
    const refused = async (folder: string, sentence: string | RegExp): Promise<void> => {
      await expect(verifyCeremony(folder, { phase1 })).rejects.toThrow(sentence);
    };

    it('with a record changed, left out, or in another order', async () => {
      const path = join(await copyOf(finished), 'transcript.json');
      const text = await readFile(path, 'utf8');
      await writeFile(path, text.replace('Emmy Noether', 'Emmy Nother'));
      await expect(readTranscript(path)).rejects.toThrow('was changed after it was written');
      const { format, records } = JSON.parse(text) as { format: string; records: object[] };
      const [first, second, third, fourth, fifth] = records;
      for (const wrong of [
        [first, second, fourth, third, fifth],
        [first, second, fourth, fifth],
        [second, third, fourth, fifth],
        [first, third, fourth, fifth],
      ]) {
        await writeFile(path, JSON.stringify({ format, records: wrong }));
        await expect(readTranscript(path)).rejects.toThrow('does not name the record before it');
      }
      for (const [broken, sentence] of [
        [text.slice(0, 2000), 'is not JSON'],
        ['{"format":"meed-ceremony/2","records":[]}', 'is not a transcript'],
        [JSON.stringify({ format, records: [] }), 'is not the start'],
        [JSON.stringify({ format, records: [{ ...first, circuitHash: 7 }] }), 'is malformed'],
      ]) {
        await writeFile(path, broken);
        await expect(readTranscript(path)).rejects.toThrow(sentence);
      }
    });

    it.each<[string, (records: NewRecord[]) => NewRecord[], string]>([
      [
        'contributions in swapped order',
        ([a, b, c, d, e]) => [a, b, { ...d, time: c.time }, { ...c, time: d.time }, e],
        'is another than',
      ],
      ['a contribution left out', ([a, b, c, , e]) => [a, b, c, e], '1 contribution(s) instead of 2'],
      ['the beacon left out', ([a, b, c, d]) => [a, b, c, d], 'key-0002.zkey'],
      [
        'the beacon announced last',
        ([a, b, c, d, e]) => [a, b, c, d, { ...b, time: d.time }, e],
        'announced after the last contribution',
      ],
      [
        'another beacon value',
        ([a, b, c, d, e]) => [a, b, c, d, { ...e, value: '5f'.repeat(32) } as NewRecord],
        'has another beacon',
      ],
      [
        'other iterations',
        ([a, b, ...rest]) => [a, { ...b, iterations: 11 } as NewRecord, ...rest],
        'another number of times',
      ],
      [
        'another contributor',
        ([a, b, c, d, e]) => [a, b, c, { ...d, name: 'Sophie' } as NewRecord, e],
        'names another contributor',
      ],
      [
        'one contributor twice',
        ([a, b, c, d, e]) => [a, b, c, { ...d, name: 'ada LOVELACE' } as NewRecord, e],
        'second contribution of ada',
      ],
      [
        'a contribution after the beacon was public',
        ([a, b, c, d, e]) => [a, b, c, { ...d, time: NOON.toISOString() }, e],
        'public already',
      ],
      [
        'a beacon before its time',
        ([a, b, c, d, e]) => [a, b, c, d, { ...e, time: d.time }],
        'before its announced time',
      ],
      [
        'another circuit',
        ([a, ...rest]) => [{ ...a, circuitHash: '0'.repeat(64) } as NewRecord, ...rest],
        'this version compiles',
      ],
      [
        'another phase 1',
        ([a, ...rest]) => [{ ...a, phase1Hash: '0'.repeat(128) } as NewRecord, ...rest],
        'was begun with',
      ],
    ])('with %s, though the chain was made anew', async (_, change, sentence) => {
      const folder = await copyOf(finished);
      if (sentence === 'key-0002.zkey') await copyFile(join(folder, 'key-0003.zkey'), join(folder, sentence));
      await rewrite(folder, change);
      await refused(folder, sentence);
    });

    it("with a verification key of one's own in the transcript", async () => {
      const folder = await copyOf(finished);
      await rewrite(folder, (records) => {
        const last = records[4];
        if (last.kind !== 'beacon') throw new Error('the last record is no beacon');
        const { vk_beta_2 } = last.verificationKey;
        const verificationKey = { ...last.verificationKey, vk_gamma_2: vk_beta_2 };
        return [...records.slice(0, 4), { ...last, verificationKey, keyHash: keyHash(verificationKey) }];
      });
      await refused(folder, 'is another than the one in the transcript');
    });

    it('with a key cut short, changed, or of another contribution', async () => {
      const folder = await copyOf(finished);
      const key = join(folder, 'key-0003.zkey');
      const whole = await readFile(key);
      for (const length of [0, 11, 100, 5000, whole.length - 1]) {
        await truncate(key, length);
        await refused(folder, 'the transcript says');
        await expect(readKeyRecord(key)).rejects.toThrow(/is cut short|too short/);
        await writeFile(key, whole);
      }
      await rename(join(folder, 'key-0002.zkey'), key);
      await refused(folder, 'the transcript says');
      await expect(readKeyRecord(join(folder, 'circuit.r1cs'))).rejects.toThrow('does not begin with "zkey"');
      await expect(verifyCeremony(await temporary())).rejects.toThrow('There is no ceremony');
    });

    it('with a tampered key whose hash the forger put into the transcript', async () => {
      const folder = await copyOf(finished);
      const key = join(folder, 'key-0003.zkey');
      const { contributions } = await readKeyRecord(key);
      const bytes = await readFile(key);
      const sections = sectionsOf(bytes);
      const tampered: [string, number, RegExp][] = [
        // the names and the proofs of knowledge lie in section 10, the points of public signals in 3
        ["a contributor's name", bytes.indexOf('Ada Lovelace'), /names another contributor/],
        ["a contribution's hash chain", sections[10] + 64 + 4 + 64 * 3 + 128 + 5, /was made on another key/],
        ['a point of the statement', sections[3] + 64, /not on the curve/],
      ];
      expect(contributions).toHaveLength(3);
      for (const [what, at, sentence] of tampered) {
        expect(at, what).toBeGreaterThan(0);
        const other = Buffer.from(bytes);
        other[at] ^= 1;
        await writeFile(key, other);
        await restate(folder, other);
        await refused(folder, sentence);
      }
    });

    it('with points exchanged for others of the key, which only pairings tell', async () => {
      const initial = join(started, 'key-0000.zkey');
      const key = join(await copyOf(finished), 'key-0003.zkey');
      const bytes = await readFile(key);
      const sections = sectionsOf(bytes);
      for (const [section, sentence] of [
        [8, 'L section'],
        [9, 'H section'],
      ] as const) {
        const other = Buffer.from(bytes);
        const at = sections[section] + 640;
        bytes.copy(other, at, at + 64, at + 128);
        await writeFile(key, other);
        expect(await refusalOf({ step: 'verify', initial, phase1, key })).toContain(sentence);
      }
    });

    it('when another phase-1 file is given', async () => {
      const other = phase1.replace('_11.', '_09.');
      await expect(verifyCeremony(finished, { phase1: other })).rejects.toThrow('was published with');
    });

    async function restate(folder: string, bytes: Uint8Array): Promise<void> {
      const { createHash } = await import('node:crypto');
      const keyFile = createHash('sha256').update(bytes).digest('hex');
      await rewrite(folder, (records) => [...records.slice(0, 4), { ...records[4], keyFile } as NewRecord]);
    }
  });

  it('is a key of its own circuit only, and of a published folder only', async () => {
    const other = await compileCircuit(scoreMatrixCircuit(SMALL));
    await expect(ceremonyKey(publishedFolder, other)).rejects.toThrow('is to be proven');
    const circuit = await compileCircuit(CIRCUIT);
    await expect(ceremonyKey(finished, circuit)).rejects.toThrow('manifest.json');
    // a manifest made anew around another key: same facts, same transcript
    const { manifest } = published.artefact;
    const exchanged = join(await temporary(), 'exchanged');
    await writeArtefact(exchanged, manifest, async (staging) => {
      for (const { path } of manifest.files) await copyFile(join(publishedFolder, path), join(staging, path));
      const zkey = await readFile(join(staging, 'final.zkey'));
      const at = sectionsOf(zkey)[9];
      zkey.copy(zkey, at, at + 64, at + 128);
      await writeFile(join(staging, 'final.zkey'), zkey);
      return manifest.facts;
    });
    await expect(ceremonyKey(exchanged, circuit)).rejects.toThrow('do not belong together');
    const spoilt = await copyOf(publishedFolder);
    await truncate(join(spoilt, 'final.zkey'), 1000);
    await expect(ceremonyKey(spoilt, circuit)).rejects.toThrow('its manifest says');
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

/** What everybody on the machine can see of this process' children: their arguments, and to their owner the environment. */
function childrenSeen(): string[] {
  const { stdout } = spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(process.pid)], { encoding: 'utf8' });
  const pids = [...stdout.matchAll(/^\s*(\d+) /gm)].map(([, pid]) => pid);
  const environments = pids.flatMap((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8');
    } catch (error) {
      // `ps` lists itself, and ends
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ESRCH') return [];
      throw error;
    }
  });
  return [stdout, ...environments];
}
