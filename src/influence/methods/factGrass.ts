/**
 * FactGraSS (Hu et al. 2025): a few coordinates of each side of a layer's factors are kept by a random mask, their outer
 * product is formed, and a sparse ±1 sketch adds it up to k numbers; influence is taken among those, with their own second
 * moments. Nothing of the layer's size is ever made. A scale or a lone bias is masked and sketched as the vector it is.
 * The trap: a mask forgets what it does not keep, for ever and for every sample; a wide mask costs little.
 */
import { concat, type GraphBuilder, gather, multiply, reduceSum, reshape, type Value } from '../../graph/index.js';
import { type LayerShape, written } from '../layers/index.js';
import { drawSketch, type Projection, type Sketch, sketchWidth } from '../projected/index.js';
import { projectedMethod } from './projectedMethod.js';
import { LAST } from './runStates.js';
import { countOf } from './vectorMethod.js';

export type FactGrassSettings = {
  /** Columns kept of each side. */
  readonly mask: number;
  /** Numbers a layer after the sketch. */
  readonly width: number;
  /** Share of each layer's mean second moment. */
  readonly damping: number;
  readonly epoch: number | string;
};

export const factGrassMethod = projectedMethod<FactGrassSettings>({
  name: 'factgrass',
  source:
    'Hu et al. 2025, "GraSS: scalable data attribution with gradient sparsification and sparse projection", FactGraSS',
  claim:
    "by how much the output's loss would rise if the sample were left out, seen through a sketch of a part of the gradients",
  scale: "nats of the output's loss, with the curvature of the layers taken apart",
  cost: 'one pass over n samples, mask² a layer for each, and width²·n a layer for the curvature; width numbers a layer for each sample',
  needs: [],
  form: 'bilinear',
  additivity: 'relative',
  defaults: { mask: 128, width: 512, damping: 0.1, epoch: LAST },
  grid: [1e-3, 1e-2, 1, 10].map((damping) => ({ damping })),
  projection({ seed }, settings): Projection {
    const mask = countOf('mask', settings.mask, 1);
    const width = countOf('width', settings.width, 1);
    const sketchOf = (layer: LayerShape): Sketch => drawSketch(layer, mask, width, seed);
    return {
      width: (layer) => sketchWidth(layer, sketchOf(layer)),
      encode(g, layer) {
        const sketch = sketchOf(layer);
        const left = columnsOf(g, layer.left, sketch.left);
        const right = columnsOf(g, layer.right, sketch.right);
        return addedUp(g, written(g, { left, right }), sketch);
      },
      feeds: async () => ({}),
    };
  },
});

function columnsOf(g: GraphBuilder, side: Value, kept: Uint32Array): Value {
  if (kept.length === side.shape[3]) return side;
  return gather(g, side, g.constant(Float64Array.from(kept), [kept.length]), 3);
}

function addedUp(g: GraphBuilder, x: Value, { buckets }: Sketch): Value {
  if (!buckets) return x;
  const { count, places, signs } = buckets;
  const [n] = x.shape;
  const withNone = concat(g, [x, g.constant(new Float32Array(n), [n, 1])], 1);
  const dealt = gather(g, withNone, g.constant(places, [places.length]), 1);
  const signed = multiply(g, dealt, g.constant(signs, [signs.length]));
  return reshape(g, reduceSum(g, reshape(g, signed, [n, places.length / count, count]), [1]), [n, count]);
}
