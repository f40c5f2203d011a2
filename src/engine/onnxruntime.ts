/**
 * ONNX Runtime on the CPU. The traps: `run` blocks the event loop while it computes, and a product's last bits depend on
 * the shape (never on the thread count), so whoever needs equal bits keeps equal chunk boundaries.
 * A "device" tensor is here a tensor of the runtime, which saves nothing but a wrapper.
 */
import { createRequire } from 'node:module';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { MeedError } from '../foundation/index.js';
import { encodeOnnx, type Graph, type Precision, type Shape } from '../graph/index.js';
import type { CompileOptions, DeviceTensor, Engine, Feed, Numbers, Program, Tensor } from './engine.js';

export interface CpuOptions {
  /** Threads of one operator; 1 is fastest for small graphs. */
  readonly threads: number;
}

const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };

/** @param options defaults to one thread */
export function cpuEngine(options: CpuOptions = { threads: 1 }): Engine {
  return {
    name: `onnxruntime-node ${version} cpu`,
    device: 'cpu',
    compile: (graph, compileOptions) => compile(graph, options, compileOptions ?? {}),
    upload: async (tensor) => hostTensor(tensor.shape, tensor.data),
  };
}

async function compile<P extends Precision, Kept extends string>(
  graph: Graph,
  { threads }: CpuOptions,
  { precision, keep = [] }: CompileOptions<P, Kept>,
): Promise<Program<P, Kept>> {
  const element: Precision = precision ?? 'float32';
  const session = await InferenceSession.create(encodeOnnx(graph, element), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  const inputs = [...graph.inputs].map(([name, { shape }]) => ({ name, shape }));
  const outputs = [...graph.outputs].map(([name, { shape }]) => ({ name, shape }));
  const compute = async (feeds: Readonly<Record<string, Feed<P>>>): Promise<Record<string, Tensor<P>>> => {
    const fed: Record<string, OrtTensor> = {};
    for (const { name, shape } of inputs)
      fed[name] = new OrtTensor(element, dataOf<P>(name, shape, feeds[name]), shape);
    const results = await session.run(fed);
    const tensors: Record<string, Tensor<P>> = {};
    for (const { name, shape } of outputs) tensors[name] = { shape, data: results[name].data as Numbers<P> };
    return tensors;
  };
  return {
    handedBack: [],
    run: compute,
    async runKeeping(feeds) {
      const host = await compute(feeds);
      const kept = {} as Record<Kept, DeviceTensor<P>>;
      for (const name of keep) {
        kept[name] = hostTensor(host[name].shape, host[name].data);
        delete host[name];
      }
      return { host, kept };
    },
    dispose: () => session.release(),
  };
}

function hostTensor<P extends Precision>(shape: Shape, data: Numbers<P>): DeviceTensor<P> & Tensor<P> {
  return { device: 'cpu', shape, data, read: async () => ({ shape, data }), dispose() {} };
}

function dataOf<P extends Precision>(name: string, shape: Shape, feed: Feed<P> | undefined): Numbers<P> {
  if (!feed || feed.shape.length !== shape.length || feed.shape.some((extent, i) => extent !== shape[i])) {
    throw new MeedError(
      `The graph's input "${name}" has the shape [${shape}], it was given ${feed ? `[${feed.shape}]` : 'nothing'}`,
      'Feed every input with its own shape',
    );
  }
  if (!('data' in feed)) {
    throw new MeedError(
      `The input "${name}" was given a tensor that is on ${'device' in feed ? feed.device : 'another device'}`,
      'Read it back first, or feed it to a program of its own engine',
    );
  }
  return feed.data;
}
