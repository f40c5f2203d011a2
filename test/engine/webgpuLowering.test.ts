/**
 * What is lowered for WebGPU, run where every machine can run it, on the CPU: it must mean the same there, hold no operator
 * that WebGPU lacks, and be what a graph is lowered to for WebGPU only.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import {
  argMax,
  encodeOnnx,
  type Graph,
  GraphBuilder,
  interpret,
  logSoftmax,
  type Provider,
  round,
} from '../../src/graph/index.js';
import { parseModel } from '../../src/graph/onnxImport/proto.js';
import { feedsOf, operatorCases } from '../graph/operators.js';
import { errorOfLargest } from './support/errorOfLargest.js';
import { caseFeeds, caseGraph } from './support/operatorCheck.js';
import { wideCases } from './support/wideShapes.js';

const TOLERANCE = 2e-5;
/** ONNX Runtime 1.30 has no kernel for them on WebGPU, or one whose result is an int64 that nothing there takes. */
const LACKING = ['ArgMax', 'LogSoftmax', 'Or', 'Round', 'Sign', 'Sum', 'Xor'];

function operatorTypes(graph: Graph, provider: Provider): Set<string> {
  const { graph: encoded } = parseModel(encodeOnnx(graph, 'float32', provider), 'the encoded graph');
  return new Set(encoded?.node.map(({ opType }) => opType));
}

async function runOnCpu(graph: Graph, feeds: Readonly<Record<string, ArrayLike<number>>>) {
  const session = await InferenceSession.create(encodeOnnx(graph, 'float32', 'webgpu'), { logSeverityLevel: 3 });
  const fed = [...graph.inputs].map(([name, { shape }]) => [
    name,
    new Tensor('float32', Float32Array.from(feeds[name]), shape),
  ]);
  const results = await session.run(Object.fromEntries(fed));
  await session.release();
  return results as Readonly<Record<string, { readonly data: Float32Array }>>;
}

describe('lowered for WebGPU,', () => {
  for (const operatorCase of operatorCases) {
    it(`${operatorCase.name} means the same, without what WebGPU lacks`, async () => {
      const graph = caseGraph(operatorCase);
      const types = operatorTypes(graph, 'webgpu');
      expect(LACKING.filter((type) => types.has(type))).toEqual([]);
      const named = feedsOf(operatorCase, Random.named(3, operatorCase.name));
      const feeds = Object.fromEntries([...graph.inputs.keys()].map((name) => [name, Float32Array.from(named[name])]));
      const results = await runOnCpu(graph, feeds);
      for (const [name, { data }] of Object.entries(interpret(graph, feeds))) {
        for (const [i, value] of data.entries())
          expect(Math.abs(results[name].data[i] - value) / (1 + Math.abs(value))).toBeLessThan(TOLERANCE);
      }
    });
  }

  for (const wide of wideCases) {
    it(`${wide.name} means the same`, async () => {
      const graph = caseGraph(wide);
      const feeds = Object.fromEntries(Object.entries(caseFeeds(wide)).map(([name, { data }]) => [name, data]));
      expect(errorOfLargest(await runOnCpu(graph, feeds), interpret(graph, feeds))).toBeLessThan(5e-6);
    });
  }

  it('each lacking operator is one that the CPU is given, or it would not need the list', () => {
    const given = new Set(operatorCases.flatMap((one) => [...operatorTypes(caseGraph(one), 'cpu')]));
    // Sign is built of comparisons for every device
    expect(LACKING.filter((type) => !given.has(type))).toEqual(['Sign']);
  });

  it('CUDA is given what the CPU is given', () => {
    for (const graph of [...operatorCases, ...wideCases].map(caseGraph))
      expect(encodeOnnx(graph, 'float32', 'cuda')).toEqual(encodeOnnx(graph));
  });

  it('rounding is exact at halves, large odd numbers and infinities', async () => {
    const g = new GraphBuilder();
    const graph = g.build({ y: round(g, g.input('x', [12])) });
    const x = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 8388609, -8388609, 4194304.5, 4194305.5, Infinity, -Infinity];
    const { y } = await runOnCpu(graph, { x });
    expect([...y.data].map((value) => value + 0)).toEqual([
      0,
      2,
      2,
      0,
      -2,
      -2,
      8388609,
      -8388609,
      4194304,
      4194306,
      Infinity,
      -Infinity,
    ]);
    const exact = interpret(graph, { x }).y.data;
    expect([...y.data].map((value) => value + 0)).toEqual([...exact].map((value) => value + 0));
  });

  it('a log-softmax of large logits neither overflows nor loses digits', async () => {
    const g = new GraphBuilder();
    const graph = g.build({ y: logSoftmax(g, g.input('x', [2, 3])) });
    const x = [1e4, 1e4 - 1, -1e4, -300, -301, -302];
    const { y } = await runOnCpu(graph, { x });
    for (const [i, value] of interpret(graph, { x }).y.data.entries())
      expect(Math.abs(y.data[i] - value)).toBeLessThan(1e-6 * (1 + Math.abs(value)));
  });

  it('of equal entries the first is the place of the largest', async () => {
    const g = new GraphBuilder();
    const graph = g.build({ y: argMax(g, g.input('x', [3, 4]), 1) });
    const { y } = await runOnCpu(graph, { x: [0, 0, 0, 0, -1, 2, 2, -3, 5, 5, 6, -Infinity] });
    expect([...y.data]).toEqual([0, 1, 2]);
  });
});
