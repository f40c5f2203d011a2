/**
 * A cooperative game with several values: players are rows, or groups of rows such as contributors; the value of a
 * coalition is one number for each output, higher is better. Shapley and Banzhaf values, datamodels and leave-one-out are
 * different averages of the same thing, what a coalition's value gains by a player.
 * The trap: coalitions are compared by their members, so members ascend and none comes twice.
 */
import { MeedError } from '../../foundation/index.js';

/** Players by number, ascending, none twice; may be empty. */
export type Coalition = Uint32Array;

export interface Game {
  readonly players: number;
  /** Numbers that a coalition's value has. */
  readonly outputs: number;
  /** One array of `outputs` numbers for each coalition. Coalitions of one call may be worked on side by side. */
  values(coalitions: readonly Coalition[]): Promise<Float64Array[]>;
}

/** The same game, which asks for no coalition twice. It keeps every value: outputs numbers for each coalition. */
export function remembering(game: Game): Game {
  const known = new Map<string, Float64Array>();
  return {
    players: game.players,
    outputs: game.outputs,
    async values(coalitions) {
      const keys = coalitions.map((coalition) => coalition.join());
      const asked = new Map<string, Coalition>();
      for (const [i, key] of keys.entries()) if (!known.has(key)) asked.set(key, coalitions[i]);
      if (asked.size > 0) {
        const values = await game.values([...asked.values()]);
        for (const [i, key] of [...asked.keys()].entries()) known.set(key, checkedValue(game, values[i]));
      }
      return keys.map((key) => known.get(key) as Float64Array);
    },
  };
}

/** @throws MeedError when a value is not one finite number for each output */
export function checkedValue({ outputs }: Game, value: Float64Array): Float64Array {
  if (value?.length === outputs && value.every(Number.isFinite)) return value;
  throw new MeedError(
    `A coalition has the value [${Array.from(value ?? []).slice(0, 4)}], ${outputs} finite numbers are needed`,
    'Look why a training of few samples diverges, or give a value that is defined for every coalition',
  );
}

/** All 2^players coalitions; coalition s holds the players whose bits of s are set. @throws MeedError beyond MOST_EXACT */
export function allCoalitions(players: number): Coalition[] {
  refuseMany(players);
  return Array.from({ length: 2 ** players }, (_, bits) => {
    const members: number[] = [];
    for (let player = 0; player < players; player++) if ((bits >>> player) & 1) members.push(player);
    return Uint32Array.from(members);
  });
}

/** Players whose coalitions are all evaluated: 2^16 values. */
export const MOST_EXACT = 16;

function refuseMany(players: number): void {
  if (Number.isInteger(players) && players >= 1 && players <= MOST_EXACT) return;
  throw new MeedError(
    `All coalitions of ${players} players were asked for`,
    `Give 1 to ${MOST_EXACT} players, or sample coalitions`,
  );
}

/** The number of players whose 2^players coalitions these are. @throws MeedError when there is none, or a value is not finite */
export function playersOf(values: ArrayLike<number>): number {
  const players = Math.log2(values.length);
  if (!Number.isInteger(players)) {
    throw new MeedError(
      `${values.length} values were given for all coalitions`,
      'Give 2^players values, that of the coalition with bits s in place s',
    );
  }
  refuseMany(players);
  const stray = Array.prototype.findIndex.call(values, (value: number) => !Number.isFinite(value));
  if (stray < 0) return players;
  throw new MeedError(`Coalition ${stray} has the value ${values[stray]}`, 'Give finite values');
}
