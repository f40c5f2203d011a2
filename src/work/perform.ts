/** Runs one job of a task in this thread: the same for every kind of pool. */
import { CancelledError } from './cancelled.js';
import { encodedBytes } from './codec.js';
import type { Openings } from './openings.js';
import { explainMemory } from './outOfMemory.js';
import { importTask, type TaskReference } from './task.js';

export interface Circumstances {
  readonly openings: Openings;
  readonly memoryBytes: number;
  cancelled(): boolean;
  progress(done: number, total: number, unit: string): void;
}

/** @throws what the task throws; MeedError when memory runs out or the output cannot be sent */
export async function perform(reference: TaskReference, input: unknown, where: Circumstances): Promise<unknown> {
  const throwIfCancelled = (): void => {
    if (where.cancelled()) throw new CancelledError(`The task ${reference.name}`);
  };
  throwIfCancelled();
  const task = await importTask(reference);
  try {
    const output = await task.run(input, {
      cancelled: where.cancelled,
      throwIfCancelled,
      progress(done, total, unit) {
        if (!(total > 0 && done >= 0 && done <= total)) {
          throw new RangeError(`${task.name} tells that ${done} of ${total} ${unit} are done`);
        }
        where.progress(done, total, unit);
      },
      memoryBytes: where.memoryBytes,
      open: (key, make) => where.openings.open(`${task.name} ${task.version} ${key}`, make),
    });
    // checked here, so that what cannot be sent is refused on every pool alike
    encodedBytes(output);
    return output;
  } catch (error) {
    throw explainMemory(error, task.name, where.memoryBytes);
  } finally {
    await where.openings.release();
  }
}
