/**
 * The states of a long run in reverse order with few of them held: states are stored at even distances, and what lies
 * between two of them is computed again when it is needed, itself with stored states where it is long (Griewank 1992;
 * the tree of Ilyas and Engstrom 2025, "MAGIC", appendix on REPLAY). Since a step computed again gives the same bits,
 * how many states fit changes the time and nothing else.
 * With s states the depth is the least L with (⌊s/L⌋ + 1)^L ≥ steps, and each step is computed at most L times.
 */
import { MeedError } from '../../foundation/index.js';

export interface Steps<State> {
  /** The state after step `step`, from the one before it. It may not change what it was given. */
  advance(before: State, step: number): Promise<State>;
  /** Called for each step, the last first, with the state before it. */
  visit(before: State, step: number): Promise<void>;
}

/** A stored state: what is known before step `step`. */
interface Mark<State> {
  readonly step: number;
  readonly state: State;
}

/** A run of steps [from, until) whose first states of each part are stored. */
export interface Tape<State> {
  readonly marks: readonly Mark<State>[];
  readonly until: number;
  /** After the last step. */
  readonly last: State;
  /** States that may be stored while a part is gone through. */
  readonly spare: number;
}

/** The fewest stored states, beside the first, with which this many steps can be gone through backwards. */
export function fewestStates(steps: number): number {
  return Math.max(0, Math.ceil(Math.log2(Math.max(1, steps))));
}

/**
 * Goes through the run once and stores states.
 * @param states how many may be stored beside the first, over the whole of the rewinding
 * @throws MeedError when they are too few
 */
export async function record<State>(
  { from, until }: { readonly from: number; readonly until: number },
  first: State,
  states: number,
  steps: Pick<Steps<State>, 'advance'>,
): Promise<Tape<State>> {
  const { stored, distance } = spread(until - from, states);
  const marks = [{ step: from, state: first }];
  let state = first;
  for (let step = from; step < until; step++) {
    state = await steps.advance(state, step);
    const done = step + 1 - from;
    if (done % distance === 0 && step + 1 < until) marks.push({ step: step + 1, state });
  }
  return { marks, until, last: state, spare: states - stored };
}

/** Visits every step of the tape, the last first. It can be done again. */
export async function rewind<State>(
  { marks, until, spare }: Omit<Tape<State>, 'last'>,
  steps: Steps<State>,
): Promise<void> {
  for (let m = marks.length - 1; m >= 0; m--) {
    const { step: from, state } = marks[m];
    const end = m + 1 < marks.length ? marks[m + 1].step : until;
    if (end - from === 1) await steps.visit(state, from);
    else if (end > from) {
      // the state after the last step is not needed, so the last step is not computed
      const part = await record({ from, until: end - 1 }, state, spare, steps);
      await steps.visit(part.last, end - 1);
      await rewind(part, steps);
    }
  }
}

/** How many states are stored, and how many steps lie between them. */
function spread(length: number, states: number): { stored: number; distance: number } {
  if (states < fewestStates(length)) {
    throw new MeedError(
      `${states} states of a run of ${length} steps may be stored, ${fewestStates(length)} are needed`,
      'Give more with --memory, or use fewer --workers, which share it',
    );
  }
  for (let depth = 1; depth <= states; depth++) {
    const stored = Math.floor(states / depth);
    if ((stored + 1) ** depth < length) continue;
    const distance = Math.max(1, Math.ceil(length / (stored + 1)));
    return { stored: Math.max(0, Math.ceil(length / distance) - 1), distance };
  }
  return { stored: 0, distance: Math.max(1, length) };
}
