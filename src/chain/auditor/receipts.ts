/** The receipts: outputs as the model gives them, random queries derived again, batches as they were posted and paid. */
import { explainReceipt } from '../../influence/index.js';
import { selectSamples } from '../../models/index.js';
import {
  heldOutOutputs,
  openScorer,
  outputFigures,
  outputHash,
  queryOutputs,
  scoreFigures,
  trainingSamples,
} from '../../prover/index.js';
import { type Check, differs, requireEqual, requireEqualLists } from './check.js';

/** An int16 entry of a unit-norm query may differ by this much on another machine. */
export const QUERY_TOLERANCE = 16;
/** Scores and losses are floats: they may differ by this part of the largest, or of their magnitudes' sum. */
export const FIGURE_TOLERANCE = 0.01;

export const receiptCheck: Check = {
  name: 'outputs and their queries',
  async run(evidence) {
    const stored = await evidence.dataset();
    const trained = await evidence.model();
    const index = await evidence.index();
    const { receipts, queries, scoresPath } = await evidence.receipts();
    const all = await heldOutOutputs(evidence.engine, stored.dataset, trained);
    for (const [q, { heldOutRow }] of receipts.entries()) {
      if (!(heldOutRow >= 0 && heldOutRow < all.rows))
        throw differs(`the held-out row of receipt ${q}`, heldOutRow, `rows 0 to ${all.rows - 1}`);
    }
    const outputs = selectSamples(
      all,
      receipts.map((receipt) => receipt.heldOutRow),
    );
    for (const [q, receipt] of receipts.entries()) {
      requireEqual(`the class of receipt ${q}`, receipt.predictedClass, outputs.targets[q]);
      requireEqual(
        `the output hash of receipt ${q}`,
        receipt.outputHash,
        outputHash(trained.artefact.manifest.id, outputs, q),
      );
    }
    const samples = trainingSamples(stored.dataset, trained);
    const drawn = Array.from(evidence.random.permutation(receipts.length).subarray(0, evidence.samples));
    const { engine, progress } = evidence;
    const scorer = await openScorer(index.options.scorer, engine, trained, samples, { progress });
    try {
      const derived = await queryOutputs(evidence.engine, scorer, index, selectSamples(outputs, drawn), samples);
      const d = index.options.instance.columns;
      let worst = 0;
      for (const [p, q] of drawn.entries()) {
        for (let j = 0; j < d; j++) {
          const distance = Math.abs(queries[q * d + j] - derived.queries[p * d + j]);
          if (distance > QUERY_TOLERANCE)
            throw differs(`entry ${j} of query ${q}`, queries[q * d + j], derived.queries[p * d + j]);
          worst = Math.max(worst, distance);
        }
      }
      const figures = await outputFigures(evidence.engine, trained, selectSamples(outputs, drawn));
      for (const [p, q] of drawn.entries()) {
        const row = derived.scores.data.subarray(p * samples.rows, (p + 1) * samples.rows);
        const { scoreSum, scoreMagnitude } = scoreFigures(row);
        const { confidence, initialLoss, trainedLoss } = figures[p];
        const near = (what: string, found: number, expected: number, unit: number): void => {
          if (!(Math.abs(found - expected) <= FIGURE_TOLERANCE * unit))
            throw differs(`the ${what} of receipt ${q}`, found, expected);
        };
        near('score sum', receipts[q].scoreSum, scoreSum, scoreMagnitude);
        near('score magnitude', receipts[q].scoreMagnitude, scoreMagnitude, scoreMagnitude);
        near('confidence', receipts[q].confidence, confidence, 1);
        near('initial loss', receipts[q].initialLoss, initialLoss, Math.max(1, initialLoss));
        near('trained loss', receipts[q].trainedLoss, trainedLoss, Math.max(1, trainedLoss));
        near('norm', receipts[q].norm, derived.norms[p], derived.norms[p]);
        const { helpful, harmful } = await explainReceipt(scoresPath, q, samples.rows);
        const shown = new Float32Array(samples.rows);
        for (const { row: i, score, contributor } of [...helpful, ...harmful]) {
          const owner = stored.dataset.contributors[stored.dataset.train.contributors[i]]?.name;
          requireEqual(
            `the contributor of row ${i} in the explanation of receipt ${q}`,
            contributor,
            owner ?? 'nobody',
          );
          shown[i] = score;
        }
        const largest = row.reduce((most, score) => Math.max(most, Math.abs(score)), 0);
        for (const [i, score] of row.entries()) near(`explanation by row ${i}`, shown[i], score, largest);
      }
      return `${receipts.length} outputs as the model gives them, ${drawn.length} queries derived again, entries off by at most ${worst} (tolerance ${QUERY_TOLERANCE})`;
    } finally {
      await scorer.dispose();
    }
  },
};

export const batchCheck: Check = {
  name: 'receipt batches and fees',
  async run(evidence) {
    const { batches } = await evidence.epoch();
    const { epoch } = await evidence.registration();
    const posted = (await evidence.events()).BatchPosted.filter((event) => event.epoch === epoch);
    requireEqual('the number of batches on chain', posted.length, batches.length);
    let total = 0n;
    for (const [b, batch] of batches.entries()) {
      requireEqual(`the commitment on chain of batch ${b}`, posted[b].commitment, batch.commitment);
      requireEqualLists(`batch ${b}'s fee`, posted[b].fees, batch.fees);
      requireEqualLists(
        `batch ${b}'s output hash`,
        posted[b].outputHashes,
        batch.outputHashes.map((hash) => `0x${hash}`),
      );
      total += batch.fees.reduce((sum, fee) => sum + fee, 0n);
    }
    return `${batches.length} batches, ${total} units of fees`;
  },
};
