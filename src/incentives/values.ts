/**
 * What contributors are worth, measured by retraining: v(S) = −loss, on held-out rows with their true labels, of the
 * model trained on the rows of the coalition S by the same recipe and seed; v(∅) is the model before training. Jobs are
 * those of any other retraining, so they run on workers, are kept in a store and are found again.
 */
import { Random } from '../foundation/index.js';
import { lossesOf, trainMany } from '../models/index.js';
import type { MapOptions } from '../work/index.js';
import {
  exactPlan,
  type Game,
  leaveOneOut,
  leaveOneOutCoalitions,
  type ShapleyPlan,
  type ShapleyValues,
  sampledPlan,
} from './shapley.js';
import type { Subject } from './subject.js';
import { sharedInput, type Trial } from './trial.js';

export interface MeasuredValues {
  readonly how: ShapleyPlan['kind'];
  /** Models that were trained for it. */
  readonly retrainings: number;
  readonly shapley: ShapleyValues;
  /** contributors × outputs */
  readonly leaveOneOut: Float64Array;
  readonly outputs: number;
}

export interface ValueOptions {
  /** Up to as many retrainings every coalition is trained. */
  readonly mostCoalitions: number;
  /** Permutations when there are more, even. */
  readonly permutations: number;
}

export async function measureValues(
  { name, model, recipe }: Subject,
  trial: Trial,
  { mostCoalitions, permutations }: ValueOptions,
  work: MapOptions,
): Promise<MeasuredValues> {
  const { contributors, owners, samples, valueOutputs, seed } = trial;
  const plan =
    2 ** contributors <= mostCoalitions
      ? exactPlan(contributors)
      : sampledPlan(contributors, permutations, Random.named(seed, 'incentives/permutations'));
  const coalitions = [...new Set([...plan.coalitions, ...leaveOneOutCoalitions(contributors)])];
  const trained = coalitions.filter((coalition) => coalition !== 0);
  const results = await trainMany(
    { ...sharedInput(model, samples), ...recipe, keep: [], queries: valueOutputs },
    trained.map((coalition) => ({ rows: rowsOf(coalition, owners), seed })),
    { ...work, unit: `retrainings on ${name}` },
  );
  const outcomes = new Map(results.map(({ queryLosses }, at) => [trained[at], negated(queryLosses)]));
  const initial = model.initialise(Random.named(seed, 'weights'));
  outcomes.set(0, negated(await lossesOf(trial.attribution.engine, model, initial, valueOutputs)));
  const game: Game = {
    players: contributors,
    outcomes: valueOutputs.rows,
    of(coalition) {
      const outcome = outcomes.get(coalition);
      if (outcome) return outcome;
      throw new RangeError(`coalition ${coalition} was not planned`);
    },
  };
  return {
    how: plan.kind,
    retrainings: trained.length,
    shapley: plan.values(game),
    leaveOneOut: leaveOneOut(game),
    outputs: valueOutputs.rows,
  };
}

/** Mean of each player's values, each output counted as often as `times` says. */
export function meanValues(values: Float64Array, outputs: number, times?: Float64Array): Float64Array {
  const means = new Float64Array(values.length / outputs);
  const total = times ? times.reduce((sum, value) => sum + value, 0) : outputs;
  for (let i = 0; i < values.length; i++)
    means[Math.floor(i / outputs)] += (values[i] * (times?.[i % outputs] ?? 1)) / total;
  return means;
}

function rowsOf(coalition: number, owners: Int32Array): Uint32Array {
  const rows: number[] = [];
  for (let row = 0; row < owners.length; row++) if (coalition & (1 << owners[row])) rows.push(row);
  return Uint32Array.from(rows);
}

function negated(losses: Float32Array): Float64Array {
  return Float64Array.from(losses, (loss) => -loss);
}
