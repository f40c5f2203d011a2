/**
 * circom's WebAssembly build, in a child process: it works for seconds without a pause, and what it logs stays out of
 * the caller's output.
 * The traps: the compiler sees only paths below its working directory, so sources are staged in a folder of their own;
 * `--O2` must be given, since the default leaves linear constraints which every proof pays for.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { MeedError } from '../foundation/index.js';

export const COMPILER_OPTIONS = ['--r1cs', '--wasm', '--O2'];

const require = createRequire(import.meta.url);

export function compilerVersion(): string {
  return (require('circom2/package.json') as { version: string }).version;
}

/**
 * Compiles main.circom of the folder to main.r1cs and main_js/main.wasm.
 * @throws MeedError with the compiler's message
 */
export function runCompiler(folder: string): Promise<void> {
  const compiler = require.resolve('circom2/cli.js');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [compiler, 'main.circom', ...COMPILER_OPTIONS, '-o', '.'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (status) => {
      if (status === 0) resolve();
      else reject(new MeedError(`The circuit does not compile: ${log.trim()}`, 'Correct the templates in circuits/'));
    });
  });
}
