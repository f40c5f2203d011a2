/**
 * Learning rate schedules: pure functions of the step (from 0), so that a replayed segment needs nothing but its step.
 * Cosine: Loshchilov and Hutter 2017 (SGDR), equation 5, without restarts, after a linear warm-up. Cyclic: the triangular
 * policy of Smith 2017, section 3.2.
 * The trap: with a warm-up of n steps the first step must already move, so step s of it has the rate peak·(s + 1)/n.
 */
import { MeedError } from '../foundation/index.js';

/** Rate of a step, counted from 0. */
export type Schedule = (step: number) => number;

export function constant(rate: number): Schedule {
  refuseRate('rate', rate);
  return () => rate;
}

export interface CosineOptions {
  readonly peak: number;
  /** Reached at the last step, and kept after it. */
  readonly floor?: number;
  /** Steps of linear warm-up; the step after them has the peak. */
  readonly warmup?: number;
  /** All steps, warm-up included. */
  readonly steps: number;
}

/** @throws MeedError when the warm-up is not shorter than the training */
export function cosine({ peak, floor = 0, warmup = 0, steps }: CosineOptions): Schedule {
  refuseRate('peak', peak);
  refuseRate('floor', floor);
  refuseSteps('steps', steps, 1);
  refuseSteps('warmup', warmup, 0);
  if (warmup >= steps) {
    throw new MeedError(
      `A warm-up of ${warmup} steps does not fit a training of ${steps}`,
      'Warm up for fewer steps than you train',
    );
  }
  const span = Math.max(1, steps - 1 - warmup);
  return (step) => {
    if (step < warmup) return (peak * (step + 1)) / warmup;
    const share = Math.min(1, (step - warmup) / span);
    return floor + ((peak - floor) * (1 + Math.cos(Math.PI * share))) / 2;
  };
}

export interface CyclicOptions {
  readonly low: number;
  readonly high: number;
  /** Steps from the lowest rate to the highest. */
  readonly halfCycle: number;
}

export function triangular({ low, high, halfCycle }: CyclicOptions): Schedule {
  refuseRate('low', low);
  refuseRate('high', high);
  refuseSteps('halfCycle', halfCycle, 1);
  return (step) => {
    const place = step % (2 * halfCycle);
    return low + (high - low) * (1 - Math.abs(place / halfCycle - 1));
  };
}

function refuseRate(name: string, rate: number): void {
  if (!Number.isFinite(rate) || rate < 0)
    throw new MeedError(`The schedule's ${name} is ${rate}`, 'Give a finite rate of at least 0');
}

function refuseSteps(name: string, steps: number, least: number): void {
  if (!Number.isInteger(steps) || steps < least)
    throw new MeedError(`The schedule's ${name} is ${steps}`, `Give a whole number of at least ${least}`);
}
