// %% [markdown]
// # From influence to payout
//
// Twelve people drew signs for a data set; a model was trained on them; somebody pays for an answer of the model. Who of the
// twelve gets how much of the fee, and can a cheat among them earn? This notebook walks the same path that `meed demo` walks
// (data set → model → index → receipts → integer scores → split), stopping before the proofs and the chain, which check the
// result and do not change it.
//
// Every stage writes a folder and the next one reads it from disk: nothing is passed on in memory only, so each arrow can be
// done again by an auditor.

// %%
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as Plot from '@observablehq/plot';
import { chain, data, datasets, engine, foundation, influence, models, prover, reference, validator } from 'meed';
import * as display from './kernel/display.js';

const SEED = 1;
const folder = await mkdtemp(join(tmpdir(), 'meed-notebook-'));
const at = (stage: string) => join(folder, stage);
const cpu = engine.cpuEngine();

// %% [markdown]
// ## 1. The data set
//
// Contributors are part of the data: a row belongs to somebody, and its hash binds position, owner, label and features. Three
// of the twelve are known to cheat. No stage may read that; we keep it to judge the result by.

// %%
const drawn = await datasets.findDatasetSource('glyphs').load({ seed: SEED, progress: foundation.silent });
await data.writeDataset(at('dataset'), drawn, {
  seed: SEED,
  payoutAddresses: drawn.contributors.map((_, i) => chain.developmentAddress(i)),
});
const stored = await data.readDataset(at('dataset'));
const { card, train, heldOut } = stored.dataset;
const rows = data.rowsPerContributor(stored.dataset);
const planted = drawn.contributors.map((one) => one.planted ?? '');
display.table(drawn.contributors.map(({ name }, c) => ({ hand: name, rows: rows[c], planted: planted[c] })));

// %% [markdown]
// ## 2. The model
//
// Training is deterministic and keeps its states: dense at the beginning, where a model learns most, then one an epoch. The
// in-run scorer integrates over them.

// %%
const set = { id: stored.artefact.manifest.id, classes: card.classes.length, train, heldOut };
const training = { epochs: 20, batch: 64, learningRate: 0.002, momentum: 0.9, seed: SEED };
const trained = await models.trainModel(at('model'), cpu, set, { name: 'mlp', hidden: [64] }, training);
display.say(
  `${trained.model.parameterCount} parameters, ${trained.states.length} states, held-out accuracy ${Number(trained.artefact.manifest.facts.heldOutAccuracy).toFixed(3)}.`,
);

// %% [markdown]
// ## 3. The index
//
// One small integer sketch for every training row, fitted so that inner products of sketches give back the scores. A *slot*
// is the sum of up to 256 rows of one contributor: influence is additive, so that is all a proof has to carry.

// %%
const RECEIPTS = 24;
const instance = { slots: 16, queries: 16, columns: 64 };
const options = { scorer: 'in-run', instance, reservedOutputs: RECEIPTS, seed: SEED };
const index = await prover.buildIndex(at('index'), cpu, stored, trained, options);
const kept = Number(index.artefact.manifest.facts.keptVariation);
display.say(
  `${train.rows} sketches of ${instance.columns} int8 entries keep ${(100 * kept).toFixed(1)}% of the scores' variation. ${index.slots.length} slots.`,
);

// %% [markdown]
// ## 4. Receipts: one per paid answer
//
// A receipt explains the answer that the model *gave*, because nobody has the true label when the model is used. In-run
// scores are **complete**: over all rows they add up to what training changed, the fall of the answer's loss. A payout needs
// that; a score that is only relative would let cancellation decide who is paid.

// %%
const ONE = 10n ** 18n;
const fees = Array.from({ length: RECEIPTS }, () => String(ONE));
const made = await prover.makeReceipts(at('receipts'), cpu, stored, trained, index, { count: RECEIPTS, fees });
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const scoreSum = sum(made.receipts.map((receipt) => receipt.scoreSum));
const lossFall = sum(made.receipts.map((receipt) => receipt.initialLoss - receipt.trainedLoss));
display.table([
  { figure: 'fall of the loss over the training, nats', value: Number(lossFall.toFixed(2)) },
  { figure: 'Σ of all scores', value: Number(scoreSum.toFixed(2)) },
  { figure: 'ratio', value: Number((scoreSum / lossFall).toFixed(3)) },
]);

