/**
 * Runs the witness generator that circom compiles beside a circuit (its WebAssembly interface, version 2) and writes the
 * .wtns form. Written here because the usual loader prints every failed assertion to the standard error; a library that
 * is asked whether values satisfy a circuit answers, it does not print.
 * The idea that makes it quick: the program is instantiated once and used for one statement after the other, small
 * numbers go in as words, and the elements are copied out of its memory without becoming bigints.
 * The traps: a signal is found by the 64-bit FNV-1a hash of its name, and one that was not set leaves the witness
 * uncomputed without an error, so the number of values is checked against what the circuit declares; an assertion that
 * fails leaves the program in the middle of its work, so it is not used again.
 */
import { readFile } from 'node:fs/promises';
import { MeedError } from '../foundation/index.js';
import { FIELD_MODULUS } from './reference/constants.js';

/** Values of one signal: nested as the circuit declares it or flat; small numbers may come as typed arrays. */
export type SignalValues = bigint | readonly bigint[] | readonly (readonly bigint[])[] | Uint16Array | Uint32Array;

/** Signals of the circuit by name. */
export type CircuitInput = Readonly<Record<string, SignalValues>>;

interface GeneratorExports {
  readonly memory: WebAssembly.Memory;
  init(sanityCheck: number): void;
  getFieldNumLen32(): number;
  getSharedRWMemoryStart(): number;
  getWitnessSize(): number;
  getInputSize(): number;
  getInputSignalSize(hashHigh: number, hashLow: number): number;
  setInputSignal(hashHigh: number, hashLow: number, position: number): void;
  getWitness(wire: number): void;
  getRawPrime(): void;
  getMessageChar(): number;
}

const FIELD_WORDS = 8;
const FIELD_BYTES = 4 * FIELD_WORDS;
const WORD = 0xffffffffn;
const REMEDY = 'Recompute commitments, challenge and evaluation from the same slots and queries';

/** A circuit's witness generator, instantiated. */
export class WitnessGenerator {
  readonly #module: WebAssembly.Module;
  readonly #path: string;
  #ready: GeneratorExports | undefined;
  #message = '';

  private constructor(module: WebAssembly.Module, path: string) {
    this.#module = module;
    this.#path = path;
  }

  /** @throws MeedError when the file is no witness generator of circom 2 over BN254 */
  static async open(wasmPath: string): Promise<WitnessGenerator> {
    const bytes = await readFile(wasmPath);
    let module: WebAssembly.Module;
    try {
      module = await WebAssembly.compile(bytes);
    } catch (error) {
      if (!(error instanceof WebAssembly.CompileError)) throw error;
      throw new MeedError(`${wasmPath} is no WebAssembly program`, 'Delete the cache folder and compile again', {
        cause: error,
      });
    }
    const opened = new WitnessGenerator(module, wasmPath);
    opened.#ready = await opened.#instantiate();
    return opened;
  }

  /**
   * Values of all wires, as the bytes of a .wtns file.
   * @throws MeedError when a signal is missing or unknown, or a constraint does not hold
   */
  async calculate(input: CircuitInput): Promise<Uint8Array> {
    const generator = this.#ready ?? (await this.#instantiate());
    this.#ready = undefined;
    this.#message = '';
    generator.init(0);
    setSignals(generator, input);
    const bytes = wtnsFile(generator);
    this.#ready = generator;
    return bytes;
  }

  async #instantiate(): Promise<GeneratorExports> {
    const readMessage = (): void => {
      for (let c = generator.getMessageChar(); c !== 0; c = generator.getMessageChar()) {
        this.#message += String.fromCharCode(c);
      }
    };
    const runtime = {
      exceptionHandler: (code: number): never => {
        const said = this.#message.trim() || `error ${code}`;
        throw new MeedError(`The values do not satisfy the circuit: ${said}`, REMEDY);
      },
      printErrorMessage: readMessage,
      writeBufferMessage: readMessage,
      showSharedRWMemory(): void {},
    };
    const { exports } = await WebAssembly.instantiate(this.#module, { runtime });
    const generator = generatorExports(exports);
    generator.init(0);
    if (
      generator.getFieldNumLen32() !== FIELD_WORDS ||
      readElement(generator, () => generator.getRawPrime()) !== FIELD_MODULUS
    ) {
      throw new MeedError(
        `${this.#path} works in another field than BN254`,
        'Delete the cache folder and compile again',
      );
    }
    return generator;
  }
}

