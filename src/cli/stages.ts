/**
 * The stages of the spine in order. Each looks for a finished artefact of the same recipe first and makes it otherwise;
 * that is all that resumption is.
 */
import { findDatasetSource } from '../../datasets/index.js';
import { findCurrent, type Recipe } from '../artefact/index.js';
import { developmentAddress } from '../chain/index.js';
import {
  type ChainLocation,
  FIRST_CONTRIBUTOR_ACCOUNT,
  payoutRecipe,
  registerOnChain,
  registrationRecipe,
  settlementRecipe,
  settleOnChain,
  withdrawCredits,
} from '../chain/validator/index.js';
import { type Dataset, datasetRecipe, readContributorList, readCsvDataset, writeDataset } from '../data/index.js';
import { MeedError, type Progress } from '../foundation/index.js';
import { modelRecipe, trainModel } from '../models/index.js';
import {
  buildIndex,
  epochRecipe,
  indexRecipe,
  makeEpoch,
  makeReceipts,
  proofsRecipe,
  proveEpoch,
  receiptsRecipe,
} from '../prover/index.js';
import { modelChoice } from './modelChoice.js';
import { feesOf, profileOf } from './profile.js';
import type { Run, RunOptions, StageName } from './run.js';

export interface StageOutcome {
  readonly stage: StageName;
  readonly id: string;
  readonly reused: boolean;
  /** What was made, in a few words. */
  readonly line: string;
  readonly provingSeconds?: number;
}

export interface Stage {
  readonly name: StageName;
  readonly command: string;
  readonly summary: string;
  run(run: Run, progress: Progress): Promise<StageOutcome>;
}

type Make = (progress: Progress) => Promise<{ readonly provingSeconds?: number } | undefined>;

async function reuseOrMake(
  run: Run,
  stage: StageName,
  recipe: Recipe,
  progress: Progress,
  make: Make,
  describe: () => Promise<{ id: string; line: string }>,
): Promise<StageOutcome> {
  const current = await findCurrent(run.folder(stage), recipe);
  let made: { readonly provingSeconds?: number } | undefined;
  if (!current) {
    made = await make(progress);
    run.forget(stage);
  }
  return { stage, reused: current !== undefined, ...made, ...(await describe()) };
}

const dataset: Stage = {
  name: 'dataset',
  command: 'data',
  summary: 'loads a data set, hashes its rows and writes the data-set artefact',
  async run(run, progress) {
    const { seed } = run.options;
    const { data, payoutAddresses } = await loadRows(run.options, progress);
    const choices = { seed, payoutAddresses };
    const make = async (): Promise<undefined> => {
      await writeDataset(run.folder('dataset'), data, choices);
      return undefined;
    };
    const recipe = datasetRecipe(data.card, choices);
    // only the content of a file of one's own says whether it changed, so it is written anew: same rows, same id
    const own = run.options.csv !== undefined;
    const before = own ? await findCurrent(run.folder('dataset'), recipe) : undefined;
    if (own) await make();
    const outcome = await reuseOrMake(run, 'dataset', recipe, progress, make, async () => {
      const stored = await run.dataset();
      const { train, heldOut, contributors } = stored.dataset;
      return {
        id: stored.artefact.manifest.id,
        line: `${train.rows} rows of ${contributors.length} contributors, ${heldOut.rows} held out`,
      };
    });
    return { ...outcome, reused: own ? before?.manifest.id === outcome.id : outcome.reused };
  },
};

/** The rows, and who is paid for them: accounts named in the contributors' list, development accounts otherwise. */
async function loadRows(
  options: RunOptions,
  progress: Progress,
): Promise<{ data: Dataset; payoutAddresses: string[] }> {
  const { csv, label, contributor, contributors, seed } = options;
  const withAccounts = (data: Dataset, given: ReadonlyMap<string, string>) => ({
    data,
    payoutAddresses: data.contributors.map(
      ({ name }, i) => given.get(name) ?? developmentAddress(FIRST_CONTRIBUTOR_ACCOUNT + i),
    ),
  });
  if (csv === undefined)
    return withAccounts(await findDatasetSource(options.dataset).load({ seed, progress }), new Map());
  if (label === undefined || contributor === undefined) {
    throw new MeedError(`${csv} needs to be told its columns`, 'Give --label COLUMN and --contributor COLUMN', {
      exitCode: 2,
    });
  }
  const data = await readCsvDataset({
    file: csv,
    labelColumn: label,
    contributorColumn: contributor,
    contributorsFile: contributors,
    seed,
    progress,
  });
  const listed = contributors === undefined ? [] : await readContributorList(contributors);
  return withAccounts(
    data,
    new Map(listed.flatMap(({ name, address }) => (address === undefined ? [] : [[name, address] as const]))),
  );
}

