/**
 * What workers do for an index: seconds of scoring a data set's calibration outputs against all training samples in
 * this thread, and on one thread and as many as there are cores, opening the threads included. Prints Markdown; what
 * carries over to another machine is the ratio, of times taken in turn in one run.
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
import { localPool, type Pool } from '../src/work/index.js';

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

async function seconds(open: () => Pool | undefined): Promise<{ seconds: number; bits: Buffer }> {
  const begun = performance.now();
  const where = open();
  const scorer = await inRun(engine, model, states, samples.rows, options, { where });
  const { data } = await scorer.score(outputs, samples);
  await scorer.dispose();
  await where?.close();
  return { seconds: (performance.now() - begun) / 1000, bits: Buffer.from(data.buffer) };
}

const cores = availableParallelism();
const ways = [
  { name: 'this thread', open: () => undefined },
  ...[...new Set([1, cores])].map((workers) => ({
    name: `${workers} worker${workers === 1 ? '' : 's'}`,
    open: () => localPool({ workers }),
  })),
].map((way) => ({ ...way, best: Number.POSITIVE_INFINITY }));
let first: Buffer | undefined;
for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
  for (const way of ways) {
    const result = await seconds(way.open);
    way.best = Math.min(way.best, result.seconds);
    first ??= result.bits;
    if (!result.bits.equals(first)) throw new Error(`${way.name} gave other bits`);
  }
}
const rows = ways.map(({ name, best }) => ({ where: name, seconds: best, ratio: best / ways[0].best }));
process.stdout.write(
  `${values.dataset}: ${outputs.rows} outputs × ${samples.rows} samples × ${states.length} states, ${cores} cores\n\n`,
);
process.stdout.write('| where | seconds | ÷ this thread |\n| --- | --- | --- |\n');
for (const { where, seconds: s, ratio } of rows) {
  process.stdout.write(`| ${where} | ${s.toFixed(1)} | ${ratio.toFixed(2)} |\n`);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ cores, rows }, null, 2)}\n`);
