/** The pool that a command's options ask for: threads of this machine unless a queue is named. */
import { MeedError } from '../foundation/index.js';
import { parseBytes } from './budget.js';
import { localPool } from './localPool.js';
import type { Pool } from './pool.js';
import { queuePool } from './remote.js';

export interface PoolOptions {
  /** URL of Redis: redis://… or rediss://… */
  readonly queue?: string;
  /** Threads of this machine. */
  readonly workers?: number;
  /** Amount of memory, e.g. "4GB", that this machine's threads share. */
  readonly memory?: string;
}

/**
 * The caller closes the pool.
 * @throws MeedError when an option is malformed, memory is too little for the workers, or the queue cannot be reached
 */
export async function poolFromOptions({ queue, workers, memory }: PoolOptions): Promise<Pool> {
  const memoryBytes = memory === undefined ? undefined : parseBytes(memory);
  if (queue === undefined) return localPool({ workers, memoryBytes });
  if (workers !== undefined) {
    throw new MeedError(
      '--workers sets the threads of this machine, and --queue sends the work to others',
      'Give --workers to `meed worker` on the other machines',
      { exitCode: 2 },
    );
  }
  return queuePool(queue);
}