const model: Stage = {
  name: 'model',
  command: 'train',
  summary: 'trains the model and keeps every state that an auditor can replay from',
  async run(run, progress) {
    const stored = await run.dataset();
    const { card, train, heldOut } = stored.dataset;
    const profile = profileOf(card.name);
    const choice = await modelChoice(run.options, card);
    const { seed } = run.options;
    const training = {
      epochs: run.options.epochs ?? profile.training.epochs,
      batch: run.options.batch ?? profile.training.batch,
      learningRate: run.options.learningRate ?? profile.training.learningRate,
      momentum: run.options.momentum ?? profile.training.momentum,
      seed,
    };
    const id = stored.artefact.manifest.id;
    return reuseOrMake(
      run,
      'model',
      modelRecipe(id, run.engine, choice, training),
      progress,
      async (report) => {
        const set = { id, classes: card.classes.length, train, heldOut };
        await trainModel(run.folder('model'), run.engine, set, choice, training, report);
        return undefined;
      },
      async () => {
        const { artefact, model, states } = await run.model();
        const percent = (100 * Number(artefact.manifest.facts.heldOutAccuracy)).toFixed(1);
        return {
          id: artefact.manifest.id,
          line: `${model.parameterCount} parameters, ${states.length} states, held-out accuracy ${percent}%`,
        };
      },
    );
  },
};

const index: Stage = {
  name: 'index',
  command: 'index',
  summary: 'scores, sketches, quantises and commits every training sample',
  async run(run, progress) {
    const stored = await run.dataset();
    const trained = await run.model();
    const { scorer, instance, seed } = run.options;
    const options = { scorer, instance, seed, reservedOutputs: receiptCount(run, stored.dataset) };
    return reuseOrMake(
      run,
      'index',
      indexRecipe(stored.artefact.manifest.id, trained.artefact.manifest.id, run.engine, options),
      progress,
      async (report) => {
        const folder = run.folder('index');
        await run.spread('index', report, (work) => buildIndex(folder, run.engine, stored, trained, options, work));
        return undefined;
      },
      async () => {
        const { artefact, slots, shardCommitments } = await run.index();
        const kept = (100 * Number(artefact.manifest.facts.keptVariation)).toFixed(2);
        return {
          id: artefact.manifest.id,
          line: `${scorer} scores in ${instance.columns} columns (${kept}% of their variation), ${slots.length} slots, ${shardCommitments.length} shard(s)`,
        };
      },
    );
  },
};

function receiptCount(run: Run, data: Dataset): number {
  return run.options.receipts ?? Math.min(profileOf(data.card.name).receipts, Math.floor(data.heldOut.rows / 2));
}

const receipts: Stage = {
  name: 'receipts',
  command: 'receipt',
  summary: 'explains outputs of the model: one receipt, with fee and query sketch, per output',
  async run(run, progress) {
    const stored = await run.dataset();
    const trained = await run.model();
    const built = await run.index();
    const count = run.options.receipts ?? built.options.reservedOutputs;
    const options = { count, fees: feesOf(count) };
    return reuseOrMake(
      run,
      'receipts',
      receiptsRecipe(built, options),
      progress,
      async (report) => {
        const folder = run.folder('receipts');
        await run.spread('receipts', report, (work) =>
          makeReceipts(folder, run.engine, stored, trained, built, options, work),
        );
        return undefined;
      },
      async () => {
        const { artefact } = await run.receipts();
        return {
          id: artefact.manifest.id,
          line: `${count} outputs scored against ${stored.dataset.train.rows} samples`,
        };
      },
    );
  },
};

