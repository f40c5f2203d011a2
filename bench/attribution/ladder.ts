/**
 * Figures of one computation under several settings (`Method.sweep`), so that what they share is paid once: how many
 * numbers a sample needs, and what the trained weights alone are worth beside checkpoints. Nothing is chosen here.
 */
import {
  jointTruth,
  lds,
  type Method,
  noiseCeiling,
  type RetrainingOptions,
  type Setting,
  type Settings,
  trainRuns,
} from '../../src/influence/index.js';
import { bytesPerSample } from './bytesPerSample.js';
import type { Row } from './table.js';

export interface Rung {
  /** Behind the method's name. */
  readonly suffix: string;
  /** Over the defaults. */
  readonly settings: Settings;
}

export const ENSEMBLE_EPOCHS = '5,10,50';

export const SKETCHES: readonly Rung[] = [64, 128, 224, 512].flatMap((columns) =>
  ['float32', 'int8'].map((numbers) => ({
    suffix: ` (d = ${columns}, ${numbers})`,
    settings: { columns, numbers, epochs: ENSEMBLE_EPOCHS },
  })),
);

export const ENSEMBLES: readonly Rung[] = [
  { suffix: ' (final weights)', settings: { epochs: 'last' } },
  { suffix: ' (checkpoints)', settings: { epochs: ENSEMBLE_EPOCHS } },
];

/** @param method one that sweeps; seconds of the first row are those of everything that the rows share */
export async function ladderRows(
  setting: Setting,
  method: Method,
  rungs: readonly Rung[],
  work: RetrainingOptions,
): Promise<Row[]> {
  const { engine, model, samples, calibration, evaluation, heldOut, subsets, seed, name } = setting;
  const runs = await trainRuns(setting, setting.runs, work);
  const truth = (await jointTruth(setting, { heldOut, evaluation }, subsets, work)).evaluation;
  const settings = rungs.map((rung): Settings => ({ ...method.defaults, ...rung.settings }));
  const attribution = { engine, model, samples, calibration, runs, seed };
  const ceiling = truth.again ? noiseCeiling(truth.truth, truth.again).value : null;
  const bytes = await bytesPerSample(setting);
  const rows: Row[] = [];
  let begun = performance.now();
  for await (const scores of method.sweep?.(attribution, settings, evaluation, work) ?? []) {
    const [{ suffix }, given] = [rungs[rows.length], settings[rows.length]];
    const seconds = (performance.now() - begun) / 1000;
    const { value, low, high } = lds({ scores, ...truth });
    rows.push({
      setting: name,
      method: `${method.name}${suffix}`,
      params: JSON.stringify(given),
      models: runs.length,
      lds: value,
      interval: [low, high],
      ceiling,
      heldOutLds: null,
      seconds,
      bytesPerSample: bytes(method, given, setting) ?? null,
      note: rows.length === 0 ? 'seconds of all that the following rows share' : null,
    });
    begun = performance.now();
  }
  return rows;
}
