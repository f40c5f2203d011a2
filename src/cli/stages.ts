/** The stages of the spine, in order. Each reads the artefacts before it from disk, and nothing else. */
import {
  type ChainLocation,
  payoutRecipe,
  registerOnChain,
  registrationRecipe,
  settlementRecipe,
  settleOnChain,
  withdrawCredits,
} from '../chain/validator/index.js';
import { type Dataset, datasetRecipe, writeDataset } from '../data/index.js';
import { MeedError } from '../foundation/index.js';
import { modelRecipe, trainModel } from '../models/index.js';
import {
  buildIndex,
  circuitId,
  epochRecipe,
  type Instance,
  indexRecipe,
  makeEpoch,
  makeReceipts,
  type ProvingKey,
  proofsRecipe,
  proveEpoch,
  receiptsRecipe,
} from '../prover/index.js';
import { formatBytes } from '../work/index.js';
import { modelChoice } from './modelChoice.js';
import { feesOf, profileOf } from './profile.js';
import { loadRows } from './rows.js';
import type { Run } from './run.js';
import { type Stage, stage } from './stage.js';

const dataset = stage({
  name: 'dataset',
  summary: 'loads a data set, hashes its rows and writes the data-set artefact',
  options: ['data'],
  async plan(run, progress) {
    const { data, payoutAddresses } = await loadRows(run.options, progress);
    const choices = { seed: run.options.seed, payoutAddresses };
    return {
      recipe: datasetRecipe(data.card, choices),
      // the recipe names a file of one's own and says nothing of its rows
      decidedBy: run.options.csv === undefined ? 'recipe' : 'content',
      make: () => writeDataset(run.folder('dataset'), data, choices),
      async result() {
        const { artefact, dataset: stored } = await run.dataset();
        const { train, heldOut, contributors } = stored;
        return {
          artefact,
          line: `${train.rows} rows of ${contributors.length} contributors, ${heldOut.rows} held out`,
        };
      },
    };
  },
});

const model = stage({
  name: 'model',
  summary: 'trains the model and keeps every state that an auditor can replay from',
  options: ['training'],
  note: 'There is no --workers: each step of one training needs the one before it. --threads speeds up wide layers.',
  async plan(run) {
    const stored = await run.dataset();
    const { card, train, heldOut } = stored.dataset;
    const { epochs, batch, learningRate, momentum } = profileOf(card.name).training;
    const { options } = run;
    const training = {
      epochs: options.epochs ?? epochs,
      batch: options.batch ?? batch,
      learningRate: options.learningRate ?? learningRate,
      momentum: options.momentum ?? momentum,
      seed: options.seed,
    };
    const choice = await modelChoice(options, card);
    const { id } = stored.artefact.manifest;
    const set = { id, classes: card.classes.length, train, heldOut };
    return {
      recipe: modelRecipe(id, run.engine, choice, training),
      make: (progress) => trainModel(run.folder('model'), run.engine, set, choice, training, progress),
      async result() {
        const { artefact, model: trained, states } = await run.model();
        const percent = (100 * Number(artefact.manifest.facts.heldOutAccuracy)).toFixed(1);
        return {
          artefact,
          line: `${trained.parameterCount} parameters, ${states.length} states, held-out accuracy ${percent}%`,
        };
      },
    };
  },
});

const index = stage({
  name: 'index',
  summary: 'scores, sketches, quantises and commits every training sample',
  options: ['index', 'receipts', 'work'],
  async plan(run) {
    const stored = await run.dataset();
    const trained = await run.model();
    const { scorer, instance, seed } = run.options;
    const options = { scorer, instance, seed, reservedOutputs: receiptCount(run, stored.dataset) };
    return {
      recipe: indexRecipe(stored.artefact.manifest.id, trained.artefact.manifest.id, run.engine, options),
      make: (progress) =>
        run.spread('index', progress, (work) =>
          buildIndex(run.folder('index'), run.engine, stored, trained, options, work),
        ),
      async result() {
        const { artefact, slots, shardCommitments } = await run.index();
        const kept = (100 * Number(artefact.manifest.facts.keptVariation)).toFixed(2);
        return {
          artefact,
          line: `${scorer} scores in ${instance.columns} columns (${kept}% of their variation), ${slots.length} slots, ${shardCommitments.length} shard(s)`,
        };
      },
    };
  },
});

/** At most half of the held-out rows unless told, since the others calibrate. */
function receiptCount({ options }: Run, { card, heldOut }: Dataset): number {
  const half = Math.max(1, Math.floor(heldOut.rows / 2));
  return options.receipts ?? Math.min(profileOf(card.name).receipts, half);
}

const receipts = stage({
  name: 'receipts',
  summary: 'explains outputs of the model: one receipt, with fee and query sketch, per output',
  options: ['receipts', 'work'],
  async plan(run) {
    const stored = await run.dataset();
    const trained = await run.model();
    const built = await run.index();
    const count = run.options.receipts ?? built.options.reservedOutputs;
    const options = { count, fees: feesOf(count) };
    return {
      recipe: receiptsRecipe(built, options),
      make: (progress) =>
        run.spread('receipts', progress, (work) =>
          makeReceipts(run.folder('receipts'), run.engine, stored, trained, built, options, work),
        ),
      async result() {
        const { artefact } = await run.receipts();
        return { artefact, line: `${count} outputs scored against ${stored.dataset.train.rows} samples` };
      },
    };
  },
});