// %% [markdown]
// ### One answer, explained
//
// First the drawing that was asked about, then the rows that helped the answer most, then those that hurt it most.

// %% tags=["illustration"]
const RECEIPT = 3;
const explained = await influence.explainReceipt(made.scoresPath, RECEIPT, 4);
const featuresOf = (split: data.Split, row: number) =>
  split.features.subarray(row * split.width, (row + 1) * split.width);
const answer = made.receipts[RECEIPT];
display.gallery(
  `The answer "${card.classes[answer.predictedClass]}": asked, four that helped, four that hurt`,
  card.featureShape[0],
  [
    {
      features: featuresOf(heldOut, answer.heldOutRow),
      caption: ['asked', `is ${card.classes[answer.predictedClass]}?`],
    },
    ...[...explained.helpful, ...explained.harmful].map(({ row, contributor, label, score }) => ({
      features: featuresOf(train, row),
      caption: [contributor, card.classes[label], `${score > 0 ? '+' : '−'}${Math.abs(score).toFixed(4)}`],
    })),
  ],
);

// %% [markdown]
// ## 5. Integers
//
// From here on everything is exact: int8 sketches times int16 queries, summed by slot. These are the numbers that a proof
// binds and the contract reads. They are not the float scores; how near they come is worth a look.

// %%
const epoch = await prover.makeEpoch(at('epoch'), index, made);
const contributors = stored.dataset.contributors.length;
const integer = made.receipts.map(() => new Array<bigint>(contributors).fill(0n));
for (const [s, shard] of epoch.shards.entries()) {
  for (const [b, batch] of epoch.batches.entries()) {
    const sums = reference.sumByContributor(epoch.scores[s][b], shard.owners, contributors, instance.queries);
    for (const [column, receipt] of batch.receipts.entries()) {
      for (let c = 0; c < contributors; c++) integer[receipt][c] += sums[c * instance.queries + column];
    }
  }
}
const exact = await Promise.all(
  made.receipts.map(async (_, q) => (await influence.explainReceipt(made.scoresPath, q, 1)).contributors),
);
const pairs = integer.flatMap((scores, q) =>
  scores.map((score, c) => ({
    float: exact[q].find(({ contributor }) => contributor === drawn.contributors[c].name)?.score ?? Number.NaN,
    // one query's scale is its own, and a share does not depend on it
    integer: Number(score) * made.receipts[q].norm,
  })),
);
const mean = (of: readonly number[]) => sum(of) / of.length;
const [mf, mi] = [mean(pairs.map((p) => p.float)), mean(pairs.map((p) => p.integer))];
const covariance = mean(pairs.map((p) => (p.float - mf) * (p.integer - mi)));
const deviations = Math.sqrt(
  mean(pairs.map((p) => (p.float - mf) ** 2)) * mean(pairs.map((p) => (p.integer - mi) ** 2)),
);
display.say(
  `Over ${pairs.length} pairs of answer and contributor, integer and float scores correlate by ${(covariance / deviations).toFixed(3)}.`,
);

// %% [markdown]
// ## 6. The split
//
// A fee goes to platform, model owner, stakers and contributors by a policy that governance sets. The contributors' part is
// shared by the positive part of each contributor's summed score, in whole units of 10⁻¹⁸, rounded down; what is left is dust
// and is named, so the sum is the fee to the last unit.

