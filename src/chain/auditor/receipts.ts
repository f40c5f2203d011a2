/** The receipts: outputs as the model gives them, random queries derived again, batches as they were posted and paid. */
import { selectSamples } from '../../models/index.js';
import { heldOutOutputs, openScorer, outputHash, queryOutputs, trainingSamples } from '../../prover/index.js';
import { type Check, differs, requireEqual, requireEqualLists } from './check.js';

/** An int16 entry of a unit-norm query may differ by this much on another machine. */
export const QUERY_TOLERANCE = 16;

export const receiptCheck: Check = {
  name: 'outputs and their queries',
  async run(evidence) {
    const stored = await evidence.dataset();
    const trained = await evidence.model();
    const index = await evidence.index();
    const { receipts, queries } = await evidence.receipts();
    const all = await heldOutOutputs(evidence.engine, stored.dataset, trained);
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
    const scorer = await openScorer(index.options.scorer, evidence.engine, trained, samples.rows, evidence.progress);
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
