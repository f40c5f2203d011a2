/**
 * Runs forge from npm in the project's folder with the arguments given, as in `node scripts/forge.mjs test --match-path
 * test/forge/VerifierRouter.t.sol`.
 * The trap: the package's own launcher is only linked by an install script, which npm may have been told not to run. So
 * the platform's binary is resolved here.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function forgeBinary() {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const name = `@foundry-rs/forge-${process.platform}-${architecture}`;
  const require = createRequire(createRequire(import.meta.url).resolve('@foundry-rs/forge/package.json'));
  try {
    return require.resolve(`${name}/bin/forge${process.platform === 'win32' ? '.exe' : ''}`);
  } catch (cause) {
    throw new Error(`${name} is not installed: run npm ci with optional dependencies`, { cause });
  }
}

/**
 * Runs forge and waits for it.
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} settings forge's own, as environment variables
 * @returns its exit status
 */
export function forge(args, settings = {}) {
  const env = { ...process.env, ...settings };
  const { status, error } = spawnSync(forgeBinary(), [...args], { cwd: root, stdio: 'inherit', env });
  if (error) throw error;
  return status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = forge(process.argv.slice(2));
