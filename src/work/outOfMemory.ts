/**
 * Recognises that memory ran out, whoever says it: V8 (heap of a worker, array buffers), C++ (`bad_alloc`) or ONNX
 * Runtime's allocator. All of them become one sentence with the setting to change.
 */
import { MeedError, messageOf, systemCode } from '../foundation/index.js';
import { formatBytes } from './budget.js';

const SIGNS = [
  /Array buffer allocation failed/,
  /JavaScript heap out of memory/,
  /Invalid array buffer length/,
  /bad_alloc|bad allocation/,
  /Failed to allocate memory/i,
  /out of memory/i,
];

/** A sentence when memory ran out, otherwise what was thrown. */
export function explainMemory(thrown: unknown, task: string, memoryBytes: number): unknown {
  if (thrown instanceof MeedError) return thrown;
  const message = messageOf(thrown);
  const ranOut =
    systemCode(thrown) === 'ERR_WORKER_OUT_OF_MEMORY' ||
    (thrown instanceof Error && SIGNS.some((sign) => sign.test(message)));
  if (!ranOut) return thrown;
  return new MeedError(
    `The task ${task} ran out of memory; a worker had ${formatBytes(memoryBytes)} (${message.split('\n')[0].slice(0, 200)})`,
    'Give more with --memory, or use fewer --workers, which share it',
    { cause: thrown },
  );
}
