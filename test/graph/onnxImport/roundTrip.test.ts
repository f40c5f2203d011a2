/** What our own exporter writes is read back as the same function: every operator and its
 * gradients, by the float64 oracle. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../src/foundation/index.js';
import {
  differentiate,
  encodeOnnx,
  type Graph,
  GraphBuilder,
  interpret,
  multiply,
  readOnnx,
  reduceSum,
} from '../../../src/graph/index.js';
import { differentiated, feedsOf, operatorCases } from '../operators.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meed-round-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function readBack(graph: Graph): Promise<Graph> {
  const path = join(folder, 'model.onnx');
  await writeFile(path, encodeOnnx(graph, 'float64'));
  const model = await readOnnx(path);
  const g = new GraphBuilder();
  const inputs = model.inputs.map((input) => g.input(input.name, model.inputShape(input, model.samples)));
  const parameters = model.parameters.map(({ data, shape }) => g.constant(data, shape));
  return g.build(model.build(g, { samples: model.samples, parameters, inputs }));
}

describe('export, then import', () => {
  it.each(operatorCases)('$name', async (operatorCase) => {
    const g = new GraphBuilder();
    const inputs = operatorCase.shapes.map((shape, i) => g.input(`x${i}`, shape));
    const y = operatorCase.build(g, inputs);
    const axes = y.shape.map((_, axis) => axis);
    const at = differentiated(operatorCase);
    const gradients = differentiate(
      g,
      reduceSum(g, multiply(g, y, y), axes),
      at.map((i) => inputs[i]),
    );
    const graph = g.build({ y, ...Object.fromEntries(gradients.map((value, i) => [`d${i}`, value])) });
    const feeds = feedsOf(operatorCase, new Random(7));
    const before = interpret(graph, feeds);
    const after = interpret(await readBack(graph), feeds);
    for (const [name, expected] of Object.entries(before)) {
      expect(after[name].shape).toEqual(expected.shape);
      const scale = Math.max(1e-6, ...expected.data.map(Math.abs));
      for (const [i, value] of expected.data.entries()) {
        expect(Math.abs(after[name].data[i] - value) / scale).toBeLessThan(1e-6);
      }
    }
  });
});
