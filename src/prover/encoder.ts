/**
 * The published encoder of an index: everything that turns one training row into its integer sketch. With it anybody
 * derives φ_i for a single row again, without the other rows: scores of the calibration outputs against the row, times
 * D⁻¹ U Σ⁻¹, divided by the column scales, rounded.
 */
import { join } from 'node:path';
import { matrix, numbers, readTable, writeTable } from '../artefact/index.js';
import type { Engine, Tensor } from '../engine/index.js';
import { sha256 } from '../foundation/index.js';
import { type Scorer, sketchSamples } from '../influence/index.js';
import type { Samples } from '../models/index.js';
import { quantiseRow } from './reference/index.js';

export interface Encoder {
  /** Calibration outputs; the target is the class that the model gave. */
  readonly calibration: Samples;
  /** D⁻¹ U Σ⁻¹: [calibration rows, d]. */
  readonly basis: Tensor;
  /** d singular values of the calibration scores. */
  readonly singularValues: Float64Array;
  /** d column scales of the int8 sketches. */
  readonly scales: Float64Array;
}

const CALIBRATION = 'calibration.arrow';
const BASIS = 'basis.arrow';
const COLUMNS = 'columns.arrow';

export async function writeEncoder(folder: string, encoder: Encoder): Promise<void> {
  const { calibration, basis, singularValues, scales } = encoder;
  await writeTable(join(folder, CALIBRATION), {
    target: calibration.targets,
    features: { values: calibration.features, width: calibration.width },
  });
  await writeTable(join(folder, BASIS), { basis: { values: basis.data, width: basis.shape[1] } });
  await writeTable(join(folder, COLUMNS), { singularValue: singularValues, scale: scales });
}

export async function readEncoder(folder: string): Promise<Encoder> {
  const calibration = await readTable(join(folder, CALIBRATION));
  const features = matrix(calibration, 'features', Float32Array);
  const targets = numbers(calibration, 'target', Int32Array);
  const basis = matrix(await readTable(join(folder, BASIS)), 'basis', Float32Array);
  const columns = await readTable(join(folder, COLUMNS));
  return {
    calibration: { rows: targets.length, width: features.width, features: features.values, targets },
    basis: { shape: [targets.length, basis.width], data: basis.values },
    singularValues: numbers(columns, 'singularValue', Float64Array),
    scales: numbers(columns, 'scale', Float64Array),
  };
}

/** SHA-256 over every number of the encoder. */
export function encoderHash({ calibration, basis, singularValues, scales }: Encoder): string {
  const bytes = (view: Float32Array | Float64Array | Int32Array): Uint8Array =>
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return sha256(
    `meed/encoder/v1/${calibration.rows}/${calibration.width}/${scales.length}/`,
    bytes(calibration.targets),
    bytes(calibration.features),
    bytes(basis.data),
    bytes(singularValues),
    bytes(scales),
  );
}

/** Float sketches [rows, d] of any training rows. */
export async function encodeRows(engine: Engine, scorer: Scorer, encoder: Encoder, rows: Samples): Promise<Tensor> {
  const scores = await scorer.score(encoder.calibration, rows);
  return sketchSamples(engine, { encoder: encoder.basis, singularValues: encoder.singularValues, kept: 1 }, scores);
}

/** Integer sketches of a float sketch matrix: n × d int8, row-major. */
export function quantiseRows(sketches: Tensor, scales: Float64Array): Int8Array {
  const [rows, columns] = sketches.shape;
  const entries = new Int8Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    entries.set(quantiseRow(sketches.data.subarray(i * columns, (i + 1) * columns), scales), i * columns);
  }
  return entries;
}
