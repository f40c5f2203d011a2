/**
 * TensorFlow.js as second engine: an interpreter of the same graphs, operator by operator, by each operator's own line.
 * Whichever package is installed is used, fastest first; none is a dependency, since tfjs-node downloads libtensorflow
 * (CUDA 11) when it is installed. Intermediate tensors are freed after their last use, not at the end of the run.
 * The traps: an operator may return one of its inputs, which must not be freed twice; and there is no float64.
 */
import { createRequire } from 'node:module';
import { MeedError, messageOf, systemCode } from '../foundation/index.js';
import type { Graph, Node, Precision, Shape, Tfjs, TfTensor } from '../graph/index.js';
import type { CompileOptions, DeviceKind, DeviceTensor, Engine, Feed, Numbers, Program, Tensor } from './engine.js';
import { checkedFeed, fedNumbers } from './feeds.js';
import { disposedError } from './hostTensor.js';
import { explainIndexError } from './indexError.js';
import type { DeviceChoice } from './open.js';

/** Installed packages are tried in this order. */
const PACKAGES = {
  auto: ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node', '@tensorflow/tfjs'],
  cpu: ['@tensorflow/tfjs-node', '@tensorflow/tfjs'],
  cuda: ['@tensorflow/tfjs-node-gpu'],
} as const;

interface Opened {
  readonly tf: Tfjs;
  readonly library: string;
}

/** @throws MeedError when no package is installed, or none that has the device */
export async function tfjsEngine(device: DeviceChoice): Promise<Engine> {
  if (device === 'webgpu') {
    throw new MeedError(
      'TensorFlow.js has no device webgpu in Node.js',
      'Choose --device cpu or cuda with --engine tfjs, or --engine onnxruntime',
    );
  }
  const { tf, library } = await openLibrary(PACKAGES[device]);
  await tf.ready();
  const actual = usesGpu(tf) ? 'cuda' : 'cpu';
  if (device === 'cuda' && actual !== 'cuda') {
    throw new MeedError(
      'TensorFlow.js found no NVIDIA GPU that it can use',
      "Install NVIDIA's driver and CUDA 11.8, which tfjs-node-gpu 4.22 is built for, or choose --device cpu",
    );
  }
  return {
    name: `${library.replace('@tensorflow/', '')} ${tf.version_core} ${actual} (${tf.getBackend()})`,
    device: actual,
    compile: async (graph, options) => compile(tf, actual, graph, options ?? {}),
    upload: async <P extends Precision>({ shape, data }: Tensor<P>) => {
      refuseFloat64(data instanceof Float64Array ? 'float64' : 'float32');
      return new TfjsTensor<P>(actual, shape, tf.tensor(data as Float32Array, [...shape], 'float32'));
    },
  };
}

/** A tensor in the memory of a TensorFlow.js backend. */
class TfjsTensor<P extends Precision> implements DeviceTensor<P> {
  readonly device: DeviceKind;
  readonly shape: Shape;
  #tensor: TfTensor | undefined;

  constructor(device: DeviceKind, shape: Shape, tensor: TfTensor) {
    this.device = device;
    this.shape = shape;
    this.#tensor = tensor;
  }

