/** A task that does as it is told, to see how pools take it. */
import { appendFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { MeedError } from '../../src/foundation/index.js';
import { defineTask } from '../../src/work/index.js';
import { productModel } from './productModel.js';

export interface Order {
  readonly does:
    | 'square'
    | 'refuse'
    | 'throw'
    | 'heap'
    | 'buffer'
    | 'engine'
    | 'spin'
    | 'return-a-map'
    | 'open'
    | 'memory'
    | 'kill';
  readonly x: number;
  /** Where 'open' writes what it opened and disposed of, and every job that it ran. */
  readonly log?: string;
}

export default defineTask({
  name: 'test.behave',
  version: 3,
  module: import.meta.url,
  async run({ does, x, log }: Order, context): Promise<number> {
    const note = (text: string): void => {
      if (log !== undefined) appendFileSync(log, `${text}\n`);
    };
    note(`run ${x}`);
    switch (does) {
      case 'square':
        return x * x;
      case 'refuse':
        throw new MeedError(`The number ${x} is not wanted`, 'Give another');
      case 'throw':
        throw new TypeError(`defect at ${x}`);
      case 'heap': {
        const kept: number[][] = [];
        for (;;) kept.push(new Array(100_000).fill(kept.length));
      }
      case 'buffer':
        return new ArrayBuffer(2 ** 52).byteLength;
      case 'engine': {
        const session = await InferenceSession.create(productModel);
        const thin = new Float32Array(x);
        await session.run({ a: new Tensor('float32', thin, [x, 1]), b: new Tensor('float32', thin, [1, x]) });
        return x;
      }
      case 'spin':
        for (let i = 0; i < x; i++) {
          context.throwIfCancelled();
          context.progress(i, x, 'turns');
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
          if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        return x;
      case 'return-a-map':
        return smuggled(new Map());
      case 'open':
        await context.open(`thing ${x}`, async () => {
          note(`open ${x}`);
          return { dispose: () => note(`dispose ${x}`) };
        });
        return x;
      case 'memory':
        return context.memoryBytes;
      case 'kill':
        process.kill(process.pid, 'SIGKILL');
        return x;
    }
  },
});

/** What the compiler would not let a task return. */
function smuggled(value: unknown): number {
  return value as number;
}
