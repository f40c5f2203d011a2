/**
 * rapidsnark's executable as a prover. The real one is a binary that npm does not carry; here a small program stands at its
 * place that keeps its command line (prover circuit.zkey witness.wtns proof.json public.json, status 0 or a sentence on
 * the standard error) and proves with snarkjs, so what is tested is the command line, the files and what may go wrong with them.
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verify } from '../../../src/prover/groth16.js';
import type { ProvingKey } from '../../../src/prover/provingKey.js';
import { type Backend, openBackend } from '../../../src/prover/service/backend.js';
import { findRapidsnark, proveStatements, type Statement } from '../../../src/prover/service/index.js';
import { tinyKey, tinyStatements } from './tinyStatements.js';

const require = createRequire(import.meta.url);
const never = new AbortController().signal;
let folder: string;
let key: ProvingKey;
let statements: Statement[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meed-rapidsnark-'));
  [key, statements] = [await tinyKey(), await tinyStatements(2)];
});
afterAll(() => rm(folder, { recursive: true }));

/** Keeps the command line; `then` is run after the proof was written, with the four paths. */
const PROGRAM = (then: string): string => `#!${process.execPath}
const [zkey, wtns, proofPath, publicPath] = process.argv.slice(2);
const { writeFileSync, readFileSync } = require('node:fs');
if (publicPath === undefined) {
  console.error('Invalid number of parameters\\nUsage: prover <circuit.zkey> <witness.wtns> <proof.json> <public.json>');
  process.exit(1);
}
require(${JSON.stringify(require.resolve('snarkjs'))}).groth16.prove(zkey, wtns, undefined, undefined, { singleThread: true }).then(
  ({ proof, publicSignals }) => {
    writeFileSync(proofPath, JSON.stringify(proof));
    writeFileSync(publicPath, JSON.stringify(publicSignals));
    ${then}
    process.exit(0);
  },
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
`;

async function executable(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text, { mode: 0o755 });
  return path;
}

async function open(name: string, text: string, timeoutMs?: number): Promise<{ backend: Backend; scratch: string }> {
  const scratch = join(folder, `${name}-scratch`);
  await mkdir(scratch);
  const path = await executable(name, text);
  return { backend: await openBackend({ name: 'rapidsnark', path, timeoutMs }, key, { threads: 1, scratch }), scratch };
}

