/**
 * Many Poseidon hashes of equally many inputs at once, on the threads of the prover's arithmetic. A list is cut into
 * pieces that the free threads take, one of a single piece is hashed by the caller's; inputs and outputs are integers of 32 bytes, little-endian, so nothing of the
 * kernel's forms shows.
 * The trap: the memory is a stack, so lists are hashed one after another, whoever asks; prepare the next while one runs.
 */
import { MeedError } from '../../foundation/index.js';
import { ELEMENT_BYTES } from './fieldKernel.js';
import { type Arithmetic, type ArithmeticOptions, openArithmetic } from './fieldThreads.js';
import { poseidonConstants } from './poseidonConstants.js';

/** Hashes of a piece: some milliseconds, so that threads end together and a call's cost is nothing. */
const PIECE = 64;
/** Hashes whose inputs lie in the shared memory at once. */
const PART = 1 << 14;
const MOST_INPUTS = 16;

export async function openBatchHasher(options?: ArithmeticOptions): Promise<BatchHasher> {
  return new BatchHasher(await openArithmetic(options));
}

export class BatchHasher {
  readonly #arithmetic: Arithmetic;
  readonly #plans = new Map<number, number>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(arithmetic: Arithmetic) {
    this.#arithmetic = arithmetic;
  }

  /**
   * @param arity  inputs of one hash, 1 … 16
   * @param inputs count × arity × 32 bytes, integers below 2²⁵⁶, taken modulo r
   * @returns count × 32 bytes, integers below r
   * @throws MeedError when the bytes are no whole number of hashes
   */
  hash(arity: number, inputs: Uint8Array): Promise<Uint8Array> {
    const count = inputs.length / (arity * ELEMENT_BYTES);
    if (!Number.isInteger(arity) || arity < 1 || arity > MOST_INPUTS || !Number.isInteger(count)) {
      throw new MeedError(
        `${inputs.length} bytes are no list of Poseidon inputs, ${arity} each`,
        'Give 32 bytes an input, 1 to 16 inputs a hash',
      );
    }
    const hashed = this.#last.then(() => this.#hash(arity, inputs, count));
    // a list that failed must not stop those behind it; its own caller learns of it
    this.#last = hashed.catch(() => undefined);
    return hashed;
  }

  /** Ends the threads. */
  close(): Promise<void> {
    return this.#arithmetic.close();
  }

  async #hash(arity: number, inputs: Uint8Array, count: number): Promise<Uint8Array> {
    const plan = this.#plans.get(arity) ?? (await this.#open(arity));
    const arithmetic = this.#arithmetic;
    const width = arity * ELEMENT_BYTES;
    const out = new Uint8Array(count * ELEMENT_BYTES);
    const mark = arithmetic.mark;
    const most = Math.min(count, PART);
    const from = arithmetic.allocate(most * width);
    const to = arithmetic.allocate(most * ELEMENT_BYTES);
    for (let first = 0; first < count; first += PART) {
      const part = Math.min(PART, count - first);
      arithmetic.bytes.set(inputs.subarray(first * width, (first + part) * width), from);
      if (count <= PIECE) arithmetic.kernel.hashArray(plan, from, to, count);
      const pieces: Promise<number>[] = [];
      for (let at = 0; count > PIECE && at < part; at += PIECE) {
        const piece = Math.min(PIECE, part - at);
        pieces.push(arithmetic.run('hashArray', plan, from + at * width, to + at * ELEMENT_BYTES, piece));
      }
      await Promise.all(pieces);
      out.set(arithmetic.bytes.subarray(to, to + part * ELEMENT_BYTES), first * ELEMENT_BYTES);
    }
    arithmetic.release(mark);
    return out;
  }

  async #open(arity: number): Promise<number> {
    const { t, partialRounds, values } = await poseidonConstants(arity);
    const arithmetic = this.#arithmetic;
    const plan = arithmetic.allocate(arithmetic.kernel.poseidonBytes(t, partialRounds));
    const mark = arithmetic.mark;
    const constants = arithmetic.allocate(values.length * ELEMENT_BYTES);
    writeIntegers(values, arithmetic.bytes.subarray(constants));
    arithmetic.kernel.openPoseidon(t, partialRounds, constants, plan);
    arithmetic.release(mark);
    this.#plans.set(arity, plan);
    return plan;
  }
}

const WORD = 0xffffffffffffffffn;

/** Non-negative integers below 2²⁵⁶ as 32 bytes each, little-endian. */
export function writeIntegers(values: readonly bigint[], out: Uint8Array): void {
  const view = new DataView(out.buffer, out.byteOffset);
  for (const [i, value] of values.entries()) {
    for (let word = 0; word < 4; word++) {
      view.setBigUint64(i * ELEMENT_BYTES + 8 * word, (value >> BigInt(64 * word)) & WORD, true);
    }
  }
}

/** The integers of 32 bytes each, little-endian. */
export function readIntegers(bytes: Uint8Array): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / ELEMENT_BYTES }, (_, i) => {
    let value = 0n;
    for (let word = 3; word >= 0; word--)
      value = (value << 64n) | view.getBigUint64(i * ELEMENT_BYTES + 8 * word, true);
    return value;
  });
}
