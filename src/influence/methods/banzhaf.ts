/**
 * Data Banzhaf (Wang and Jia 2023) by maximum sample reuse: models are trained on subsets that take every sample with
 * probability ½, and a sample's score is the mean of −loss over the subsets with it less the mean over those without.
 */
import { banzhafOfSamples, halfCoalitions, retrainingGame } from '../retraining/index.js';
import type { Method, MethodCard } from './method.js';
import { eachRow, retrainingScorer } from './retrainingMethod.js';
import { countOf } from './vectorMethod.js';

const card: MethodCard = {
  name: 'banzhaf',
  source:
    'Wang and Jia 2023, "Data Banzhaf: A Robust Data Valuation Framework for Machine Learning", maximum sample reuse',
  claim:
    'how much less loss the output has on average in trainings on random halves with the sample than in those without it',
  scale: "the output's loss",
  cost: 'as many trainings as coalitions; they are repeated for other outputs',
  needs: ['retraining'],
  form: 'direct',
  additivity: 'relative',
};

export const banzhaf: Method<{ readonly coalitions: number }> = {
  ...card,
  defaults: { coalitions: 200 },
  grid: [],
  async open(attribution, settings, options = {}) {
    const coalitions = countOf('coalitions', settings.coalitions, 2);
    return retrainingScorer(card, attribution, 1, options, async ({ trainings, rows, outputs, options: given }) => {
      const drawn = halfCoalitions(rows.length, coalitions, attribution.seed);
      const values = await retrainingGame(trainings, outputs, eachRow(rows), given).values(drawn);
      return banzhafOfSamples(rows.length, drawn, values).values;
    });
  },
};
