// %% [markdown]
// # Which method should I use?
//
// There are dozens of attribution methods and each paper's table has another winner. The question has an answer for *your*
// model and *your* data, and it can be measured: leave half of the rows out, train again, and see whether the scores foretold
// what happened. This notebook does that for two models of one small table (UCI heart disease, 736 training patients): a convex
// one, where theory is exact, and a small network, where it is not.
//
// The measure is the **linear datamodelling score** (LDS): Spearman's correlation over many random half subsets between Σ of
// the scores of the rows in the subset and what the model trained on it really did, averaged over queries. 1 is perfect, 0 is
// worthless. Its ceiling is below 1, because two trainings on the same subset differ by their seeds.

// %%
import * as Plot from '@observablehq/plot';
import { datasets, engine, foundation, influence, models } from 'meed';
import * as display from './kernel/display.js';

const SEED = 1;
const cpu = engine.cpuEngine();
const { card, train, heldOut } = await datasets
  .findDatasetSource('heart')
  .load({ seed: SEED, progress: foundation.silent });
const samples = { ...train, targets: train.labels };
const asked = { ...heldOut, targets: heldOut.labels };
const range = (from: number, rows: number) => Array.from({ length: rows }, (_, i) => from + i);

// %% [markdown]
// ## Two lists of queries
//
// Most methods have a setting (a damping, above all) and are worth little with a bad one. Choosing it on the queries that are
// reported would be reading the answer, so some queries choose and others judge.

// %%
const choosing = models.selectSamples(asked, range(0, 40));
const judging = models.selectSamples(asked, range(40, 90));
const subsets = { count: 30, fraction: 0.5, seed: SEED, sets: 2 as const };
display.say(
  `${train.rows} training rows; ${choosing.rows} queries choose settings, ${judging.rows} others judge; ${subsets.count} half subsets, each trained twice.`,
);

// %% [markdown]
// ## Train, and train again
//
// For each model: one run that is explained and four more on half of the rows, for the methods that average over an
// ensemble; then the retrainings that are the truth.

// %%
const EPOCHS = 10;
const recipe: models.Recipe = {
  epochs: EPOCHS,
  batch: 32,
  optimiser: { name: 'sgd', momentum: 0.9, weightDecay: 0 },
  schedule: { name: 'constant', rate: 0.01 },
  dropout: 0,
};
const kept = { count: 5, fraction: 0.5, seed: SEED, epochs: [0, 1, 2, 5, EPOCHS] };
async function prepare(model: models.Model) {
  const experiment = { model, samples, recipe };
  const truth = await influence.jointTruth(experiment, { heldOut: choosing, evaluation: judging }, subsets);
  const runs = await influence.trainRuns(experiment, kept);
  return { model, truth, runs };
}
const subjects = {
  'logistic regression': await prepare(models.linear(train.width, card.classes.length)),
  'network with 16 hidden units': await prepare(models.mlp([train.width, 16, card.classes.length])),
};
type Subject = keyof typeof subjects;
const names = Object.keys(subjects) as Subject[];
const rounded = (value: number) => Number(value.toFixed(2));
display.table(
  names.map((name) => {
    const { truth } = subjects[name].truth.evaluation;
    const { again = truth } = subjects[name].truth.evaluation;
    const ceiling = influence.noiseCeiling(truth, again, { replicates: 100 });
    return {
      model: name,
      parameters: subjects[name].model.parameterCount,
      'two trainings of one subset agree by': rounded(ceiling.correlation.value),
      'ceiling of the LDS': rounded(ceiling.value),
    };
  }),
);

// %% [markdown]
// ## Score and judge
//
// Every method is one entry of `influence.METHODS` with a card: what a score means, what it needs, what it costs.
// `chooseSettings` tries the method's grid on the choosing queries. The intervals are bootstrapped over queries *and* subsets.

