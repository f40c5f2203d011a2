/**
 * What methods have in common that train models of their own: which rows they train on, and where the samples that are
 * asked for stand among them. A sample that the explained run was not trained on changes nothing, so its score is 0.
 * The trap: scores belong to a training set, not to a row; other samples than the attribution's are refused.
 */
import type { Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import type { Samples } from '../../models/index.js';
import type { ScoringOptions } from '../pathScorer.js';
import type { Trainings } from '../retraining/index.js';
import { samplePlaces } from '../samplePlaces.js';
import type { Scorer } from '../scorer.js';
import { type Attribution, aboutScores, type MethodCard } from './method.js';

export interface RetrainingWork {
  readonly attribution: Attribution;
  readonly trainings: Trainings;
  /** Rows that the explained run was trained on, none twice, in its order: its players. */
  readonly rows: Uint32Array;
  readonly outputs: Samples;
  /** Positions in `rows` that are asked for; a method that needs all players for one of them may ignore it. */
  readonly asked: Uint32Array;
  readonly options: ScoringOptions;
}

/** Scores of the asked positions at least, [outputs, rows]; those of others may be anything. */
export type RetrainingScores = (work: RetrainingWork) => Promise<Float64Array>;

/** @param repeats trainings of every subset, with the run's seed, the next, and so on */
export function retrainingScorer(
  card: MethodCard,
  attribution: Attribution,
  repeats: number,
  options: ScoringOptions,
  scoresOf: RetrainingScores,
): Scorer {
  const { model, samples, runs, seed } = attribution;
  const [run] = runs;
  const rows = run.rows ?? Uint32Array.from({ length: samples.rows }, (_, row) => row);
  const positions = new Map(Array.from(rows, (row, position) => [row, position]));
  if (positions.size < rows.length) {
    throw new MeedError(
      `The run was trained on ${positions.size} samples in ${rows.length} rows`,
      'Explain a run that takes no sample twice: leaving one of two out is another question',
    );
  }
  const first = run.seed ?? seed;
  const seeds = Array.from({ length: repeats }, (_, r) => first + r);
  const trainings: Trainings = { model, samples, recipe: run.recipe, seeds };
  return {
    ...aboutScores(card),
    async score(outputs, asked): Promise<Tensor> {
      const places = samplePlaces(asked, samples);
      const wanted = Uint32Array.from(new Set(places.filter((place) => positions.has(place)))).sort();
      const data = new Float32Array(outputs.rows * places.length);
      if (wanted.length > 0 && outputs.rows > 0) {
        const given = await scoresOf({
          attribution,
          trainings,
          rows,
          outputs,
          asked: wanted.map((place) => positions.get(place) ?? 0),
          options,
        });
        for (let q = 0; q < outputs.rows; q++) {
          for (const [i, place] of places.entries()) {
            const position = positions.get(place);
            if (position !== undefined) data[q * places.length + i] = given[q * rows.length + position];
          }
        }
      }
      return { shape: [outputs.rows, places.length], data };
    },
    async dispose() {},
  };
}

/** Every row a player of its own. */
export function eachRow(rows: Uint32Array): Uint32Array[] {
  return Array.from(rows, (row) => Uint32Array.of(row));
}
