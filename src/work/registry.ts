/**
 * The tasks that a worker on another machine serves, by name: an allow-list. A job's record names its task and never a
 * path, since whatever imports a path from the wire runs any file of the machine for whoever can write to the queue.
 */

import { MeedError } from '../foundation/index.js';
import { isTaskName } from './task.js';
import { moduleUrl } from './threadStart.js';

/** URLs of modules by the name of their task. */
export type Registry = ReadonlyMap<string, string>;

/**
 * @param callerUrl `import.meta.url` of the caller
 * @param modules   modules as they are named after compilation, relative to the caller, by name of their task
 */
export function registry(callerUrl: string, modules: Readonly<Record<string, string>>): Registry {
  return new Map(
    Object.entries(modules).map(([name, module]) => {
      if (!isTaskName(name)) throw new MeedError(`"${name}" is no name of a task`, 'Correct the list of tasks');
      return [name, moduleUrl(callerUrl, module)];
    }),
  );
}