// %%
const METHODS = ['grad-cosine', 'grad-dot', 'tracin', 'in-run', 'ekfac', 'explicit', 'trak-dual'];
interface Judged {
  readonly method: string;
  readonly model: Subject;
  readonly lds: number;
  readonly low: number;
  readonly high: number;
  readonly settings: string;
}
async function judge(name: string, subject: Subject, runs: 1 | 5): Promise<Judged> {
  const method = influence.findMethod(name);
  const { model, truth, runs: all } = subjects[subject];
  const attribution = { engine: cpu, model, samples, runs: runs === 1 ? ([all[0]] as const) : all, seed: SEED };
  const heldOutTruth = { queries: choosing, truth: truth.heldOut };
  const { settings } = await influence.chooseSettings(
    method,
    { ...attribution, runs: [...attribution.runs] },
    heldOutTruth,
    judging,
  );
  const scorer = await method.open({ ...attribution, runs: [...attribution.runs] }, settings);
  const scores = await scorer.score(judging, samples);
  await scorer.dispose();
  const { value, low, high } = influence.lds({ scores, ...truth.evaluation }, { replicates: 100 });
  const label = runs === 1 ? name : `${name}, ${runs} models`;
  return { method: label, model: subject, lds: value, low, high, settings: JSON.stringify(settings) };
}
const results: Judged[] = [];
for (const subject of names) {
  for (const method of METHODS) results.push(await judge(method, subject, 1));
  for (const method of ['grad-dot', 'ekfac', 'explicit', 'trak-dual']) results.push(await judge(method, subject, 5));
}
const rows = [...new Set(results.map(({ method }) => method))];
const shown = ({ lds, low, high }: Judged) => `${lds.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
display.table(
  rows.map((method) => ({
    method,
    ...Object.fromEntries(
      names.map((name) => [name, shown(results.find((one) => one.method === method && one.model === name) as Judged)]),
    ),
  })),
);

// %%
display.plot('LDS of every method with its interval, for both models', {
  height: 330,
  width: 720,
  marginLeft: 130,
  x: { label: 'LDS', grid: true },
  y: { label: null, domain: rows },
  fx: { label: null, domain: names },
  marks: [
    Plot.ruleX([0]),
    Plot.ruleY(results, { fx: 'model', y: 'method', x1: 'low', x2: 'high', stroke: '#1c6ea4' }),
    Plot.dot(results, { fx: 'model', y: 'method', x: 'lds', fill: '#1c6ea4', r: 4 }),
  ],
});

// %% [markdown]
// The settings that were chosen, on the queries that do not judge:

// %% tags=["illustration"]
display.table(results.map(({ method, model, settings }) => ({ method, model, settings })));

// %% [markdown]
// ## What each score says
//
// LDS judges foretelling. It is not the only virtue: a payout needs scores that are *complete* (they add up to what training
// changed) and *bilinear* (they can be proven), and a person needs to know what a score means.

// %%
display.table(
  METHODS.map((name) => {
    const { claim, needs, form, additivity } = influence.findMethod(name);
    return {
      method: name,
      'a score says': claim,
      needs: needs.join(', ') || 'weights and samples',
      form,
      scores: additivity,
    };
  }),
);

// %% [markdown]
// ## What to take home
//
// - **A convex or nearly convex model:** explicit influence functions. They are what they promise to be, and an ensemble adds
//   nothing, because there is one optimum.
// - **A small network:** curvature before bare gradients, and an *ensemble*: here five trainings bring EK-FAC, explicit
//   influence and the exact dual of TRAK to the ceiling. (Above it is luck: the ceiling is an estimate too.)
// - **A payout:** in-run scores, because they add up; and look at their LDS before you trust them.
// - **One run and few outputs:** MAGIC, the exact derivative of that very run.
// - Choose settings on queries that you do not report, and print the ceiling: a method near it has nothing left to gain.
// - Do this on your own data: `meed evaluate` makes the same table for every method and setting.
