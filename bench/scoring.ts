/**
 * What workers do for an index: seconds of scoring a data set's calibration outputs against all training samples in
 * this thread, and on one thread and as many as there are cores; opening the threads is timed apart, since it does not
 * grow with the work. Prints Markdown; what carries over to another machine is the ratio, of times taken in turn in one
 * run. On a machine with other work the processor's seconds of this process say what the wall clock cannot.
 *
 *   npx tsx bench/scoring.ts [--dataset glyphs] [--repeats 2] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { findDatasetSource } from '../datasets/index.js';
import { DEFAULT_INSTANCE, profileOf } from '../src/cli/profile.js';
import { cpuEngine } from '../src/engine/index.js';
import { silent } from '../src/foundation/index.js';
import { inRun } from '../src/influence/index.js';
import { fitNormalisation, mlp, train } from '../src/models/index.js';
import { calibrationOutputs, trainingSamples } from '../src/prover/index.js';
import { localPool, type Pool, probePool } from '../src/work/index.js';

const { values } = parseArgs({
  options: {
    dataset: { type: 'string', default: process.env.MEED_DATASETS ? 'mnist' : 'glyphs' },
    repeats: { type: 'string', default: '2' },
    json: { type: 'string' },
  },
});
const SEED = 1;

const engine = cpuEngine();
const dataset = await findDatasetSource(values.dataset).load({ seed: SEED, progress: silent });
const profile = profileOf(values.dataset);
const options = { ...profile.training, seed: SEED };
const model = mlp([dataset.train.width, ...profile.hidden, dataset.card.classes.length]);
const normalisation = fitNormalisation(dataset.train.features, dataset.train.width);
const samples = trainingSamples(dataset, { normalisation });
const { states } = await train(engine, model, samples, options);
const trained = { model, normalisation, parameters: states[states.length - 1].parameters };
const held = { reservedOutputs: profile.receipts, instance: DEFAULT_INSTANCE };
const outputs = await calibrationOutputs(engine, dataset, trained, held);

interface Timed {
  readonly open: number;
  readonly seconds: number;
  /** Of all threads of this process. */
  readonly processor: number;
}

async function timed(open: () => Pool | undefined): Promise<Timed & { readonly bits: Buffer }> {
  const begun = performance.now();
  const where = open();
  if (where) await probePool(where);
  const opened = performance.now();
  const before = process.cpuUsage();
  const scorer = await inRun(engine, model, states, samples.rows, options, { where });
  const { data } = await scorer.score(outputs, samples);
  await scorer.dispose();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - opened) / 1000;
  await where?.close();
  return {
    open: (opened - begun) / 1000,
    seconds,
    processor: (user + system) / 1e6,
    bits: Buffer.from(data.buffer),
  };
}

const cores = availableParallelism();
const ways = [
  { name: 'this thread', open: () => undefined },
  ...[...new Set([1, cores])].map((workers) => ({
    name: `${workers} worker${workers === 1 ? '' : 's'}`,
    open: () => localPool({ workers }),
  })),
];
const best = new Map<string, Timed>();
let first: Buffer | undefined;
for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
  for (const { name, open } of ways) {
    const { bits, ...times } = await timed(open);
    const known = best.get(name);
    if (!known || times.seconds < known.seconds) best.set(name, times);
    first ??= bits;
    if (!bits.equals(first)) throw new Error(`${name} gave other bits`);
  }
}
const here = best.get(ways[0].name) as Timed;
const rows = [...best].map(([where, times]) => ({ where, ...times, ratio: times.seconds / here.seconds }));
process.stdout.write(
  `${values.dataset}: ${outputs.rows} outputs × ${samples.rows} samples × ${states.length} states, ${cores} cores\n\n`,
);
process.stdout.write('| where | opening, s | scoring, s | ÷ this thread | processor, s |\n|---|---|---|---|---|\n');
for (const { where, open, seconds, ratio, processor } of rows) {
  const cells = [where, open.toFixed(1), seconds.toFixed(1), ratio.toFixed(2), processor.toFixed(1)];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ cores, rows }, null, 2)}\n`);
