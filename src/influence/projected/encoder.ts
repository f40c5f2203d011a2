/**
 * Small vectors in place of gradients: each layer's gradient is projected, from its factors, to k numbers (LoGra,
 * FactGraSS), and a sample is the layers' vectors side by side, φ_i [K]. A row is encoded in the same chunk whatever is
 * encoded with it. The trap: outputs and samples must be projected by the same numbers, so they are drawn by seed and layer.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import { concat, type GraphBuilder, type Value } from '../../graph/index.js';
import { checkSamples, type Losses, type Model, type Samples } from '../../models/index.js';
import { FACTOR_CHUNK } from '../factors.js';
import { commonLayers, describeLayers, type LayerProgram, openLayerProgram } from '../layers/layerProgram.js';
import type { Layer, LayerShape } from '../layers/layers.js';
import { openTogether } from '../openTogether.js';
import type { WorkWatch } from '../watch.js';

export interface Projection {
  /** [n, k] of a layer; what it takes as inputs is in the feeds. */
  readonly encode: (g: GraphBuilder, layer: Layer, place: number) => Value;
  /** k of a layer. */
  readonly width: (layer: LayerShape) => number;
  /** Of a state of the model: bases that are fitted there, or drawn once. */
  feeds(parameters: Float32Array, layers: readonly LayerShape[]): Promise<Readonly<Record<string, Tensor>>>;
}

export type EncodedSide = 'outputs' | 'samples';

export interface Encoder {
  readonly layers: readonly LayerShape[];
  /** k of each layer. */
  readonly widths: readonly number[];
  /** Rows of a chunk of that side; the last one is padded with whatever padding gives. */
  rows(side: EncodedSide): number;
  /** One after the other: [rows, K] and where the chunk begins. */
  chunks(
    side: EncodedSide,
    parameters: Float32Array,
    samples: Samples,
    feeds: Readonly<Record<string, Tensor>>,
    watch: WorkWatch,
  ): AsyncGenerator<{ readonly start: number; readonly encoded: Tensor }, void, void>;
  dispose(): Promise<void>;
}

export async function openEncoder(
  engine: Engine,
  model: Model,
  projection: Projection,
  target?: Losses,
): Promise<Encoder> {
  const own = describeLayers(model);
  const layers = target === undefined ? own : commonLayers(own, describeLayers(model, target));
  const only = new Set(layers.map(({ parameters: [first] }) => first));
  const open = (of?: Losses): Promise<LayerProgram> =>
    openLayerProgram(engine, model, {
      rows: FACTOR_CHUNK,
      target: of,
      only,
      question: (g, found) => {
        // in the order of the samples' layers, whatever order the target uses them in
        const parts = layers.map(({ parameters: [first] }, place) => {
          const layer = found.find(({ parameters }) => parameters[0] === first);
          if (!layer) throw new Error(`the layer ${first} is missing`);
          return projection.encode(g, layer, place);
        });
        return { encoded: parts.length === 1 ? parts[0] : concat(g, parts, 1) };
      },
    });
  return openTogether(async (keep) => {
    const samples = await keep(open());
    const outputs = target === undefined ? samples : await keep(open(target));
    const programs = { samples, outputs };
    return {
      layers,
      widths: layers.map(projection.width),
      rows: (side) => programs[side].rows,
      async *chunks(side, parameters, rows, feeds, watch) {
        checkSamples(model, rows);
        const program = programs[side];
        for (let start = 0; start < rows.rows; start += program.rows) {
          watch.throwIfCancelled();
          const { encoded } = await program.run(parameters, rows, start, feeds);
          yield { start, encoded };
        }
      },
      async dispose() {
        await samples.dispose();
        if (outputs !== samples) await outputs.dispose();
      },
    };
  });
}
