/**
 * The index artefact: one integer sketch per training row, the encoder that made it, slots, commitments and openings.
 * Commitments hide only as long as `openings.json` is kept back; an audit needs it, so Meed publishes it.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Artefact,
  factString,
  matrix,
  numbers,
  type Recipe,
  readArtefact,
  readJson,
  readTable,
  strings,
  writeArtefact,
  writeTable,
} from '../artefact/index.js';
import type { Dataset, StoredDataset } from '../data/index.js';
import type { Engine } from '../engine/index.js';
import { type JsonObject, MeedError, type Progress, sha256Json } from '../foundation/index.js';
import { fitBasis, type Scorer, sketchSamples } from '../influence/index.js';
import { normalise, predict, predictedClasses, type Samples, type TrainedModel } from '../models/index.js';
import type { MapOptions } from '../work/index.js';
import { type Encoder, encoderHash, quantiseRows, readEncoder, writeEncoder } from './encoder.js';
import {
  assertTiling,
  columnScales,
  cutSlots,
  fieldOfHash,
  type Instance,
  newSaltSecret,
  type Slot,
} from './reference/index.js';
import { commitIndex, commitShards, type IndexCommitments, type Shard } from './rowCommitments.js';
import { openScorer } from './scorers.js';

export interface IndexOptions {
  readonly scorer: string;
  readonly instance: Instance;
  /** Held-out rows kept for receipts; the others calibrate. */
  readonly reservedOutputs: number;
  readonly seed: number;
}

/** Held-out rows that calibrate at most; more cost time and add little. */
const CALIBRATION_MAX = 1000;
/** Calibration outputs wanted per column; training rows fill up what the held-out rows lack. */
const CALIBRATION_PER_COLUMN = 4;

export interface AttributionIndex {
  readonly artefact: Artefact;
  readonly options: IndexOptions;
  readonly indexId: bigint;
  readonly root: bigint;
  readonly encoder: Encoder;
  readonly encoderHash: string;
  /** n × d int8, row-major. */
  readonly rows: Int8Array;
  readonly slots: readonly Slot[];
  readonly shardCommitments: readonly bigint[];
  readonly secret: string;
}

export function indexRecipe(dataset: string, model: string, engine: Engine, options: IndexOptions): Recipe {
  return {
    kind: 'index',
    inputs: { dataset, model },
    parameters: { engine: engine.name, ...options, instance: { ...options.instance } },
  };
}

/** What giving outputs takes of a trained model. */
export type PredictingModel = Pick<TrainedModel, 'model' | 'normalisation' | 'parameters'>;

/** The training rows as the model takes them, with their own labels. */
export function trainingSamples(dataset: Dataset, { normalisation }: Pick<PredictingModel, 'normalisation'>): Samples {
  return normalise(normalisation, dataset.train, dataset.train.labels);
}

/** Outputs of held-out rows: the features and the class that the model gives. */
export async function heldOutOutputs(engine: Engine, dataset: Dataset, trained: PredictingModel): Promise<Samples> {
  const samples = normalise(trained.normalisation, dataset.heldOut, dataset.heldOut.labels);
  return asOutputs(engine, trained, samples);
}

async function asOutputs(engine: Engine, { model, parameters }: PredictingModel, samples: Samples): Promise<Samples> {
  const logits = await predict(engine, model, parameters, samples);
  return { ...samples, targets: predictedClasses(logits, model.classes) };
}

