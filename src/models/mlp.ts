/**
 * The multilayer perceptron: linear layers with ReLU or GELU between them. With no hidden layer it is multinomial logistic
 * regression. It begins with He's weights and zero biases (He et al. 2015), or, as PyTorch's linear layers do and with
 * them the field's protocols, uniformly within ±1/√inputs, biases too. The trap: what of the beginning is never unlearned
 * is noise between retrainings, so a ground truth depends on the choice.
 */
import { type JsonObject, MeedError, type Random } from '../foundation/index.js';
import { add, type GraphBuilder, gelu, matmul, relu, type Shape, sizeOf, type Value } from '../graph/index.js';
import { layOut } from './layout.js';
import { classLosses, squaredLosses } from './losses.js';
import type { Model, ParameterLayout } from './model.js';

export interface MlpOptions {
  /** Between layers; 'relu' unless told. GELU, the exact one, has a second derivative, which ReLU has not. */
  readonly activation?: 'relu' | 'gelu';
  /** 'he' unless told. */
  readonly initialisation?: 'he' | 'uniform';
}

const ACTIVATIONS: Readonly<Record<'relu' | 'gelu', (g: GraphBuilder, x: Value) => Value>> = {
  relu,
  gelu: (g, x) => gelu(g, x, 'exact'),
};

type Initialise = (layout: readonly ParameterLayout[], count: number, random: Random) => Float32Array;

const INITIALISATIONS: Readonly<Record<'he' | 'uniform', Initialise>> = {
  he(layout, count, random) {
    const flat = new Float32Array(count);
    for (const { offset, shape } of layout) {
      if (shape.length < 2) continue;
      const deviation = Math.sqrt(2 / shape[0]);
      for (let i = 0; i < shape[0] * shape[1]; i++) flat[offset + i] = deviation * random.normal();
    }
    return flat;
  },
  uniform(layout, count, random) {
    const flat = new Float32Array(count);
    let bound = 0;
    for (const { offset, shape } of layout) {
      // a bias follows its layer's weights and has their bound
      if (shape.length === 2) bound = 1 / Math.sqrt(shape[0]);
      for (let i = 0; i < sizeOf(shape); i++) flat[offset + i] = bound * (2 * random.uniform() - 1);
    }
    return flat;
  },
};

/**
 * @param widths input width, hidden widths, classes: [784, 128, 64, 10]; [in, classes] is logistic regression
 * @throws MeedError when there are fewer than two widths
 */
export function mlp(widths: readonly number[], { activation = 'relu', initialisation = 'he' }: MlpOptions = {}): Model {
  if (widths.length < 2 || widths.some((width) => !Number.isInteger(width) || width < 1)) {
    throw new MeedError(
      `An MLP cannot have the widths [${widths}]`,
      'Give input width, hidden widths and number of classes',
    );
  }
  const extents = widths.slice(1).map((out, l) => [widths[l], out] as const);
  const { parameters, parameterCount } = layOut(
    extents.flatMap(([fanIn, fanOut], l): (readonly [string, Shape])[] => [
      [`layer${l}.weight`, [fanIn, fanOut]],
      [`layer${l}.bias`, [fanOut]],
    ]),
  );
  return {
    definition: {
      name: 'mlp',
      widths,
      ...(activation === 'relu' ? {} : { activation }),
      ...(initialisation === 'he' ? {} : { initialisation }),
    },
    objective: 'class',
    inputShape: [widths[0]],
    targetShape: [1],
    classes: widths[widths.length - 1],
    parameters,
    parameterCount,
    initialise: (random) => INITIALISATIONS[initialisation](parameters, parameterCount, random),
    forward(builder, values, x, dropout) {
      let activations = x;
      for (const l of extents.keys()) {
        if (l > 0) {
          const hidden = ACTIVATIONS[activation](builder, activations);
          activations = dropout ? dropout(builder, hidden) : hidden;
        }
        activations = add(builder, matmul(builder, activations, values[2 * l]), values[2 * l + 1]);
      }
      return activations;
    },
    losses: classLosses,
  };
}

/** The same net with numbers as outputs: widths are [inputs, ...hidden, outputs], the loss is the squared error. */
export function mlpRegressor(widths: readonly number[]): Model {
  return {
    ...mlp(widths),
    definition: { name: 'mlp-regressor', widths },
    objective: 'regression',
    targetShape: [widths[widths.length - 1]],
    classes: 0,
    losses: squaredLosses,
  };
}

/** Multinomial logistic regression: one linear layer, x [batch, inputs], logits [batch, classes]. */
export function linear(
  inputs: number,
  classes: number,
  { initialisation = 'he' }: Pick<MlpOptions, 'initialisation'> = {},
): Model {
  const asked: JsonObject = initialisation === 'he' ? {} : { initialisation };
  const definition: JsonObject = { name: 'linear', inputs, classes, ...asked };
  return { ...mlp([inputs, classes], { initialisation }), definition };
}
