/**
 * The states of a run by epoch, which is how settings name them. The trap: epochs of a half-subset are half as many
 * steps, so a step number means something else for each run; an epoch does not.
 */
import { MeedError } from '../../foundation/index.js';
import type { Attribution, RunState, TrainedRun } from './method.js';

/** Epoch of the last state, whatever it is. */
export const LAST = 'last';

/** Optimiser steps of one epoch of a run on `rows` samples. */
export function stepsOfEpoch({ recipe, rows }: TrainedRun, all: number): number {
  return Math.ceil((rows?.length ?? all) / recipe.batch);
}

/** @throws MeedError when the run has no state at the end of that epoch, naming those that it has */
export function stateAt(run: TrainedRun, epoch: number | string, all: number): RunState {
  const last = run.states.at(-1);
  if (!last) throw new MeedError('A run without states was given', 'Keep at least its last state');
  if (epoch === LAST) return last;
  // an empty word would be the number 0
  const named = String(epoch).trim() === '' ? Number.NaN : Number(epoch);
  const step = named * stepsOfEpoch(run, all);
  const found = run.states.find((state) => state.step === Math.round(step));
  if (found) return found;
  const known = run.states.map((state) => state.step / stepsOfEpoch(run, all)).join(', ');
  throw new MeedError(`There is no state of epoch ${epoch}`, `Choose one of the epochs ${known}, or "${LAST}"`);
}

/** The state of each run at that epoch. */
export function statesAt({ runs, samples }: Attribution, epoch: number | string): RunState[] {
  return runs.map((run) => stateAt(run, epoch, samples.rows));
}

/**
 * The states of each run at several epochs, run after run.
 * @param epochs one epoch, several as "1,2,5", or "last"
 * @throws MeedError when a run has no such state, or what is given is no list of epochs
 */
export function statesAtEpochs({ runs, samples }: Attribution, epochs: number | string): RunState[] {
  const wanted = String(epochs).split(',');
  return runs.flatMap((run) => wanted.map((epoch) => stateAt(run, epoch.trim(), samples.rows)));
}
