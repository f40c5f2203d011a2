/**
 * Compiles an instance of a template and keeps the result in the cache, by the hash of all sources, the parameters and
 * the compiler's version.
 * The trap: a circuit that compiles to another number of constraints than the listed one is another circuit, made by
 * another compiler or with other options, and it is refused before a key is made for it.
 */
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { MeedError, resourcePath, sha256, sha256Json } from '../foundation/index.js';
import { cachedFolder } from './cached.js';
import { COMPILER_OPTIONS, compilerVersion, runCompiler } from './compiler.js';
import { type CircuitInstance, expectedConstraints, instanceName } from './instances.js';
import { readR1csHeader } from './r1cs.js';
import { type CircuitTemplate, findTemplate, TEMPLATES } from './templates.js';

export interface CompiledCircuit {
  readonly instance: CircuitInstance;
  readonly r1csPath: string;
  /** The witness generator. */
  readonly wasmPath: string;
  readonly constraints: number;
  /** Outputs and public inputs, without the constant. */
  readonly publicSignals: number;
  /** SHA-256 of the .r1cs file; keys are named after it. */
  readonly circuitHash: string;
}

const require = createRequire(import.meta.url);
/** Sources below it are circomlib's. */
const LIBRARY = 'circomlib/';

/**
 * The compiled circuit of an instance, from the cache when it is there.
 * @throws MeedError when the shape is impossible, or the number of constraints is not the listed one
 */
export async function compileCircuit(instance: CircuitInstance): Promise<CompiledCircuit> {
  const template = templateOf(instance);
  const sources = await circuitSources(template, instance);
  const key = sha256Json({
    compiler: compilerVersion(),
    options: COMPILER_OPTIONS,
    sources: Object.fromEntries([...sources].map(([path, text]) => [path, sha256(text)])),
  });
  const stem = template.file.replace(/\.circom$/, '').replaceAll('_', '-');
  const name = `${stem}-${instanceName(instance)}-${key.slice(0, 16)}`;
  const folder = await cachedFolder(join('circuits', name), (staging) => compileInto(staging, sources));
  const r1csPath = join(folder, 'main.r1cs');
  const r1cs = await readFile(r1csPath);
  const { constraints, publicWires } = readR1csHeader(r1cs);
  const expected = expectedConstraints(instance);
  if (expected !== undefined && constraints !== expected) {
    throw new MeedError(
      `The circuit ${template.name} ${instanceName(instance)} compiled to ${constraints} constraints instead of ${expected}`,
      'Install the locked compiler version, or correct circuits/circuits.json if the templates were changed on purpose',
    );
  }
  return {
    instance,
    r1csPath,
    wasmPath: join(folder, 'main.wasm'),
    constraints,
    publicSignals: publicWires,
    circuitHash: sha256(r1cs),
  };
}

function templateOf(instance: CircuitInstance): CircuitTemplate {
  const template = findTemplate(instance.template);
  if (template === undefined) {
    throw new MeedError(
      `There is no circuit ${instance.template}`,
      `Choose of ${TEMPLATES.map(({ name }) => name).join(', ')}`,
    );
  }
  if (instance.parameters.length !== template.parameters.length || !template.allows(instance.parameters)) {
    throw new MeedError(`A ${template.name} of shape ${instanceName(instance)} cannot be compiled`, template.allowed);
  }
  return template;
}

/** The template's own file and all that it includes, directly or not: another circuit's change leaves its hash alone. */
async function circuitSources(template: CircuitTemplate, instance: CircuitInstance): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  const library = join(dirname(require.resolve('circomlib/package.json')), 'circuits');
  const wanted = [template.file];
  for (let file = wanted.pop(); file !== undefined; file = wanted.pop()) {
    if (sources.has(file)) continue;
    const path = file.startsWith(LIBRARY) ? join(library, file.slice(LIBRARY.length)) : resourcePath('circuits', file);
    const text = await readFile(path, 'utf8');
    sources.set(file, text);
    for (const [, included] of text.matchAll(/^include "([^"]+)";/gm)) wanted.push(included);
  }
  const isPublic = template.publicInputs.length === 0 ? '' : ` { public [${template.publicInputs.join(', ')}] }`;
  const parameters = instance.parameters.join(', ');
  sources.set(
    'main.circom',
    `pragma circom 2.1.0;\ninclude "${template.file}";\ncomponent main${isPublic} = ${template.name}(${parameters});\n`,
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
