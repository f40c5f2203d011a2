/**
 * The memory and the threads of the prover's arithmetic: one shared WebAssembly memory, an instance of the kernel in
 * each thread, and calls of its exports that are queued to whichever thread is free. Who opens it closes it; then the
 * threads end and the process can.
 * Memory is taken from the end upwards and given back to a mark (a stack): what lives long is taken first.
 * Threads are started by the first call that needs them, so short work in the caller's own costs none.
 * The trap: Node ends the whole process when a thread is ended while it still loads modules, so a thread counts itself
 * when it is loaded, and closing waits for all. Another: growing the memory detaches nothing, but views made before do not see the new part: ask for `bytes` again
 * after every `allocate`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Piscina } from 'piscina';
import { MeedError } from '../../foundation/index.js';
import { threadStart } from '../../work/index.js';
import { compileArithmetic, instantiateArithmetic, type Kernel } from './fieldKernel.js';
import type { KernelCall, ThreadData } from './fieldThread.js';

export interface ArithmeticOptions {
  /** Worker threads; 2 unless told. */
  readonly threads?: number;
  /** Bytes of the shared memory at most; 4 GiB, all that can be addressed, unless told. */
  readonly memoryBytes?: number;
}

const DEFAULT_THREADS = 2;
const MOST_THREADS = 64;
const PAGE_BYTES = 2 ** 16;
const MOST_PAGES = 2 ** 16;
/** A line of the cache: what starts on one shares it with nothing else. */
const ALIGNMENT = 64;
/** A thread that is not loaded by then failed to load. */
const LOADING_MS = 30_000;
const LOADING_POLL_MS = 5;

/** @throws MeedError when the options are out of range, or the rooms do not fit the memory */
export async function openArithmetic({
  threads = DEFAULT_THREADS,
  memoryBytes = MOST_PAGES * PAGE_BYTES,
}: ArithmeticOptions = {}): Promise<Arithmetic> {
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS) {
    throw new MeedError(`The prover cannot have ${threads} threads`, `Give 1 to ${MOST_THREADS}`, { exitCode: 2 });
  }
  const pages = Math.min(MOST_PAGES, Math.floor(memoryBytes / PAGE_BYTES));
  if (!(pages >= 1)) {
    throw new MeedError(`The prover cannot do with ${memoryBytes} bytes`, `Give at least ${PAGE_BYTES}`, {
      exitCode: 2,
    });
  }
  const memory = new WebAssembly.Memory({ initial: 1, maximum: pages, shared: true });
  const module = await compileArithmetic();
  return new Arithmetic(module, memory, pages * PAGE_BYTES, threads);
}

export class Arithmetic {
  /** The kernel in the caller's own thread, for short work: a call blocks it. */
  readonly kernel: Kernel;
  readonly threads: number;
  readonly #memory: WebAssembly.Memory;
  readonly #most: number;
  readonly #data: ThreadData;
  #pool: Piscina<KernelCall, number | undefined> | undefined;
  #end: number;

  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory, most: number, threads: number) {
    this.#memory = memory;
    this.#most = most;
    this.threads = threads;
    this.kernel = instantiateArithmetic(module, memory);
    this.#end = this.kernel.firstFreeByte();
    const roomBytes = this.kernel.roomBytes();
    const [loaded, taken] = [this.allocate(4), this.allocate(4)];
    this.kernel.setRoom(this.allocate(roomBytes));
    const rooms = Array.from({ length: threads }, () => this.allocate(roomBytes));
    this.#data = { module, memory, loaded, taken, rooms };
  }

  /** The whole memory. A view made before an `allocate` may end before what that gave. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.#memory.buffer);
  }

  /** Bytes in use, all of them below this address: a mark for `release`. */
  get mark(): number {
    return this.#end;
  }

  /**
   * Takes memory, not cleared.
   * @returns an address, a multiple of 64
   * @throws MeedError when the budget is used up
   */
  allocate(bytes: number): number {
    const address = Math.ceil(this.#end / ALIGNMENT) * ALIGNMENT;
    const end = address + bytes;
    if (!(end <= this.#most)) {
      throw new MeedError(
        `The prover needs ${end} bytes of memory and may use ${this.#most}`,
        'Give it a larger budget (4 GiB at most), or prove a smaller circuit',
      );
    }
    const missing = end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
    this.#end = end;
    return address;
  }

  /** Gives back all that was taken since `mark` was read; no call that uses it may be under way. */
  release(mark: number): void {
    if (!(mark <= this.#end)) throw new RangeError(`the mark ${mark} is behind the memory in use, ${this.#end}`);
    this.#end = mark;
  }

  /** Calls an export in a free thread. Gives what it gives; 0 for those that give nothing. */
  async run<Name extends keyof Kernel>(name: Name, ...parameters: Parameters<Kernel[Name]>): Promise<number> {
    this.#pool ??= this.#start();
    return (await this.#pool.run({ name, parameters })) ?? 0;
  }

  /** Ends the threads. Calls under way are given up. */
  async close(): Promise<void> {
    if (this.#pool === undefined) return;
    const loaded = new Int32Array(this.#memory.buffer, this.#data.loaded, 1);
    const limit = Date.now() + LOADING_MS;
    while (Atomics.load(loaded, 0) < this.threads && Date.now() < limit) await delay(LOADING_POLL_MS);
    await this.#pool.destroy();
  }

  #start(): Piscina<KernelCall, number | undefined> {
    return new Piscina({
      ...threadStart(import.meta.url, './fieldThread.js'),
      minThreads: this.threads,
      maxThreads: this.threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerData: this.#data,
    });
  }
}
