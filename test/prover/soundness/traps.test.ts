/** Traps of the tools that are no circuit's fault; the others have their tests elsewhere, listed in docs/security.md. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/foundation/index.js';
import { COMPILER_OPTIONS, runCompiler } from '../../../src/prover/compiler.js';
import { readR1csHeader } from '../../../src/prover/r1cs.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meed-traps-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function compile(source: string): Promise<string> {
  const work = await mkdtemp(join(folder, 'circuit-'));
  await writeFile(join(work, 'main.circom'), source);
  await runCompiler(work);
  return work;
}

describe('trap 3', () => {
  it('`--O2` is given, and without it linear constraints stay', async () => {
    expect(COMPILER_OPTIONS).toContain('--O2');
    const work = await compile(`pragma circom 2.1.0;
template Linear() {
    signal input x; signal input y; signal output out;
    signal sum; sum <== x + y;
    signal twice; twice <== 2 * sum + x;
    out <== twice * sum;
}
component main = Linear();
`);
    expect(readR1csHeader(await readFile(join(work, 'main.r1cs'))).constraints).toBe(1);
    const unpinned = await runCircom(work, ['--r1cs', '-o', '.']);
    expect(unpinned.status, unpinned.log).toBe(0);
    expect(readR1csHeader(await readFile(join(work, 'main.r1cs'))).constraints).toBeGreaterThan(1);
  });
});

describe('trap 10', () => {
  it('circom sees nothing above its working directory: sources are staged below it', async () => {
    await writeFile(join(folder, 'outside.circom'), 'pragma circom 2.1.0;\n');
    await expect(compile(`pragma circom 2.1.0;\ninclude "../outside.circom";\n`)).rejects.toThrow('does not compile');
  });
});

describe('trap 9', () => {
  it('a process that proved and verified ends by itself, with no call that ends it', { timeout: 240_000 }, async () => {
    const script = `
      import { compileCircuit, developmentKey, prove, scoreMatrixCircuit, scoreMatrixInput, scoreMatrixStatement, verify } from './src/prover/index.js';
      import { loadHasher } from './src/prover/reference/index.js';
      const instance = { slots: 2, queries: 2, columns: 4 };
      const values = { instance, indexId: 1n, slots: new Int16Array(8).fill(3), slotSalts: [1n, 2n], queries: new Int16Array(8).fill(-5), batchSalt: 3n };
      const key = await developmentKey(await compileCircuit(scoreMatrixCircuit(instance)));
      const proof = await prove(key, scoreMatrixInput(scoreMatrixStatement(await loadHasher(), values), values, 7n));
      console.log(await verify(key.verificationKey, proof.publicSignals, proof.words));
    `;
    const ended = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], packageRoot);
    expect(ended.log.trim().split('\n').at(-1), ended.log).toBe('true');
    expect(ended.status).toBe(0);
  });
});

function runCircom(cwd: string, options: readonly string[]): Promise<{ status: number | null; log: string }> {
  return run(
    process.execPath,
    [join(packageRoot, 'node_modules', 'circom2', 'cli.js'), 'main.circom', ...options],
    cwd,
  );
}

function run(command: string, args: readonly string[], cwd: string): Promise<{ status: number | null; log: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    const collect = (chunk: Buffer): void => {
      log += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, log }));
  });
}
