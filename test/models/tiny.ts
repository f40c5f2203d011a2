/** Samples of two noisy clouds a class, and a perceptron in float64 with explicit loops, independent of the graphs. */
import { Random } from '../../src/foundation/index.js';
import type { Samples, TrainingOptions } from '../../src/models/index.js';

export const OPTIONS: TrainingOptions = { epochs: 3, batch: 4, learningRate: 0.1, momentum: 0.9, seed: 5 };

export function cloud(rows: number, width: number, classes: number, seed = 1): Samples<Int32Array> {
  const random = new Random(seed);
  const targets = Int32Array.from({ length: rows }, () => random.below(classes));
  const features = Float32Array.from(
    { length: rows * width },
    (_, i) => random.normal() + (i % width === targets[Math.floor(i / width)] ? 1.5 : 0),
  );
  return { rows, width, features, targets };
}

interface Loss {
  readonly loss: number;
  readonly gradient: Float64Array;
}

/** Loss of one sample and its gradient by the chain rule; parameters are W₀ b₀ W₁ b₁ …, W row-major [in, out]. */
export function sampleGradient(
  widths: readonly number[],
  flat: ArrayLike<number>,
  x: ArrayLike<number>,
  target: number,
): Loss {
  const layers = widths.length - 1;
  const offsets = [0];
  for (let l = 0; l < layers; l++) offsets.push(offsets[l] + (widths[l] + 1) * widths[l + 1]);
  const inputs: number[][] = [Array.from(x)];
  const outputs: number[][] = [];
  for (let l = 0; l < layers; l++) {
    const z: number[] = [];
    for (let o = 0; o < widths[l + 1]; o++) {
      let sum = flat[offsets[l] + widths[l] * widths[l + 1] + o];
      for (let i = 0; i < widths[l]; i++) sum += inputs[l][i] * flat[offsets[l] + i * widths[l + 1] + o];
      z.push(sum);
    }
    outputs.push(z);
    inputs.push(z.map((value) => Math.max(0, value)));
  }
  const logits = outputs[layers - 1];
  const largest = Math.max(...logits);
  const total = logits.reduce((sum, z) => sum + Math.exp(z - largest), 0);
  let delta = logits.map((z, c) => Math.exp(z - largest) / total - (c === target ? 1 : 0));
  const gradient = new Float64Array(offsets[layers]);
  for (let l = layers - 1; l >= 0; l--) {
    const [fanIn, fanOut] = [widths[l], widths[l + 1]];
    const back = new Array<number>(fanIn).fill(0);
    for (let o = 0; o < fanOut; o++) {
      gradient[offsets[l] + fanIn * fanOut + o] = delta[o];
      for (let i = 0; i < fanIn; i++) {
        gradient[offsets[l] + i * fanOut + o] = inputs[l][i] * delta[o];
        back[i] += flat[offsets[l] + i * fanOut + o] * delta[o];
      }
    }
    delta = l === 0 ? [] : back.map((value, i) => (outputs[l - 1][i] > 0 ? value : 0));
  }
  return { loss: largest + Math.log(total) - logits[target], gradient };
}

export function featuresOf(samples: Samples, row: number): Float32Array {
  return samples.features.subarray(row * samples.width, (row + 1) * samples.width);
}

/** Mean loss and gradient over rows. */
export function meanGradient(
  widths: readonly number[],
  flat: ArrayLike<number>,
  samples: Samples,
  rows: readonly number[],
): Loss {
  const gradient = new Float64Array(flat.length);
  let loss = 0;
  for (const row of rows) {
    const one = sampleGradient(widths, flat, featuresOf(samples, row), samples.targets[row]);
    loss += one.loss / rows.length;
    for (let p = 0; p < gradient.length; p++) gradient[p] += one.gradient[p] / rows.length;
  }
  return { loss, gradient };
}
