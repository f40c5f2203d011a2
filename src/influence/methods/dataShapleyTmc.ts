/**
 * Data Shapley by truncated Monte Carlo (Ghorbani and Zou 2019, algorithm 1): samples arrive in random orders, and each is
 * credited with what −loss of the output gains when a model is trained with it beside those that came before. Here each
 * output is a value function of its own.
 */
import { retrainingGame, sampledShapley } from '../retraining/index.js';
import type { Method, MethodCard } from './method.js';
import { eachRow, retrainingScorer } from './retrainingMethod.js';
import { amountOf } from './settings.js';
import { countOf } from './vectorMethod.js';

const card: MethodCard = {
  name: 'data-shapley-tmc',
  source: 'Ghorbani and Zou 2019, "Data Shapley: Equitable Valuation of Data for Machine Learning", algorithm 1',
  claim:
    'the share of the sample in what training lowered the loss of the output, averaged over the orders in which samples may arrive',
  scale: "the output's loss; over all samples they add up to loss(initial) − loss(trained), up to the tolerance",
  cost: 'up to permutations · n trainings, fewer the larger the tolerance; they are repeated for other outputs',
  needs: ['retraining'],
  form: 'direct',
  additivity: 'complete',
};

export const dataShapleyTmc: Method<{ readonly permutations: number; readonly tolerance: number }> = {
  ...card,
  defaults: { permutations: 20, tolerance: 0.01 },
  grid: [],
  async open(attribution, settings, options = {}) {
    const permutations = countOf('permutations', settings.permutations, 1);
    const tolerance = amountOf('tolerance', settings.tolerance, 0);
    return retrainingScorer(card, attribution, 1, options, async ({ trainings, rows, outputs, options: given }) => {
      // the places of the orders are what is told of, not the trainings of one place
      const { progress, signal, ...silently } = given;
      const game = retrainingGame(trainings, outputs, eachRow(rows), { ...silently, signal });
      const { seed } = attribution;
      return (await sampledShapley(game, { permutations, tolerance, seed, progress, signal })).values;
    });
  },
};
