/**
 * By which S, Q and d were chosen: for each instance, how nearly its integer scores and payouts follow the float scores
 * they stand for, and what proving them costs. Prints Markdown; `--json FILE` keeps the figures.
 *
 *   npx tsx bench/instances.ts [--datasets glyphs,heart,mnist] [--json FILE] [--accuracy-only]
 *
 * Correlation: mean over outputs of Pearson's correlation, over training rows, of integer and float score. Payout error:
 * half of Σ_c |share − share from float scores|, over all outputs with their fees. Floor of a proof's work: constraints.
 */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { findDatasetSource } from '../datasets/index.js';
import { feesOf, profileOf } from '../src/cli/profile.js';
import { cpuEngine } from '../src/engine/index.js';
import { silent } from '../src/foundation/index.js';
import { fitBasis, inRun } from '../src/influence/index.js';
import { fitNormalisation, mlp, selectSamples, train } from '../src/models/index.js';
import {
  calibrationOutputs,
  compileCircuit,
  developmentKey,
  fitEncoder,
  heldOutOutputs,
  type Instance,
  proveAll,
  queryOutputs,
  scoreMatrixCircuit,
  scoreMatrixInput,
  scoreMatrixStatement,
  shapeName,
  trainingSamples,
} from '../src/prover/index.js';
import { loadHasher } from '../src/prover/reference/index.js';

const { values } = parseArgs({
  options: {
    datasets: { type: 'string', default: process.env.MEED_DATASETS ? 'glyphs,heart,mnist' : 'glyphs' },
    json: { type: 'string' },
    'accuracy-only': { type: 'boolean', default: false },
  },
});

const COLUMNS = [64, 128, 224, 256];
const CIRCUITS: readonly Instance[] = [
  ...COLUMNS.map((columns) => ({ slots: 16, queries: 16, columns })),
  { slots: 24, queries: 24, columns: 128 },
];
const SEED = 1;

interface Accuracy {
  readonly dataset: string;
  readonly columns: number;
  readonly correlation: number;
  readonly payoutError: number;
  readonly sketchSeconds: number;
  /** The randomised subspace iteration alone. */
  readonly subspaceSeconds: number;
}

interface Cost {
  readonly instance: string;
  readonly constraints: number;
  readonly perScore: number;
  readonly compileSeconds: number;
  readonly keySeconds: number;
  /** One proof with all cores; two at once, per proof. */
  readonly proofSeconds: number;
  readonly pairedProofSeconds: number;
}

async function accuracyOf(name: string): Promise<Accuracy[]> {
  const engine = cpuEngine({ threads: availableParallelism() });
  const dataset = await findDatasetSource(name).load({ seed: SEED, progress: silent });
  const profile = profileOf(name);
  const options = { ...profile.training, seed: SEED };
  const model = mlp([dataset.train.width, ...profile.hidden, dataset.card.classes.length]);
  const normalisation = fitNormalisation(dataset.train.features, dataset.train.width);
  const samples = trainingSamples(dataset, { normalisation });
  const { states } = await train(engine, model, samples, options);
  const trained = { model, normalisation, parameters: states[states.length - 1].parameters };
  const count = profile.receipts;
  const outputs = await heldOutOutputs(engine, dataset, trained);
  const explained = selectSamples(
    outputs,
    Array.from({ length: count }, (_, q) => q),
  );
  const scorer = await inRun(engine, model, states, samples.rows, options);
  const rows: Accuracy[] = [];
  for (const columns of COLUMNS) {
    const instance = { slots: 16, queries: 16, columns };
    const calibration = await calibrationOutputs(engine, dataset, trained, { reservedOutputs: count, instance });
    const begun = performance.now();
    const { encoder, rows: sketches } = await fitEncoder(engine, scorer, calibration, samples, {
      instance,
      seed: SEED,
    });
    const sketchSeconds = (performance.now() - begun) / 1000;
    const calibrationScores = await scorer.score(calibration, samples);
    const iterating = performance.now();
    await fitBasis(engine, calibrationScores, columns, SEED);
    const subspaceSeconds = (performance.now() - iterating) / 1000;
    const { scores, queries } = await queryOutputs(engine, scorer, { encoder, rows: sketches }, explained, samples);
    const integer = (q: number, i: number): number => {
      let sum = 0;
      for (let j = 0; j < columns; j++) sum += queries[q * columns + j] * sketches[i * columns + j];
      return sum;
    };
    const exact = (q: number, i: number): number => scores.data[q * samples.rows + i];
    rows.push({
      dataset: name,
      columns,
      correlation: meanCorrelation(integer, exact, count, samples.rows),
      payoutError: payoutError(integer, exact, dataset.train.contributors, dataset.contributors.length, count),
      sketchSeconds,
      subspaceSeconds,
    });
  }
  await scorer.dispose();
  return rows;
}

