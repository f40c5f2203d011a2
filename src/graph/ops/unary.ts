/** Elementwise operators of one argument: a formula and its derivative make one. */
import type { GraphBuilder, Operator, Value } from '../graph.js';
import { alignedSamples } from '../sampleLayout.js';
import type { Tfjs, TfTensor } from '../tfjs.js';

export interface UnaryRule {
  /** Also the ONNX operator, unless `lower` says otherwise. */
  readonly name: string;
  compute(x: number): number;
  tfjs(tf: Tfjs, x: TfTensor): TfTensor;
  /** dx from x, y and dy; `undefined` where the derivative is zero everywhere. */
  gradient(builder: GraphBuilder, x: Value, y: Value, dy: Value): Value | undefined;
  readonly lower?: Operator['lower'];
}

export function unaryOperator(rule: UnaryRule): Operator {
  return {
    name: rule.name,
    shape: ([x]) => x,
    lower: rule.lower ?? ((sink, inputs) => void sink.emit(rule.name, inputs)),
    interpret: ([x]) => x.data.map((entry) => rule.compute(entry)),
    tfjs: (tf, [x]) => rule.tfjs(tf, x),
    gradient: (builder, { inputs: [x], output }, dy) => [rule.gradient(builder, x, output, dy)],
    samples: alignedSamples,
  };
}
