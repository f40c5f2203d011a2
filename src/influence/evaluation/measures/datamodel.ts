/** The linear datamodelling score (see ../lds.ts) of the evaluation queries, with the noise ceiling beside it. */
import { lds } from '../lds.js';
import { noiseCeiling } from '../noiseCeiling.js';
import { attributionOf, type Measure } from './measure.js';

export const ldsMeasure: Measure = {
  name: 'lds',
  claim:
    'how well the sum of the scores of a random subset orders the losses of models trained on such subsets (Spearman, mean over queries)',
  async prepare(setting, ground, options) {
    const { runs, truth } = await ground();
    const { evaluation } = truth;
    const ceiling = evaluation.again && noiseCeiling(evaluation.truth, evaluation.again, options).value;
    return {
      attribution: attributionOf(setting, runs),
      async figures(scorer, _method, bootstrap) {
        const scores = await scorer.score(setting.evaluation, setting.samples);
        const { value, low, high, dropped } = lds({ scores, ...evaluation }, bootstrap);
        return [{ at: '', value, low, high, dropped, chance: 0, ceiling }];
      },
    };
  },
};