export async function buildIndex(
  folder: string,
  engine: Engine,
  stored: StoredDataset,
  trained: TrainedModel,
  options: IndexOptions,
  work: MapOptions = {},
): Promise<AttributionIndex> {
  const { dataset } = stored;
  const samples = trainingSamples(dataset, trained);
  const calibration = await calibrationOutputs(engine, dataset, trained, options);
  const scorer = await openScorer(options.scorer, engine, trained, samples, work);
  try {
    const { encoder, rows, kept } = await fitEncoder(engine, scorer, calibration, samples, options);
    const slots = cutSlots(dataset.train.contributors);
    const secret = newSaltSecret();
    const published = encoderHash(encoder);
    const indexId = deriveIndexId(stored.artefact.manifest.id, trained.artefact.manifest.id, published, options);
    const rowHashes = stored.rowHashes.map((hash) => Buffer.from(hash).toString('hex'));
    const content = {
      instance: options.instance,
      indexId,
      rows,
      slots,
      rowHashes,
      addresses: stored.addresses,
      secret,
    };
    const commitments = await commitIndex(content, work);
    const recipe = indexRecipe(stored.artefact.manifest.id, trained.artefact.manifest.id, engine, options);
    const artefact = await writeArtefact(folder, recipe, async (staging) => {
      await writeEncoder(staging, encoder);
      await writeTable(join(staging, 'sketches.arrow'), {
        sketch: { values: rows, width: options.instance.columns },
        rowCommitment: commitments.rowCommitments.map(String),
        prefixCommitment: commitments.prefixCommitments.map(String),
        leaf: commitments.leaves.map(String),
      });
      await writeTable(join(staging, 'slots.arrow'), {
        start: Int32Array.from(slots, (slot) => slot.start),
        end: Int32Array.from(slots, (slot) => slot.end),
        contributor: Int32Array.from(slots, (slot) => slot.contributor),
      });
      await writeFile(join(staging, 'openings.json'), `${JSON.stringify({ secret })}\n`);
      return {
        indexId: String(indexId),
        root: String(commitments.root),
        encoderHash: published,
        shardCommitments: commitments.shards.map((shard) => String(shard.commitment)),
        rows: samples.rows,
        slots: slots.length,
        scale: scorer.scale,
        additivity: scorer.additivity,
        calibrationRows: calibration.rows,
        keptVariation: kept,
      };
    });
    return {
      artefact,
      options,
      indexId,
      root: commitments.root,
      encoder,
      encoderHash: published,
      rows,
      slots,
      shardCommitments: commitments.shards.map((shard) => shard.commitment),
      secret,
    };
  } finally {
    await scorer.dispose();
  }
}

/** Fits the sketch to the scores and quantises it. */
export async function fitEncoder(
  engine: Engine,
  scorer: Scorer,
  calibration: Samples,
  samples: Samples,
  { instance, seed }: Pick<IndexOptions, 'instance' | 'seed'>,
): Promise<{ encoder: Encoder; rows: Int8Array; kept: number }> {
  const scores = await scorer.score(calibration, samples);
  const basis = await fitBasis(engine, scores, instance.columns, seed);
  const sketches = await sketchSamples(engine, basis, scores);
  const scales = columnScales(sketches.data, instance.columns);
  const encoder = { calibration, basis: basis.encoder, singularValues: basis.singularValues, scales };
  return { encoder, rows: quantiseRows(sketches, scales), kept: basis.kept };
}

/** Held-out outputs after the reserved ones, filled up with outputs of evenly spaced training rows. */
export async function calibrationOutputs(
  engine: Engine,
  dataset: Dataset,
  trained: PredictingModel,
  { reservedOutputs, instance }: Pick<IndexOptions, 'reservedOutputs' | 'instance'>,
): Promise<Samples> {
  const { train, heldOut } = dataset;
  if (reservedOutputs >= heldOut.rows) {
    throw new MeedError(
      `${reservedOutputs} held-out row(s) are reserved for receipts, the data set has ${heldOut.rows}, and one at least must calibrate`,
      reservedOutputs > 1 ? 'Ask for fewer receipts, or add rows' : 'Add rows to the data set',
    );
  }
  const fromHeldOut = Math.min(heldOut.rows - reservedOutputs, CALIBRATION_MAX);
  const wanted = Math.min(instance.columns * CALIBRATION_PER_COLUMN, CALIBRATION_MAX);
  const fromTrain = Math.min(Math.max(0, wanted - fromHeldOut), train.rows);
  const width = train.width;
  const rows = fromHeldOut + fromTrain;
  const features = new Float32Array(rows * width);
  features.set(heldOut.features.subarray(reservedOutputs * width, (reservedOutputs + fromHeldOut) * width));
  for (let i = 0; i < fromTrain; i++) {
    const row = Math.floor((i * train.rows) / fromTrain);
    features.set(train.features.subarray(row * width, (row + 1) * width), (fromHeldOut + i) * width);
  }
  return asOutputs(engine, trained, normalise(trained.normalisation, { features, rows, width }, new Int32Array(rows)));
}

