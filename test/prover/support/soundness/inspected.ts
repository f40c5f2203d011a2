/**
 * A circuit compiled as for proving, with the names of its signals and what circom's own inspection says (`--inspect`).
 * The trap: circom leaves an input that no constraint mentions out of the witness altogether, so it is looked for by
 * name (wire −1), not among the wires.
 */
import { spawn } from 'node:child_process';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { resourcePath, sha256Json } from '../../../../src/foundation/index.js';
import { SparseSystem } from '../../../../src/prover/analysis/index.js';
import { cachedFolder } from '../../../../src/prover/cached.js';
import { COMPILER_OPTIONS, compilerVersion } from '../../../../src/prover/compiler.js';
import type { CircuitInstance } from '../../../../src/prover/instances.js';
import { findTemplate } from '../../../../src/prover/templates.js';

export interface Warning {
  /** "CA01": a signal in no constraint; "CA02": a signal of a component in none of its parent's; "T3002": `<--` where `<==` would do. */
  readonly code: string;
  readonly text: string;
  /** The file that the compiler shows, where it shows one. */
  readonly file: string | undefined;
}

export interface InspectedCircuit {
  readonly system: SparseSystem;
  readonly wasmPath: string;
  readonly r1csPath: string;
  /** Distinct ones. */
  readonly warnings: readonly Warning[];
  /** Of each wire: "entries[0][3]"; a wire of several signals has the first one's. */
  readonly names: readonly string[];
  /** Signals of the main component that no wire stands for, substituted ones included. */
  readonly withoutWire: readonly string[];
}

const require = createRequire(import.meta.url);
const LIBRARY = join(dirname(require.resolve('circomlib/package.json')), 'circuits');
const LIBRARY_PREFIX = 'circomlib/';

/** An instance of a template, as `compileCircuit` makes it. */
export function inspectInstance(instance: CircuitInstance): Promise<InspectedCircuit> {
  const template = findTemplate(instance.template);
  if (template === undefined) throw new RangeError(`no template ${instance.template}`);
  const { file, name, publicInputs } = template;
  const isPublic = publicInputs.length === 0 ? '' : ` { public [${publicInputs.join(', ')}] }`;
  return inspectSource(
    `pragma circom 2.1.0;\ninclude "${file}";\ncomponent main${isPublic} = ${name}(${instance.parameters.join(', ')});\n`,
  );
}

/** A main component with includes from `circuits/` and "circomlib/". */
export async function inspectSource(main: string): Promise<InspectedCircuit> {
  const sources = await withIncludes(main);
  const key = sha256Json({ compiler: compilerVersion(), form: 2, sources: Object.fromEntries(sources) });
  const folder = await cachedFolder(join('circuits', `inspected-${key.slice(0, 24)}`), (staging) =>
    compileInto(staging, sources),
  );
  const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');
  const system = new SparseSystem(await readFile(join(folder, 'main.r1cs')));
  return {
    system,
    wasmPath: join(folder, 'main.wasm'),
    r1csPath: join(folder, 'main.r1cs'),
    warnings: warningsOf(await read('log.txt')),
    ...signalNames(await read('main.sym'), system.wires),
  };
}

async function withIncludes(main: string): Promise<Map<string, string>> {
  const sources = new Map([['main.circom', main]]);
  const wanted = includesOf('main.circom', main);
  for (let file = wanted.pop(); file !== undefined; file = wanted.pop()) {
    if (sources.has(file)) continue;
    const inLibrary = file.startsWith(LIBRARY_PREFIX);
    const path = inLibrary ? join(LIBRARY, file.slice(LIBRARY_PREFIX.length)) : resourcePath('circuits', file);
    const text = await readFile(path, 'utf8');
    sources.set(file, text);
    wanted.push(...includesOf(file, text));
  }
  return sources;
}

/** What a file includes, seen from the main component. */
function includesOf(file: string, text: string): string[] {
  const prefix = file.startsWith(LIBRARY_PREFIX) ? LIBRARY_PREFIX : '';
  return [...text.matchAll(/^include "([^"]+)";/gm)].map(([, included]) => `${prefix}${included}`);
}

async function compileInto(staging: string, sources: ReadonlyMap<string, string>): Promise<void> {
  const work = join(staging, 'work');
  await mkdir(join(work, 'circomlib'), { recursive: true });
  for (const [path, text] of sources) await writeFile(join(work, path), text);
  await writeFile(join(staging, 'log.txt'), await inspect(work));
  await rename(join(work, 'main.r1cs'), join(staging, 'main.r1cs'));
  await rename(join(work, 'main.sym'), join(staging, 'main.sym'));
  await copyFile(join(work, 'main_js', 'main.wasm'), join(staging, 'main.wasm'));
  await rm(work, { recursive: true });
}

/** What the compiler logs. @throws Error with the log when the circuit does not compile */
function inspect(folder: string): Promise<string> {
  const options = [...COMPILER_OPTIONS, '--sym', '--inspect', '-o', '.'];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [require.resolve('circom2/cli.js'), 'main.circom', ...options], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    const collect = (chunk: Buffer): void => {
      log += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (status) => {
      if (status === 0) resolve(log);
      else reject(new Error(log));
    });
  });
}

/** Distinct warnings of a log: "warning[CODE]: text", then perhaps a frame with the file. */
export function warningsOf(log: string): Warning[] {
  const plain = stripVTControlCharacters(log);
  const found = new Map<string, Warning>();
  for (const paragraph of plain.split(/(?=warning\[)/)) {
    const head = /^warning\[(\w+)\]: (.*)/.exec(paragraph);
    if (head === null) continue;
    const file = /┌─ "([^"]+)"/.exec(paragraph)?.[1];
    const warning = { code: head[1], text: head[2], file };
    found.set(`${warning.code} ${warning.text} ${file}`, warning);
  }
  return [...found.values()];
}

/** Lines of a .sym file: label, wire or −1, component, "main.name". */
function signalNames(sym: string, wires: number): { names: string[]; withoutWire: string[] } {
  const names = Array<string>(wires).fill('');
  names[0] = '1';
  const withoutWire: string[] = [];
  for (const line of sym.split('\n')) {
    if (line === '') continue;
    const [, wire, , name] = line.split(',');
    const short = name.replace(/^main\./, '');
    if (Number(wire) >= 0) names[Number(wire)] ||= short;
    else if (!short.includes('.')) withoutWire.push(short);
  }
  return { names, withoutWire };
}
