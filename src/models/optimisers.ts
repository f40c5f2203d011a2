/**
 * Optimisers as graph: one flat parameter vector and one flat state, so that a training state is two tensors whatever the
 * model. SGD with Polyak's momentum and coupled weight decay (the decay is part of the gradient); AdamW with decoupled
 * decay (Loshchilov and Hutter 2019, algorithm 2; bias corrections of Kingma and Ba 2015). Clipping by the global norm as
 * Pascanu et al. 2013.
 * The trap: what changes from step to step (rate, bias corrections) is an input, `rates`, or each step would be another
 * graph; the host computes it in float64, where 1 − β₂ᵗ does not cancel.
 */
import { MeedError } from '../foundation/index.js';
import {
  add,
  concat,
  divide,
  type GraphBuilder,
  minimum,
  multiply,
  reduceSum,
  slice,
  sqrt,
  subtract,
  type Value,
} from '../graph/index.js';

export interface Update {
  /** [P] */
  readonly next: Value;
  /** [state numbers] */
  readonly nextState: Value;
}

export interface Optimiser {
  /** With its hyper-parameters, as it stands in a training manifest. */
  readonly definition: Readonly<Record<string, string | number>>;
  /** Numbers of state for P parameters; a training begins with zeros. */
  stateSize(parameters: number): number;
  /** Extent of the `rates` input. */
  readonly rateCount: number;
  /** What to feed as `rates` at a step, counted from 0. */
  rates(step: number, rate: number): Float32Array;
  /** One step on flat values: parameters [P], state [stateSize], gradient [P], rates [rateCount]. */
  update(g: GraphBuilder, flat: Value, state: Value, gradient: Value, rates: Value): Update;
}

export interface SgdOptions {
  readonly momentum?: number;
  readonly weightDecay?: number;
}

/** g ← ∇ + λ·w, v ← μ·v + g, w ← w − η·v. */
export function sgd({ momentum = 0, weightDecay = 0 }: SgdOptions = {}): Optimiser {
  refuseShare('momentum', momentum);
  refuseDecay(weightDecay);
  return {
    definition: { name: 'sgd', momentum, weightDecay },
    stateSize: (parameters) => parameters,
    rateCount: 1,
    rates: (_step, rate) => Float32Array.of(rate),
    update(g, flat, state, gradient, rates) {
      const decayed =
        weightDecay === 0 ? gradient : add(g, gradient, multiply(g, flat, g.constant([weightDecay], [1])));
      const nextState = add(g, multiply(g, state, g.constant([momentum], [1])), decayed);
      return { next: subtract(g, flat, multiply(g, nextState, rates)), nextState };
    },
  };
}

export interface AdamWOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
}

/** m ← β₁·m + (1 − β₁)·∇, v ← β₂·v + (1 − β₂)·∇², w ← w − η·λ·w − η·m̂ ÷ (√v̂ + ε), with m̂ = m ÷ (1 − β₁ᵗ), v̂ likewise. */
export function adamW({
  beta1 = 0.9,
  beta2 = 0.999,
  epsilon = 1e-8,
  weightDecay = 0.01,
}: AdamWOptions = {}): Optimiser {
  refuseShare('beta1', beta1);
  refuseShare('beta2', beta2);
  refuseDecay(weightDecay);
  if (!(epsilon > 0)) throw new MeedError(`AdamW's epsilon is ${epsilon}`, 'Give a number above 0');
  return {
    definition: { name: 'adamw', beta1, beta2, epsilon, weightDecay },
    stateSize: (parameters) => 2 * parameters,
    rateCount: 3,
    rates: (step, rate) =>
      Float32Array.of(rate / (1 - beta1 ** (step + 1)), 1 / (1 - beta2 ** (step + 1)), rate * weightDecay),
    update(g, flat, state, gradient, rates) {
      const [size] = flat.shape;
      const number = (value: number): Value => g.constant([value], [1]);
      const [rate, correction, decay] = [0, 1, 2].map((i) => slice(g, rates, 0, i, i + 1));
      const blend = (before: Value, now: Value, beta: number): Value =>
        add(g, multiply(g, before, number(beta)), multiply(g, now, number(1 - beta)));
      const mean = blend(slice(g, state, 0, 0, size), gradient, beta1);
      const square = blend(slice(g, state, 0, size, 2 * size), multiply(g, gradient, gradient), beta2);
      const deviation = add(g, sqrt(g, multiply(g, square, correction)), number(epsilon));
      const moved = subtract(g, flat, multiply(g, flat, decay));
      return {
        next: subtract(g, moved, multiply(g, rate, divide(g, mean, deviation))),
        nextState: concat(g, [mean, square], 0),
      };
    },
  };
}

/** The gradient [P], shortened to the norm `limit` where it is longer: ∇ · min(1, limit ÷ ‖∇‖). A zero gradient stays zero. */
export function clipByGlobalNorm(g: GraphBuilder, gradient: Value, limit: number): Value {
  if (!(limit > 0)) throw new MeedError(`Gradients cannot be clipped to the norm ${limit}`, 'Give a norm above 0');
  const norm = sqrt(g, reduceSum(g, multiply(g, gradient, gradient), [0]));
  // limit ÷ 0 is infinite, and the minimum of it and 1 is 1
  const factor = minimum(g, divide(g, g.constant([limit], [1]), norm), g.constant([1], [1]));
  return multiply(g, gradient, factor);
}

function refuseShare(name: string, share: number): void {
  if (!(share >= 0 && share < 1))
    throw new MeedError(`The optimiser's ${name} is ${share}`, 'Give one from 0 to below 1');
}

function refuseDecay(decay: number): void {
  if (!(Number.isFinite(decay) && decay >= 0))
    throw new MeedError(`The weight decay is ${decay}`, 'Give a finite number of at least 0');
}
