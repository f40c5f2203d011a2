/**
 * Lines and branches of our contracts that the Solidity tests run, one row a contract; fails below the share asked for
 * (95 % unless told), as in `node scripts/coverage.mjs --minimum 90`. Further arguments go to forge.
 * The trap: only code that is hardly optimized can be traced to its lines, so gas and code size mean nothing here. Tests
 * of size are left out and gas is not recorded. Inline assembly is never traced to its lines, run or not, so its lines and
 * branches are not counted. Fuzzing is cut short: what a line needs to be run is few cases, and
 * traced code is slow.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { forge } from './forge.mjs';

const MINIMUM_PERCENT = 95;
const SETTINGS = {
  FORGE_SNAPSHOT_EMIT: 'false',
  FOUNDRY_FUZZ_RUNS: '16',
  FOUNDRY_INVARIANT_RUNS: '2',
};
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const report = join(root, '.cache', 'forge', 'lcov.info');

const args = process.argv.slice(2);
const at = args.indexOf('--minimum');
const minimum = at < 0 ? MINIMUM_PERCENT : Number(args.splice(at, 2)[1]);
if (!(minimum >= 0 && minimum <= 100)) throw new Error('--minimum takes a percentage from 0 to 100');

mkdirSync(dirname(report), { recursive: true });
const options = ['--ir-minimum', '--no-match-test', 'CodeSizeLimit', '--report', 'lcov', '--report-file', report];
const status = forge(['coverage', ...options, ...args], SETTINGS);
if (status !== 0) process.exit(status);

/** Numbers of the lines, from 1, that lie in blocks of inline assembly. */
function assemblyLines(source) {
  const found = new Set();
  let depth = 0;
  for (const [i, line] of source.split('\n').entries()) {
    if (depth === 0 && !/^\s*assembly\b/.test(line)) continue;
    found.add(i + 1);
    depth += line.split('{').length - line.split('}').length;
  }
  return found;
}

/** The counts of one source in an lcov trace: found and hit, of lines and of branches. */
function readTrace(record) {
  const file = /^SF:(.*)$/m.exec(record)?.[1] ?? '';
  if (!file.startsWith('contracts/')) return undefined;
  const untraced = assemblyLines(readFileSync(join(root, file), 'utf8'));
  const counts = (entry) => {
    const hits = [...record.matchAll(entry)].filter(([, line]) => !untraced.has(Number(line)));
    return { found: hits.length, hit: hits.filter(([, , times]) => Number(times) > 0).length };
  };
  return { file, lines: counts(/^DA:(\d+),(\d+)/gm), branches: counts(/^BRDA:(\d+),\d+,\d+,(-|\d+)/gm) };
}

const sum = (a, b) => ({ found: a.found + b.found, hit: a.hit + b.hit });
const percent = ({ found, hit }) => (found === 0 ? 100 : (100 * hit) / found);
const cell = (counts) => `${percent(counts).toFixed(1)} % (${counts.hit}/${counts.found})`.padStart(22);
const row = ({ file, lines, branches }) => `${file.padEnd(44)}${cell(lines)}${cell(branches)}\n`;

const traces = readFileSync(report, 'utf8').split('end_of_record').map(readTrace);
const ours = traces.filter((trace) => trace !== undefined);
const total = {
  file: 'all contracts',
  lines: ours.map(({ lines }) => lines).reduce(sum),
  branches: ours.map(({ branches }) => branches).reduce(sum),
};
process.stdout.write(`${''.padEnd(44)}${'lines'.padStart(22)}${'branches'.padStart(22)}\n`);
for (const trace of ours) process.stdout.write(row(trace));
process.stdout.write(row(total));
if (percent(total.lines) < minimum || percent(total.branches) < minimum) {
  process.stderr.write(`Coverage is below ${minimum} %: test what the rows above miss\n`);
  process.exitCode = 1;
}
