/**
 * The queue's two ends, loaded when first used: every task imports this folder's index, and BullMQ takes a third of a
 * second to load, which no thread and no command without a queue should pay.
 */
import type { Pool } from './pool.js';
import type { QueuePoolOptions, QueueWorkerOptions } from './queue/index.js';

/**
 * A pool of workers on other machines.
 * @param url redis://[user:password@]host[:port][/database], or rediss:// for TLS
 * @throws MeedError when the address is malformed or the server cannot be used, within seconds
 */
export async function queuePool(url: string, options?: QueuePoolOptions): Promise<Pool> {
  const queue = await import('./queue/index.js');
  return queue.queuePool(url, options);
}

/**
 * Serves the jobs of a queue until told to leave.
 * @throws MeedError when the server cannot be used, or is lost for good
 */
export async function runWorker(url: string, options: QueueWorkerOptions): Promise<void> {
  const queue = await import('./queue/index.js');
  await queue.runWorker(url, options);
}
