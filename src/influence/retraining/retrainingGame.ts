/**
 * The game of which rows are trained on: a player is a row or a group of rows (a contributor), the value of a coalition
 * is −loss of each output under the model trained on the rows of its members. Every coalition is trained with the same
 * seeds, so that what differs between two values is as little chance as can be.
 * The trap: nobody at all is a coalition too; its model is the initial one, which needs no training.
 */
import { cpuEngine } from '../../engine/index.js';
import { MeedError, Random } from '../../foundation/index.js';
import {
  checkSamples,
  checkTargets,
  type Losses,
  lossesOf,
  type Model,
  type Recipe,
  type Samples,
  trainMany,
} from '../../models/index.js';
import type { MapOptions } from '../../work/index.js';
import { type Coalition, type Game, MOST_EXACT, remembering } from './game.js';

export interface Trainings {
  /** Rebuilt from its definition by whoever trains it. */
  readonly model: Model;
  readonly samples: Samples;
  readonly recipe: Recipe;
  /** A coalition's value is the mean over these. */
  readonly seeds: readonly number[];
}

export interface RetrainingOptions extends Omit<MapOptions, 'unit'> {
  /** The scalar of an output whose negative is the value; the model's loss unless told. */
  readonly target?: Losses;
}

/** Trainings whose weights are held at once, where another scalar than the loss is asked of them. */
const HELD = 32;

/**
 * @param players rows of each player; no row of two
 * @throws MeedError when a row is not there or has two owners, a player has none, or there is no seed
 */
export function retrainingGame(
  trainings: Trainings,
  outputs: Samples,
  players: readonly Uint32Array[],
  options: RetrainingOptions = {},
): Game {
  const { samples, model, seeds } = trainings;
  checkSamples(model, outputs);
  checkTargets(model, outputs);
  checkPlayers(players, samples.rows);
  if (seeds.length === 0) throw new MeedError('Trainings without a seed were asked for', 'Give at least one seed');
  const game: Game = {
    players: players.length,
    outputs: outputs.rows,
    async values(coalitions) {
      const members = coalitions.flatMap((coalition) =>
        coalition.length === 0 ? [] : seeds.map((seed) => ({ rows: rowsOf(players, coalition), seed })),
      );
      const losses = await trainedLosses(trainings, members, outputs, options);
      const none = coalitions.some(({ length }) => length === 0)
        ? meanNegative(await initialLosses(trainings, outputs, options))
        : undefined;
      let next = 0;
      return coalitions.map((coalition) => {
        if (coalition.length === 0) return none as Float64Array;
        next += seeds.length;
        return meanNegative(losses.slice(next - seeds.length, next));
      });
    },
  };
  // with few players coalitions come again, with many they do not
  return players.length <= MOST_EXACT ? remembering(game) : game;
}

/** Rows of each group, by the group of each row. @param groups a number from 0 to count − 1 for each row */
export function rowsOfGroups(groups: ArrayLike<number>, count: number): Uint32Array[] {
  const rows: number[][] = Array.from({ length: count }, () => []);
  for (let row = 0; row < groups.length; row++) {
    const own = rows[groups[row]];
    if (own === undefined) {
      throw new MeedError(
        `Row ${row} is of group ${groups[row]}, there are ${count}`,
        `Give groups from 0 to ${count - 1}`,
      );
    }
    own.push(row);
  }
  return rows.map((own) => Uint32Array.from(own));
}

export interface WeighedMember {
  readonly rows: Uint32Array;
  readonly seed: number;
  readonly sampleWeights?: Float32Array;
}

/** Target of each output under the model of each member, [members][outputs]. */
export async function trainedLosses(
  { model, samples, recipe }: Omit<Trainings, 'seeds'>,
  members: readonly WeighedMember[],
  outputs: Samples,
  { target, ...map }: RetrainingOptions,
): Promise<Float32Array[]> {
  const shared = { ...recipe, model: model.definition, features: samples.features, targets: samples.targets };
  if (target === undefined) {
    const trained = await trainMany({ ...shared, keep: [], queries: outputs }, members, map);
    return trained.map(({ queryLosses }) => queryLosses);
  }
  const losses: Float32Array[] = [];
  const { progress } = map;
  for (let start = 0; start < members.length; start += HELD) {
    const part = await trainMany(shared, members.slice(start, start + HELD), {
      ...map,
      progress: progress && ((done, _, what) => progress(start + done, members.length, what)),
    });
    for (const { states } of part) {
      losses.push(await lossesOf(cpuEngine(), model, states[states.length - 1].parameters, outputs, target));
    }
  }
  return losses;
}

function initialLosses(
  { model, seeds }: Trainings,
  outputs: Samples,
  { target }: RetrainingOptions,
): Promise<Float32Array[]> {
  return Promise.all(
    seeds.map((seed) => lossesOf(cpuEngine(), model, model.initialise(Random.named(seed, 'weights')), outputs, target)),
  );
}

function rowsOf(players: readonly Uint32Array[], coalition: Coalition): Uint32Array {
  return Uint32Array.from(Array.from(coalition, (player) => [...players[player]]).flat()).sort();
}

function meanNegative(losses: readonly Float32Array[]): Float64Array {
  return Float64Array.from(losses[0], (_, q) => 0 - losses.reduce((sum, own) => sum + own[q], 0) / losses.length);
}

function checkPlayers(players: readonly Uint32Array[], rows: number): void {
  const owners = new Map<number, number>();
  for (const [player, own] of players.entries()) {
    if (own.length === 0) throw new MeedError(`Player ${player} has no row`, 'Leave out players that gave nothing');
    for (const row of own) {
      const before = owners.get(row);
      if (row >= rows || before !== undefined) {
        throw new MeedError(
          before === undefined
            ? `Player ${player} has row ${row}, there are ${rows}`
            : `Row ${row} is of the players ${before} and ${player}`,
          'Give each player rows of its own, of the samples that are trained on',
        );
      }
      owners.set(row, player);
    }
  }
}
