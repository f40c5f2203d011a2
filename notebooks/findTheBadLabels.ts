// %% [markdown]
// # Find the bad labels
//
// Somebody labelled a thousand digits for you and was careless with one in ten. Which ones? A row that is labelled wrongly
// cannot be explained by the other rows: the model learns it by heart or not at all. Its **self-influence**, how much training
// on the row lowered the loss of the row itself, is then far larger than that of a row that agrees with its neighbours.
//
// Three ways to rank the rows are compared with what we know, because we planted the errors ourselves: the loss after
// training, self-influence at the trained weights (grad-dot) and self-influence over the whole training (in-run).

// %%
import * as Plot from '@observablehq/plot';
import { datasets, engine, foundation, influence, models } from 'meed';
import * as display from './kernel/display.js';

const SEED = 1;
const ROWS = 1000;
const FLIPPED = 100;
const dataset = await datasets.findDatasetSource('mnist').load({ seed: SEED, progress: foundation.silent });
const { card, contributors, train } = dataset;

// %% [markdown]
// ## The data, and the errors
//
// A thousand digits of the collectors who label honestly, taken evenly over all of them. A hundred get another digit as
// their label, drawn by the seed.

// %%
const honest = [...train.labels.keys()].filter((row) => contributors[train.contributors[row]].planted === undefined);
const taken = Array.from({ length: ROWS }, (_, i) => honest[Math.floor((i * honest.length) / ROWS)]);
const random = foundation.Random.named(SEED, 'notebooks/flipped');
const flipped = new Set(random.permutation(ROWS).subarray(0, FLIPPED));
const truth = Int32Array.from(taken, (row) => train.labels[row]);
const given = truth.map((label, i) => (flipped.has(i) ? (label + 1 + random.below(9)) % card.classes.length : label));
const chosen = models.selectSamples({ ...train, targets: train.labels }, taken);
const samples = { ...chosen, targets: given };
display.say(
  `${ROWS} digits of ${new Set(taken.map((row) => train.contributors[row])).size} collectors, ${flipped.size} labels are wrong.`,
);

// %% [markdown]
// ## Train on them as they are

// %%
const cpu = engine.cpuEngine();
const model = models.mlp([train.width, 64, card.classes.length]);
const training = { epochs: 40, batch: 50, learningRate: 0.005, momentum: 0.9, seed: SEED };
const { states, losses } = await models.train(cpu, model, samples, training);
const { parameters } = states[states.length - 1];
const predicted = models.predictedClasses(await models.predict(cpu, model, parameters, samples), card.classes.length);
const share = (hits: number, of: number) => Number((hits / of).toFixed(3));
const rows = [...given.keys()];
const answers = (of: readonly number[], labels: Int32Array) =>
  share(of.filter((i) => predicted[i] === labels[i]).length, of.length);
const [right, wrong] = [rows.filter((i) => !flipped.has(i)), rows.filter((i) => flipped.has(i))];
display.say(`The training loss falls to ${losses[losses.length - 1].toFixed(2)}.`);
display.table([
  {
    rows: 'labelled rightly',
    'model says the label': answers(right, given),
    'model says the truth': answers(right, truth),
  },
  {
    rows: 'labelled wrongly',
    'model says the label': answers(wrong, given),
    'model says the truth': answers(wrong, truth),
  },
]);

// %% [markdown]
// ## Rank the rows
//
// `score` gives a matrix [outputs, samples]. Asked about the samples themselves, its diagonal is self-influence. (For a
// large set ask in blocks: only the diagonal is wanted.)

