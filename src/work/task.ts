/**
 * A task is a pure function of its input that any worker can run: a thread of this process or another machine. It lives
 * in a module of its own, `<name>.task.ts`, as the default export, because a function cannot cross to a thread; a worker
 * imports the module instead. Its output depends on nothing but its input: no clock, no unseeded random number, no
 * batch size taken from the memory that happens to be free. Raise `version` whenever the output changes for some input:
 * finished results are found again by name, version and input.
 */
import { MeedError } from '../foundation/index.js';
import type { Structured } from './value.js';

/** Something a worker keeps open from one job to the next, such as a compiled program. */
export interface Closable {
  dispose(): void | Promise<void>;
}

export interface TaskContext {
  /** Whether the work was asked to stop; ask between two runs of the engine. */
  cancelled(): boolean;
  /** @throws CancelledError when the work was asked to stop */
  throwIfCancelled(): void;
  /** Tells how far this job is, e.g. (300, 1000, 'steps'). */
  progress(done: number, total: number, unit: string): void;
  /** This worker's share of the memory budget, in bytes. It bounds blocks whose size cannot change a bit of the output. */
  readonly memoryBytes: number;
  /**
   * What `make` gave when this worker first asked for the key. It is disposed when the worker ends, or earlier when
   * others were used more recently; never during the job that opened it. The key must determine what is made.
   */
  open<T extends Closable>(key: string, make: () => Promise<T>): Promise<T>;
}

/** How a worker finds a task. */
export interface TaskReference {
  /** Unique among all tasks: `<folder>.<verb>`. */
  readonly name: string;
  /** Whole number from 1. */
  readonly version: number;
  /** URL of the module whose default export is the task: `import.meta.url`. */
  readonly module: string;
}

export interface Task<Input, Output> extends TaskReference {
  run(input: Input, context: TaskContext): Promise<Output>;
}

/** The task when input and output are structured data; otherwise a type that says what is wrong and that no map takes. */
export type Sendable<Input, Output> =
  Input extends Structured<Input>
    ? Output extends Structured<Output>
      ? Task<Input, Output>
      : { readonly 'the output is no structured data': Output }
    : { readonly 'the input is no structured data': Input };

/** @throws MeedError when name or version is malformed */
export function defineTask<Input, Output>(task: Task<Input, Output>): Sendable<Input, Output> {
  if (!isTaskName(task.name)) {
    throw new MeedError(`"${task.name}" is no name of a task`, 'Use letters, digits, dots and hyphens, at most 80');
  }
  if (!Number.isSafeInteger(task.version) || task.version < 1) {
    throw new MeedError(`Task ${task.name} has the version ${task.version}`, 'Give a whole number from 1');
  }
  return task as Sendable<Input, Output>;
}

export function isTaskName(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9.-]{0,79}$/.test(name);
}

/** Default exports by the URL of their module. */
const modules = new Map<string, unknown>();

/**
 * The task of a module.
 * @throws MeedError when the module holds no task or one of another name or version
 */
export async function importTask(reference: TaskReference): Promise<Task<unknown, unknown>> {
  // kept, since asking the loader for a module that is there costs as much as a small job
  const found = modules.get(reference.module) ?? ((await import(reference.module)) as { default?: unknown }).default;
  modules.set(reference.module, found);
  if (!isTask(found) || found.name !== reference.name) {
    throw new MeedError(
      `${reference.module} does not export the task ${reference.name}`,
      'Make the task the default export of a module of its own',
    );
  }
  if (found.version !== reference.version) {
    throw new MeedError(
      `This worker has version ${found.version} of the task ${found.name}, the caller asks for version ${reference.version}`,
      'Install the same version of Meed on both sides',
    );
  }
  return found;
}

function isTask(value: unknown): value is Task<unknown, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'run' in value &&
    typeof value.run === 'function' &&
    'name' in value &&
    typeof value.name === 'string' &&
    'version' in value &&
    typeof value.version === 'number'
  );
}
