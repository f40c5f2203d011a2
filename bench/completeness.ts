/**
 * Why the inputs are centred and the learning rates small: completeness of the in-run scores, and the pay of planted
 * contributors, with and without centring and at several learning rates. Prints Markdown.
 *
 *   npx tsx bench/completeness.ts [--dataset glyphs] [--json FILE]
 *
 * Pay is by float scores: positive part per contributor and output, equal fees. 1 = average pay per row.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { findDatasetSource } from '../datasets/index.js';
import { profileOf } from '../src/cli/profile.js';
import { rowsPerContributor } from '../src/data/index.js';
import { cpuEngine } from '../src/engine/index.js';
import { silent } from '../src/foundation/index.js';
import { inRun, openFactors } from '../src/influence/index.js';
import { fitNormalisation, mlp, selectSamples, train } from '../src/models/index.js';
import { heldOutOutputs, trainingSamples } from '../src/prover/index.js';

const { values } = parseArgs({ options: { dataset: { type: 'string', default: 'glyphs' }, json: { type: 'string' } } });
const SEED = 1;
const OUTPUTS = 24;
const RATES = [1, 10];

const engine = cpuEngine();
const dataset = await findDatasetSource(values.dataset).load({ seed: SEED, progress: silent });
const profile = profileOf(values.dataset);
const { width } = dataset.train;

async function trial(inputs: 'centred' | 'raw', rate: number) {
  const fitted = fitNormalisation(dataset.train.features, width);
  const normalisation = inputs === 'centred' ? fitted : { mean: new Float32Array(width), factor: 1 };
  const model = mlp([width, ...profile.hidden, dataset.card.classes.length]);
  const samples = trainingSamples(dataset, { normalisation });
  const options = { ...profile.training, learningRate: profile.training.learningRate * rate, seed: SEED };
  const { states } = await train(engine, model, samples, options);
  const [initial, final] = [states[0].parameters, states[states.length - 1].parameters];
  const all = await heldOutOutputs(engine, dataset, { model, normalisation, parameters: final });
  const outputs = selectSamples(
    all,
    Array.from({ length: OUTPUTS }, (_, q) => q),
  );
  const scorer = await inRun(engine, model, states, samples.rows, options);
  const { data } = await scorer.score(outputs, samples);
  await scorer.dispose();
  const factors = await openFactors(engine, model);
  const before = (await factors.factors(initial, outputs)).losses;
  const after = (await factors.factors(final, outputs)).losses;
  await factors.dispose();
  const fall = before.reduce((sum, loss, q) => sum + loss - after[q], 0);
  const pay = new Float64Array(dataset.contributors.length);
  for (let q = 0; q < OUTPUTS; q++) {
    const sums = new Float64Array(pay.length);
    for (let i = 0; i < samples.rows; i++) sums[dataset.train.contributors[i]] += data[q * samples.rows + i];
    const positive = sums.reduce((sum, value) => sum + Math.max(0, value), 0);
    if (positive > 0) for (const c of pay.keys()) pay[c] += Math.max(0, sums[c]) / positive / OUTPUTS;
  }
  const rows = rowsPerContributor(dataset);
  const accuracy =
    Array.from(all.targets).reduce((hits, c, i) => hits + Number(c === dataset.heldOut.labels[i]), 0) / all.rows;
  return {
    inputs,
    learningRate: options.learningRate,
    accuracy,
    completeness: data.reduce((sum, score) => sum + score, 0) / fall,
    perRow: dataset.contributors
      .map(({ name, planted }, c) => ({ name, planted, pay: (pay[c] * samples.rows) / rows[c] }))
      .filter(({ planted }) => planted !== undefined),
  };
}

const trials = [];
for (const inputs of ['raw', 'centred'] as const) for (const rate of RATES) trials.push(await trial(inputs, rate));
const planted = trials[0].perRow.map(({ name, planted: how }) => `${name} (${how})`);
process.stdout.write(
  `| inputs | learning rate | held-out accuracy | Σ score ÷ fall of the loss | ${planted.join(' | ')} |\n`,
);
process.stdout.write(`|${'---|'.repeat(4 + planted.length)}\n`);
for (const { inputs, learningRate, accuracy, completeness, perRow } of trials) {
  const pays = perRow.map(({ pay }) => pay.toFixed(2)).join(' | ');
  process.stdout.write(
    `| ${inputs} | ${learningRate} | ${(100 * accuracy).toFixed(1)}% | ${completeness.toFixed(2)} | ${pays} |\n`,
  );
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(trials, null, 2)}\n`);
