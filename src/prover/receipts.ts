/**
 * Receipts: one per paid output. A receipt explains the output that the model *gave*, so its target is the predicted
 * class; nobody has the true label at inference. It holds the output's hash, its integer query sketch and the fee.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Artefact,
  matrix,
  numbers,
  type Recipe,
  readArtefact,
  readTable,
  strings,
  writeArtefact,
  writeTable,
} from '../artefact/index.js';
import type { StoredDataset } from '../data/index.js';
import type { Engine, Tensor } from '../engine/index.js';
import { MeedError, sha256 } from '../foundation/index.js';
import { openFactors, type Scorer, sketchOutputs, writeScores } from '../influence/index.js';
import { predict, type Samples, selectSamples, type TrainedModel } from '../models/index.js';
import type { MapOptions } from '../work/index.js';
import { type AttributionIndex, heldOutOutputs, readSecret, trainingSamples } from './attributionIndex.js';
import type { Encoder } from './encoder.js';
import { newSaltSecret, quantiseQuery } from './reference/index.js';
import { openScorer } from './scorers.js';

export interface ReceiptOptions {
  /** Number of receipts; held-out rows 0 … count−1 are the outputs. */
  readonly count: number;
  /** Fee of each receipt in the token's smallest unit, as decimal strings. */
  readonly fees: readonly string[];
}

export interface Receipt {
  /** Position in the held-out rows. */
  readonly heldOutRow: number;
  readonly predictedClass: number;
  /** Probability that the model gave to it. */
  readonly confidence: number;
  /** SHA-256 hex of model id, features and predicted class. */
  readonly outputHash: string;
  readonly fee: bigint;
  /** Loss of the predicted class before and after training. */
  readonly initialLoss: number;
  readonly trainedLoss: number;
  /** Σ score and Σ |score| over the training rows: completeness compares the first with the fall of the loss. */
  readonly scoreSum: number;
  readonly scoreMagnitude: number;
  /** Norm divided out of the query sketch. */
  readonly norm: number;
}

export interface Receipts {
  readonly artefact: Artefact;
  readonly receipts: readonly Receipt[];
  /** receipts × d int16, row-major. */
  readonly queries: Int16Array;
  /** Opens the batches that the receipts are cut into. */
  readonly secret: string;
  readonly scoresPath: string;
}

export function receiptsRecipe(index: AttributionIndex, options: ReceiptOptions): Recipe {
  return {
    kind: 'receipts',
    inputs: { ...index.artefact.manifest.inputs, index: index.artefact.manifest.id },
    parameters: { count: options.count, fees: options.fees },
  };
}

export async function makeReceipts(
  folder: string,
  engine: Engine,
  stored: StoredDataset,
  trained: TrainedModel,
  index: AttributionIndex,
  options: ReceiptOptions,
  work: MapOptions = {},
): Promise<Receipts> {
  checkOptions(index, options);
  const { dataset } = stored;
  const positions = Array.from({ length: options.count }, (_, q) => q);
  const outputs = selectSamples(await heldOutOutputs(engine, dataset, trained), positions);
  const samples = trainingSamples(dataset, trained);
  const scorer = await openScorer(index.options.scorer, engine, trained, samples, work);
  try {
    const { scores, queries, norms } = await queryOutputs(engine, scorer, index, outputs, samples);
    const secret = newSaltSecret();
    const d = index.options.instance.columns;
    const figures = await outputFigures(engine, trained, outputs);
    const receipts = positions.map((q): Receipt => {
      return {
        heldOutRow: q,
        predictedClass: outputs.targets[q],
        outputHash: outputHash(trained.artefact.manifest.id, outputs, q),
        fee: BigInt(options.fees[q]),
        ...figures[q],
        ...scoreFigures(scores.data.subarray(q * samples.rows, (q + 1) * samples.rows)),
        norm: norms[q],
      };
    });
    const artefact = await writeArtefact(folder, receiptsRecipe(index, options), async (staging) => {
      await writeTable(join(staging, 'receipts.arrow'), receiptColumns(receipts, queries, d));
      await writeScores(join(staging, SCORES), {
        scores,
        contributors: Array.from(dataset.train.contributors, (c) => dataset.contributors[c].name),
        labels: dataset.train.labels,
      });
      await writeFile(join(staging, 'openings.json'), `${JSON.stringify({ secret })}\n`);
      return { receipts: receipts.length, fees: String(receipts.reduce((sum, { fee }) => sum + fee, 0n)) };
    });
    return { artefact, receipts, queries, secret, scoresPath: join(artefact.folder, SCORES) };
  } finally {
    await scorer.dispose();
  }
}

const SCORES = 'scores.parquet';

/** Score rows and integer query sketches of outputs. Also what an auditor derives again. */
export async function queryOutputs(
  engine: Engine,
  scorer: Scorer,
  index: { readonly encoder: Encoder; readonly rows: Int8Array },
  outputs: Samples,
  samples: Samples,
): Promise<{ scores: Tensor; queries: Int16Array; norms: Float64Array }> {
  const d = index.encoder.scales.length;
  const { scales } = index.encoder;
  const sketches = Float32Array.from(index.rows, (entry, i) => entry * scales[i % d]);
  const scores = await scorer.score(outputs, samples);
  const psi = await sketchOutputs(engine, scores, { shape: [samples.rows, d], data: sketches });
  const queries = new Int16Array(outputs.rows * d);
  const norms = new Float64Array(outputs.rows);
  for (let q = 0; q < outputs.rows; q++) {
    const { entries, norm } = quantiseQuery(psi.data.subarray(q * d, (q + 1) * d), scales);
    queries.set(entries, q * d);
    norms[q] = norm;
  }
  return { scores, queries, norms };
}

