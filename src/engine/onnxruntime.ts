/**
 * ONNX Runtime on the CPU, on CUDA and on WebGPU. The traps: `run` blocks the event loop while it computes, and a
 * product's last bits depend on the shape (never on the thread count), so whoever needs equal bits keeps equal chunk
 * boundaries. Only WebGPU lets a tensor stay on the device; kept outputs of the two others are in this process' memory.
 * WebGPU has no float64: such a program runs on the CPU and says so, every operator of it, in `handedBack`.
 */
import { createRequire } from 'node:module';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { MeedError, messageOf } from '../foundation/index.js';
import { encodeOnnx, type Graph, GraphBuilder, type Precision, type Shape } from '../graph/index.js';
import { type EncodedGraph, type Signature, signatureOf } from './encodedGraph.js';
import type {
  CompileOptions,
  DeviceKind,
  DeviceTensor,
  Engine,
  Feed,
  Numbers,
  Program,
  Tensor,
  Waiting,
} from './engine.js';
import { checkedFeed, fedNumbers } from './feeds.js';
import { type GpuHome, GpuTensor } from './gpuTensor.js';
import { isFallbackRefusal, operatorsOnCpu } from './handedBack.js';
import { HostTensor } from './hostTensor.js';
import { explainIndexError } from './indexError.js';
import { Residents } from './residents.js';

export interface CpuOptions {
  /** Threads of one operator; 1 is fastest for small graphs. */
  readonly threads: number;
}

/** Whether a program may leave operators to the CPU. */
export type Strictness = 'strict' | 'lenient';

export interface RuntimeOptions extends CpuOptions {
  readonly device: DeviceKind;
  readonly strict: Strictness;
  /** What the device is called, for the engine's name. */
  readonly adapter?: string;
  /** Told once a program about the operators that are left to the CPU, where that is allowed. */
  readonly onHandedBack?: (operators: readonly string[]) => void;
}

const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as { version: string };

/** @param options defaults to one thread */
export function cpuEngine(options: CpuOptions = { threads: 1 }): Engine {
  return runtimeEngine({ ...options, device: 'cpu', strict: 'lenient' });
}

/** The device is taken at its word: whether it is there is found out by `openEngine`. */
export function runtimeEngine(options: RuntimeOptions): Engine {
  const { device, adapter } = options;
  const copies = device === 'webgpu' ? new DeviceCopies(options.threads) : undefined;
  return {
    name: `onnxruntime-node ${version} ${device}${adapter === undefined ? '' : ` (${adapter})`}`,
    device,
    compile: (graph, compileOptions) => compile(graph, options, copies, compileOptions ?? {}),
    async upload<P extends Precision>(tensor: Tensor<P>): Promise<DeviceTensor<P>> {
      const { shape, data } = tensor;
      if (copies && data instanceof Float32Array) return copies.toDevice<P>(shape, data);
      return new HostTensor<P>(shape, data.slice() as Numbers<P>);
    },
  };
}

async function compile<P extends Precision, Kept extends string>(
  graph: Graph,
  options: RuntimeOptions,
  copies: DeviceCopies | undefined,
  { precision, keep = [], waiting = 'spinning' }: CompileOptions<P, Kept>,
): Promise<Program<P, Kept>> {
  const element: Precision = precision ?? 'float32';
  for (const name of keep) {
    if (!graph.outputs.has(name)) throw new MeedError(`The graph has no output "${name}" to keep`, 'Keep its outputs');
  }
  await copies?.residents.release();
  const onDevice = copies !== undefined && element === 'float32' ? copies : undefined;
  const opened = await openSession(graph, element, { ...options, waiting }, onDevice ? keep : []);
  return programOf<P, Kept>(opened, signatureOf(graph), { element, keep, copies, onDevice });
}

/**
 * Opens what `encodeGraph` gave, on the CPU with one thread: the same program as `cpuEngine().compile` of the graph, bit
 * for bit, in a place that the graph itself cannot come to.
 */
export async function openEncoded({ onnx, inputs, outputs }: EncodedGraph): Promise<Program> {
  const session = await InferenceSession.create(onnx, sessionOptions('cpu', 1));
  const where = { element: 'float32', keep: [], copies: undefined, onDevice: undefined } as const;
  return programOf<'float32', never>({ session, handedBack: [] }, { inputs, outputs }, where);
}

interface Placement<Kept extends string> {
  readonly element: Precision;
  readonly keep: readonly Kept[];
  readonly copies: DeviceCopies | undefined;
  /** Where kept outputs stay, when they stay on the device. */
  readonly onDevice: DeviceCopies | undefined;
}

