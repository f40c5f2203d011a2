/**
 * Compiles an instance of ScoreMatrix and keeps the result in the cache, by the hash of all sources, the parameters and
 * the compiler's version.
 * The trap: a circuit that compiles to another number of constraints than the listed one is another circuit, made by
 * another compiler or with other options, and it is refused before a key is made for it.
 */
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { MeedError, resourcePath, sha256, sha256Json } from '../foundation/index.js';
import { cachedFolder } from './cached.js';
import { COMPILER_OPTIONS, compilerVersion, runCompiler } from './compiler.js';
import { expectedConstraints } from './instances.js';
import { readR1csHeader } from './r1cs.js';
import type { Instance } from './reference/constants.js';

export interface CompiledCircuit {
  readonly instance: Instance;
  readonly r1csPath: string;
  /** The witness generator. */
  readonly wasmPath: string;
  readonly constraints: number;
  /** SHA-256 of the .r1cs file; keys are named after it. */
  readonly circuitHash: string;
}

const require = createRequire(import.meta.url);
const LIBRARY_FILES = ['poseidon_constants.circom'];
const PUBLIC_SIGNALS = 'shardCommitment, queryBatchCommitment, rho, evaluation';

/** "16x16x128" */
export function instanceName({ slots, queries, columns }: Instance): string {
  return `${slots}x${queries}x${columns}`;
}

/**
 * The compiled circuit of an instance, from the cache when it is there.
 * @throws MeedError when the shape is impossible, or the number of constraints is not the listed one
 */
export async function compileCircuit(instance: Instance): Promise<CompiledCircuit> {
  checkShape(instance);
  const sources = await circuitSources(instance);
  const key = sha256Json({
    compiler: compilerVersion(),
    options: COMPILER_OPTIONS,
    sources: Object.fromEntries([...sources].map(([path, text]) => [path, sha256(text)])),
  });
  const name = `score-matrix-${instanceName(instance)}-${key.slice(0, 16)}`;
  const folder = await cachedFolder(join('circuits', name), (staging) => compileInto(staging, sources));
  const r1csPath = join(folder, 'main.r1cs');
  const r1cs = await readFile(r1csPath);
  const { constraints } = readR1csHeader(r1cs);
  const expected = expectedConstraints(instance);
  if (expected !== undefined && constraints !== expected) {
    throw new MeedError(
      `The circuit ${instanceName(instance)} compiled to ${constraints} constraints instead of ${expected}`,
      'Install the locked compiler version, or correct circuits/circuits.json if the templates were changed on purpose',
    );
  }
  return { instance, r1csPath, wasmPath: join(folder, 'main.wasm'), constraints, circuitHash: sha256(r1cs) };
}

function checkShape(instance: Instance): void {
  const { slots, queries, columns } = instance;
  const whole = [slots, queries, columns].every((n) => Number.isInteger(n));
  if (!whole || slots < 2 || queries < 2 || columns < 1 || slots > 1024 || queries > 1024 || columns > 256) {
    throw new MeedError(
      `A ScoreMatrix of shape ${instanceName(instance)} cannot be compiled`,
      'Take 2 to 1024 slots and queries, and 1 to 256 columns',
    );
  }
}

async function circuitSources(instance: Instance): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  const folder = resourcePath('circuits');
  const templates = (await readdir(folder)).filter((file) => file.endsWith('.circom')).sort();
  for (const file of templates) sources.set(file, await readFile(join(folder, file), 'utf8'));
  const library = join(dirname(require.resolve('circomlib/package.json')), 'circuits');
  for (const file of LIBRARY_FILES) sources.set(`circomlib/${file}`, await readFile(join(library, file), 'utf8'));
  const { slots, queries, columns } = instance;
  sources.set(
    'main.circom',
    `pragma circom 2.1.0;\ninclude "score_matrix.circom";\ncomponent main { public [${PUBLIC_SIGNALS}] } = ScoreMatrix(${slots}, ${queries}, ${columns});\n`,
  );
  return sources;
}

async function compileInto(staging: string, sources: ReadonlyMap<string, string>): Promise<void> {
  const work = join(staging, 'work');
  await mkdir(join(work, 'circomlib'), { recursive: true });
  for (const [path, text] of sources) await writeFile(join(work, path), text);
  await runCompiler(work);
  await rename(join(work, 'main.r1cs'), join(staging, 'main.r1cs'));
  await copyFile(join(work, 'main_js', 'main.wasm'), join(staging, 'main.wasm'));
  await rm(work, { recursive: true });
}
