/**
 * A contributor's value by retraining: Shapley's mean marginal contribution over all orders in which contributors could
 * have joined (Shapley 1953; Data Shapley, Ghorbani and Zou 2019, equation 1), exact over all coalitions for few
 * contributors, else over sampled permutations with standard errors, and leave-one-contributor-out. Values are linear in
 * the game, so a game with several outcomes (a loss for each held-out output) has one value for each, and their mean is the
 * value of the mean; that is what makes intervals over outputs cheap.
 * The trap: coalitions are bit masks of 32-bit integers, so contributors are at most 30.
 */
import { MeedError, type Random } from '../foundation/index.js';

export const MOST_CONTRIBUTORS = 30;

/** The outcomes of coalitions: `outcomes` numbers each, larger is better. */
export interface Game {
  readonly players: number;
  readonly outcomes: number;
  /** Outcomes of a coalition, a bit mask of players. */
  of(coalition: number): Float64Array;
}

/** How a player's value is found: the coalitions that must be evaluated, and the values of the game once they are. */
export interface ShapleyPlan {
  readonly kind: 'exact' | 'sampled';
  /** Distinct, ascending. */
  readonly coalitions: Uint32Array;
  values(game: Game): ShapleyValues;
}

export interface ShapleyValues {
  /** players × outcomes */
  readonly values: Float64Array;
  /** Standard error of each player's mean over outcomes, of the sampling of permutations; 0 when exact. */
  readonly errors: Float64Array;
}

/** All 2^players coalitions. @throws MeedError when they are too many to list */
export function exactPlan(players: number): ShapleyPlan {
  checkPlayers(players);
  if (players > 20) {
    throw new MeedError(`${players} contributors have ${2 ** players} coalitions`, 'Sample permutations instead');
  }
  return {
    kind: 'exact',
    coalitions: Uint32Array.from({ length: 2 ** players }, (_, coalition) => coalition),
    values: exactValues,
  };
}

/** φ_p = Σ_{S ∌ p} |S|! (n − |S| − 1)! / n! · (v(S ∪ p) − v(S)). */
function exactValues(game: Game): ShapleyValues {
  const { players, outcomes } = game;
  const weights = new Float64Array(players);
  weights[0] = 1 / players;
  for (let size = 1; size < players; size++) weights[size] = (weights[size - 1] * size) / (players - size);
  const values = new Float64Array(players * outcomes);
  for (let coalition = 0; coalition < 2 ** players; coalition++) {
    const outcome = game.of(coalition);
    const size = bits(coalition);
    for (let p = 0; p < players; p++) {
      // as the coalition with p it counts for p, as the one without it against
      const weight = coalition & (1 << p) ? weights[size - 1] : -weights[size];
      for (let o = 0; o < outcomes; o++) values[p * outcomes + o] += weight * outcome[o];
    }
  }
  return { values, errors: new Float64Array(players) };
}

/**
 * Permutations in pairs, one the reverse of the other (antithetic: what joins early in one joins late in the other), so the
 * standard error is that of the pairs' means.
 * @param permutations even, at least 4
 * @throws MeedError when they are not
 */
export function sampledPlan(players: number, permutations: number, random: Random): ShapleyPlan {
  checkPlayers(players);
  if (!Number.isInteger(permutations) || permutations < 4 || permutations % 2 !== 0) {
    throw new MeedError(`${permutations} permutations were asked for`, 'Ask for an even number of at least 4');
  }
  const orders: Uint32Array[] = [];
  for (let pair = 0; pair < permutations / 2; pair++) {
    const order = random.permutation(players);
    orders.push(order, order.slice().reverse());
  }
  const coalitions = new Set([0]);
  for (const order of orders) {
    let coalition = 0;
    for (const p of order) {
      coalition |= 1 << p;
      coalitions.add(coalition);
    }
  }
  return {
    kind: 'sampled',
    coalitions: Uint32Array.from(coalitions).sort(),
    values: (game) => sampledValues(game, orders),
  };
}

function sampledValues(game: Game, orders: readonly Uint32Array[]): ShapleyValues {
  const { players, outcomes } = game;
  const values = new Float64Array(players * outcomes);
  const pairs = orders.length / 2;
  const means = new Float64Array(players * pairs);
  for (const [at, order] of orders.entries()) {
    let coalition = 0;
    let before = game.of(0);
    for (const p of order) {
      coalition |= 1 << p;
      const after = game.of(coalition);
      for (let o = 0; o < outcomes; o++) {
        const gain = after[o] - before[o];
        values[p * outcomes + o] += gain / orders.length;
        means[p * pairs + (at >> 1)] += gain / (2 * outcomes);
      }
      before = after;
    }
  }
  const errors = Float64Array.from({ length: players }, (_, p) => {
    const own = means.subarray(p * pairs, (p + 1) * pairs);
    const mean = own.reduce((sum, value) => sum + value, 0) / pairs;
    const squares = own.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    return Math.sqrt(squares / (pairs * (pairs - 1)));
  });
  return { values, errors };
}

/** v(all) − v(all without p) for each outcome: players × outcomes. */
export function leaveOneOut(game: Game): Float64Array {
  const { players, outcomes } = game;
  const all = wholeCoalition(players);
  const whole = game.of(all);
  const values = new Float64Array(players * outcomes);
  for (let p = 0; p < players; p++) {
    const without = game.of(all ^ (1 << p));
    for (let o = 0; o < outcomes; o++) values[p * outcomes + o] = whole[o] - without[o];
  }
  return values;
}

/** The coalitions that leave-one-out needs. */
export function leaveOneOutCoalitions(players: number): Uint32Array {
  const all = wholeCoalition(players);
  return Uint32Array.from([all, ...Array.from({ length: players }, (_, p) => all ^ (1 << p))]);
}

export function wholeCoalition(players: number): number {
  return 2 ** players - 1;
}

function checkPlayers(players: number): void {
  if (Number.isInteger(players) && players >= 1 && players <= MOST_CONTRIBUTORS) return;
  throw new MeedError(
    `${players} contributors were given, a coalition is of 1 to ${MOST_CONTRIBUTORS}`,
    'Merge the small ones',
  );
}

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++;
  return count;
}