  /** @throws MeedError after disposal */
  get handle(): TfTensor {
    if (!this.#tensor) throw disposedError(this.shape, this.device);
    return this.#tensor;
  }

  async read(): Promise<Tensor<P>> {
    return { shape: this.shape, data: await numbersOf<P>(this.handle) };
  }

  dispose(): void {
    this.#tensor?.dispose();
    this.#tensor = undefined;
  }
}

function compile<P extends Precision, Kept extends string>(
  tf: Tfjs,
  device: DeviceKind,
  graph: Graph,
  { precision, keep = [] }: CompileOptions<P, Kept>,
): Program<P, Kept> {
  refuseFloat64(precision ?? 'float32');
  for (const name of keep) {
    if (!graph.outputs.has(name)) throw new MeedError(`The graph has no output "${name}" to keep`, 'Keep its outputs');
  }
  const kept = new Set<string>(keep);
  const lastUse = lastUses(graph);
  let constants = new Map<number, TfTensor>();
  for (const { value, data } of graph.constants)
    constants.set(value.id, tf.keep(tf.tensor(Float32Array.from(data), [...value.shape], 'float32')));

  const runKeeping: Program<P, Kept>['runKeeping'] = async (feeds) => {
    const results = compute(tf, graph, lastUse, constants, feeds);
    const host: Record<string, Tensor<P>> = {};
    const stays: Record<string, DeviceTensor<P>> = {};
    for (const [name, { shape }] of graph.outputs) {
      const tensor = results[name];
      if (kept.has(name)) {
        stays[name] = new TfjsTensor<P>(device, shape, tensor);
      } else {
        host[name] = { shape, data: await numbersOf<P>(tensor) };
        tensor.dispose();
      }
    }
    return { host, kept: stays as Record<Kept, DeviceTensor<P>> };
  };
  return {
    handedBack: [],
    async run(feeds) {
      const { host, kept: unused } = await runKeeping(feeds);
      for (const tensor of Object.values<DeviceTensor<P>>(unused)) tensor.dispose();
      return host;
    },
    runKeeping,
    async dispose() {
      for (const tensor of constants.values()) tensor.dispose();
      constants = new Map();
    },
  };
}

/** Every output, as a tensor of its own that the caller frees. */
function compute<P extends Precision>(
  tf: Tfjs,
  graph: Graph,
  lastUse: ReadonlyMap<number, number>,
  constants: ReadonlyMap<number, TfTensor>,
  feeds: Readonly<Record<string, Feed<P>>>,
): Record<string, TfTensor> {
  const outputs: Record<string, TfTensor> = {};
  tf.tidy(() => {
    const values = new Map(constants);
    for (const [name, { id, shape }] of graph.inputs) {
      const feed = checkedFeed(name, shape, feeds[name]);
      values.set(
        id,
        feed instanceof TfjsTensor
          ? feed.handle
          : tf.tensor(fedNumbers(name, feed) as Float32Array, [...shape], 'float32'),
      );
    }
    const get = (id: number): TfTensor => {
      const tensor = values.get(id);
      if (!tensor) throw new Error(`value ${id} is used before it is computed, or after the program was disposed of`);
      return tensor;
    };
    const made = new Set<number>();
    for (const [position, node] of graph.nodes.entries()) {
      const inputs = node.inputs.map(({ id }) => get(id));
      const computed = tf.tidy(() => applied(tf, node, inputs));
      values.set(node.output.id, inputs.includes(computed) ? computed.clone() : computed);
      made.add(node.output.id);
      for (const { id } of node.inputs) if (made.has(id) && lastUse.get(id) === position) get(id).dispose();
    }
    for (const [name, { id }] of graph.outputs) outputs[name] = tf.keep(get(id).clone());
  });
  return outputs;
}

/** @throws MeedError where an index is out of range */
function applied(tf: Tfjs, node: Node, inputs: readonly TfTensor[]): TfTensor {
  try {
    return node.operator.tfjs(tf, inputs, node);
  } catch (error) {
    throw explainIndexError(error);
  }
}

/** Position of the last node that reads a value; a value that is an output is never done with. */
function lastUses(graph: Graph): Map<number, number> {
  const uses = new Map<number, number>();
  for (const [position, { inputs }] of graph.nodes.entries()) for (const { id } of inputs) uses.set(id, position);
  for (const { id } of graph.outputs.values()) uses.delete(id);
  return uses;
}

async function numbersOf<P extends Precision>(tensor: TfTensor): Promise<Numbers<P>> {
  const numbers = await tensor.data();
  // A copy, since the plain backend gives the memory that its tensors share; and booleans and int32 become numbers.
  return Float32Array.from(numbers as Float32Array) as Numbers<P>;
}

function refuseFloat64(precision: Precision): void {
  if (precision === 'float32') return;
  throw new MeedError('TensorFlow.js has no float64', 'Use --engine onnxruntime for what needs float64');
}

async function openLibrary(packages: readonly string[]): Promise<Opened> {
  const { resolve } = createRequire(import.meta.url);
  for (const library of packages) {
    try {
      resolve(library);
    } catch (error) {
      if (systemCode(error) === 'MODULE_NOT_FOUND') continue;
      throw error;
    }
    try {
      const loaded = (await import(library)) as Tfjs & { readonly default?: Tfjs };
      return { tf: loaded.default ?? loaded, library };
    } catch (error) {
      throw new MeedError(
        `${library} is installed and cannot be loaded: ${messageOf(error).split('\n')[0].replace(/\.$/, '')}`,
        `Run \`npm rebuild ${library}\`, which fetches its library, or remove the package`,
        { cause: error },
      );
    }
  }
  throw new MeedError(
    `TensorFlow.js is not installed as ${packages.join(', nor as ')}`,
    `Run \`npm install ${packages[packages.length - 1]}\``,
  );
}

/** tfjs-node's backend knows whether libtensorflow found a GPU. */
function usesGpu(tf: Tfjs): boolean {
  const backend = tf.backend();
  return 'isUsingGpuDevice' in backend && backend.isUsingGpuDevice === true;
}
