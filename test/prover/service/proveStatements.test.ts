/** What the service gives is verified and in order; keys and files that are damaged are one sentence each. */
import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeedError } from '../../../src/foundation/index.js';
import { verifyBatch } from '../../../src/prover/batchVerify.js';
import type { ProvingKey } from '../../../src/prover/provingKey.js';
import {
  capacityWithin,
  ProofStore,
  proverBytes,
  proveStatements,
  type Statement,
  statementId,
} from '../../../src/prover/service/index.js';
import { verificationKeyHash } from '../../../src/prover/verificationKey.js';
import { tinyKey, tinyStatements } from './tinyStatements.js';

const MEMORY = 16e9;
let folder: string;
let key: ProvingKey;
let keyHash: string;
let statements: Statement[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meed-service-'));
  [key, statements] = [await tinyKey(), await tinyStatements(3)];
  keyHash = verificationKeyHash(key.verificationKey);
});
afterAll(() => rm(folder, { recursive: true }));

describe('the proving service', () => {
  it('gives verified proofs in the order of the statements, and makes each once', async () => {
    const store = join(folder, 'store');
    const told: number[] = [];
    const first = await proveStatements(key, statements.slice(0, 2), { store, workers: 2, memoryBytes: MEMORY });
    const all = await proveStatements(key, statements, {
      store,
      workers: 1,
      memoryBytes: MEMORY,
      progress: (done) => told.push(done),
    });
    expect([first.found, all.found]).toEqual([0, 2]);
    expect(all.proofs.slice(0, 2)).toEqual(first.proofs);
    expect(all.proofs.map(({ publicSignals }) => publicSignals)).toEqual(statements.map((one) => one.publicSignals));
    expect(await verifyBatch(key.verificationKey, all.proofs)).toBe(true);
    expect([told[0], told[told.length - 1]]).toEqual([2, 3]);
    expect(all.proverBytes).toBeGreaterThan(10e6);
    expect(all.proverBytes).toBeLessThan(await proverBytes(key));
    const again = await proveStatements(key, statements, { store, prover: { name: 'rapidsnark', path: '/nowhere' } });
    expect(again).toEqual({ proofs: all.proofs, found: 3, proverBytes: 0 });
  });

  it('refuses signals that do not satisfy the circuit, and keeps what was proven before', async () => {
    const store = join(folder, 'partly');
    const [good, bad] = statements;
    const wrong = { ...bad, input: () => ({ ...bad.input(), evaluation: 1n }) };
    await expect(proveStatements(key, [good, wrong], { store, workers: 1 })).rejects.toThrow(
      /^The values do not satisfy the circuit: /,
    );
    expect(await readdir(store)).toEqual([`${statementId(keyHash, good.publicSignals)}.json`]);
  });

  it('names a key that is cut short or is not there', async () => {
    const cut = join(folder, 'cut.zkey');
    await copyFile(key.zkeyPath, cut);
    await truncate(cut, 10_000);
    const one = statements.slice(0, 1);
    await expect(proveStatements({ ...key, zkeyPath: cut }, one, { workers: 1 })).rejects.toThrow(MeedError);
    await expect(proveStatements({ ...key, zkeyPath: join(folder, 'none') }, one, { workers: 1 })).rejects.toThrow(
      /none does not exist\. /,
    );
  });

  it('gives no proof of a key whose points are damaged', async () => {
    const damaged = join(folder, 'damaged.zkey');
    const bytes = await readFile(key.zkeyPath);
    // two points of the last large section change places: the form is that of a key, its proofs do not hold
    const at = sectionOf(bytes, 9);
    const [a, b] = [Buffer.from(bytes.subarray(at, at + 64)), Buffer.from(bytes.subarray(at + 64, at + 128))];
    expect(a.equals(b)).toBe(false);
    b.copy(bytes, at);
    a.copy(bytes, at + 64);
    await writeFile(damaged, bytes);
    await expect(
      proveStatements({ ...key, zkeyPath: damaged }, statements.slice(0, 1), { workers: 1 }),
    ).rejects.toThrow('The proof of statement 0 does not verify. Delete the keys in the cache folder and prove again.');
  });

  it('fills a memory budget with provers, and says what one needs', async () => {
    const limits = { statements: 100, cores: 8 };
    expect(capacityWithin(10e9, 1e9, limits)).toEqual({ provers: 8, threads: 1 });
    expect(capacityWithin(3.9e9, 1e9, limits)).toEqual({ provers: 3, threads: 2 });
    expect(capacityWithin(10e9, 1e9, { ...limits, statements: 1 })).toEqual({ provers: 1, threads: 8 });
    expect(capacityWithin(10e9, 1e9, { ...limits, asked: 10 })).toEqual({ provers: 10, threads: 1 });
    expect(() => capacityWithin(0.9e9, 1e9, limits)).toThrow(
      '1 prover(s) of this circuit need 1.0 GB, 900 MB are available. Give more with --memory.',
    );
    expect(() => capacityWithin(2.5e9, 1e9, { ...limits, asked: 3 })).toThrow(
      '3 prover(s) of this circuit need 3.0 GB, 2.5 GB are available. Give more with --memory, or fewer --workers.',
    );
    expect(() => capacityWithin(2e9, 1e9, { ...limits, asked: 0 })).toThrow(/0 is no number of provers/);
    await expect(proveStatements(key, statements, { memoryBytes: 1e6 })).rejects.toThrow(/1\.0 MB are available/);
  });
});

/** Where a section of a .zkey file begins. */
function sectionOf(bytes: Buffer, type: number): number {
  let at = 12;
  while (bytes.readUInt32LE(at) !== type) at += 12 + Number(bytes.readBigUInt64LE(at + 4));
  return at + 12;
}

describe('the store of proofs', () => {
  const proof = { words: [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n], publicSignals: [9n, 10n] };

  it('gives back what was written, for its statement and key alone', async () => {
    const store = await ProofStore.open(join(folder, 'deep', 'proofs'));
    await store.write('a', proof);
    expect(await store.read('a', proof.publicSignals)).toEqual({ state: 'found', proof });
    expect(await store.read('b', proof.publicSignals)).toEqual({ state: 'absent' });
    expect(await store.read('a', [9n, 11n])).toEqual({ state: 'absent' });
  });

  it('takes nothing that is cut short, malformed, or lies in the wrong place', async () => {
    const store = await ProofStore.open(join(folder, 'hostile'));
    await store.write('a', proof);
    const path = join(store.folder, `${statementId('a', proof.publicSignals)}.json`);
    const whole = await readFile(path, 'utf8');
    const content = JSON.parse(whole) as Record<string, unknown>;
    const texts = [
      whole.slice(0, whole.length / 2),
      '',
      'null',
      '[]',
      JSON.stringify({ ...content, keyHash: 'b' }),
      JSON.stringify({ ...content, publicSignals: ['9'] }),
      JSON.stringify({ ...content, words: ['1', '2'] }),
      JSON.stringify({ ...content, words: ['-1', '2', '3', '4', '5', '6', '7', '8'] }),
      JSON.stringify({ ...content, words: [1, 2, 3, 4, 5, 6, 7, 8] }),
    ];
    for (const text of texts) {
      await writeFile(path, text);
      expect(await store.read('a', proof.publicSignals)).toEqual({ state: 'damaged' });
    }
    await writeFile(path, whole);
    expect(await store.read('a', proof.publicSignals)).toEqual({ state: 'found', proof });
  });

  it('is a folder that can be made, or says why not', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(ProofStore.open(join(folder, 'file', 'below'))).rejects.toThrow(
      /lies below something that is not a folder/,
    );
  });
});