// %%
const earned = new Array<bigint>(contributors).fill(0n);
const others = { platform: 0n, modelOwner: 0n, stakers: 0n, dust: 0n };
for (const [q, { fee }] of made.receipts.entries()) {
  const { pool, platform, modelOwner, stakers } = reference.splitFee(fee, validator.DEFAULT_POLICY);
  const { shares, dust } = reference.splitPool(pool, integer[q]);
  for (const [c, share] of shares.entries()) earned[c] += share;
  others.platform += platform;
  others.modelOwner += modelOwner;
  others.stakers += stakers;
  others.dust += dust;
}
const paid = earned.reduce((total, amount) => total + amount, 0n);
const everything = paid + others.platform + others.modelOwner + others.stakers + others.dust;
const tokens = (amount: bigint) => Number((Number(amount) / Number(ONE)).toFixed(3));
display.table([
  { to: 'contributors', tokens: tokens(paid) },
  { to: 'model owner', tokens: tokens(others.modelOwner) },
  { to: 'stakers', tokens: tokens(others.stakers) },
  { to: 'platform', tokens: tokens(others.platform) },
]);
display.say(
  `Everything together is ${everything === ONE * BigInt(RECEIPTS) ? 'exactly' : 'NOT'} the ${RECEIPTS} tokens that were paid.`,
);

// %% [markdown]
// ## 7. Who earned what
//
// Pay per row, where 1 is what an average row earns.

// %%
const perRow = drawn.contributors.map(({ name }, c) => ({
  hand: name,
  planted: planted[c] === '' ? 'honest' : planted[c],
  pay: (Number(earned[c]) / Number(paid)) * (train.rows / rows[c]),
}));
display.table(
  perRow.map(({ hand, planted: what, pay }, c) => ({
    hand,
    planted: what,
    rows: rows[c],
    tokens: tokens(earned[c]),
    'pay per row': Number(pay.toFixed(2)),
  })),
);

// %%
display.plot('Pay per row of every hand, the planted ones in another colour; 1 is the average', {
  height: 300,
  marginLeft: 80,
  x: { label: 'pay per row (1 = average)', grid: true },
  y: { label: null, domain: perRow.map(({ hand }) => hand) },
  color: {
    legend: false,
    domain: ['honest', 'flipped', 'copied', 'noise'],
    range: ['#1c6ea4', '#c4501b', '#a33c7c', '#93700a'],
  },
  marks: [
    Plot.barX(perRow, { x: 'pay', y: 'hand', fill: 'planted' }),
    Plot.text(
      perRow.filter(({ planted: what }) => what !== 'honest'),
      { x: 'pay', y: 'hand', text: 'planted', textAnchor: 'start', dx: 5, fill: 'planted' },
    ),
    Plot.ruleX([1], { strokeDasharray: '4 4' }),
  ],
});

// %% [markdown]
// ## 8. Could a cheat earn more under many names?
//
// The positive part is taken per contributor. Whoever splits into several identities separates the rows that help an answer
// from those that harm it, and is paid for the first without being charged for the second. So identities need approval, a
// bond and a minimum of rows. The table says what splitting would bring each planted hand and the largest honest one.

// %%
const scores = prover.rowScores(index, made);
const ranges = prover.contributorRanges(index, contributors);
const largest = rows.indexOf(Math.max(...rows));
const share = (c: number, identities: number) =>
  prover.shareWithIdentities(
    scores,
    made.receipts.map(({ fee }) => fee),
    ranges,
    c,
    identities,
  );
const shown = [largest, ...planted.keys()].filter((c, i) => i === 0 || planted[c] !== '');
display.table(
  shown.map((c) => ({
    hand: drawn.contributors[c].name,
    planted: planted[c] === '' ? 'honest' : planted[c],
    'one name': Number(share(c, 1).toFixed(3)),
    'two names': Number(share(c, 2).toFixed(3)),
    'eight names': Number(share(c, 8).toFixed(3)),
    'one name per row': Number(share(c, rows[c]).toFixed(3)),
  })),
);
await rm(folder, { recursive: true });

// %% [markdown]
// ## What to take home
//
// - Pay follows the sum of a contributor's scores, not any single row: one row is a reason, not a price.
// - The scores add up to what the model learned, and the amounts add up to the fee, exactly.
// - Who hands in noise or wrong labels earns less per row than average; who copies is paid like the original, so copies must
//   be kept out when the data set is registered. Splitting pays whoever's rows both help and harm.
// - What remains is to prove the integers in zero knowledge and let the contract do the split: `meed demo`.