type Score = (q: number, i: number) => number;

function meanCorrelation(a: Score, b: Score, outputs: number, n: number): number {
  let sum = 0;
  for (let q = 0; q < outputs; q++) {
    const [x, y] = [a, b].map((score) => Float64Array.from({ length: n }, (_, i) => score(q, i)));
    const [mx, my] = [x, y].map((list) => list.reduce((s, v) => s + v, 0) / n);
    let [xy, xx, yy] = [0, 0, 0];
    for (let i = 0; i < n; i++) {
      xy += (x[i] - mx) * (y[i] - my);
      xx += (x[i] - mx) ** 2;
      yy += (y[i] - my) ** 2;
    }
    sum += xy / Math.sqrt(xx * yy);
  }
  return sum / outputs;
}

function payoutError(a: Score, b: Score, owners: Int32Array, contributors: number, outputs: number): number {
  const fees = feesOf(outputs).map(Number);
  const total = fees.reduce((sum, fee) => sum + fee, 0);
  const shares = (score: Score): Float64Array => {
    const paid = new Float64Array(contributors);
    for (let q = 0; q < outputs; q++) {
      const sums = new Float64Array(contributors);
      for (let i = 0; i < owners.length; i++) sums[owners[i]] += score(q, i);
      const positive = sums.reduce((sum, value) => sum + Math.max(0, value), 0);
      if (positive > 0)
        for (let c = 0; c < contributors; c++) paid[c] += ((fees[q] / total) * Math.max(0, sums[c])) / positive;
    }
    return paid;
  };
  const [found, expected] = [shares(a), shares(b)];
  return found.reduce((sum, share, c) => sum + Math.abs(share - expected[c]), 0) / 2;
}

async function costOf(instance: Instance): Promise<Cost> {
  const lap = async <T>(work: () => Promise<T>): Promise<[T, number]> => {
    const begun = performance.now();
    const result = await work();
    return [result, (performance.now() - begun) / 1000];
  };
  const [circuit, compileSeconds] = await lap(() => compileCircuit(scoreMatrixCircuit(instance)));
  const [key, keySeconds] = await lap(() => developmentKey(circuit));
  const entries = (rows: number, factor: number): Int16Array =>
    Int16Array.from({ length: rows * instance.columns }, (_, i) => ((i * factor) % 30_000) - 15_000);
  const salts = (rows: number): bigint[] => Array.from({ length: rows }, (_, i) => BigInt(i));
  const witness = {
    instance,
    indexId: 1n,
    slots: entries(instance.slots, 7919),
    slotSalts: salts(instance.slots),
    queries: entries(instance.queries, 104_729),
    batchSalt: 1n,
  };
  const input = scoreMatrixInput(scoreMatrixStatement(await loadHasher(), witness), witness, 123_456_789n);
  const [, proofSeconds] = await lap(() => proveAll(key, [input]));
  const [, paired] = await lap(() => proveAll(key, [input, input]));
  return {
    instance: shapeName(instance),
    constraints: circuit.constraints,
    perScore: circuit.constraints / (instance.slots * instance.queries),
    compileSeconds,
    keySeconds,
    proofSeconds,
    pairedProofSeconds: paired / 2,
  };
}

const accuracies: Accuracy[] = [];
for (const name of values.datasets.split(',')) accuracies.push(...(await accuracyOf(name)));
process.stdout.write(
  '\n| data set | d | score correlation | payout error | scores and sketch, s | of it subspace iteration, s |\n|---|---|---|---|---|---|\n',
);
for (const row of accuracies) {
  process.stdout.write(
    `| ${row.dataset} | ${row.columns} | ${row.correlation.toFixed(4)} | ${(100 * row.payoutError).toFixed(2)}% | ${row.sketchSeconds.toFixed(1)} | ${row.subspaceSeconds.toFixed(2)} |\n`,
  );
}
const costs: Cost[] = [];
if (!values['accuracy-only']) {
  process.stdout.write(
    '\n| S×Q×d | constraints | a score | compile, s | development key, s | one proof, s | two at once, s a proof |\n|---|---|---|---|---|---|---|\n',
  );
  for (const instance of CIRCUITS) {
    const cost = await costOf(instance);
    costs.push(cost);
    process.stdout.write(
      `| ${cost.instance} | ${cost.constraints} | ${cost.perScore.toFixed(0)} | ${cost.compileSeconds.toFixed(1)} | ${cost.keySeconds.toFixed(1)} | ${cost.proofSeconds.toFixed(1)} | ${cost.pairedProofSeconds.toFixed(1)} |\n`,
    );
  }
  process.stdout.write(
    '\nA compile or key of 0.0 s came from the cache; set MEED_CACHE to an empty folder to time them.\n',
  );
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ accuracies, costs }, null, 2)}\n`);