/**
 * Values of all wires of one statement, as the bytes of a .wtns file.
 * @throws MeedError when a signal is missing or unknown, or a constraint does not hold
 */
export async function calculateWitness(wasmPath: string, input: CircuitInput): Promise<Uint8Array> {
  return (await WitnessGenerator.open(wasmPath)).calculate(input);
}

function generatorExports(exports: WebAssembly.Exports): GeneratorExports {
  if (typeof exports.getWitness !== 'function' || !(exports.memory instanceof WebAssembly.Memory)) {
    throw new MeedError('The witness generator is not of circom 2', 'Delete the cache folder and compile again');
  }
  return exports as WebAssembly.Exports & GeneratorExports;
}

function setSignals(generator: GeneratorExports, input: CircuitInput): void {
  let set = 0;
  for (const [name, value] of Object.entries(input)) {
    const [high, low] = nameHash(name);
    const values = flat(value);
    const size = generator.getInputSignalSize(high, low);
    if (size !== values.length) {
      const declared = size < 0 ? 'no such signal' : `${size} values`;
      throw new MeedError(`The signal ${name} was given ${values.length} values, the circuit has ${declared}`, REMEDY);
    }
    for (let position = 0; position < values.length; position++) {
      writeElement(generator, values[position]);
      generator.setInputSignal(high, low, position);
    }
    set += values.length;
  }
  const needed = generator.getInputSize();
  if (set !== needed) throw new MeedError(`${set} of ${needed} values of the circuit's input were given`, REMEDY);
}

function flat(value: SignalValues): ArrayLike<bigint | number> {
  if (typeof value === 'bigint') return [value];
  return ArrayBuffer.isView(value) ? value : value.flat();
}

/** FNV-1a, 64 bits, as two words. */
function nameHash(name: string): [number, number] {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(name)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return [Number(hash >> 32n), Number(hash & WORD)];
}

/** Where the program hands elements over. The trap: its memory may have grown, and then an older view is empty. */
function shared(generator: GeneratorExports): Uint32Array {
  return new Uint32Array(generator.memory.buffer, generator.getSharedRWMemoryStart(), FIELD_WORDS);
}

function writeElement(generator: GeneratorExports, element: bigint | number): void {
  const words = shared(generator);
  if (typeof element === 'number') {
    words.fill(0);
    words[0] = element;
    return;
  }
  let rest = ((element % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS;
  for (let word = 0; word < FIELD_WORDS; word++) {
    words[word] = Number(rest & WORD);
    rest >>= 32n;
  }
}

function readElement(generator: GeneratorExports, load: () => void): bigint {
  load();
  return [...shared(generator)].reduceRight((element, word) => (element << 32n) | BigInt(word), 0n);
}

/** Section 1: field size, modulus, count. Section 2: the values, 32 bytes each, little-endian. */
function wtnsFile(generator: GeneratorExports): Uint8Array {
  const count = generator.getWitnessSize();
  const headerBytes = 4 + FIELD_BYTES + 4;
  const valuesAt = 12 + 12 + headerBytes + 12;
  const bytes = new Uint8Array(valuesAt + count * FIELD_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from('wtns'));
  const header = [2, 2, 1, headerBytes, 0, FIELD_BYTES];
  header.forEach((word, i) => {
    view.setUint32(4 + 4 * i, word, true);
  });
  const element = (): Uint8Array => {
    const { buffer, byteOffset, byteLength } = shared(generator);
    return new Uint8Array(buffer, byteOffset, byteLength);
  };
  generator.getRawPrime();
  bytes.set(element(), 28);
  view.setUint32(60, count, true);
  view.setUint32(64, 2, true);
  view.setBigUint64(68, BigInt(count * FIELD_BYTES), true);
  // the whole witness is computed by now: nothing grows the memory any more
  const words = element();
  for (let wire = 0; wire < count; wire++) {
    generator.getWitness(wire);
    bytes.set(words, valuesAt + FIELD_BYTES * wire);
  }
  return bytes;
}
