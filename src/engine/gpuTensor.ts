/**
 * A tensor in the memory of a WebGPU device, as onnxruntime-node 1.30 gives it. The traps, all measured: `getData()` on
 * it aborts the process, so it is read by a session that copies it to an output on the host; a CPU session reads garbage
 * from it, so only this engine's programs accept it; undisposed, it is never freed. Outputs that share memory with inputs
 * are counted by the runtime: either may be disposed of first (but see residents.ts).
 */
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import type { Precision, Shape } from '../graph/index.js';
import type { DeviceTensor, Numbers, Tensor } from './engine.js';
import { disposedError } from './hostTensor.js';
import type { Residents } from './residents.js';

/** What a device tensor needs of its engine. */
export interface GpuHome {
  readonly residents: Residents;
  /** Copies it to this process' memory. */
  readBack(shape: Shape, tensor: OrtTensor): Promise<OrtTensor.DataType>;
}

/** Only float32 programs keep tensors on WebGPU, so there P is float32, which the compiler cannot see. */
export class GpuTensor<P extends Precision = 'float32'> implements DeviceTensor<P> {
  readonly device = 'webgpu';
  readonly shape: Shape;
  readonly #home: GpuHome;
  #tensor: OrtTensor | undefined;

  constructor(shape: Shape, tensor: OrtTensor, home: GpuHome) {
    this.shape = shape;
    this.#tensor = tensor;
    this.#home = home;
    home.residents.arrive();
  }

  /** @throws MeedError after disposal */
  get handle(): OrtTensor {
    if (!this.#tensor) throw disposedError(this.shape, this.device);
    return this.#tensor;
  }

  async read(): Promise<Tensor<P>> {
    const data = await this.#home.readBack(this.shape, this.handle);
    return { shape: this.shape, data: data as Numbers<P> };
  }

  dispose(): void {
    if (!this.#tensor) return;
    this.#tensor.dispose();
    this.#tensor = undefined;
    this.#home.residents.leave();
  }
}
