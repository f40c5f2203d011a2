/**
 * A kept tensor of an engine whose memory is this process' own. It costs nothing but a wrapper; disposing of it is still
 * final, so that a program which reads what it has freed fails on every device and not only on the one that was not tried.
 */
import { MeedError } from '../foundation/index.js';
import type { Precision, Shape } from '../graph/index.js';
import type { DeviceTensor, Numbers, Tensor } from './engine.js';

export class HostTensor<P extends Precision> implements DeviceTensor<P> {
  readonly device = 'cpu';
  readonly shape: Shape;
  #data: Numbers<P> | undefined;

  constructor(shape: Shape, data: Numbers<P>) {
    this.shape = shape;
    this.#data = data;
  }

  /** @throws MeedError after disposal */
  get data(): Numbers<P> {
    if (!this.#data) throw disposedError(this.shape, this.device);
    return this.#data;
  }

  async read(): Promise<Tensor<P>> {
    return { shape: this.shape, data: this.data.slice() as Numbers<P> };
  }

  dispose(): void {
    this.#data = undefined;
  }
}

export function disposedError(shape: Shape, device: string): MeedError {
  return new MeedError(
    `The tensor of shape [${shape}] on ${device} was disposed of and is used again`,
    'Dispose of a tensor after its last use, or keep it anew',
  );
}
