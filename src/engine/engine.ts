/**
 * What runs a graph. An engine compiles a graph once to a program; a program maps named tensors to named tensors. Layers
 * above know only this interface, so a second engine or another device changes nothing there.
 * The trap: a tensor on a device is freed by nobody but its owner. It is therefore a type of its own, which no host code
 * can mistake for numbers, and only outputs named in `keep` are ever given as one.
 */
import type { Graph, Precision, Provider, Shape } from '../graph/index.js';

export type Numbers<P extends Precision> = P extends 'float64' ? Float64Array : Float32Array;

/** A tensor in this process' memory, row-major. */
export interface Tensor<P extends Precision = 'float32'> {
  readonly shape: Shape;
  readonly data: Numbers<P>;
}

/** A tensor that stays where the engine computed it. It can be fed to programs of the same engine. */
export interface DeviceTensor<P extends Precision = 'float32'> {
  readonly device: DeviceKind;
  readonly shape: Shape;
  /** A copy in this process' memory. */
  read(): Promise<Tensor<P>>;
  /** Frees it; it cannot be fed or read afterwards. */
  dispose(): void;
}

export type Feed<P extends Precision = 'float32'> = Tensor<P> | DeviceTensor<P>;

export interface CompileOptions<P extends Precision, Kept extends string> {
  /** Type of every number; float32 unless told. */
  readonly precision?: P;
  /** Outputs that stay on the device. */
  readonly keep?: readonly Kept[];
  /**
   * How the threads of the CPU wait for each other: spinning (unless told) starts small operators sooner; asleep they leave
   * the processors to others, which large ones want where other work runs beside. No number depends on it.
   */
  readonly waiting?: Waiting;
}

export type Waiting = 'spinning' | 'asleep';

export interface Program<P extends Precision = 'float32', Kept extends string = never> {
  /**
   * Operators that the device gives back to the CPU, as the runtime names them; empty on the CPU itself.
   * `--strict-device` refuses a program that has any.
   */
  readonly handedBack: readonly string[];
  /**
   * Every output that is not kept, in this process' memory.
   * @throws MeedError when an input is missing or of the wrong shape, or an index that is fed is out of range
   */
  run(feeds: Readonly<Record<string, Feed<P>>>): Promise<Record<string, Tensor<P>>>;
  /** The same, and the kept outputs, which the caller disposes of. */
  runKeeping(feeds: Readonly<Record<string, Feed<P>>>): Promise<{
    readonly host: Record<string, Tensor<P>>;
    readonly kept: Record<Kept, DeviceTensor<P>>;
  }>;
  /** Frees the engine's memory; the program cannot run afterwards. */
  dispose(): Promise<void>;
}

export type DeviceKind = Provider;

export interface Engine {
  /** Name and version, as published in manifests: "onnxruntime-node 1.30.0 cpu". */
  readonly name: string;
  readonly device: DeviceKind;
  compile<P extends Precision = 'float32', Kept extends string = never>(
    graph: Graph,
    options?: CompileOptions<P, Kept>,
  ): Promise<Program<P, Kept>>;
  /** Puts a tensor on the device, to be fed again and again. */
  upload<P extends Precision = 'float32'>(tensor: Tensor<P>): Promise<DeviceTensor<P>>;
}
