/**
 * Models exported by PyTorch, attributed without a line about any of them: their per-sample gradient products, from
 * captured factors on the engine, are PyTorch's.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { packageRoot } from '../../src/foundation/index.js';
import {
  capture,
  crossEntropy,
  GraphBuilder,
  reduceMean,
  reshape,
  slice,
  squaredError,
  type Value,
} from '../../src/graph/index.js';
import { readOnnx } from '../../src/graph/onnxImport/index.js';
import { blockNorms, blockProducts, sumBlocks } from '../../src/influence/blockProducts.js';

const FOLDER = join(packageRoot, 'test', 'fixtures', 'onnx');
const SAMPLES = 3;

interface Numbers {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

interface Reference {
  readonly input: Numbers;
  readonly targets: Numbers;
  readonly outputName: string;
  readonly loss: 'next-token' | 'cross-entropy' | 'squared-error';
  readonly gradientProducts: readonly (readonly number[])[];
}

const names = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.onnx'))
  .map((name) => name.slice(0, -'.onnx'.length));

function lossesOf(g: GraphBuilder, y: Value, targets: Value, loss: Reference['loss']): Value {
  if (loss === 'squared-error') return squaredError(g, y, targets);
  if (loss === 'cross-entropy') return crossEntropy(g, y, targets);
  const length = targets.shape[1];
  const each = crossEntropy(g, slice(g, y, 1, 0, length - 1), slice(g, targets, 1, 1, length));
  return reshape(g, reduceMean(g, each, [1]), [SAMPLES]);
}

async function attribute(name: string) {
  const reference = JSON.parse(readFileSync(join(FOLDER, `${name}.reference.json`), 'utf8')) as Reference;
  const bind: Record<string, number> = reference.loss === 'next-token' ? { sequence: reference.input.shape[1] } : {};
  const model = await readOnnx(join(FOLDER, `${name}.onnx`), { bind });
  const factors = () => {
    const g = new GraphBuilder();
    const parameters = model.parameters.map(({ shape }, i) => g.input(`p${i}`, shape));
    const x = g.input('x', reference.input.shape);
    const targets = g.input('t', reference.targets.shape);
    const outputs = model.build(g, { samples: SAMPLES, parameters, inputs: [x] });
    const losses = lossesOf(g, outputs[reference.outputName], targets, reference.loss);
    const tensor = ({ shape, values }: Numbers) => ({ shape, data: Float32Array.from(values) });
    const weights = model.parameters.map(({ shape, data }, i) => [`p${i}`, { shape, data: Float32Array.from(data) }]);
    return {
      g,
      blocks: capture(g, { losses, batch: [x, targets], parameters }),
      feeds: { x: tensor(reference.input), t: tensor(reference.targets), ...Object.fromEntries(weights) },
    };
  };
  return { reference, factors };
}

describe('captured factors of imported models', () => {
  it('have fixtures', () => {
    expect(names.length).toBeGreaterThan(10);
  });

  it.each(names)('%s: products and norms are PyTorch’s', async (name) => {
    const { reference, factors } = await attribute(name);
    const { g, blocks, feeds } = factors();
    const products = sumBlocks(
      g,
      blocks.map(({ term }) => blockProducts(g, term, term)),
    );
    const norms = sumBlocks(
      g,
      blocks.map(({ term }) => blockNorms(g, term)),
    );
    const program = await cpuEngine().compile(g.build({ products, norms }));
    const result = await program.run(feeds);
    await program.dispose();
    for (let i = 0; i < SAMPLES; i++) {
      const norm = reference.gradientProducts[i][i];
      expect(result.norms.data[i] / norm).toBeCloseTo(1, 4);
      for (let j = 0; j < SAMPLES; j++) {
        const scale = Math.sqrt(norm * reference.gradientProducts[j][j]);
        const difference = result.products.data[i * SAMPLES + j] - reference.gradientProducts[i][j];
        expect(Math.abs(difference) / scale).toBeLessThan(5e-5);
      }
    }
  });
});
