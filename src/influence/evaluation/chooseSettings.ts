/**
 * A method's settings (damping, rank, epoch of the state), chosen by LDS on held-out queries. Published tables often show
 * the best setting on the queries they report; that is a figure nobody gets who does not know the answer. So the queries
 * of the figures are asked for and must be others.
 * Tried are the defaults, the method's grid over them, and the epochs that every run has a state of. Where settings share
 * work (`sweep`), all pairs of setting and epoch; otherwise the settings at the default epoch, then the epochs with the
 * best of them.
 */
import type { Tensor } from '../../engine/index.js';
import { canonicalJson, MeedError } from '../../foundation/index.js';
import type { Samples } from '../../models/index.js';
import { CancelledError } from '../../work/index.js';
import type { Attribution, Method, Settings } from '../methods/index.js';
import type { ScoringOptions } from '../pathScorer.js';
import { refuseOverlap } from './disjoint.js';
import { ldsPerQuery } from './lds.js';
import type { Truth } from './retraining/index.js';
import { meanOf } from './statistics/index.js';

export interface HeldOut {
  readonly queries: Samples;
  readonly truth: Truth;
}

export interface Tried {
  readonly settings: Settings;
  /** On the held-out queries; NaN where no query has one, or the setting was refused. */
  readonly lds: number;
  /** Why it gave no scores. */
  readonly refused?: string;
}

export interface Choice extends Tried {
  readonly tried: readonly Tried[];
}

export interface ChoosingOptions extends ScoringOptions {
  /** Epochs tried where the method has the setting `epoch`; the default alone unless told. */
  readonly epochs?: readonly number[];
}

/**
 * @param evaluation queries of the figures, of which none may be held out
 * @throws MeedError when queries are in both, or every setting was refused
 */
export async function chooseSettings(
  method: Method,
  attribution: Attribution,
  { queries, truth }: HeldOut,
  evaluation: Samples,
  { epochs = [], ...options }: ChoosingOptions = {},
): Promise<Choice> {
  refuseOverlap(queries, evaluation);
  const judge = (scores: Tensor): number => meanOf(ldsPerQuery({ scores, masks: truth.masks, truth: truth.truth }));
  const settings = candidates(method);
  const atEpochs = (given: readonly Settings[]): Settings[] =>
    'epoch' in method.defaults ? epochs.flatMap((epoch) => given.map((one) => ({ ...one, epoch }))) : [];
  const tried: Tried[] = [];
  if (method.sweep) {
    tried.push(
      ...(await trySweep(method, attribution, distinct([...settings, ...atEpochs(settings)]), queries, judge, options)),
    );
  } else {
    for (const one of settings) tried.push(await trySetting(method, attribution, one, queries, judge, options));
    const known = new Set(tried.map((one) => canonicalJson(one.settings)));
    const best = bestOf(tried);
    for (const one of best ? atEpochs([best.settings]) : []) {
      if (known.has(canonicalJson(one))) continue;
      tried.push(await trySetting(method, attribution, one, queries, judge, options));
    }
  }
  const best = bestOf(tried);
  if (best) return { ...best, tried };
  throw new MeedError(
    `No setting of ${method.name} gave scores: ${(tried[0]?.refused ?? 'none was tried').replace(/\.$/, '')}`,
    'Leave the method out, or give it what it needs',
  );
}

/** The defaults, and each of the grid over them, all different. */
export function candidates({ defaults, grid }: Method): Settings[] {
  const over = grid.map((given): Settings => {
    const told = Object.entries(given).filter((entry): entry is [string, number | string] => entry[1] !== undefined);
    return { ...defaults, ...Object.fromEntries(told) };
  });
  return distinct([defaults, ...over]);
}

async function trySetting(
  method: Method,
  attribution: Attribution,
  settings: Settings,
  queries: Samples,
  judge: (scores: Tensor) => number,
  options: ScoringOptions,
): Promise<Tried> {
  try {
    const scorer = await method.open(attribution, settings, options);
    try {
      return { settings, lds: judge(await scorer.score(queries, attribution.samples)) };
    } finally {
      await scorer.dispose();
    }
  } catch (error) {
    return { settings, lds: Number.NaN, refused: refusalOf(error) };
  }
}

/** One by one where the sweep as a whole is refused, so that a setting that does not fit does not take the others with it. */
async function trySweep(
  method: Method,
  attribution: Attribution,
  settings: readonly Settings[],
  queries: Samples,
  judge: (scores: Tensor) => number,
  options: ScoringOptions,
): Promise<Tried[]> {
  const tried: Tried[] = [];
  try {
    for await (const scores of method.sweep?.(attribution, settings, queries, options) ?? []) {
      tried.push({ settings: settings[tried.length], lds: judge(scores) });
    }
  } catch (error) {
    refusalOf(error);
  }
  for (const one of settings.slice(tried.length)) {
    tried.push(await trySetting(method, attribution, one, queries, judge, options));
  }
  return tried;
}

/** The sentence of a refusal. @throws what is none: a defect, or that the work was cancelled */
export function refusalOf(error: unknown): string {
  if (error instanceof MeedError && !(error instanceof CancelledError)) return error.message;
  throw error;
}

/** The first of the highest; one that was refused only counts where there is no other. */
function bestOf(tried: readonly Tried[]): Tried | undefined {
  const fitting = tried.filter(({ refused }) => refused === undefined);
  return fitting.reduce<Tried | undefined>((best, one) => {
    if (best === undefined || Number.isNaN(best.lds)) return Number.isNaN(one.lds) ? (best ?? one) : one;
    return one.lds > best.lds ? one : best;
  }, undefined);
}

function distinct(settings: readonly Settings[]): Settings[] {
  return [...new Map(settings.map((one) => [canonicalJson(one), one])).values()];
}
