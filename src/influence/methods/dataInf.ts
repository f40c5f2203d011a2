/**
 * DataInf (Kwon et al. 2024, section 3): the inverse of a layer's mean of damped rank-one matrices is taken as the mean of
 * their inverses, (1/n) Σ_i (g_i·g_iᵀ + λ)⁻¹, which Sherman and Morrison give in closed form:
 * ψ_q = (1/nλ) Σ_i [v − (g_i·v)/(λ + ‖g_i‖²)·g_i], with λ a share of the layer's mean squared gradient entry. Gradients
 * are those of the samples' own labels. The paper's score is negative for helpful data; here the sign is turned.
 * The trap: mean and inverse change places only where gradients are small beside λ, so its order of magnitude matters.
 */
import type { Tensor } from '../../engine/index.js';
import { add, divide, multiply, reduceSum, reshape } from '../../graph/index.js';
import { FACTOR_CHUNK } from '../factors.js';
import { dampingsOf, USUAL_DAMPING } from '../kronecker/index.js';
import {
  combined,
  dots,
  type LayerGradients,
  type LayerProgram,
  type LayerVectors,
  OWN_COORDINATES,
  openLayerProgram,
  squaredNorms,
  widthOf,
} from '../layers/index.js';
import { type Keep, openTogether } from '../openTogether.js';
import type { WorkWatch } from '../watch.js';
import type { Attribution } from './method.js';
import { LAST, statesAt } from './runStates.js';
import { vectorMethod } from './vectorMethod.js';

export type DataInfSettings = {
  /** λ as a share of each layer's mean squared gradient entry. */
  readonly damping: number;
  readonly epoch: number | string;
};

export const dataInfMethod = vectorMethod<DataInfSettings>({
  name: 'datainf',
  source:
    'Kwon et al. 2024, "DataInf: efficiently estimating data influence in LoRA-tuned LLMs and diffusion models", section 3, sign turned',
  claim:
    "by how much the output's loss would rise if the sample were left out, with a closed form in place of the inverse",
  scale: "nats of the output's loss, with the curvature of the layers taken apart",
  cost: '6·m·n·P operations in three passes over n samples; no P numbers a sample are held',
  needs: [],
  form: 'bilinear',
  additivity: 'relative',
  defaults: { damping: USUAL_DAMPING, epoch: LAST },
  grid: [1e-3, 1e-2, 1, 10, 100].map((damping) => ({ damping })),
  plan: (attribution, settings, watch) => ({
    form: () => OWN_COORDINATES,
    prepare: (gradients) =>
      openTogether(async (keep) => {
        const programs = await openPrograms(attribution, gradients, keep);
        const { samples, runs } = attribution;
        const states: { readonly parameters: Float32Array; readonly dampings: readonly number[] }[] = [];
        for (const { parameters } of statesAt(attribution, settings.epoch)) {
          const means = await meanSquares(programs.norms, parameters, attribution, gradients, watch);
          states.push({ parameters, dampings: dampingsOf(gradients.layers, means, settings.damping) });
        }
        const bases = gradients.layers.map(() => ({}));
        return {
          async *terms(outputs, start) {
            for (const { parameters, dampings } of states) {
              const asked = await gradients.ofOutputs(parameters, outputs, start, bases);
              const parts = await weighted(programs.sums, parameters, attribution, asked, dampings, watch);
              const vectors = asked.map(({ shape, data }, l) => {
                const scale = dampings[l] === 0 ? 0 : 1 / (dampings[l] * samples.rows * runs.length);
                return { shape, data: data.map((v, i) => scale * (v - parts[l].data[i] / samples.rows)) };
              });
              yield { parameters, bases, vectors };
            }
          },
          async dispose() {
            await programs.norms.dispose();
            await programs.sums.dispose();
          },
        };
      }),
  }),
});

/** `norms`: Σ over samples of ‖g_i‖²; `sums`: Σ over samples of (g_i·v)/(λ + ‖g_i‖²)·g_i. Layer by layer. */
async function openPrograms({ engine, model }: Attribution, { layers, block }: LayerGradients, keep: Keep) {
  const only = new Set(layers.map(({ parameters: [first] }) => first));
  const norms = await keep(
    openLayerProgram(engine, model, {
      rows: FACTOR_CHUNK,
      only,
      question: (g, found, present) =>
        Object.fromEntries(
          found.map((layer, l) => [`norms ${l}`, reduceSum(g, multiply(g, squaredNorms(g, layer), present), [0])]),
        ),
    }),
  );
  const sums = await keep(
    openLayerProgram(engine, model, {
      rows: FACTOR_CHUNK,
      only,
      question: (g, found, present) =>
        Object.fromEntries(
          found.map((layer, l) => {
            const vectors = g.input(`vectors ${l}`, [block, widthOf(layer)]);
            const damped = add(g, squaredNorms(g, layer), g.input(`damping ${l}`, [1]));
            const weights = multiply(
              g,
              dots(g, layer, vectors),
              reshape(g, divide(g, present, damped), [1, damped.shape[0]]),
            );
            return [`sums ${l}`, combined(g, layer, weights)];
          }),
        ),
    }),
  );
  return { norms, sums };
}

async function meanSquares(
  program: LayerProgram,
  parameters: Float32Array,
  { samples }: Attribution,
  { layers }: LayerGradients,
  watch: WorkWatch,
): Promise<number[]> {
  const sums = layers.map(() => 0);
  for (let start = 0; start < samples.rows; start += program.rows) {
    watch.throwIfCancelled();
    const found = await program.run(parameters, samples, start);
    for (const l of layers.keys()) sums[l] += found[`norms ${l}`].data[0];
  }
  return sums.map((sum, l) => sum / (samples.rows * widthOf(layers[l])));
}

async function weighted(
  program: LayerProgram,
  parameters: Float32Array,
  { samples }: Attribution,
  vectors: LayerVectors,
  dampings: readonly number[],
  watch: WorkWatch,
): Promise<LayerVectors> {
  const feeds: Record<string, Tensor> = {};
  for (const [l, vector] of vectors.entries()) {
    feeds[`vectors ${l}`] = vector;
    // a layer without gradients has no weights to divide; its vectors are left out anyway
    feeds[`damping ${l}`] = { shape: [1], data: Float32Array.of(dampings[l] || 1) };
  }
  const sums = vectors.map(({ shape, data }): Tensor => ({ shape, data: new Float32Array(data.length) }));
  for (let start = 0; start < samples.rows; start += program.rows) {
    watch.throwIfCancelled();
    const found = await program.run(parameters, samples, start, feeds);
    for (const [l, { data: into }] of sums.entries()) {
      const { data } = found[`sums ${l}`];
      for (let i = 0; i < into.length; i++) into[i] += data[i];
    }
  }
  return sums;
}
