/**
 * The structure of whole circuits, at every listed size: wires in no constraint, constraints that check nothing, and what
 * the inputs do not determine (src/prover/analysis). Prints Markdown; the status is 1 when anything is found.
 *
 *   npx tsx bench/soundness.ts [--template ScoreMatrix] [--largest 50000] [--json FILE]
 *
 * Circuits are compiled when they are not in the cache, the largest in minutes. Conditions (a wire fixed only where a
 * factor does not vanish) and choices (bits that inputs leave open) are counted here and judged, wire by wire with a
 * reason, in test/prover/soundness/structure.test.ts; free, unused and void ones are wrong anywhere.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findingsOf, SparseSystem } from '../src/prover/analysis/index.js';
import { compileCircuit } from '../src/prover/index.js';
import { instanceName, listedInstances } from '../src/prover/instances.js';

const { values } = parseArgs({
  options: {
    template: { type: 'string' },
    largest: { type: 'string', default: '200000' },
    json: { type: 'string' },
  },
});

interface Row {
  readonly instance: string;
  readonly constraints: number;
  readonly unused: number;
  readonly voids: number;
  readonly free: number;
  readonly choices: number;
  readonly conditional: number;
  readonly rangedInputs: number;
  readonly privateInputs: number;
  readonly seconds: number;
}

const rows: Row[] = [];
console.log('| circuit | constraints | unused | void | free | choices | conditional | private inputs, ranged | s |');
console.log('| --- | --: | --: | --: | --: | --: | --: | --: | --: |');
for (const instance of listedInstances(values.template)) {
  if (instance.constraints > Number(values.largest)) continue;
  const bytes = readFileSync((await compileCircuit(instance)).r1csPath);
  const start = performance.now();
  const system = new SparseSystem(bytes);
  const findings = findingsOf(system);
  const row: Row = {
    instance: `${instance.template} ${instanceName(instance)}`,
    constraints: system.constraints,
    unused: findings.unused.length + findings.droppedInputs,
    voids: findings.voids.length,
    free: findings.free.length,
    choices: findings.choices.length,
    conditional: findings.conditional.length,
    rangedInputs: findings.ranges.size,
    privateInputs: system.privateInputs,
    seconds: (performance.now() - start) / 1000,
  };
  rows.push(row);
  const { constraints, unused, voids, free, choices, conditional, privateInputs, rangedInputs, seconds } = row;
  const counts = [constraints, unused, voids, free, choices, conditional].join(' | ');
  console.log(`| ${row.instance} | ${counts} | ${privateInputs}, ${rangedInputs} | ${seconds.toFixed(1)} |`);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 2)}\n`);
if (rows.some(({ unused, voids, free }) => unused + voids + free > 0)) process.exitCode = 1;
