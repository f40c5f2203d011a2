/**
 * What runs a graph. An engine compiles a graph once to a program; a program maps named tensors to named tensors. Layers
 * above know only this interface, so a second engine or another device changes nothing there.
 */
import type { Graph, Shape } from '../graph/index.js';

/** A tensor in this process' memory, row-major float32. */
export interface Tensor {
  readonly shape: Shape;
  readonly data: Float32Array;
}

export interface Program {
  /** @throws MeedError when an input is missing or of the wrong shape */
  run(feeds: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  /** Frees the engine's memory; the program cannot run afterwards. */
  dispose(): Promise<void>;
}

export interface Engine {
  /** Name and version, as published in manifests: "onnxruntime-node 1.30.0 cpu". */
  readonly name: string;
  compile(graph: Graph): Promise<Program>;
}
