/**
 * Everything that CI runs, in order, stopping at the first failure: format and lint, types, the contracts' own tests with
 * their gas held against test/forge/gas, all other tests. Data sets are taken from MEED_DATASETS; tests on real sets say
 * that they are skipped when it is not set.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (...parts) => join(root, 'node_modules', ...parts);
const steps = [
  ['format and lint', [bin('@biomejs', 'biome', 'bin', 'biome'), 'check', '--error-on-warnings', '.']],
  ['types', [bin('typescript', 'bin', 'tsc'), '-p', 'tsconfig.check.json']],
  ['contracts', [join(root, 'scripts', 'forge.mjs'), 'test', '--gas-snapshot-check=true', '--gas-snapshot-emit=false']],
  ['tests', [bin('vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)]],
];
for (const [name, args] of steps) {
  process.stdout.write(`\n== ${name}\n`);
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    process.stderr.write(`${name}: failed\n`);
    process.exit(status ?? 1);
  }
}
