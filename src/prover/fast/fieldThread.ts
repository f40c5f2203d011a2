/**
 * One thread of the prover's arithmetic: its own instance of the kernel on the shared memory, its own room in it.
 * The trap: what a thread imports is loaded again in each, so this file imports little.
 */
import { workerData } from 'node:worker_threads';
import { instantiateArithmetic, type Kernel } from './fieldKernel.js';

/** What a thread starts with. */
export interface ThreadData {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Address of an int32 that counts the threads that are loaded, and may be ended. */
  readonly loaded: number;
  /** Address of an int32 that counts the rooms taken. */
  readonly taken: number;
  /** Addresses of the rooms, one a thread. */
  readonly rooms: readonly number[];
}

/** One call of an export. */
export interface KernelCall {
  readonly name: keyof Kernel;
  readonly parameters: readonly number[];
}

const { module, memory, loaded, taken, rooms }: ThreadData = workerData;
let kernel: Kernel | undefined;

function open(): Kernel {
  const number = Atomics.add(new Int32Array(memory.buffer, taken, 1), 0, 1);
  if (number >= rooms.length) throw new Error(`thread ${number + 1} of ${rooms.length} has no room`);
  const opened = instantiateArithmetic(module, memory);
  opened.setRoom(rooms[number]);
  return opened;
}

/** Gives what the export gives, nothing for those that give nothing. */
export default function call({ name, parameters }: KernelCall): number | undefined {
  kernel ??= open();
  const result: unknown = Reflect.apply(kernel[name], undefined, [...parameters]);
  return typeof result === 'number' ? result : undefined;
}

Atomics.add(new Int32Array(memory.buffer, loaded, 1), 0, 1);
