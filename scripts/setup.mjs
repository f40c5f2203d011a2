/**
 * Makes a fresh clone ready: installs the locked packages when they are missing or older than the lock file, and compiles
 * when a source is newer than what was compiled. A second run does nothing. Runs before anything is installed, so it
 * imports Node's own modules only.
 * The trap: `npm ci` refuses a lock file that lacks the optional packages of other platforms, and a registry mirror may not
 * carry those; `npm install --no-save` takes the same locked versions without insisting on them.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import buildKernels from './kernels.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `Meed needs Node.js 20.19 or newer, this is ${process.versions.node}. Install one from nodejs.org.\n`,
  );
  process.exit(1);
}

/** Runs a command in the project's folder, showing its output only when it fails. */
function run(what, command, args) {
  process.stderr.write(`${what} …\n`);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}\n${what} failed: see above.\n`);
  process.exit(1);
}

function newest(folder, accepts) {
  let latest = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !accepts(entry.name)) continue;
    latest = Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return latest;
}

const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex');
const installed = join(root, 'node_modules', '.meed-lock');
if (!existsSync(installed) || readFileSync(installed, 'utf8') !== lock) {
  run('Installing packages (once; a minute or so)', 'npm', ['install', '--no-save', '--no-audit', '--no-fund']);
  writeFileSync(installed, lock);
}

const compiled = join(root, 'dist', '.compiled');
const isSource = (name) => name.endsWith('.ts');
const sources = Math.max(
  newest(join(root, 'src'), isSource),
  newest(join(root, 'datasets'), isSource),
  statSync(join(root, 'tsconfig.json')).mtimeMs,
);
if (!existsSync(compiled) || statSync(compiled).mtimeMs < sources) {
  run('Compiling', process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.json']);
  writeFileSync(compiled, '');
}

try {
  buildKernels();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
