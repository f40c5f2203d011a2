/**
 * One kernel of several states: K̄ = Σ_s K_s / mean eigenvalue of K_s, so that no state outweighs another by the length of its
 * gradients alone. Against the trained samples it has a row for any sample, which is how a new row is encoded alone.
 */
import type { Engine, Tensor } from '../../engine/index.js';
import type { Losses, Model, Samples } from '../../models/index.js';
import { openFactors } from '../factors.js';
import { openKernel } from '../gradientKernel.js';
import type { WorkWatch } from '../watch.js';
import { meanEigenvalue } from './dualPath.js';
import { gram } from './gram.js';

export interface EnsembleKernel {
  /** [n, n] of the trained samples. */
  readonly gram: Tensor;
  /** [rows, n] of any samples against the trained ones. */
  rows(samples: Samples): Promise<Tensor>;
}

/** Factors are made again for each call; nothing but the kernel is held. */
export async function ensembleKernel(
  engine: Engine,
  model: Model,
  {
    states,
    trained,
    target,
  }: {
    readonly states: readonly { readonly parameters: Float32Array }[];
    readonly trained: Samples;
    readonly target: Losses;
  },
  watch: WorkWatch,
): Promise<EnsembleKernel> {
  const scales: number[] = [];
  const overStates = async (
    rows: number,
    add: (sum: Tensor, state: number, open: Opened) => Promise<void>,
  ): Promise<Tensor> => {
    const sum: Tensor = { shape: [rows, trained.rows], data: new Float32Array(rows * trained.rows) };
    const opened = { source: await openFactors(engine, model, target), kernel: openKernel(engine) };
    try {
      for (const s of states.keys()) {
        watch.throwIfCancelled();
        await add(sum, s, opened);
        watch.progress(s + 1, states.length, 'kernels');
      }
    } finally {
      await opened.source.dispose();
      await opened.kernel.dispose();
    }
    return sum;
  };
  const whole = await overStates(trained.rows, async (sum, s, { source, kernel }) => {
    const k = await gram(kernel, await source.factors(states[s].parameters, trained));
    const mean = meanEigenvalue(k);
    scales[s] = mean === 0 ? 0 : 1 / mean;
    for (let i = 0; i < k.data.length; i++) sum.data[i] += scales[s] * k.data[i];
  });
  return {
    gram: whole,
    rows: (samples) =>
      overStates(samples.rows, async (sum, s, { source, kernel }) => {
        const { parameters } = states[s];
        const [left, right] = [await source.factors(parameters, samples), await source.factors(parameters, trained)];
        await kernel.addTo(sum, { row: 0, column: 0 }, scales[s], left, right);
      }),
  };
}

interface Opened {
  readonly source: Awaited<ReturnType<typeof openFactors>>;
  readonly kernel: ReturnType<typeof openKernel>;
}