const epoch: Stage = {
  name: 'epoch',
  command: 'epoch',
  summary: 'batches the receipts and computes the integer score matrices',
  async run(run, progress) {
    const built = await run.index();
    const made = await run.receipts();
    return reuseOrMake(
      run,
      'epoch',
      epochRecipe(built, made),
      progress,
      async () => {
        await makeEpoch(run.folder('epoch'), built, made);
        return undefined;
      },
      async () => {
        const { artefact, shards, batches } = await run.epoch();
        const { slots, queries } = built.options.instance;
        return {
          id: artefact.manifest.id,
          line: `${shards.length} shard(s) × ${batches.length} batch(es) of ${slots} × ${queries} integer scores`,
        };
      },
    );
  },
};

function location(run: Run): Omit<ChainLocation, 'from'> {
  return { rpc: run.options.rpc, chainId: run.options.chainId };
}

const chain: Stage = {
  name: 'chain',
  command: 'chain',
  summary: 'deploys the contracts, registers data set and index, posts the receipts with their fees',
  async run(run, progress) {
    const stored = await run.dataset();
    const built = await run.index();
    const made = await run.epoch();
    const key = await run.key(built.options.instance);
    return reuseOrMake(
      run,
      'chain',
      registrationRecipe(made, built, key, location(run)),
      progress,
      async (report) => {
        await registerOnChain(run.folder('chain'), stored, built, made, key, location(run), report);
        return undefined;
      },
      async () => {
        const { artefact, deployment } = await run.registration();
        return {
          id: artefact.manifest.id,
          line: `chain ${deployment.chainId}, settlement contract ${deployment.addresses.EpochSettlement}`,
        };
      },
    );
  },
};

const proofs: Stage = {
  name: 'proofs',
  command: 'prove',
  summary: 'proves every score matrix in zero knowledge for the deployed settlement contract',
  async run(run, progress) {
    const stored = await run.dataset();
    const built = await run.index();
    const made = await run.epoch();
    const registration = await run.registration();
    const key = await run.key(built.options.instance);
    return reuseOrMake(
      run,
      'proofs',
      proofsRecipe(made, key, registration.target),
      progress,
      async (report) => {
        const folder = run.folder('proofs');
        const { target } = registration;
        const { seconds } = await run.spread('proofs', report, (work) =>
          proveEpoch(folder, built, made, key, stored.addresses, target, work),
        );
        return { provingSeconds: seconds };
      },
      async () => {
        const { artefact, proofs: all } = await run.proofs();
        return {
          id: artefact.manifest.id,
          line: `${all.length} Groth16 proof(s) of ${key.circuit.constraints} constraints, verified`,
        };
      },
    );
  },
};

const settlement: Stage = {
  name: 'settlement',
  command: 'settle',
  summary: 'settles scores and proofs on chain, makes the epoch final and splits the fees',
  async run(run, progress) {
    const stored = await run.dataset();
    const made = await run.epoch();
    const registration = await run.registration();
    const proven = await run.proofs();
    return reuseOrMake(
      run,
      'settlement',
      settlementRecipe(registration, proven),
      progress,
      async (report) => {
        const folder = run.folder('settlement');
        await settleOnChain(folder, stored, made, registration, proven, location(run), report);
        return undefined;
      },
      async () => {
        const artefact = await run.settlement();
        return { id: artefact.manifest.id, line: `epoch ${registration.epoch} is final, its fees are split` };
      },
    );
  },
};

const payout: Stage = {
  name: 'payout',
  command: 'withdraw',
  summary: 'withdraws the credits to their owners',
  async run(run, progress) {
    const stored = await run.dataset();
    const registration = await run.registration();
    const settled = await run.settlement();
    return reuseOrMake(
      run,
      'payout',
      payoutRecipe(settled),
      progress,
      async (report) => {
        await withdrawCredits(run.folder('payout'), stored, registration, settled, location(run), report);
        return undefined;
      },
      async () => {
        const artefact = await run.payout();
        const owners = Object.keys((artefact.manifest.facts.withdrawn ?? {}) as object).length;
        return { id: artefact.manifest.id, line: `${owners} owners withdrew their credits` };
      },
    );
  },
};

export const stages: readonly Stage[] = [dataset, model, index, receipts, epoch, chain, proofs, settlement, payout];

export function findStage(command: string): Stage {
  const found = stages.find((stage) => stage.command === command);
  if (!found) throw new Error(`no stage has the command ${command}`);
  return found;
}
