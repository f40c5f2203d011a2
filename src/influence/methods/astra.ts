/**
 * ASTRA (Wang et al. 2025): the influence function with the inverse of the whole Gauss–Newton matrix, to which stochastic Neumann
 * iterations lead from EK-FAC's answer, with EK-FAC as the preconditioner. λ is the same share of each layer's mean
 * eigenvalue as EK-FAC's. The trap: without enough steps it is still EK-FAC, in directions that few batches show.
 */

import { MeedError } from '../../foundation/index.js';
import {
  curvatureOf,
  dampedInverse,
  dampingsOf,
  eigenForm,
  meanOf,
  type NeumannProblem,
  openNeumann,
} from '../kronecker/index.js';
import { scaledVectors } from '../layers/index.js';
import { curvedStates, type KroneckerSettings } from './kroneckerMethod.js';
import { LAST } from './runStates.js';
import { countOf, vectorMethod, wordOf } from './vectorMethod.js';

export type AstraSettings = KroneckerSettings & {
  /** Iterations. */
  readonly steps: number;
  /** Rows of an iteration. */
  readonly batch: number;
  /** 1 is the reciprocal of the largest value in probed batches; at 2 and beyond steps grow there. */
  readonly rate: number;
};

export const astraMethod = vectorMethod<AstraSettings>({
  name: 'astra',
  source:
    'Wang et al. 2025, "Better training data attribution via better inverse Hessian-vector products", stochastic Neumann iterations preconditioned by EK-FAC',
  claim: "by how much the output's loss would rise if the sample were left out and training went on to its optimum",
  scale: "nats of the output's loss",
  cost: "EK-FAC's, and 4·m·batch·P operations for each of the steps; no P numbers a sample are held",
  needs: [],
  form: 'bilinear',
  additivity: 'relative',
  defaults: { damping: 0.1, epoch: LAST, fisher: 'sampled', steps: 200, batch: 128, rate: 1 },
  grid: [1e-2, 1].map((damping) => ({ damping })),
  plan: (attribution, settings, watch) => {
    const steps = countOf('steps', settings.steps, 1);
    const batch = countOf('batch', settings.batch, 1);
    const fisher = wordOf('fisher', settings.fisher, ['sampled', 'empirical']);
    const { rate } = settings;
    if (!(typeof rate === 'number' && rate > 0 && rate <= 2)) {
      throw new MeedError(
        `A rate of ${rate} was asked for`,
        'Give a number above 0 and at most 2, 1 unless you know better',
      );
    }
    return {
      form: eigenForm,
      async prepare(gradients) {
        const states = await curvedStates(attribution, settings, 'corrected', watch);
        const problems = states.map(({ parameters, curvature: whole }): NeumannProblem => {
          const { bases, eigenvalues } = curvatureOf(whole, gradients.layers);
          const dampings = dampingsOf(gradients.layers, eigenvalues.map(meanOf), settings.damping);
          const inverses = eigenvalues.map((values, l) => dampedInverse(values, dampings[l]));
          return { parameters, bases, inverses, dampings };
        });
        const solver = await openNeumann(attribution, gradients, { steps, batch, rate, fisher }, watch);
        const weight = 1 / (attribution.samples.rows * problems.length);
        return {
          async *terms(outputs, start) {
            for (const problem of problems) {
              const { parameters, bases } = problem;
              const asked = await gradients.ofOutputs(parameters, outputs, start, bases);
              const theta = await solver.solve(problem, asked);
              const ones = theta.map(({ shape }) => new Float32Array(shape[1]).fill(1));
              yield { parameters, bases, vectors: scaledVectors(theta, ones, weight) };
            }
          },
          dispose: () => solver.dispose(),
        };
      },
    };
  },
});
