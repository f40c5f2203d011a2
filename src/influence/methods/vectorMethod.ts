/**
 * A method that is a plan of vectors (../layers/plan.ts), and what such methods have beside whole scores: parts by layer and
 * by position, which add up to them.
 */
import { MeedError } from '../../foundation/index.js';
import { finiteScores } from '../finiteScores.js';
import { openVectorScorer, type VectorPlan, wholeOf } from '../layers/plan.js';
import type { ScoringOptions } from '../pathScorer.js';
import type { Scorer } from '../scorer.js';
import { type WorkWatch, watchOf } from '../watch.js';
import { type Attribution, aboutScores, type Method, type MethodCard, type Settings } from './method.js';

export interface VectorMethod<S extends Settings = Settings> extends Method<S> {
  /** @throws MeedError when what the method needs is not there, or a setting is out of range */
  plan(attribution: Attribution, settings: S, watch: WorkWatch): VectorPlan;
}

export type VectorMethodParts<S extends Settings> = MethodCard & Pick<VectorMethod<S>, 'defaults' | 'grid' | 'plan'>;

export function vectorMethod<S extends Settings>(parts: VectorMethodParts<S>): VectorMethod<S> {
  return {
    ...parts,
    async open(attribution: Attribution, settings: S, options: ScoringOptions = {}): Promise<Scorer> {
      const { engine, model } = attribution;
      const watch = watchOf(options);
      const plan = parts.plan(attribution, settings, watch);
      const scorer = await openVectorScorer(engine, model, plan, { target: options.target, watch });
      return {
        ...aboutScores(parts),
        score: async (outputs, samples) =>
          finiteScores(parts.name, wholeOf(await scorer.score(outputs, samples), outputs, samples)),
        dispose: () => scorer.dispose(),
      };
    },
  };
}

/** A setting that is one of a few words. @throws MeedError listing them */
export function wordOf<T extends string>(name: string, value: number | string, allowed: readonly T[]): T {
  const found = allowed.find((word) => word === value);
  if (found !== undefined) return found;
  throw new MeedError(`The setting ${name} is ${value}`, `Choose one of ${allowed.join(', ')}`, { exitCode: 2 });
}

/** A setting that is a whole number from `least` on. */
export function countOf(name: string, value: number | string, least: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least) return value;
  throw new MeedError(`The setting ${name} is ${value}`, `Give a whole number of at least ${least}`, { exitCode: 2 });
}