/** @throws MeedError when a file is missing, changed or inconsistent */
export async function readIndex(folder: string): Promise<AttributionIndex> {
  const artefact = await readArtefact(folder, 'index');
  const { manifest } = artefact;
  const sketches = matrix(await readTable(join(folder, 'sketches.arrow')), 'sketch', Int8Array);
  const slotTable = await readTable(join(folder, 'slots.arrow'));
  const start = numbers(slotTable, 'start', Int32Array);
  const end = numbers(slotTable, 'end', Int32Array);
  const contributor = numbers(slotTable, 'contributor', Int32Array);
  const slots = Array.from(start, (_, k) => ({ start: start[k], end: end[k], contributor: contributor[k] }));
  assertTiling(slots, sketches.values.length / sketches.width);
  const options = indexOptions(manifest.parameters, folder);
  if (sketches.width !== options.instance.columns) {
    throw new MeedError(
      `${folder} holds sketches of ${sketches.width} columns, its circuit has ${options.instance.columns}`,
      'Make the index again',
    );
  }
  return {
    artefact,
    options,
    indexId: BigInt(factString(manifest, 'indexId')),
    root: BigInt(factString(manifest, 'root')),
    encoder: await readEncoder(folder),
    encoderHash: factString(manifest, 'encoderHash'),
    rows: sketches.values,
    slots,
    shardCommitments: stringList(manifest.facts.shardCommitments, 'shardCommitments', folder).map(BigInt),
    secret: await readSecret(folder),
  };
}

/** The field element in every commitment of an index: it binds them to data set, model, scorer, encoder and circuit. */
export function deriveIndexId(
  dataset: string,
  model: string,
  encoder: string,
  { scorer, instance }: Pick<IndexOptions, 'scorer' | 'instance'>,
): bigint {
  return fieldOfHash(sha256Json({ dataset, model, scorer, encoder, instance: { ...instance } }));
}

/** The commitments of single rows as the index publishes them, which nothing reads but an audit. */
export async function publishedCommitments({ artefact }: Pick<AttributionIndex, 'artefact'>): Promise<{
  readonly rowCommitments: readonly string[];
  readonly prefixCommitments: readonly string[];
  readonly leaves: readonly string[];
}> {
  const table = await readTable(join(artefact.folder, 'sketches.arrow'));
  return {
    rowCommitments: strings(table, 'rowCommitment'),
    prefixCommitments: strings(table, 'prefixCommitment'),
    leaves: strings(table, 'leaf'),
  };
}

/** The shards of an index, derived from its integers. */
export function indexShards({ options, indexId, rows, slots, secret }: AttributionIndex): Promise<Shard[]> {
  return commitShards({ instance: options.instance, indexId, rows, slots, secret });
}

/** Every commitment of an index, derived from its integers and the data set: what an auditor compares with the chain. */
export function indexCommitments(
  index: AttributionIndex,
  stored: StoredDataset,
  progress?: Progress,
): Promise<IndexCommitments> {
  const { options, indexId, rows, slots, secret } = index;
  const rowHashes = stored.rowHashes.map((hash) => Buffer.from(hash).toString('hex'));
  return commitIndex(
    { instance: options.instance, indexId, rows, slots, rowHashes, addresses: stored.addresses, secret },
    { progress },
  );
}

export async function readSecret(folder: string): Promise<string> {
  const opened: unknown = await readJson(join(folder, 'openings.json'));
  if (typeof opened === 'object' && opened !== null && 'secret' in opened && typeof opened.secret === 'string') {
    return opened.secret;
  }
  throw new MeedError(
    `${folder}/openings.json holds no secret`,
    'Without the openings nobody can check the commitments',
  );
}

export function stringList(value: unknown, name: string, folder: string): string[] {
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'string')) return value;
  throw new MeedError(`The manifest of ${folder} has no list "${name}"`, 'Make the artefact again with this version');
}

function indexOptions(parameters: JsonObject, folder: string): IndexOptions {
  const { scorer, reservedOutputs, seed, instance } = parameters;
  if (
    typeof scorer === 'string' &&
    typeof reservedOutputs === 'number' &&
    typeof seed === 'number' &&
    typeof instance === 'object' &&
    instance !== null &&
    !Array.isArray(instance)
  ) {
    const shape = instance as JsonObject;
    const { slots, queries, columns } = shape;
    if (typeof slots === 'number' && typeof queries === 'number' && typeof columns === 'number') {
      return { scorer, reservedOutputs, seed, instance: { slots, queries, columns } };
    }
  }
  throw new MeedError(`The manifest of ${folder} does not say how the index was made`, 'Make the index again');
}
