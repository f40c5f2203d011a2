#!/usr/bin/env node
/**
 * What forge takes for a native compiler: the solc package from npm behind the two questions that forge asks, `--version`
 * and `--standard-json`. Every other option (allowed paths, the base path) is about files, and forge puts all sources
 * into its input.
 *
 * Contracts are compiled with the settings given, the tests below test/ without the optimizer: they are never deployed,
 * they reach the contracts by artefact and not by embedding them, and optimizing them takes ten times as long as all
 * contracts together. A test whose stack the plain compiler cannot hold gets the settings given after all.
 * The trap: the output has tens of megabytes and standard output is a pipe, so the process must end by itself;
 * process.exit would cut it.
 */
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const PLAIN = { viaIR: false, optimizer: { enabled: false } };
const solc = () => createRequire(import.meta.url)('solc');

/** Compiles one input in a thread of its own, so that contracts and tests share the machine. */
function compile(input) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: JSON.stringify(input) });
    worker.once('message', (output) => resolve(JSON.parse(output)));
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`solc's worker ended with status ${code} and no output`)));
  });
}

/** The input with other settings and output for some of its files only; none when it asks for none of them. */
function part(input, settings, accepts) {
  const chosen = Object.entries(input.settings.outputSelection ?? {}).filter(([file]) => accepts(file));
  if (chosen.length === 0) return undefined;
  return { ...input, settings: { ...input.settings, ...settings, outputSelection: Object.fromEntries(chosen) } };
}

const isTest = (file) => file.startsWith('test/');
const isTooDeep = ({ severity, formattedMessage }) => severity === 'error' && /stack too deep/i.test(formattedMessage);

async function compileTests(input) {
  const plain = part(input, PLAIN, isTest);
  if (plain === undefined) return undefined;
  const output = await compile(plain);
  return output.errors?.some(isTooDeep) ? compile(part(input, {}, isTest)) : output;
}

async function compileAll(input) {
  const contracts = part(input, {}, (file) => !isTest(file));
  const both = await Promise.all([contracts && compile(contracts), compileTests(input)]);
  const outputs = both.filter((output) => output !== undefined);
  if (outputs.length === 0) return compile(input);
  const errors = new Map(outputs.flatMap((o) => o.errors ?? []).map((error) => [error.formattedMessage, error]));
  return {
    errors: [...errors.values()],
    sources: Object.assign({}, ...outputs.map((output) => output.sources)),
    contracts: Object.assign({}, ...outputs.map((output) => output.contracts)),
  };
}

const asked = process.argv.slice(2);
if (!isMainThread) {
  parentPort.postMessage(solc().compile(workerData));
} else if (asked.includes('--version')) {
  process.stdout.write(`solc, the solidity compiler, from npm\nVersion: ${solc().version()}\n`);
} else if (asked.includes('--standard-json')) {
  process.stdout.write(JSON.stringify(await compileAll(JSON.parse(await text(process.stdin)))));
} else {
  process.stderr.write('This answers --version and --standard-json only; for anything else run npx solcjs\n');
  process.exitCode = 2;
}
