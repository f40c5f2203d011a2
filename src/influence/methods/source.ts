/**
 * SOURCE (Bae et al. 2024, section 3): training is unrolled in segments in which curvature and gradients are taken as
 * constant, so a sample's push (mean gradient ḡ over a segment's states) grows to (1 − e^{−ησK})/σ along each direction of
 * curvature σ and is forgotten by e^{−ησK} in every later segment: score = ∇_qᵀ Σ_s [Π_{s'>s} e^{−ηKH_{s'}}] (1 − e^{−ηKH_s})H_s⁻¹ ḡ_s / n.
 * Needs no convergence and no damping; the curvature of a segment is EK-FAC's, averaged over its states. With one
 * segment and endless training it is the influence function.
 * The trap: only the last state's gradient of the output matters, but samples' gradients are those along the way.
 */
import { type ChangeOfBasis, curvatureOf, eigenForm, openChangeOfBasis, openKronecker } from '../kronecker/index.js';
import { type Basis, type LayerGradients, scaledVectors, type VectorSource } from '../layers/index.js';
import { segmentsOf } from './segments.js';
import { countOf, vectorMethod, wordOf } from './vectorMethod.js';

export type SourceSettings = {
  /** Equal parts of the training. */
  readonly segments: number;
  /** 'sampled': targets drawn from the model; 'empirical': the samples' own. */
  readonly fisher: string;
};

export const sourceMethod = vectorMethod<SourceSettings>({
  name: 'source',
  source: 'Bae et al. 2024, "Training data attribution via approximate unrolled differentiation", section 3',
  claim: "by how much the output's loss would have risen had the training gone without this sample's gradient",
  scale: "nats of the output's loss, after the training as it was",
  cost: "EK-FAC's for each segment and 2·m·n·P operations for each state; no P numbers a sample are held",
  needs: ['checkpoints'],
  form: 'bilinear',
  additivity: 'relative',
  defaults: { segments: 3, fisher: 'sampled' },
  grid: [{ segments: 1 }, { segments: 2 }],
  plan: (attribution, settings, watch) => {
    const segments = countOf('segments', settings.segments, 1);
    const fisher = wordOf('fisher', settings.fisher, ['sampled', 'empirical']);
    return {
      form: eigenForm,
      async prepare(gradients) {
        const { engine, model, seed } = attribution;
        const fitter = await openKronecker(engine, model, { kind: 'corrected', fisher, seed, watch });
        try {
          const unrolled: Unrolled[] = [];
          for (const run of attribution.runs) {
            const fitted: FittedSegment[] = [];
            for (const { states, mass, decay } of segmentsOf(run, segments, attribution.samples.rows)) {
              const curvature = await fitter.fit(states, attribution.samples);
              const { bases, eigenvalues } = curvatureOf(curvature, gradients.layers);
              fitted.push({
                states,
                bases,
                gained: eigenvalues.map((values) => Float32Array.from(values, (x) => gain(x + decay, mass))),
                kept: eigenvalues.map((values) => Float32Array.from(values, (x) => Math.exp(-mass * (x + decay)))),
              });
            }
            const rows = run.rows?.length ?? attribution.samples.rows;
            unrolled.push({ weight: 1 / (rows * attribution.runs.length), segments: fitted });
            watch.progress(unrolled.length, attribution.runs.length, 'runs');
          }
          return sourceOf(gradients, unrolled, await openChangeOfBasis(engine, gradients));
        } finally {
          await fitter.dispose();
        }
      },
    };
  },
});

interface FittedSegment {
  readonly states: readonly Float32Array[];
  readonly bases: readonly Basis[];
  /** (1 − e^{−ηKσ})/σ and e^{−ηKσ}, of each layer. */
  readonly gained: readonly Float32Array[];
  readonly kept: readonly Float32Array[];
}

interface Unrolled {
  readonly weight: number;
  readonly segments: readonly FittedSegment[];
}

/** (1 − e^{−mass·σ})/σ, which is the mass itself where there is no curvature. */
function gain(sigma: number, mass: number): number {
  return sigma === 0 ? mass : -Math.expm1(-mass * sigma) / sigma;
}

function sourceOf(gradients: LayerGradients, runs: readonly Unrolled[], bases: ChangeOfBasis): VectorSource {
  return {
    async *terms(outputs, start) {
      for (const { weight, segments } of runs) {
        const last = segments[segments.length - 1];
        const trained = last.states[last.states.length - 1];
        let vectors = await gradients.ofOutputs(trained, outputs, start, last.bases);
        for (const [s, segment] of [...segments.entries()].reverse()) {
          const pushed = scaledVectors(vectors, segment.gained, weight / segment.states.length);
          for (const parameters of segment.states) yield { parameters, bases: segment.bases, vectors: pushed };
          if (s === 0) break;
          vectors = await bases.change(scaledVectors(vectors, segment.kept, 1), segment.bases, segments[s - 1].bases);
        }
      }
    },
    dispose: () => bases.dispose(),
  };
}
