/**
 * Compiles the AssemblyScript kernels to `dist/kernels` when they are missing or older than a source. Run by the set-up,
 * by `npm run build` and before the tests, so that a fresh clone has them however it is entered; needs no network.
 * The trap: the memory is imported and shared, and WebAssembly wants its largest size in the module; a memory made with
 * any smaller one fits.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const sources = join(root, 'kernels');
const target = join(root, 'dist', 'kernels', 'sketchScan.wasm');
/** 64 KiB each; all that a 32-bit address reaches. */
const MOST_PAGES = 65536;

/** @throws Error with the compiler's words when a kernel does not compile */
export default function buildKernels() {
  // this file holds the compiler's options
  const made = [fileURLToPath(import.meta.url), ...readdirSync(sources).map((name) => join(sources, name))];
  const newest = Math.max(...made.map((path) => statSync(path).mtimeMs));
  if (existsSync(target) && statSync(target).mtimeMs >= newest) return;
  process.stderr.write('Compiling kernels …\n');
  mkdirSync(dirname(target), { recursive: true });
  // Compiled beside the target and renamed: another process never sees half a module.
  const partial = `${target}.${process.pid}`;
  const options = ['-O3', '--noAssert', '--runtime', 'minimal', '--enable', 'simd', '--enable', 'threads'];
  const memory = ['--importMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', String(MOST_PAGES)];
  const asc = join(root, 'node_modules', 'assemblyscript', 'bin', 'asc.js');
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    [asc, 'kernels/sketchScan.ts', '--outFile', partial, ...options, ...memory],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) {
    rmSync(partial, { force: true });
    throw new Error(`The kernels do not compile:\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
  }
  renameSync(partial, target);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildKernels();
