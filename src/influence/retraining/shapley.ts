/**
 * The Shapley value (Shapley 1953): a player's mean gain over all orders in which the players may arrive; the only share
 * that is efficient, symmetric, additive and gives nothing to who changes nothing. Exact from the values of all
 * coalitions; sampled by permutations (Castro et al. 2009), truncated as by Ghorbani and Zou 2019 ("Data Shapley",
 * algorithm 1): an order is followed until what is still to gain is within the tolerance, the rest of it counts as 0.
 * The trap: truncation is biased by up to the tolerance, and it breaks exact efficiency; without one every sampled order
 * adds up to v(all) − v(none) exactly.
 */
import { MeedError, type Progress, Random, silent } from '../../foundation/index.js';
import { CancelledError } from '../../work/index.js';
import { allCoalitions, type Coalition, checkedValue, type Game, playersOf } from './game.js';

/**
 * @param values of all 2^players coalitions; coalition s holds the players whose bits of s are set
 * @returns [players]; they add up to values[all] − values[none]
 * @throws MeedError when the number of values is no power of two, or one is not finite
 */
export function exactShapley(values: ArrayLike<number>): Float64Array {
  const players = playersOf(values);
  // weight of a coalition of s others: 1 ÷ (players · C(players − 1, s))
  const weights = new Float64Array(players).fill(1 / players);
  for (let s = 1; s < players; s++) weights[s] = (weights[s - 1] * s) / (players - s);
  const shares = new Float64Array(players);
  for (let bits = 0; bits < values.length; bits++) {
    const size = bitCount(bits);
    for (let player = 0; player < players; player++) {
      const bit = 1 << player;
      if ((bits & bit) === 0) shares[player] += weights[size] * (values[bits | bit] - values[bits]);
    }
  }
  return shares;
}

export interface Shares {
  /** [outputs, players] */
  readonly values: Float64Array;
  /** [outputs, players] of the mean over samples; 0 where exact, infinite with one sample. */
  readonly standardErrors: Float64Array;
  /** Coalitions whose values were asked for. */
  readonly evaluations: number;
}

/** Asks the game for all 2^players coalitions. @throws MeedError when they are too many */
export async function exactShapleyOf(game: Game): Promise<Shares> {
  const { players, outputs } = game;
  const coalitions = allCoalitions(players);
  const values = await game.values(coalitions);
  const shares = new Float64Array(outputs * players);
  for (let q = 0; q < outputs; q++) {
    const column = Float64Array.from(values, (value) => checkedValue(game, value)[q]);
    shares.set(exactShapley(column), q * players);
  }
  return {
    values: shares,
    standardErrors: new Float64Array(outputs * players),
    evaluations: coalitions.length,
  };
}

export interface PermutationSampling {
  /** Orders drawn. */
  readonly permutations: number;
  /** An output follows an order while it has more than this still to gain or lose; 0: to its end. */
  readonly tolerance: number;
  readonly seed: number;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

/**
 * All orders are followed in step, so that one place of every order is one call of the game.
 * @throws MeedError when a number is out of range; CancelledError after the signal
 */
export async function sampledShapley(game: Game, sampling: PermutationSampling): Promise<Shares> {
  const { players, outputs } = game;
  const { permutations, tolerance, seed, progress = silent, signal } = sampling;
  if (!Number.isInteger(permutations) || permutations < 1)
    throw new MeedError(`${permutations} permutations were asked for`, 'Give a whole number from 1');
  if (!(tolerance >= 0)) throw new MeedError(`The tolerance is ${tolerance}`, 'Give a number of at least 0');
  const random = Random.named(seed, 'shapley/permutations');
  const [none, all] = await game.values([new Uint32Array(), Uint32Array.from({ length: players }, (_, i) => i)]);
  let evaluations = 2;
  checkedValue(game, none);
  checkedValue(game, all);
  const orders = Array.from({ length: permutations }, () => ({
    order: random.permutation(players),
    before: none,
    followed: new Uint8Array(outputs).fill(1),
    gains: new Float64Array(outputs * players),
  }));
  let open = orders;
  for (let place = 0; place < players && open.length > 0; place++) {
    if (signal?.aborted) throw new CancelledError('The sampling of permutations');
    // each output apart, or its shares would depend on which others are asked for
    for (const { before, followed } of tolerance > 0 ? open : []) {
      for (let q = 0; q < outputs; q++) if (Math.abs(all[q] - before[q]) <= tolerance) followed[q] = 0;
    }
    open = open.filter(({ followed }) => followed.includes(1));
    const last = place === players - 1;
    const after = last ? open.map(() => all) : await game.values(open.map(({ order }) => arrived(order, place + 1)));
    evaluations += last ? 0 : open.length;
    for (const [o, following] of open.entries()) {
      checkedValue(game, after[o]);
      for (let q = 0; q < outputs; q++) {
        if (following.followed[q] === 1)
          following.gains[q * players + following.order[place]] = after[o][q] - following.before[q];
      }
      following.before = after[o];
    }
    progress(place + 1, players, 'places of the permutations');
  }
  return { ...meanOf(orders.map(({ gains }) => gains)), evaluations };
}

function arrived(order: Uint32Array, count: number): Coalition {
  return order.slice(0, count).sort();
}

/** Means of independent samples and their standard errors. */
function meanOf(samples: readonly Float64Array[]): Pick<Shares, 'values' | 'standardErrors'> {
  const count = samples.length;
  const values = new Float64Array(samples[0].length);
  for (const sample of samples) for (const [i, x] of sample.entries()) values[i] += x / count;
  const standardErrors = new Float64Array(values.length).fill(count > 1 ? 0 : Number.POSITIVE_INFINITY);
  if (count > 1) {
    for (const sample of samples) for (const [i, x] of sample.entries()) standardErrors[i] += (x - values[i]) ** 2;
    for (const [i, sum] of standardErrors.entries()) standardErrors[i] = Math.sqrt(sum / (count - 1) / count);
  }
  return { values, standardErrors };
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
