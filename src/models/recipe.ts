/**
 * How a model is trained, as data: optimiser and schedule by name with their numbers, so that a recipe can be hashed, sent
 * to a worker and written in a manifest. The trap: a schedule needs to know how many steps there are, which follows from
 * the rows, so a recipe names a schedule and only `openSchedule` makes one.
 */
import { type AdamWOptions, adamW, type Optimiser, type SgdOptions, sgd } from './optimisers.js';
import { type CosineOptions, constant, cosine, type Schedule } from './schedules.js';

export type OptimiserChoice =
  | ({ readonly name: 'sgd' } & Required<SgdOptions>)
  | ({ readonly name: 'adamw' } & Required<AdamWOptions>);

export type ScheduleChoice =
  | { readonly name: 'constant'; readonly rate: number }
  | ({ readonly name: 'cosine' } & Required<Omit<CosineOptions, 'steps'>>);

/** All that decides a training beside model, samples and seed. */
export interface Recipe {
  readonly epochs: number;
  readonly batch: number;
  readonly optimiser: OptimiserChoice;
  readonly schedule: ScheduleChoice;
  /** Share of hidden units dropped, in [0, 1). */
  readonly dropout: number;
  /** Longest global norm of the gradient; absent: as it is. */
  readonly clip?: number;
}

/** @throws MeedError when a number is out of its range */
export function openOptimiser(choice: OptimiserChoice): Optimiser {
  return choice.name === 'sgd' ? sgd(choice) : adamW(choice);
}

/** @throws MeedError when a rate is no rate, or a warm-up does not fit */
export function openSchedule(choice: ScheduleChoice, steps: number): Schedule {
  return choice.name === 'constant' ? constant(choice.rate) : cosine({ ...choice, steps });
}

/** Rate of every step. */
export function ratesOf({ schedule, epochs, batch }: Recipe, rows: number): number[] {
  const steps = epochs * Math.ceil(rows / batch);
  const rate = openSchedule(schedule, steps);
  return Array.from({ length: steps }, (_, step) => rate(step));
}
