/**
 * The index: the encoder's hash, random rows' sketches derived again from the encoder, then every commitment from the
 * published integers, up to what was registered on chain.
 */
import { selectSamples } from '../../models/index.js';
import {
  calibrationOutputs,
  deriveIndexId,
  encodeRows,
  encoderHash,
  indexCommitments,
  openScorer,
  publishedCommitments,
  quantiseRows,
  trainingSamples,
} from '../../prover/index.js';
import { cutSlots } from '../../prover/reference/index.js';
import { type Check, differs, only, requireEqual, requireEqualLists } from './check.js';

/** An entry of −127 … 127 may differ by this much: the rounding of a float that lies near a half. */
export const SKETCH_TOLERANCE = 1;

export const encoderCheck: Check = {
  name: 'sketches of random rows from the encoder',
  async run(evidence) {
    const stored = await evidence.dataset();
    const trained = await evidence.model();
    const index = await evidence.index();
    const { encoder } = index;
    const registered = await registration(evidence);
    requireEqual('the encoder hash on chain', registered.encoderHash, `0x${encoderHash(encoder)}`);
    requireEqual('the encoder hash in the manifest', index.encoderHash, encoderHash(encoder));
    requireEqual('the model on chain', registered.modelId, `0x${trained.artefact.manifest.id}`);
    const expected = await calibrationOutputs(evidence.engine, stored.dataset, trained, index.options);
    requireEqual('the number of calibration outputs', encoder.calibration.rows, expected.rows);
    requireEqualLists('the class of calibration output', [...encoder.calibration.targets], [...expected.targets]);
    const differing = expected.features.findIndex((feature, i) => encoder.calibration.features[i] !== feature);
    if (differing >= 0) {
      throw differs(
        `feature ${differing} of the calibration`,
        encoder.calibration.features[differing],
        expected.features[differing],
      );
    }

    const samples = trainingSamples(stored.dataset, trained);
    const positions = Array.from(evidence.random.permutation(samples.rows).subarray(0, evidence.samples));
    const { engine, progress } = evidence;
    const scorer = await openScorer(index.options.scorer, engine, trained, samples, { progress });
    try {
      const sketches = await encodeRows(evidence.engine, scorer, encoder, selectSamples(samples, positions));
      const derived = quantiseRows(sketches, encoder.scales);
      const d = encoder.scales.length;
      let off = 0;
      for (const [p, row] of positions.entries()) {
        for (let j = 0; j < d; j++) {
          const published = index.rows[row * d + j];
          const distance = Math.abs(published - derived[p * d + j]);
          if (distance > SKETCH_TOLERANCE)
            throw differs(`entry ${j} of row ${row}'s sketch`, published, derived[p * d + j]);
          if (distance > 0) off++;
        }
      }
      return `${positions.length} rows derived again, ${off} of ${positions.length * d} entries off by ${SKETCH_TOLERANCE} (tolerance ${SKETCH_TOLERANCE}), ${expected.rows} calibration outputs as the model gives them`;
    } finally {
      await scorer.dispose();
    }
  },
};

export const commitmentCheck: Check = {
  name: 'slots, commitments and index root',
  async run(evidence) {
    const stored = await evidence.dataset();
    const index = await evidence.index();
    const { events, key } = { events: await evidence.events(), key: (await evidence.registration()).index };
    const registered = await registration(evidence);
    const slots = cutSlots(stored.dataset.train.contributors);
    requireEqualLists(
      'the end of slot',
      index.slots.map((slot) => slot.end),
      slots.map((slot) => slot.end),
    );
    const commitments = await indexCommitments(index, stored, evidence.progress);
    requireEqual('the index id on chain', registered.indexId, index.indexId);
    requireEqual('the index root on chain', registered.indexRoot, commitments.root);
    requireEqual('the rows on chain', registered.rows, stored.rowHashes.length);
    requireEqual('the slots of a shard on chain', registered.slotsPerShard, index.options.instance.slots);
    const parts = events.SlotsRegistered.filter((event) => event.index === key);
    const onChain = {
      slots: parts.flatMap((part) => part.slots),
      shardCommitments: parts.flatMap((part) => part.shardCommitments),
    };
    only(
      'completions of the index',
      events.IndexCompleted.filter((event) => event.index === key),
    );
    requireEqualLists(
      'the end on chain of slot',
      onChain.slots.map((slot) => slot.end),
      slots.map((slot) => slot.end),
    );
    requireEqualLists(
      'the contributor on chain of slot',
      onChain.slots.map((slot) => slot.contributor),
      slots.map((slot) => stored.addresses[slot.contributor]),
    );
    requireEqualLists(
      'the commitment on chain of shard',
      onChain.shardCommitments,
      commitments.shards.map((shard) => shard.commitment),
    );
    const shards = commitments.shards.map((shard) => shard.commitment);
    requireEqual('the root in the manifest', index.root, commitments.root);
    requireEqualLists('shard commitment in the manifest', index.shardCommitments, shards);
    const { dataset, model } = index.artefact.manifest.inputs;
    requireEqual('the index id', index.indexId, deriveIndexId(dataset, model, index.encoderHash, index.options));
    const published = await publishedCommitments(index);
    requireEqualLists('row commitment', published.rowCommitments, commitments.rowCommitments.map(String));
    requireEqualLists('prefix commitment', published.prefixCommitments, commitments.prefixCommitments.map(String));
    requireEqualLists('leaf', published.leaves, commitments.leaves.map(String));
    if (events.IndexDisabled.some((event) => event.index === key))
      throw differs('the index', 'disabled on chain', 'payable');
    return `${stored.rowHashes.length} leaves, ${slots.length} slots and ${commitments.shards.length} shard commitments are those on chain`;
  },
};

async function registration(evidence: Parameters<Check['run']>[0]) {
  const { index } = await evidence.registration();
  const { IndexRegistered } = await evidence.events();
  return only(
    'registrations of the index',
    IndexRegistered.filter((event) => event.index === index),
  );
}
