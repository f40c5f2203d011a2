/** rows · matrixʳᵒᵘⁿᵈˢ on the real engine, one run a round: bits depend on the shape, so the shape is part of the input. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { defineTask } from '../../src/work/index.js';
import { productModel } from './productModel.js';

export interface Block {
  /** [rows, width] */
  readonly rows: Float32Array;
  /** [width, width] */
  readonly matrix: Float32Array;
  readonly width: number;
  readonly rounds: number;
}

export default defineTask({
  name: 'test.block-product',
  version: 1,
  module: import.meta.url,
  async run({ rows, matrix, width, rounds }: Block, context): Promise<{ readonly product: Float32Array }> {
    const { session } = await context.open('product', async () => {
      const opened = await InferenceSession.create(productModel, { intraOpNumThreads: 1 });
      return { session: opened, dispose: () => opened.release() };
    });
    let left = rows;
    for (let round = 0; round < rounds; round++) {
      context.throwIfCancelled();
      const { c } = await session.run({
        a: new Tensor('float32', left, [rows.length / width, width]),
        b: new Tensor('float32', matrix, [width, width]),
      });
      left = c.data as Float32Array;
      context.progress(round + 1, rounds, 'rounds');
    }
    return { product: left };
  },
});