describe('rapidsnark', () => {
  it('gives proofs of the same statements as the embedded prover, and leaves no file', async () => {
    const { backend, scratch } = await open('whole', PROGRAM(''));
    const embedded = await openBackend({ name: 'embedded' }, key, { threads: 1 });
    for (const { input, publicSignals } of statements) {
      const [proof, own] = [await backend.prove(input(), never), await embedded.prove(input(), never)];
      expect(proof.publicSignals).toEqual(publicSignals);
      expect(own.publicSignals).toEqual(publicSignals);
      expect(await verify(key.verificationKey, proof.publicSignals, proof.words)).toBe(true);
      expect(await verify(key.verificationKey, own.publicSignals, own.words)).toBe(true);
    }
    await embedded.dispose();
    await backend.dispose();
    expect(await readdir(scratch)).toEqual([]);
  });

  it.each<[string, string, RegExp]>([
    [
      'fails',
      '#!/bin/sh\necho "Witness length mismatch \x1b[31m" >&2\nexit 3\n',
      /\/fails failed with status 3: Witness length mismatch +\[31m\. Check the executable/,
    ],
    ['is killed', '#!/bin/sh\nkill -9 $$\n', /\/is killed failed with SIGKILL\. /],
    ['writes nothing', '#!/bin/sh\nexit 0\n', /What .*\/writes nothing wrote is no proof\. /],
    ['writes words', '#!/bin/sh\necho sorry > "$3"\necho "[]" > "$4"\n', /\/writes words wrote is no proof\. /],
    ['writes no points', '#!/bin/sh\necho "{}" > "$3"\necho "[]" > "$4"\n', /\/writes no points wrote is no proof\. /],
    [
      'cuts the proof',
      PROGRAM('writeFileSync(proofPath, readFileSync(proofPath).subarray(0, 100));'),
      /\/cuts the proof wrote is no proof\. /,
    ],
    [
      'writes without end',
      '#!/bin/sh\nhead -c 3000000 /dev/zero > "$3"\necho "[]" > "$4"\n',
      /\/writes without end wrote is no proof\. /,
    ],
  ])('that %s is one sentence, and leaves no witness', async (name, text, sentence) => {
    const { backend, scratch } = await open(name, text);
    await expect(backend.prove(statements[0].input(), never)).rejects.toThrow(sentence);
    expect(await readdir(scratch)).toEqual([]);
  });

  it('has a time, and is ended when the work is cancelled', async () => {
    const text = '#!/bin/sh\nexec sleep 600\n';
    const late = await open('late', text, 300);
    await expect(late.backend.prove(statements[0].input(), never)).rejects.toThrow(
      /\/late gave no proof within 0\.3 s\. Check the executable/,
    );
    const cancelled = await open('cancelled', text);
    const stop = new AbortController();
    const proving = cancelled.backend.prove(statements[0].input(), stop.signal);
    const ended = expect(proving).rejects.toThrow(/abort/i);
    await sleep(200);
    stop.abort();
    await ended;
    expect(await readdir(late.scratch)).toEqual([]);
    expect(await readdir(cancelled.scratch)).toEqual([]);
  });

  it('that proves another statement is refused, and its proof is not stored', async () => {
    const { backend } = await open('for-another', PROGRAM(''));
    const other = await backend.prove(statements[1].input(), never);
    const [a, b, c] = [other.words.slice(0, 2), other.words.slice(2, 6), other.words.slice(6)];
    const proof = {
      pi_a: [...a, 1],
      pi_b: [
        [b[1], b[0]],
        [b[3], b[2]],
        [1, 0],
      ],
      pi_c: [...c, 1],
    };
    const json = (value: unknown): string =>
      JSON.stringify(value, (_, entry: unknown) =>
        typeof entry === 'bigint' || typeof entry === 'number' ? String(entry) : entry,
      );
    const write = (signals: readonly bigint[]): string =>
      `#!/bin/sh\ncat > "$3" <<'PROOF'\n${json(proof)}\nPROOF\ncat > "$4" <<'PUBLIC'\n${json(signals)}\nPUBLIC\n`;
    // its own signals, then those that were asked for
    for (const [i, signals] of [other.publicSignals, statements[0].publicSignals].entries()) {
      const path = await executable(`another-${i}`, write(signals));
      const store = join(folder, `store-${i}`);
      const prover = { name: 'rapidsnark', path } as const;
      await expect(proveStatements(key, statements.slice(0, 1), { prover, store, workers: 1 })).rejects.toThrow(
        `The proof of statement 0 does not verify. Check ${path}, or prove with --prover embedded.`,
      );
      expect(await readdir(store)).toEqual([]);
      // it does verify for what it is a proof of
      expect(
        (await proveStatements(key, statements.slice(1), { prover, workers: 1 }).catch(() => undefined))?.proofs.length,
      ).toBe(i === 0 ? 1 : undefined);
    }
  });

  it('is found by its path or on the PATH, and is missed with a sentence', async () => {
    const path = await executable('rapidsnark', '#!/bin/sh\n');
    const plain = join(folder, 'plain');
    await writeFile(plain, '', { mode: 0o644 });
    const before = process.env.PATH;
    try {
      process.env.PATH = folder;
      expect(await findRapidsnark()).toBe(path);
      process.env.PATH = '';
      expect(await findRapidsnark(path)).toBe(path);
      await expect(findRapidsnark()).rejects.toThrow(
        /^Neither rapidsnark nor prover is on the PATH\. Name rapidsnark's/,
      );
    } finally {
      process.env.PATH = before;
    }
    await expect(findRapidsnark(plain)).rejects.toThrow(/plain is no file that may be executed/);
    await expect(findRapidsnark(folder)).rejects.toThrow(/is no file that may be executed/);
    await expect(findRapidsnark(join(folder, 'nowhere'))).rejects.toThrow(/is no file that may be executed/);
  });
});
