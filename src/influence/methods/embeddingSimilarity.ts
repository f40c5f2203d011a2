/**
 * Embedding similarity: the cosine between what the model has made of the sample and of the output before its last layer
 * (Hanawa et al. 2021). It knows no labels, so a mislabelled neighbour scores like a right one.
 * The trap: where nothing fires the vector is zero and has no direction; its cosines are 0.
 */
import { ensembleScorer, type OpenScorer } from '../ensemble.js';
import { innerProducts } from '../representation/innerProducts.js';
import { lastHidden } from '../representation/lastHidden.js';
import { watchOf } from '../watch.js';
import { type Attribution, aboutScores, type Method, type MethodCard } from './method.js';
import { refuseTarget } from './noTarget.js';
import { LAST, stateAt } from './runStates.js';

const card: MethodCard = {
  name: 'embedding-similarity',
  source: 'Hanawa et al. 2021, "Evaluation of Similarity-based Explanations", cosine of the last hidden layer',
  claim:
    'how alike the model finds the sample and the output, whatever their labels; not what the sample did to the loss',
  scale: 'cosine of the angle between the two representations, −1 to 1',
  cost: 'one pass over n + m samples, m·n products of the representation',
  needs: [],
  form: 'bilinear',
  additivity: 'relative',
};

export const embeddingSimilarity: Method<{ readonly epoch: number | string }> = {
  ...card,
  defaults: { epoch: LAST },
  grid: [],
  async open(attribution, { epoch }, options = {}) {
    refuseTarget(card.name, options);
    const { runs, samples } = attribution;
    const states = runs.map((run) => stateAt(run, epoch, samples.rows).parameters);
    return ensembleScorer(aboutScores(card), states, (state) => cosines(attribution, state), watchOf(options));
  },
};

function cosines({ engine, model }: Attribution, parameters: Float32Array): OpenScorer {
  return {
    async score(outputs, samples) {
      const [left, right] = [
        await lastHidden(engine, model, parameters, outputs),
        await lastHidden(engine, model, parameters, samples),
      ];
      const unit = ({ features, width }: typeof left): Float32Array => normalised(features, width);
      return innerProducts(engine, unit(left), unit(right), left.width);
    },
    async dispose() {},
  };
}

function normalised(rows: Float32Array, width: number): Float32Array {
  const unit = new Float32Array(rows.length);
  for (let start = 0; start < rows.length; start += width) {
    let square = 0;
    for (let j = start; j < start + width; j++) square += rows[j] ** 2;
    if (square === 0) continue;
    const length = Math.sqrt(square);
    for (let j = start; j < start + width; j++) unit[j] = rows[j] / length;
  }
  return unit;
}
