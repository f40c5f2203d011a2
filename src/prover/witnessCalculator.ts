/**
 * Runs the witness generator that circom compiles beside a circuit (its WebAssembly interface, version 2) and writes the
 * .wtns form. Written here because the usual loader prints every failed assertion to the standard error; a library that
 * is asked whether values satisfy a circuit answers, it does not print.
 * The trap: a signal is found by the 64-bit FNV-1a hash of its name, and one that was not set leaves the witness
 * uncomputed without an error, so the number of values is checked against what the circuit declares.
 */
import { readFile } from 'node:fs/promises';
import { MeedError } from '../foundation/index.js';
import { FIELD_MODULUS } from './reference/constants.js';

/** Signals of the circuit by name; arrays are nested as the circuit declares them. */
export type CircuitInput = Readonly<Record<string, bigint | readonly bigint[] | readonly (readonly bigint[])[]>>;

interface GeneratorExports {
  init(sanityCheck: number): void;
  getFieldNumLen32(): number;
  getWitnessSize(): number;
  getInputSize(): number;
  getInputSignalSize(hashHigh: number, hashLow: number): number;
  setInputSignal(hashHigh: number, hashLow: number, position: number): void;
  writeSharedRWMemory(word: number, value: number): void;
  readSharedRWMemory(word: number): number;
  getWitness(wire: number): void;
  getRawPrime(): void;
  getMessageChar(): number;
}

const FIELD_WORDS = 8;
const REMEDY = 'Recompute commitments, challenge and evaluation from the same slots and queries';

/**
 * Values of all wires, as the bytes of a .wtns file.
 * @throws MeedError when a signal is missing or unknown, or a constraint does not hold
 */
export async function calculateWitness(wasmPath: string, input: CircuitInput): Promise<Uint8Array> {
  let message = '';
  const readMessage = (): void => {
    for (let c = generator.getMessageChar(); c !== 0; c = generator.getMessageChar()) message += String.fromCharCode(c);
  };
  const runtime = {
    exceptionHandler(code: number): never {
      throw new MeedError(`The values do not satisfy the circuit: ${message.trim() || `error ${code}`}`, REMEDY);
    },
    printErrorMessage: readMessage,
    writeBufferMessage: readMessage,
    showSharedRWMemory(): void {},
  };
  const { instance } = await WebAssembly.instantiate(await readFile(wasmPath), { runtime });
  const generator = generatorExports(instance.exports);
  generator.init(0);
  if (
    generator.getFieldNumLen32() !== FIELD_WORDS ||
    readElement(generator, () => generator.getRawPrime()) !== FIELD_MODULUS
  ) {
    throw new MeedError(`${wasmPath} works in another field than BN254`, 'Delete the cache folder and compile again');
  }
  setSignals(generator, input);
  return wtnsFile(generator);
}

function generatorExports(exports: WebAssembly.Exports): GeneratorExports {
  if (typeof exports.getWitness !== 'function' || typeof exports.setInputSignal !== 'function') {
    throw new MeedError('The witness generator is not of circom 2', 'Delete the cache folder and compile again');
  }
  return exports as WebAssembly.Exports & GeneratorExports;
}

function setSignals(generator: GeneratorExports, input: CircuitInput): void {
  let set = 0;
  for (const [name, value] of Object.entries(input)) {
    const [high, low] = nameHash(name);
    const values = typeof value === 'bigint' ? [value] : value.flat();
    const size = generator.getInputSignalSize(high, low);
    if (size !== values.length) {
      const declared = size < 0 ? 'no such signal' : `${size} values`;
      throw new MeedError(`The signal ${name} was given ${values.length} values, the circuit has ${declared}`, REMEDY);
    }
    values.forEach((element, position) => {
      writeElement(generator, element);
      generator.setInputSignal(high, low, position);
    });
    set += values.length;
  }
  const needed = generator.getInputSize();
  if (set !== needed) throw new MeedError(`${set} of ${needed} values of the circuit's input were given`, REMEDY);
}

/** FNV-1a, 64 bits, as two words. */
function nameHash(name: string): [number, number] {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(name)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return [Number(hash >> 32n), Number(hash & 0xffffffffn)];
}

function writeElement(generator: GeneratorExports, element: bigint): void {
  let rest = ((element % FIELD_MODULUS) + FIELD_MODULUS) % FIELD_MODULUS;
  for (let word = 0; word < FIELD_WORDS; word++) {
    generator.writeSharedRWMemory(word, Number(rest & 0xffffffffn));
    rest >>= 32n;
  }
}

function readElement(generator: GeneratorExports, load: () => void): bigint {
  load();
  let element = 0n;
  for (let word = FIELD_WORDS - 1; word >= 0; word--) {
    element = (element << 32n) | BigInt(generator.readSharedRWMemory(word) >>> 0);
  }
  return element;
}

/** Section 1: field size, modulus, count. Section 2: the values, 32 bytes each, little-endian. */
function wtnsFile(generator: GeneratorExports): Uint8Array {
  const count = generator.getWitnessSize();
  const headerBytes = 4 + 4 * FIELD_WORDS + 4;
  const valuesAt = 12 + 12 + headerBytes + 12;
  const bytes = new Uint8Array(valuesAt + count * 4 * FIELD_WORDS);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from('wtns'));
  const header = [2, 2, 1, headerBytes, 0, 4 * FIELD_WORDS];
  header.forEach((word, i) => {
    view.setUint32(4 + 4 * i, word, true);
  });
  generator.getRawPrime();
  for (let word = 0; word < FIELD_WORDS; word++)
    view.setUint32(28 + 4 * word, generator.readSharedRWMemory(word), true);
  view.setUint32(60, count, true);
  view.setUint32(64, 2, true);
  view.setBigUint64(68, BigInt(count * 4 * FIELD_WORDS), true);
  for (let wire = 0; wire < count; wire++) {
    generator.getWitness(wire);
    const at = valuesAt + 4 * FIELD_WORDS * wire;
    for (let word = 0; word < FIELD_WORDS; word++)
      view.setUint32(at + 4 * word, generator.readSharedRWMemory(word), true);
  }
  return bytes;
}
