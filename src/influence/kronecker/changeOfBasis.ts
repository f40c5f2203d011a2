/** Vectors of layers from the coordinates of one curvature's basis to another's: V ↦ (Q'_lᵀ Q_l) V (Q'_rᵀ Q_r)ᵀ. */
import type { Engine, Program, Tensor } from '../../engine/index.js';
import { GraphBuilder, matmul, reshape, transpose, type Value } from '../../graph/index.js';
import type { Basis } from '../layers/bases.js';
import { type LayerShape, widthOf } from '../layers/layers.js';
import type { LayerGradients, LayerVectors } from '../layers/layerVectors.js';

export interface ChangeOfBasis {
  change(vectors: LayerVectors, from: readonly Basis[], to: readonly Basis[]): Promise<LayerVectors>;
  dispose(): Promise<void>;
}

const SIDES = ['left', 'right'] as const;

export async function openChangeOfBasis(
  engine: Engine,
  { layers, forms, block }: Pick<LayerGradients, 'layers' | 'forms' | 'block'>,
): Promise<ChangeOfBasis> {
  const g = new GraphBuilder();
  const outputs = layers.map((layer, l) => {
    const given = g.input(`vectors ${l}`, [block, widthOf(layer)]);
    const matrices = reshape(g, given, [block, layer.groups, layer.rows, layer.columns]);
    const left = forms[l].left === undefined ? matrices : matmul(g, between(g, layer, l, 'left'), matrices);
    const both = forms[l].right === undefined ? left : matmul(g, left, transpose(g, between(g, layer, l, 'right')));
    return [`changed ${l}`, reshape(g, both, given.shape)] as const;
  });
  const program: Program = await engine.compile(g.build(Object.fromEntries(outputs)));
  return {
    async change(vectors, from, to) {
      const feeds: Record<string, Tensor> = {};
      for (const [l, vector] of vectors.entries()) {
        feeds[`vectors ${l}`] = vector;
        for (const side of SIDES) {
          const [before, after] = [from[l][side], to[l][side]];
          if (before && after) Object.assign(feeds, { [`from ${side} ${l}`]: before, [`to ${side} ${l}`]: after });
        }
      }
      const result = await program.run(feeds);
      return layers.map((_, l) => result[`changed ${l}`]);
    },
    dispose: () => program.dispose(),
  };
}

/** Q'ᵀ Q of a side, [G, width, width]. */
function between(g: GraphBuilder, layer: LayerShape, place: number, side: (typeof SIDES)[number]): Value {
  const width = side === 'left' ? layer.rows : layer.columns;
  const shape = [layer.groups, width, width];
  const [from, to] = [g.input(`from ${side} ${place}`, shape), g.input(`to ${side} ${place}`, shape)];
  return matmul(g, transpose(g, to), from);
}
