/** Files of PyTorch as models: their losses, products of their gradients, and training that goes on from their weights. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { packageRoot } from '../../src/foundation/index.js';
import { readOnnx } from '../../src/graph/index.js';
import { gradDot, openFactors } from '../../src/influence/index.js';
import { importedModel, type Samples, selectSamples, train } from '../../src/models/index.js';

const FOLDER = join(packageRoot, 'test', 'fixtures', 'onnx');
const engine = cpuEngine();

interface Reference {
  readonly input: { readonly shape: readonly number[]; readonly values: readonly number[] };
  readonly targets: { readonly shape: readonly number[]; readonly values: readonly number[] };
  readonly losses: readonly number[];
  readonly gradientProducts: readonly (readonly number[])[];
}

async function load(name: string) {
  const reference = JSON.parse(readFileSync(join(FOLDER, `${name}.reference.json`), 'utf8')) as Reference;
  const { shape, values } = reference.input;
  const width = values.length / shape[0];
  const sequences = shape.length === 2 && reference.targets.shape.length === 2;
  const file = await readOnnx(join(FOLDER, `${name}.onnx`), { bind: sequences ? { sequence: width } : {} });
  // the last token of a sequence has no target
  const targets = sequences
    ? values.map((_, i) => ((i + 1) % width === 0 ? -1 : values[i + 1]))
    : reference.targets.values;
  const samples: Samples = {
    rows: shape[0],
    width,
    features: Float32Array.from(values),
    targets: Int32Array.from(targets),
  };
  return { reference, samples, file, sequences };
}

describe('a model from a file', () => {
  it.each(['cnn-opset13', 'mlp-opset18/model', 'decoder-opset18', 'gpt2-opset17'])(
    '%s has the losses and gradient products of PyTorch, whatever the batch it is scored in',
    async (name) => {
      const { reference, samples, file, sequences } = await load(name);
      const { model, parameters } = importedModel(file, { objective: sequences ? 'next-token' : 'class' });
      const source = await openFactors(engine, model);
      const { losses } = await source.factors(parameters, samples);
      await source.dispose();
      for (const [i, loss] of reference.losses.entries()) expect(losses[i] / loss).toBeCloseTo(1, 5);
      const scorer = await gradDot(engine, model, parameters);
      const scores = await scorer.score(samples, samples);
      const alone = await scorer.score(selectSamples(samples, [2]), selectSamples(samples, [1]));
      await scorer.dispose();
      for (const [i, row] of reference.gradientProducts.entries()) {
        for (const [j, product] of row.entries()) {
          const scale = Math.sqrt(reference.gradientProducts[i][i] * reference.gradientProducts[j][j]);
          expect(Math.abs(scores.data[i * 3 + j] - product) / scale).toBeLessThan(5e-5);
        }
      }
      // a convolution's last bits depend on where in the batch a sample stands
      const norm = Math.sqrt(scores.data[8] * scores.data[4]);
      expect(Math.abs(alone.data[0] - scores.data[2 * 3 + 1]) / norm).toBeLessThan(1e-6);
    },
    60_000,
  );

  it('learns on from its weights', async () => {
    const { samples, file } = await load('mlp-opset13');
    const { model } = importedModel(file, { objective: 'class' });
    const options = { epochs: 30, batch: 3, learningRate: 0.05, momentum: 0.9, seed: 1 };
    const { losses } = await train(engine, model, samples, options);
    expect(losses[29]).toBeLessThan(0.2 * losses[0]);
  });

  it('is refused with an output that does not fit, and says which there are', async () => {
    const { file } = await load('mlp-opset13');
    expect(() => importedModel(file, { objective: 'next-token' })).toThrow(/wants 3 axes/);
    expect(() => importedModel(file, { objective: 'class', output: 'nothing' })).toThrow(
      /no output "nothing".*Choose one of/,
    );
  });
});
