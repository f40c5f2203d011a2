/**
 * Compiles the contracts with solc from npm. The sources and everything they import are gathered into one standard-JSON
 * input, so its hash names the result in the cache: equal input, equal bytecode. The compiler is 9 MB of WebAssembly that
 * blocks for seconds, so it runs in a worker thread and only when the cache has nothing. Any warning is an error.
 * The trap: two processes may compile at the same time, so the cache file is written beside and renamed into place.
 */
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { InterfaceAbi } from 'ethers';
import { cacheFolder, canonicalJson, MeedError, resourcePath, sha256, systemCode } from '../foundation/index.js';

export interface CompiledContract {
  readonly abi: InterfaceAbi & readonly unknown[];
  /** Creation code, 0x hex. */
  readonly bytecode: string;
}

/** A deployment names the address of each of these. */
export const CONTRACT_NAMES = [
  'AttributionToken',
  'PositivePart',
  'ProtocolTerms',
  'DatanetRegistry',
  'IndexRegistry',
  'ReceiptBook',
  'Groth16Verifier',
  'EpochSettlement',
] as const;
export type ContractName = (typeof CONTRACT_NAMES)[number];
/** Compiled with them and deployed on their own: a deployment without them is whole. */
export const SEPARATE_CONTRACT_NAMES = [
  'StatementVerifier',
  'Disputes',
  'Folds',
  'PooledPerBatch',
  'VerifierRouter',
  'MeedGovernor',
  'TimelockController',
  'ValidatorStaking',
  'Committee',
  'Equivocation',
  'PoseidonHash',
  'DataRequests',
] as const;
export type CompiledName = ContractName | (typeof SEPARATE_CONTRACT_NAMES)[number];
export type CompiledContracts = Readonly<Record<CompiledName, CompiledContract>>;

const COMPILED_NAMES: readonly CompiledName[] = [...CONTRACT_NAMES, ...SEPARATE_CONTRACT_NAMES];
const require = createRequire(import.meta.url);
/** How contracts are made; foundry.toml says the same. */
export const COMPILER_SETTINGS = {
  optimizer: { enabled: true, runs: 10_000 },
  viaIR: true,
  evmVersion: 'cancun',
} as const;
/** Compiled side by side, each in a thread of its own; what a contract becomes does not depend on its part. */
const PARTS: readonly (readonly CompiledName[])[] = [CONTRACT_NAMES, SEPARATE_CONTRACT_NAMES];
/** That transient storage outlives a call: said of OpenZeppelin's guard, which clears it, whoever uses it. */
const TRANSIENT_STORAGE = '2394';
/** Runs in the worker: compiles the input given and posts the output. */
const WORKER = `const { parentPort, workerData } = require('node:worker_threads');
parentPort.postMessage(require(workerData.solc).compile(workerData.input));`;

let compiled: Promise<CompiledContracts> | undefined;

/**
 * The contracts, from the cache or freshly compiled (about half a minute); once a process.
 * @throws MeedError with the compiler's own message when a source has an error or a warning
 */
export function compileContracts(): Promise<CompiledContracts> {
  compiled ??= compileOrRead();
  return compiled;
}

async function compileOrRead(): Promise<CompiledContracts> {
  const sources = await gatherSources();
  const inputs = PARTS.map((names) => compilerInput(sources, names));
  const file = join(cacheFolder(), 'contracts', `${sha256(compilerVersion(), ...inputs)}.json`);
  const cached = await readCache(file);
  if (cached) return cached;
  const outputs = await Promise.all(inputs.map(runCompiler));
  const contracts = requireWhole(
    Object.fromEntries(outputs.flatMap((output, i) => Object.entries(pickContracts(output, PARTS[i])))),
  );
  await mkdir(dirname(file), { recursive: true });
  const staging = `${file}.${process.pid}`;
  await writeFile(staging, JSON.stringify(contracts));
  await rename(staging, file);
  return contracts;
}

