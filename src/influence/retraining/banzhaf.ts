/**
 * The Banzhaf value: a player's mean gain over all coalitions of the others, each as likely as any other (Wang and Jia
 * 2023, "Data Banzhaf": of all such averages the one whose ranking noise in the values changes least). Sampled with
 * their estimator of maximum sample reuse: coalitions take every player with probability ½, and a player's value is the
 * mean value of the coalitions with it less the mean of those without, so that every evaluation serves every player.
 * The trap: Banzhaf values do not add up to v(all) − v(none); they rank, they do not share.
 */
import { MeedError, Random } from '../../foundation/index.js';
import { allCoalitions, type Coalition, checkedValue, type Game, playersOf } from './game.js';
import type { Shares } from './shapley.js';

/**
 * @param values of all 2^players coalitions; coalition s holds the players whose bits of s are set
 * @returns [players]
 * @throws MeedError when the number of values is no power of two, or one is not finite
 */
export function exactBanzhaf(values: ArrayLike<number>): Float64Array {
  const players = playersOf(values);
  const shares = new Float64Array(players);
  for (let bits = 0; bits < values.length; bits++) {
    for (let player = 0; player < players; player++) {
      const bit = 1 << player;
      if ((bits & bit) === 0) shares[player] += (values[bits | bit] - values[bits]) / (values.length / 2);
    }
  }
  return shares;
}

/** Asks the game for all 2^players coalitions. @throws MeedError when they are too many */
export async function exactBanzhafOf(game: Game): Promise<Shares> {
  const { players, outputs } = game;
  const coalitions = allCoalitions(players);
  const values = await game.values(coalitions);
  const shares = new Float64Array(outputs * players);
  for (let q = 0; q < outputs; q++) {
    shares.set(exactBanzhaf(Float64Array.from(values, (value) => checkedValue(game, value)[q])), q * players);
  }
  return { values: shares, standardErrors: new Float64Array(outputs * players), evaluations: coalitions.length };
}

/** Coalitions that take every player with probability ½. Those of fewer are a beginning of those of more. */
export function halfCoalitions(players: number, count: number, seed: number): Coalition[] {
  const random = Random.named(seed, 'banzhaf/coalitions');
  return Array.from({ length: count }, () => {
    const all = Uint32Array.from({ length: players }, (_, player) => player);
    return all.filter(() => random.uniform() < 0.5);
  });
}

/**
 * Maximum sample reuse. Standard errors are those of a difference of two means.
 * @param values of the coalitions, `outputs` numbers each
 * @throws MeedError when a player is in all coalitions or in none: it has no mean on one side
 */
export function banzhafOfSamples(
  players: number,
  coalitions: readonly Coalition[],
  values: readonly Float64Array[],
): Shares {
  const outputs = values[0]?.length ?? 0;
  const game = { players, outputs, values: async () => [...values] };
  const count = coalitions.length;
  const [totals, squares] = [new Float64Array(outputs), new Float64Array(outputs)];
  // values are measured from the first, so that squares do not cancel
  const from = values[0];
  const counts = new Uint32Array(players);
  const [sums, sumSquares] = [new Float64Array(outputs * players), new Float64Array(outputs * players)];
  for (const [c, coalition] of coalitions.entries()) {
    checkedValue(game, values[c]);
    for (const player of coalition) counts[player]++;
    for (let q = 0; q < outputs; q++) {
      const value = values[c][q] - from[q];
      totals[q] += value;
      squares[q] += value * value;
      for (const player of coalition) {
        sums[q * players + player] += value;
        sumSquares[q * players + player] += value * value;
      }
    }
  }
  const lonely = counts.findIndex((inside) => inside === 0 || inside === count);
  if (lonely >= 0 || count === 0) {
    throw new MeedError(
      `Player ${lonely} is in ${count === 0 ? 'none of 0' : `${counts[lonely]} of ${count}`} coalitions`,
      'Sample more coalitions, so that every player is in some and out of others',
    );
  }
  const shares = new Float64Array(outputs * players);
  const standardErrors = new Float64Array(outputs * players);
  for (let q = 0; q < outputs; q++) {
    for (let player = 0; player < players; player++) {
      const at = q * players + player;
      const [inside, outside] = [counts[player], count - counts[player]];
      const [sumOut, squareOut] = [totals[q] - sums[at], squares[q] - sumSquares[at]];
      shares[at] = sums[at] / inside - sumOut / outside;
      standardErrors[at] = Math.sqrt(
        varianceOfMean(sums[at], sumSquares[at], inside) + varianceOfMean(sumOut, squareOut, outside),
      );
    }
  }
  return { values: shares, standardErrors, evaluations: count };
}

/** Infinite where one number says nothing of its spread. */
function varianceOfMean(sum: number, square: number, count: number): number {
  if (count < 2) return Number.POSITIVE_INFINITY;
  return Math.max(0, square - (sum * sum) / count) / (count - 1) / count;
}
