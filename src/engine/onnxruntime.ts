/**
 * ONNX Runtime on the CPU. The traps: `run` blocks the event loop while it computes, and a product's last bits depend on
 * the shape (never on the thread count), so whoever needs equal bits keeps equal chunk boundaries.
 */
import { createRequire } from 'node:module';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { MeedError } from '../foundation/index.js';
import { encodeOnnx, type Graph, type Shape } from '../graph/index.js';
import type { Engine, Program, Tensor } from './engine.js';

export interface CpuOptions {
  /** Threads of one operator; 1 is fastest for small graphs. */
  readonly threads: number;
}

const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };

/** @param options defaults to one thread */
export function cpuEngine(options: CpuOptions = { threads: 1 }): Engine {
  return { name: `onnxruntime-node ${version} cpu`, compile: (graph) => compile(graph, options) };
}

async function compile(graph: Graph, { threads }: CpuOptions): Promise<Program> {
  const session = await InferenceSession.create(encodeOnnx(graph), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  return {
    async run(feeds) {
      const inputs: Record<string, OrtTensor> = {};
      for (const [name, { shape }] of graph.inputs) inputs[name] = feed(name, shape, feeds[name]);
      const results = await session.run(inputs);
      const outputs: Record<string, Tensor> = {};
      for (const [name, { shape }] of graph.outputs) {
        const data = results[name].data;
        if (!(data instanceof Float32Array)) throw new Error(`the engine returned ${name} as ${results[name].type}`);
        outputs[name] = { shape, data };
      }
      return outputs;
    },
    dispose: () => session.release(),
  };
}

function feed(name: string, shape: Shape, tensor: Tensor | undefined): OrtTensor {
  if (!tensor || tensor.shape.length !== shape.length || tensor.shape.some((extent, i) => extent !== shape[i])) {
    throw new MeedError(
      `The graph's input "${name}" has the shape [${shape}], it was given ${tensor ? `[${tensor.shape}]` : 'nothing'}`,
      'Feed every input with its own shape',
    );
  }
  return new OrtTensor('float32', tensor.data, shape);
}