function programOf<P extends Precision, Kept extends string>(
  { session, handedBack }: OpenedSession,
  { inputs, outputs }: Signature,
  { element, keep, copies, onDevice }: Placement<Kept>,
): Program<P, Kept> {
  const kept = new Set<string>(keep);

  const compute = async (feeds: Readonly<Record<string, Feed<P>>>): Promise<Record<string, OrtTensor>> => {
    const fed: Record<string, OrtTensor> = {};
    for (const { name, shape } of inputs) {
      const feed = checkedFeed(name, shape, feeds[name]);
      fed[name] =
        onDevice && feed instanceof GpuTensor ? feed.handle : new OrtTensor(element, fedNumbers(name, feed), shape);
    }
    try {
      return await session.run(fed);
    } catch (error) {
      throw explainIndexError(error);
    }
  };
  const runKeeping: Program<P, Kept>['runKeeping'] = async (feeds) => {
    const results = await compute(feeds);
    const host: Record<string, Tensor<P>> = {};
    const stays: Record<string, DeviceTensor<P>> = {};
    for (const { name, shape } of outputs) {
      if (!kept.has(name)) host[name] = { shape, data: results[name].data as Numbers<P> };
      else if (onDevice) stays[name] = new GpuTensor<P>(shape, results[name], onDevice);
      else stays[name] = new HostTensor<P>(shape, results[name].data as Numbers<P>);
    }
    return { host, kept: stays as Record<Kept, DeviceTensor<P>> };
  };
  return {
    handedBack,
    async run(feeds) {
      const { host, kept: unused } = await runKeeping(feeds);
      for (const tensor of Object.values<DeviceTensor<P>>(unused)) tensor.dispose();
      return host;
    },
    runKeeping,
    async dispose() {
      if (!copies) return session.release();
      copies.residents.giveUp(session);
      await copies.residents.release();
    },
  };
}

interface OpenedSession {
  readonly session: InferenceSession;
  readonly handedBack: readonly string[];
}

async function openSession(
  graph: Graph,
  element: Precision,
  { device, threads, strict, onHandedBack, waiting }: RuntimeOptions & { readonly waiting: Waiting },
  keep: readonly string[],
): Promise<OpenedSession> {
  const onCpu = (): Promise<InferenceSession> =>
    InferenceSession.create(encodeOnnx(graph, element), sessionOptions('cpu', threads, waiting));
  if (device === 'cpu') return { session: await onCpu(), handedBack: [] };
  if (device === 'webgpu' && element === 'float64') {
    const handedBack = [...new Set(graph.nodes.map(({ operator }) => operator.name))].sort();
    tellHandedBack(handedBack, device, strict, onHandedBack);
    return { session: await onCpu(), handedBack };
  }
  const model = encodeOnnx(graph, element, device);
  const base = sessionOptions(device, threads, waiting);
  const located: InferenceSession.SessionOptions = {
    ...base,
    ...(keep.length > 0 && {
      preferredOutputLocation: Object.fromEntries(
        [...graph.outputs.keys()].map((name) => [name, keep.includes(name) ? 'gpu-buffer' : 'cpu'] as const),
      ),
    }),
  };
  try {
    // ORT logs the refusal as an error of its own, which it is not: severity 4 leaves fatal ones only.
    const session = { ...base.extra.session, disable_cpu_ep_fallback: '1' };
    const whole = { ...located, logSeverityLevel: 4, extra: { session } } as const;
    return { session: await InferenceSession.create(model, whole), handedBack: [] };
  } catch (error) {
    if (!isFallbackRefusal(messageOf(error))) throw error;
  }
  const handedBack = await operatorsOnCpu(model, graph, element, base);
  tellHandedBack(handedBack, device, strict, onHandedBack);
  return { session: await InferenceSession.create(model, located), handedBack };
}

function tellHandedBack(
  operators: readonly string[],
  device: DeviceKind,
  strict: Strictness,
  onHandedBack: RuntimeOptions['onHandedBack'],
): void {
  if (operators.length === 0) return;
  if (strict === 'strict') {
    throw new MeedError(
      `The device ${device} leaves to the CPU: ${operators.join(', ')}`,
      'Run without --strict-device to let the CPU compute them, or with --device cpu',
    );
  }
  onHandedBack?.(operators);
}

/**
 * Threads spin while they wait, and unless told so also after a run: each session has threads of its own, and those of one
 * that is done would take the processors from whoever works next, here or in another process.
 */
function sessionOptions(device: DeviceKind, threads: number, waiting: Waiting = 'spinning') {
  return {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    extra: {
      session: { force_spinning_stop: '1', intra_op: { allow_spinning: waiting === 'spinning' ? '1' : '0' } },
    },
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  } satisfies InferenceSession.SessionOptions;
}

/** Copies to and from WebGPU's memory: a session a shape and direction, of one Identity. */
class DeviceCopies implements GpuHome {
  readonly residents = new Residents();
  readonly #threads: number;
  readonly #sessions = new Map<string, Promise<InferenceSession>>();

  constructor(threads: number) {
    this.#threads = threads;
  }

  async readBack(shape: Shape, tensor: OrtTensor): Promise<OrtTensor.DataType> {
    const session = await this.#session(shape, 'cpu');
    const { y } = await session.run({ x: tensor });
    return y.data;
  }

  async toDevice<P extends Precision>(shape: Shape, data: Float32Array): Promise<GpuTensor<P>> {
    const session = await this.#session(shape, 'gpu-buffer');
    const { y } = await session.run({ x: new OrtTensor('float32', data, shape) });
    return new GpuTensor<P>(shape, y, this);
  }

  #session(shape: Shape, location: 'cpu' | 'gpu-buffer'): Promise<InferenceSession> {
    const key = `${location} ${shape}`;
    const known = this.#sessions.get(key);
    if (known) return known;
    const g = new GraphBuilder();
    const session = InferenceSession.create(encodeOnnx(g.build({ y: g.input('x', shape) }), 'float32', 'webgpu'), {
      ...sessionOptions('webgpu', this.#threads),
      preferredOutputLocation: location,
    });
    this.#sessions.set(key, session);
    return session;
  }
}