const epoch = stage({
  name: 'epoch',
  summary: 'batches the receipts and computes the integer score matrices',
  options: [],
  async plan(run) {
    const built = await run.index();
    const explained = await run.receipts();
    const { slots, queries } = built.options.instance;
    return {
      recipe: epochRecipe(built, explained),
      make: () => makeEpoch(run.folder('epoch'), built, explained),
      async result() {
        const { artefact, shards, batches } = await run.epoch();
        return {
          artefact,
          line: `${shards.length} shard(s) × ${batches.length} batch(es) of ${slots} × ${queries} integer scores`,
        };
      },
    };
  },
});

function location(run: Run): Omit<ChainLocation, 'from'> {
  return { rpc: run.options.rpc, chainId: run.options.chainId };
}

const chain = stage({
  name: 'chain',
  summary: 'deploys the contracts, registers data set and index, posts the receipts with their fees',
  options: ['chain', 'key'],
  async plan(run) {
    const stored = await run.dataset();
    const built = await run.index();
    const scored = await run.epoch();
    const key = await run.key(built.options.instance);
    const where = location(run);
    return {
      recipe: registrationRecipe(scored, built, key, where),
      make: (progress) => registerOnChain(run.folder('chain'), stored, built, scored, key, where, progress),
      async result() {
        const { artefact, deployment } = await run.registration();
        return {
          artefact,
          line: `chain ${deployment.chainId}, settlement contract ${deployment.addresses.EpochSettlement}`,
        };
      },
    };
  },
});

const PROVING_NOTE = `Every (shard, batch) is one proof. Provers are processes of this machine, as many as there are cores and as --memory holds (a
prover takes its key and the room of a proof; the command says how much), or workers elsewhere with --queue. Each proof
is verified, then kept at once in DIR/unfinished/proofs: after an interrupt (Ctrl-C), a full disk or a failure the same
command proves only what is missing. A prover that dies is replaced and its statement proven again.

Examples:
  meed prove --out DIR                                  all cores, the embedded prover
  meed prove --out DIR --memory 2GB                     as many provers as 2 GB hold
  meed prove --out DIR --workers 1                      one prover, with all cores
  meed prove --out DIR --prover rapidsnark              rapidsnark or prover from the PATH
  meed prove --out DIR --rapidsnark ./package/bin/prover
  meed prove --out DIR --queue redis://host             proofs made by \`meed worker\` on other machines
  meed prove --out DIR --key CEREMONY                   the key of a published ceremony`;

const proofs = stage({
  name: 'proofs',
  summary: 'proves every score matrix in zero knowledge for the deployed settlement contract',
  options: ['key', 'work', 'proving'],
  note: PROVING_NOTE,
  async plan(run) {
    const stored = await run.dataset();
    const built = await run.index();
    const scored = await run.epoch();
    const { target } = await run.registration();
    const key = await run.key(built.options.instance);
    requireDeployedKey(key, built.options.instance, target.circuitId);
    return {
      recipe: proofsRecipe(scored, key, target),
      make: (progress) =>
        run.proving(progress, (work) =>
          proveEpoch(run.folder('proofs'), built, scored, key, stored.addresses, target, work),
        ),
      async result(made) {
        const { artefact, proofs: all } = await run.proofs();
        const memory = made?.proverBytes ? `, provers had ${formatBytes(made.proverBytes)}` : '';
        return {
          artefact,
          line: `${all.length} Groth16 proof(s) of ${key.circuit.constraints} constraints, verified${memory}`,
          provingSeconds: made?.seconds,
        };
      },
    };
  },
});

/** A proof for another key than the deployed one would cost its proving time and settle nothing. */
function requireDeployedKey({ verificationKey, forgeable }: ProvingKey, instance: Instance, deployed: string): void {
  if (circuitId(instance, verificationKey) === deployed) return;
  throw new MeedError(
    `The contracts were deployed with another key than ${forgeable ? 'the development key' : 'that of --key'}`,
    'Give `meed chain` and `meed prove` the same --key',
  );
}

const settlement = stage({
  name: 'settlement',
  summary: 'settles scores and proofs on chain, makes the epoch final and splits the fees',
  options: ['chain'],
  async plan(run) {
    const stored = await run.dataset();
    const scored = await run.epoch();
    const registration = await run.registration();
    const proven = await run.proofs();
    return {
      recipe: settlementRecipe(registration, proven),
      make: (progress) =>
        settleOnChain(run.folder('settlement'), stored, scored, registration, proven, location(run), progress),
      async result() {
        const artefact = await run.settlement();
        return { artefact, line: `epoch ${registration.epoch} is final, its fees are split` };
      },
    };
  },
});

const payout = stage({
  name: 'payout',
  summary: 'withdraws the credits to their owners',
  options: ['chain'],
  async plan(run) {
    const stored = await run.dataset();
    const registration = await run.registration();
    const settled = await run.settlement();
    return {
      recipe: payoutRecipe(settled),
      make: (progress) => withdrawCredits(run.folder('payout'), stored, registration, settled, location(run), progress),
      async result() {
        const artefact = await run.payout();
        const owners = Object.keys((artefact.manifest.facts.withdrawn ?? {}) as object).length;
        return { artefact, line: `${owners} owners withdrew their credits` };
      },
    };
  },
});

export const stages: readonly Stage[] = [dataset, model, index, receipts, epoch, chain, proofs, settlement, payout];

export function findStage(command: string): Stage {
  const found = stages.find((one) => one.command === command);
  if (!found) throw new Error(`no stage has the command ${command}`);
  return found;
}
