/** The activation that Microsoft's fused products carry as an attribute. */
import type { GraphBuilder, Value } from '../../graph.js';
import { gelu, hardSigmoid, leakyRelu } from '../../ops/activation.js';
import { relu } from '../../ops/elementwise.js';
import { clip } from '../../ops/extremum.js';
import { sigmoid, tanh } from '../../ops/transcendental.js';
import type { Call } from '../call.js';

type Parameters = (index: number, name: string, otherwise: number) => number;

const ACTIVATIONS: Readonly<Record<string, (g: GraphBuilder, x: Value, parameter: Parameters) => Value>> = {
  '': (_, x) => x,
  Relu: (g, x) => relu(g, x),
  Sigmoid: (g, x) => sigmoid(g, x),
  Tanh: (g, x) => tanh(g, x),
  Gelu: (g, x) => gelu(g, x, 'exact'),
  LeakyRelu: (g, x, parameter) => leakyRelu(g, x, parameter(0, 'alpha', 0.01)),
  HardSigmoid: (g, x, parameter) => hardSigmoid(g, x, parameter(0, 'alpha', 0.2), parameter(1, 'beta', 0.5)),
  Clip: (g, x, parameter) => clip(g, x, parameter(0, 'min', -Infinity), parameter(1, 'max', Infinity)),
};

export function activated(call: Call, x: Value): Value {
  const name = call.text('activation', '');
  if (!Object.hasOwn(ACTIVATIONS, name)) call.refuse(`applies the activation "${name}"`);
  const list = call.reals('activation_params') ?? [];
  return ACTIVATIONS[name](
    call.g,
    x,
    (index, key, otherwise) => list[index] ?? call.real(`activation_${key}`, otherwise),
  );
}
