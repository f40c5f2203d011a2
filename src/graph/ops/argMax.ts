/** Where the largest entry stands, the first of equal ones. No gradient flows through a place. */
import { MeedError } from '../../foundation/index.js';
import { type GraphBuilder, type Operator, sizeOf, type Value } from '../graph.js';
import { samplesUnless } from '../sampleLayout.js';
import { emitFirstLargest } from './firstLargest.js';

const ARG_MAX: Operator = {
  name: 'ArgMax',
  shape: ([x], attributes) => {
    const axis = Number(attributes.axis);
    if (!(axis in x)) throw new MeedError(`[${x}] has no axis ${axis}`, 'Name an axis it has');
    return x.map((extent, i) => (i === axis ? 1 : extent));
  },
  lower: (sink, [x], { inputs: [{ shape }], attributes }) => {
    const axis = Number(attributes.axis);
    emitFirstLargest(sink, x, { rank: shape.length, axis, extent: shape[axis] });
  },
  interpret: ([x], { attributes, output }) => {
    const axis = Number(attributes.axis);
    const extent = x.shape[axis];
    const inner = sizeOf(x.shape.slice(axis + 1));
    return Float64Array.from({ length: sizeOf(output.shape) }, (_, line) => {
      const first = Math.floor(line / inner) * extent * inner + (line % inner);
      let best = 0;
      for (let i = 1; i < extent; i++) if (x.data[first + i * inner] > x.data[first + best * inner]) best = i;
      return best;
    });
  },
  tfjs: (tf, [x], { attributes }) => {
    const axis = Number(attributes.axis);
    return tf.cast(tf.expandDims(tf.argMax(x, axis), axis), 'float32');
  },
  gradient: () => [undefined],
  samples: samplesUnless(({ attributes }) => [Number(attributes.axis)]),
};

/** The place of the largest entry along an axis, which keeps extent 1. */
export function argMax(g: GraphBuilder, x: Value, axis: number): Value {
  return g.apply(ARG_MAX, [x], { axis });
}
