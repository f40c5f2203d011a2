/**
 * Inner products of samples' gradients with vectors that have no factors, such as inverse curvature times an output's
 * gradient, layer by layer in a chosen basis: ψ_q is held for a block of outputs at a time, φ_i never. The gradient of a
 * sample is made, multiplied and forgotten inside one run.
 * The trap: the extents of every product follow from the model alone, and what is fewer is padded, so that no score depends on
 * how much is asked for.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { add, type GraphBuilder, reshape, type Value } from '../../graph/index.js';
import { checkSamples, type Losses, type Model, type Samples } from '../../models/index.js';
import { FACTOR_CHUNK } from '../factors.js';
import { MOST_ROWS } from '../gradientKernel.js';
import { openTogether } from '../openTogether.js';
import type { WorkWatch } from '../watch.js';
import { type Basis, type BasisForm, basisFeeds, inBasis, widthIn } from './bases.js';
import { dots, written } from './layerProducts.js';
import { commonLayers, describeLayers, type LayerProgram, openLayerProgram } from './layerProgram.js';
import type { Layer, LayerShape } from './layers.js';

/** Vectors [M, width] of each layer, in the layers' order. */
export type LayerVectors = readonly Tensor[];

/** One layer's part of a product. */
export interface LayerProduct {
  readonly layer: Layer;
  /** In the basis. */
  readonly factors: Pick<Layer, 'left' | 'right'>;
  /** [M, width] */
  readonly vectors: Value;
}

/** What is given back of the products: values [M, rows × k], by name. */
export type Detail = (g: GraphBuilder, products: readonly LayerProduct[]) => Readonly<Record<string, Value>>;

/** One number for each pair. */
export const wholeScores: Detail = (g, products) => ({
  scores: products.map(({ factors, vectors }) => dots(g, factors, vectors)).reduce((sum, part) => add(g, sum, part)),
});

export interface LayerGradients {
  /** Those that the outputs' target and the samples' loss both have. */
  readonly layers: readonly LayerShape[];
  readonly forms: readonly BasisForm[];
  /** M: outputs of one block. */
  readonly block: number;
  /** The gradients of up to M outputs from `start` on, in the basis; rows beyond the last output are whatever padding gives. */
  ofOutputs(parameters: Float32Array, outputs: Samples, start: number, bases: readonly Basis[]): Promise<LayerVectors>;
  /**
   * ⟨vector, gradient of the sample⟩ for each vector and all samples: [M, samples, k] for each name of the detail, k = 1
   * of whole scores.
   */
  products(
    parameters: Float32Array,
    samples: Samples,
    bases: readonly Basis[],
    vectors: LayerVectors,
    watch: WorkWatch,
  ): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

export interface LayerGradientsOptions {
  /** Of outputs; of samples it is always the loss. */
  readonly target?: Losses;
  readonly form: (layer: LayerShape) => BasisForm;
  readonly detail?: Detail;
}

/** @throws MeedError when the model has no per-sample gradients, or the target uses a parameter otherwise than the loss */
export async function openLayerGradients(
  engine: Engine,
  model: Model,
  { target, form, detail = wholeScores }: LayerGradientsOptions,
): Promise<LayerGradients> {
  const own = describeLayers(model);
  const layers = target === undefined ? own : commonLayers(own, describeLayers(model, target));
  const only = new Set(layers.map(({ parameters: [first] }) => first));
  const forms = layers.map(form);
  const widths = layers.map((layer, l) => widthIn(layer, forms[l]));
  return openTogether(async (keep) => {
    const outputProgram = await keep(
      openLayerProgram(engine, model, {
        rows: MOST_ROWS.outputs,
        target,
        only,
        question: (g, found) =>
          Object.fromEntries(
            ordered(found, layers).map((layer, l) => [`vectors ${l}`, written(g, inBasis(g, layer, l, forms[l]))]),
          ),
      }),
    );
    const block = outputProgram.rows;
    const sampleProgram = await keep(
      openLayerProgram(engine, model, {
        rows: FACTOR_CHUNK,
        only,
        question: (g, found) =>
          detail(
            g,
            ordered(found, layers).map((layer, l) => ({
              layer,
              factors: inBasis(g, layer, l, forms[l]),
              vectors: reshape(g, g.input(`vectors ${l}`, [block, widths[l]]), [block, widths[l]]),
            })),
          ),
      }),
    );
    return {
      layers,
      forms,
      block,
      async ofOutputs(parameters, outputs, start, bases) {
        checkSamples(model, outputs);
        const result = await outputProgram.run(parameters, outputs, start, basisFeeds(bases));
        return layers.map((_, l) => result[`vectors ${l}`]);
      },
      async products(parameters, samples, bases, vectors, watch) {
        checkSamples(model, samples);
        const feeds = {
          ...basisFeeds(bases),
          ...Object.fromEntries(vectors.map((vector, l) => [`vectors ${l}`, vector])),
        };
        return collect(sampleProgram, parameters, samples, feeds, watch);
      },
      async dispose() {
        await outputProgram.dispose();
        await sampleProgram.dispose();
      },
    };
  });
}

async function collect(
  program: LayerProgram,
  parameters: Float32Array,
  samples: Samples,
  feeds: Readonly<Record<string, Tensor>>,
  watch: WorkWatch,
): Promise<Record<string, Tensor>> {
  const whole: Record<string, Tensor> = {};
  for (let start = 0; start < samples.rows; start += program.rows) {
    watch.throwIfCancelled();
    const result = await program.run(parameters, samples, start, feeds);
    const rows = Math.min(program.rows, samples.rows - start);
    for (const [name, { shape, data }] of Object.entries(result)) {
      const [count, columns] = shape;
      const each = columns / program.rows;
      whole[name] ??= { shape: [count, samples.rows, each], data: new Float32Array(count * samples.rows * each) };
      for (let m = 0; m < count; m++) {
        const part = data.subarray(m * columns, m * columns + rows * each);
        whole[name].data.set(part, (m * samples.rows + start) * each);
      }
    }
  }
  return whole;
}

/** The program's layers in the order of those that both sides have. */
function ordered(found: readonly Layer[], layers: readonly LayerShape[]): Layer[] {
  return layers.map(({ parameters: [first] }) => {
    const layer = found.find(({ parameters }) => parameters[0] === first);
    if (!layer) throw new Error(`the layer ${first} is missing`);
    return layer;
  });
}
