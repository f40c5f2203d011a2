/**
 * What the benchmark is run on: a data set whose rows have contributors, and the recipe of the model that learns from it.
 * The same recipe trains the model whose outputs are paid for and every coalition's, or the measured value would be that
 * of another model.
 */
import type { Dataset } from '../data/index.js';
import type { Attribution, Method, Scorer } from '../influence/index.js';
import type { Model, Recipe } from '../models/index.js';

export interface Subject {
  /** Of the data set in the table. */
  readonly name: string;
  readonly dataset: Dataset;
  readonly model: Model;
  readonly recipe: Recipe;
}

/** An attribution method as the benchmark needs it: scores of outputs over all training rows. */
export interface ScoreMethod {
  readonly name: string;
  readonly additivity: Scorer['additivity'];
  open(attribution: Attribution): Promise<Scorer>;
}

/** A method of the library with its default settings. */
export function scoreMethod(method: Method): ScoreMethod {
  return {
    name: method.name,
    additivity: method.additivity,
    open: (attribution) => method.open(attribution, method.defaults),
  };
}