/** Asks for these contracts only: what they import is checked as well, and makes no code of its own. */
function compilerInput(sources: Readonly<Record<string, { content: string }>>, names: readonly CompiledName[]): string {
  const outputSelection = { '*': Object.fromEntries(names.map((name) => [name, ['abi', 'evm.bytecode.object']])) };
  return canonicalJson({ language: 'Solidity', sources, settings: { ...COMPILER_SETTINGS, outputSelection } });
}

function compilerVersion(): string {
  const manifest: unknown = require('solc/package.json');
  if (isObject(manifest) && typeof manifest.version === 'string') return manifest.version;
  throw new MeedError('The installed solc package names no version', 'Install the dependencies again with npm ci');
}

/** Every source below contracts/ and, transitively, every import of theirs. */
async function gatherSources(): Promise<Record<string, { content: string }>> {
  const root = resourcePath('contracts');
  const names = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.sol')).sort();
  const sources: Record<string, { content: string }> = {};
  const pending = names.map((name) => `contracts/${name.replaceAll('\\', '/')}`);
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (name in sources) continue;
    const path = name.startsWith('contracts/') ? resourcePath(name) : require.resolve(name);
    const content = await readFile(path, 'utf8');
    sources[name] = { content };
    for (const [, imported] of content.matchAll(/^import\s[^;]*?"([^"]+)";/gm)) {
      pending.push(imported.startsWith('.') ? posix.join(posix.dirname(name), imported) : imported);
    }
  }
  return sources;
}

async function readCache(file: string): Promise<CompiledContracts | undefined> {
  try {
    const parsed: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isCompiledContracts(parsed) ? parsed : undefined;
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function runCompiler(input: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, { eval: true, workerData: { solc: require.resolve('solc'), input } });
    worker.once('message', (output: unknown) => {
      resolve(typeof output === 'string' ? JSON.parse(output) : undefined);
    });
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`solc's worker ended with status ${code} and no output`)));
  });
}

function pickContracts(output: unknown, names: readonly CompiledName[]): Record<string, unknown> {
  const complaints = (isObject(output) && Array.isArray(output.errors) ? output.errors : []).filter(
    (complaint: unknown) => !(isObject(complaint) && complaint.errorCode === TRANSIENT_STORAGE),
  );
  if (complaints.length > 0) {
    const text = complaints.map((c: unknown) => (isObject(c) ? String(c.formattedMessage) : String(c))).join('\n');
    throw new MeedError(`The contracts do not compile cleanly:\n${text}`, 'Correct the sources below contracts/');
  }
  const files = isObject(output) && isObject(output.contracts) ? output.contracts : {};
  const picked: Record<string, unknown> = {};
  for (const name of names) {
    const source = Object.keys(files).find((path) => path.endsWith(`/${name}.sol`));
    const file = source === undefined ? undefined : files[source];
    const contract = isObject(file) ? file[name] : undefined;
    const evm = isObject(contract) ? contract.evm : undefined;
    const bytecode = isObject(evm) && isObject(evm.bytecode) ? evm.bytecode.object : undefined;
    picked[name] = { abi: isObject(contract) ? contract.abi : undefined, bytecode: `0x${String(bytecode)}` };
  }
  return picked;
}

function requireWhole(picked: unknown): CompiledContracts {
  if (isCompiledContracts(picked)) return picked;
  throw new MeedError(
    'solc gave no bytecode for one of the contracts',
    `Check that contracts/ defines or imports ${COMPILED_NAMES.join(', ')}`,
  );
}

function isCompiledContracts(value: unknown): value is CompiledContracts {
  return (
    isObject(value) &&
    COMPILED_NAMES.every((name) => {
      const contract = value[name];
      return (
        isObject(contract) &&
        Array.isArray(contract.abi) &&
        typeof contract.bytecode === 'string' &&
        /^0x([0-9a-f]{2})+$/.test(contract.bytecode)
      );
    })
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