// %%
const BLOCK = 250;
async function selfInfluence(scorer: influence.Scorer): Promise<number[]> {
  const own: number[] = [];
  for (let start = 0; start < ROWS; start += BLOCK) {
    const block = models.selectSamples(samples, rows.slice(start, start + BLOCK));
    const { data } = await scorer.score(block, block);
    for (let i = 0; i < block.rows; i++) own.push(data[i * block.rows + i]);
  }
  await scorer.dispose();
  return own;
}
const factors = await influence.openFactors(cpu, model);
const trainedLosses = Array.from((await factors.factors(parameters, samples)).losses);
await factors.dispose();
const suspicion: Readonly<Record<string, readonly number[]>> = {
  'loss after training': trainedLosses,
  'grad-dot with itself': await selfInfluence(await influence.gradDot(cpu, model, parameters)),
  'in-run with itself': await selfInfluence(await influence.inRun(cpu, model, states, ROWS, training)),
};

// %% [markdown]
// ## Who finds them?
//
// AUC is the chance that a wrongly labelled row ranks above a rightly labelled one (1 is perfect, 0.5 is guessing). The last
// column is what a reviewer feels: the part of the errors found after looking at a tenth of the rows.

// %%
const ranked = (scores: readonly number[]) => [...rows].sort((a, b) => scores[b] - scores[a]);
const found = (order: readonly number[], looked: number) =>
  order.slice(0, looked).filter((i) => flipped.has(i)).length / flipped.size;
/** Wins of wrong over right rows; a tie is half a win. */
const auc = (scores: readonly number[]) => {
  const wins = wrong.flatMap((bad) => right.map((good) => (Math.sign(scores[bad] - scores[good]) + 1) / 2));
  return wins.reduce((sum, win) => sum + win, 0) / wins.length;
};
display.table(
  Object.entries(suspicion).map(([method, scores]) => ({
    'ranked by': method,
    AUC: Number(auc(scores).toFixed(3)),
    'errors found in the first tenth': share(found(ranked(scores), ROWS / 10) * FLIPPED, FLIPPED),
  })),
);

// %%
const LOOKS = Array.from({ length: 41 }, (_, k) => (k * ROWS) / 40);
const curves = Object.entries(suspicion).flatMap(([method, scores]) => {
  const order = ranked(scores);
  return LOOKS.map((looked) => ({ method, looked, found: found(order, looked) }));
});
display.plot('Part of the errors found, by rows looked at, for each ranking and for chance', {
  height: 320,
  color: { legend: false },
  x: { label: 'rows looked at' },
  y: { label: 'part of the errors found', domain: [0, 1] },
  marginRight: 60,
  marks: [
    Plot.line(
      [
        [0, 0],
        [ROWS, 1],
      ],
      { stroke: '#999', strokeDasharray: '4 4' },
    ),
    Plot.line(curves, { x: 'looked', y: 'found', stroke: 'method', strokeWidth: 2 }),
    Plot.text(
      Object.keys(suspicion).map((method, k) => ({ method, k })),
      { x: ROWS, y: ({ k }: { k: number }) => 0.62 - k * 0.08, text: 'method', fill: 'method', textAnchor: 'end' },
    ),
  ],
});

// %% [markdown]
// ## Look at them
//
// The sixteen most suspicious rows by in-run self-influence, with the label that was given and the one that is true. A row
// that is labelled rightly and still stands here is worth a look too: it is usually a digit that is hard to read.

// %% tags=["illustration"]
display.gallery(
  'The most suspicious digits: given label, then true label',
  card.featureShape[0],
  ranked(suspicion['in-run with itself'])
    .slice(0, 16)
    .map((i) => ({
      features: samples.features.subarray(i * samples.width, (i + 1) * samples.width),
      caption: [`given ${card.classes[given[i]]}`, flipped.has(i) ? `is ${card.classes[truth[i]]}` : 'is right'],
    })),
);

// %% [markdown]
// ## What to take home
//
// - Self-influence finds most planted errors among the first rows. It needs no clean data set, no retraining, and one pass.
// - Ranked by grad-dot at the trained weights, a row that the model has learned by heart looks innocent: its gradient has
//   vanished. In-run scores remember what the row did while it was being learned.
// - A large self-influence says that a row is *unlike the others*, not that it is wrong. Let a person decide.