/** SHA-256("meed/output/v1", model id, features f32 LE, class i32 LE): what the payer can recognise the output by. */
export function outputHash(modelId: string, outputs: Samples, q: number): string {
  const features = outputs.features.slice(q * outputs.width, (q + 1) * outputs.width);
  const target = Int32Array.of(outputs.targets[q]);
  return sha256('meed/output/v1', modelId, new Uint8Array(features.buffer), new Uint8Array(target.buffer));
}

/** @throws MeedError when a file is missing, changed or inconsistent */
export async function readReceipts(folder: string): Promise<Receipts> {
  const artefact = await readArtefact(folder, 'receipts');
  const table = await readTable(join(folder, 'receipts.arrow'));
  const queries = matrix(table, 'query', Int16Array).values;
  const heldOutRow = numbers(table, 'heldOutRow', Int32Array);
  const predictedClass = numbers(table, 'predictedClass', Int32Array);
  const float = (name: string): Float64Array => numbers(table, name, Float64Array);
  const [confidences, initial, final] = [float('confidence'), float('initialLoss'), float('trainedLoss')];
  const [sums, magnitudes, norms] = [float('scoreSum'), float('scoreMagnitude'), float('norm')];
  const hashes = strings(table, 'outputHash');
  const fees = strings(table, 'fee');
  const receipts = Array.from(heldOutRow, (row, q): Receipt => {
    return {
      heldOutRow: row,
      predictedClass: predictedClass[q],
      confidence: confidences[q],
      outputHash: hashes[q],
      fee: BigInt(fees[q]),
      initialLoss: initial[q],
      trainedLoss: final[q],
      scoreSum: sums[q],
      scoreMagnitude: magnitudes[q],
      norm: norms[q],
    };
  });
  return { artefact, receipts, queries, secret: await readSecret(folder), scoresPath: join(artefact.folder, SCORES) };
}

function receiptColumns(receipts: readonly Receipt[], queries: Int16Array, columns: number) {
  const float = (of: (receipt: Receipt) => number): Float64Array => Float64Array.from(receipts, of);
  return {
    heldOutRow: Int32Array.from(receipts, (receipt) => receipt.heldOutRow),
    predictedClass: Int32Array.from(receipts, (receipt) => receipt.predictedClass),
    confidence: float((receipt) => receipt.confidence),
    outputHash: receipts.map((receipt) => receipt.outputHash),
    fee: receipts.map((receipt) => String(receipt.fee)),
    initialLoss: float((receipt) => receipt.initialLoss),
    trainedLoss: float((receipt) => receipt.trainedLoss),
    scoreSum: float((receipt) => receipt.scoreSum),
    scoreMagnitude: float((receipt) => receipt.scoreMagnitude),
    norm: float((receipt) => receipt.norm),
    query: { values: queries, width: columns },
  };
}

function checkOptions(index: AttributionIndex, { count, fees }: ReceiptOptions): void {
  if (!Number.isInteger(count) || count < 1 || count > index.options.reservedOutputs) {
    throw new MeedError(
      `${count} receipts were asked for, the index keeps ${index.options.reservedOutputs} held-out rows for them`,
      'Ask for fewer, or make the index with more reserved outputs',
      { exitCode: 2 },
    );
  }
  if (fees.length !== count || fees.some((fee) => !/^[0-9]{1,28}$/.test(fee))) {
    throw new MeedError(
      `${fees.length} fees were given for ${count} receipts`,
      'Give one whole number of token units each',
      {
        exitCode: 2,
      },
    );
  }
}

/** What a receipt tells about its output; completeness is reported from the losses. */
export async function outputFigures(
  engine: Engine,
  trained: TrainedModel,
  outputs: Samples,
): Promise<Pick<Receipt, 'confidence' | 'initialLoss' | 'trainedLoss'>[]> {
  const confidences = await confidence(engine, trained, outputs);
  const [initial, final] = await trainingLosses(engine, trained, outputs);
  return confidences.map((value, q) => ({ confidence: value, initialLoss: initial[q], trainedLoss: final[q] }));
}

/** Σ score and Σ |score| of an output over the training rows. */
export function scoreFigures(scores: Float32Array): Pick<Receipt, 'scoreSum' | 'scoreMagnitude'> {
  return {
    scoreSum: scores.reduce((sum, score) => sum + score, 0),
    scoreMagnitude: scores.reduce((sum, score) => sum + Math.abs(score), 0),
  };
}

async function confidence(engine: Engine, { model, parameters }: TrainedModel, outputs: Samples): Promise<number[]> {
  const logits = await predict(engine, model, parameters, outputs);
  return Array.from(outputs.targets, (target, q) => {
    const row = logits.subarray(q * model.classes, (q + 1) * model.classes);
    const max = Math.max(...row);
    return Math.exp(row[target] - max) / row.reduce((sum, logit) => sum + Math.exp(logit - max), 0);
  });
}

async function trainingLosses(
  engine: Engine,
  trained: TrainedModel,
  outputs: Samples,
): Promise<[Float32Array, Float32Array]> {
  const source = await openFactors(engine, trained.model);
  try {
    const initial = await source.factors(trained.states[0].parameters, outputs);
    const final = await source.factors(trained.parameters, outputs);
    return [initial.losses, final.losses];
  } finally {
    await source.dispose();
  }
}
