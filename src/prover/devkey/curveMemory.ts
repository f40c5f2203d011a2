/**
 * BN254's arithmetic as bare WebAssembly exports on a memory of our own. The library's classes copy every operand in
 * and out; making a key is tens of millions of operations, so here operands are addresses and stay where they are.
 * Elements are 32 bytes, little-endian; `frm_…` is the scalar field, `g1m_…` and `g2m_…` the two groups, points are
 * affine (2 coordinates) or Jacobian (3). Address 0 of the memory holds the allocator's free pointer, which the
 * exports themselves use for temporary space.
 * The trap: growing the memory detaches every typed array on it, so views are taken after the last allocation.
 */
export const FIELD_BYTES = 32;

type Operation = (...addresses: number[]) => number;

/** The compiled curve, in a form that can be handed to a worker. */
export interface CurveModule {
  readonly module: WebAssembly.Module;
  /** Addresses of the groups' generators. */
  readonly generators: { readonly g1m: number; readonly g2m: number };
  /** rootsOfUnity[k] is a primitive 2^k-th root, as an integer. */
  readonly rootsOfUnity: readonly bigint[];
}

export class CurveMemory {
  readonly #memory: WebAssembly.Memory;
  readonly #exports: WebAssembly.Exports;
  readonly generators: CurveModule['generators'];
  readonly rootsOfUnity: CurveModule['rootsOfUnity'];

  private constructor(memory: WebAssembly.Memory, exports: WebAssembly.Exports, source: CurveModule) {
    this.#memory = memory;
    this.#exports = exports;
    this.generators = source.generators;
    this.rootsOfUnity = source.rootsOfUnity;
  }

  static async open(source: CurveModule): Promise<CurveMemory> {
    const memory = new WebAssembly.Memory({ initial: 32 });
    const instance = await WebAssembly.instantiate(source.module, { env: { memory } });
    return new CurveMemory(memory, instance.exports, source);
  }

  /** An exported operation; arguments are addresses and counts. */
  operation(name: string): Operation {
    const found = this.#exports[name];
    if (typeof found !== 'function') throw new Error(`The curve module has no operation ${name}`);
    return found as Operation;
  }

  /** Address of new space, aligned to 8 bytes; it holds zeros. */
  allocate(bytes: number): number {
    const pointer = new Uint32Array(this.#memory.buffer, 0, 1);
    const at = (pointer[0] + 7) & ~7;
    const end = at + bytes;
    pointer[0] = end;
    this.reserve(end);
    // Batch operations leave their temporary values above the free pointer.
    this.bytes().fill(0, at, end);
    return at;
  }

  /** Makes the memory at least this long. */
  reserve(bytes: number): void {
    const missing = bytes - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / 65536));
  }

  /** Makes sure that batch operations over `elements` of `size` bytes find their temporary space. */
  reserveScratch(elements: number, size: number): void {
    this.reserve(new Uint32Array(this.#memory.buffer, 0, 1)[0] + (elements + 2) * size * 2);
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#memory.buffer);
  }

  words(): Uint32Array {
    return new Uint32Array(this.#memory.buffer);
  }

  /** Writes x, 0 <= x < 2^256, as it is (not in Montgomery form). */
  store(at: number, x: bigint): void {
    const view = new DataView(this.#memory.buffer);
    for (let i = 0; i < 4; i++) view.setBigUint64(at + 8 * i, (x >> BigInt(64 * i)) & 0xffffffffffffffffn, true);
  }

  load(at: number): bigint {
    const view = new DataView(this.#memory.buffer);
    let x = 0n;
    for (let i = 3; i >= 0; i--) x = (x << 64n) | view.getBigUint64(at + 8 * i, true);
    return x;
  }

  /** Address of a new scalar in Montgomery form. */
  scalar(x: bigint): number {
    const at = this.allocate(FIELD_BYTES);
    this.store(at, x);
    this.operation('frm_toMontgomery')(at, at);
    return at;
  }
}
