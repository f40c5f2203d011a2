/**
 * Representer points (Yeh et al. 2018, theorem 3.1): where the last layer, with ridge λ‖Θ‖², is stationary, the output's logit
 * of class c is Σ_i α_ic · f_i·f_q with α_i = −(1/2λn)·∂loss_i/∂logits. A score is the term of the class that is explained;
 * positive excites it. A bias counts as one more feature of value 1.
 * The trap: training rarely ends stationary under a ridge; the terms then rank samples but do not add up to the
 * logit. λ is a factor common to all scores.
 */
import { MeedError } from '../../foundation/index.js';
import { ensembleScorer, type OpenScorer } from '../ensemble.js';
import { innerProducts } from '../representation/innerProducts.js';
import { lastHidden } from '../representation/lastHidden.js';
import { watchOf } from '../watch.js';
import { type Attribution, aboutScores, type Method, type MethodCard } from './method.js';
import { refuseTarget } from './noTarget.js';
import { LAST, stateAt } from './runStates.js';
import { amountOf } from './settings.js';

const card: MethodCard = {
  name: 'representer-points',
  source: 'Yeh et al. 2018, "Representer Point Selection for Explaining Deep Neural Networks", theorem 3.1',
  claim: "how much this sample's term in the last layer speaks for the class of the output",
  scale: 'logits of the explained class, exactly so at a stationary last layer with this ridge',
  cost: 'one pass over n + m samples, m·n products of the representation',
  needs: ['classes'],
  form: 'bilinear',
  additivity: 'relative',
};

export interface RepresenterSettings {
  readonly [name: string]: number | string;
  /** λ of λ·‖Θ‖²: half of an optimiser's weight decay. */
  readonly ridge: number;
  readonly epoch: number | string;
}

export const representerPoints: Method<RepresenterSettings> = {
  ...card,
  defaults: { ridge: 1e-3, epoch: LAST },
  grid: [],
  async open(attribution, { ridge, epoch }, options = {}) {
    refuseTarget(card.name, options);
    const { model, runs, samples } = attribution;
    if (model.objective !== 'class') {
      throw new MeedError(
        `Representer points explain a class, the model's objective is ${model.objective}`,
        'Choose a method of gradients, such as grad-dot',
      );
    }
    const factor = 1 / (2 * amountOf('ridge', ridge, Number.MIN_VALUE) * samples.rows);
    if (!Number.isFinite(factor))
      throw new MeedError(`The ridge ${ridge} is too small to divide by`, 'Give a larger one, such as 0.001');
    const states = runs.map((run) => stateAt(run, epoch, samples.rows).parameters);
    const open = (state: Float32Array): OpenScorer => representers(attribution, state, factor);
    return ensembleScorer(aboutScores(card), states, open, watchOf(options));
  },
};

function representers({ engine, model }: Attribution, parameters: Float32Array, factor: number): OpenScorer {
  return {
    async score(outputs, samples) {
      const asked = outputs.targets.findIndex((c: number) => !(c >= 0 && c < model.classes));
      if (asked >= 0) {
        throw new MeedError(
          `Output ${asked} has the class ${outputs.targets[asked]}, the model knows ${model.classes}`,
          `Give each output a class from 0 to ${model.classes - 1}`,
        );
      }
      const left = await lastHidden(engine, model, parameters, outputs);
      const right = await lastHidden(engine, model, parameters, samples);
      const products = await innerProducts(engine, left.features, right.features, left.width);
      const constant = right.biased ? 1 : 0;
      const scores = products.data.map((product, e) => {
        const [q, i] = [Math.floor(e / samples.rows), e % samples.rows];
        return -factor * right.slopes[i * right.outputs + outputs.targets[q]] * (product + constant);
      });
      return { shape: products.shape, data: scores };
    },
    async dispose() {},
  };
}
