/**
 * Compiles the AssemblyScript kernels to `dist/kernels`, each when it is missing or older than a source of its own. Run
 * by the set-up, by `npm run build` and before the tests, so that a fresh clone has them however it is entered; needs no
 * network.
 * The trap: the memory is imported and shared, and WebAssembly wants its largest size in the module; a memory made with
 * any smaller one fits.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import generateProduct from '../kernels/bn254/generate.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** 64 KiB each; all that a 32-bit address reaches. */
const MOST_PAGES = 65536;

/** `generate` writes a source that the entry imports, before it is compiled. */
const KERNELS = [
  { name: 'sketchScan', folder: 'kernels', entry: 'sketchScan.ts' },
  { name: 'bn254', folder: 'kernels/bn254', entry: 'bn254.ts', generate: generateProduct },
];

/** @throws Error with the compiler's words when a kernel does not compile */
export default function buildKernels() {
  for (const kernel of KERNELS) build(kernel);
}

function build({ name, folder, entry, generate }) {
  const target = join(root, 'dist', 'kernels', `${name}.wasm`);
  // this file holds the compiler's options
  const made = [fileURLToPath(import.meta.url), ...sourcesIn(join(root, folder))];
  const newest = Math.max(...made.map((path) => statSync(path).mtimeMs));
  if (existsSync(target) && statSync(target).mtimeMs >= newest) return;
  process.stderr.write(`Compiling the kernel ${name} …\n`);
  mkdirSync(dirname(target), { recursive: true });
  generate?.();
  // Compiled beside the target and renamed: another process never sees half a module.
  const partial = `${target}.${process.pid}`;
  const options = ['-O3', '--noAssert', '--runtime', 'minimal', '--enable', 'simd', '--enable', 'threads'];
  const memory = ['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', String(MOST_PAGES)];
  const asc = join(root, 'node_modules', 'assemblyscript', 'bin', 'asc.js');
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    [asc, `${folder}/${entry}`, '--outFile', partial, ...options, ...memory],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) {
    rmSync(partial, { force: true });
    throw new Error(`The kernel ${name} does not compile:\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
  }
  renameSync(partial, target);
}

/** Files of a folder, not of its subfolders, without what a generator wrote. */
function sourcesIn(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.includes('.generated.'))
    .map((entry) => join(folder, entry.name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildKernels();
