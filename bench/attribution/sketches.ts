/**
 * How many numbers a sample needs: LDS of the ensemble's scores after they were sketched to d numbers, as floats and as
 * bytes, beside the scores as they are. All from one computation of the scores (`spectralSketch.sweep`).
 */
import {
  jointTruth,
  lds,
  noiseCeiling,
  type RetrainingOptions,
  type Setting,
  spectralSketch,
  trainRuns,
} from '../../src/influence/index.js';
import type { Row } from './table.js';

const COLUMNS = [64, 128, 224, 512];
const NUMBERS = ['float32', 'int8'];

export async function sketchRows(setting: Setting, epochs: string, work: RetrainingOptions): Promise<Row[]> {
  const { engine, model, samples, calibration, evaluation, heldOut, subsets, seed, name } = setting;
  const runs = await trainRuns(setting, setting.runs, work);
  const truth = (await jointTruth(setting, { heldOut, evaluation }, subsets, work)).evaluation;
  const settings = COLUMNS.flatMap((columns) =>
    NUMBERS.map((numbers) => ({ ...spectralSketch.defaults, columns, numbers, epochs })),
  );
  const attribution = { engine, model, samples, calibration, runs, seed };
  const ceiling = truth.again ? noiseCeiling(truth.truth, truth.again).value : null;
  const rows: Row[] = [];
  let begun = performance.now();
  for await (const scores of spectralSketch.sweep?.(attribution, settings, evaluation, work) ?? []) {
    const { columns, numbers } = settings[rows.length];
    const seconds = (performance.now() - begun) / 1000;
    const { value, low, high } = lds({ scores, ...truth });
    rows.push({
      setting: name,
      method: `spectral-sketch (d = ${columns}, ${numbers})`,
      params: JSON.stringify(settings[rows.length]),
      models: runs.length,
      lds: value,
      interval: [low, high],
      ceiling,
      heldOutLds: null,
      seconds,
      bytesPerSample: numbers === 'int8' ? columns : 4 * columns,
      note: rows.length === 0 ? 'with the scores of all outputs, which the others share' : null,
    });
    begun = performance.now();
  }
  return rows;
}
