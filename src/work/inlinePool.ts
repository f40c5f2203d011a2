/**
 * Jobs in this thread, one after the other: for tests and small work. The thread is busy meanwhile, so the signal is only
 * seen where the task awaits.
 */
import { defaultMemory } from './budget.js';
import { Openings } from './openings.js';
import { perform } from './perform.js';
import type { Pool } from './pool.js';

export function inlinePool(options: { readonly memoryBytes?: number } = {}): Pool {
  const openings = new Openings();
  const memoryBytes = options.memoryBytes ?? defaultMemory();
  return {
    name: 'this thread',
    slots: 1,
    run: (job, watch) =>
      perform(job.task, job.input, {
        openings,
        memoryBytes,
        cancelled: () => watch.signal.aborted,
        progress: watch.progress,
      }),
    close: () => openings.dispose(),
  };
}
