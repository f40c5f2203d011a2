/**
 * The coefficients of A and B by constraint, compressed: rows of (wire, index of the value) and a list of the distinct
 * values. A circuit repeats few values (ones, powers of two, a permutation's constants), so a term takes 8 bytes instead
 * of 44, and terms whose value is one need no product.
 * The trap: section 4 lists terms in whatever order its writer chose and may name a wire twice in a row, so terms are
 * counted into their rows and repeated ones stay and add up.
 */
import { MeedError } from '../../foundation/index.js';
import { COEFFICIENT_BYTES } from './zkey.js';

export interface SparseRows {
  /** Row i's terms are starts[i] … starts[i + 1] − 1. */
  readonly starts: Uint32Array;
  /** Pairs (wire, index of the value), row after row. */
  readonly terms: Uint32Array;
}

export interface Coefficients {
  readonly a: SparseRows;
  readonly b: SparseRows;
  /** Distinct values, 32 bytes each, as the key holds them: value·R², R = 2²⁵⁶. */
  readonly values: Uint8Array;
}

const VALUE_WORDS = 8;
const ENTRY_WORDS = COEFFICIENT_BYTES / 4;

/**
 * @param name  what errors call the key
 * @param bytes entries of COEFFICIENT_BYTES
 * @throws MeedError when an entry names another matrix than A and B, a constraint outside the domain or a wire that is not there
 */
export function compressRows(
  name: string,
  bytes: Uint8Array,
  { wires, domain }: { readonly wires: number; readonly domain: number },
): Coefficients {
  const words = asWords(bytes);
  const matrices = [0, 1].map(() => ({ starts: new Uint32Array(domain + 1), terms: new Uint32Array(0) }));
  for (let entry = 0; entry < words.length; entry += ENTRY_WORDS) {
    const [matrix, constraint, wire] = [words[entry], words[entry + 1], words[entry + 2]];
    if (matrix > 1 || constraint >= domain || wire >= wires) {
      throw new MeedError(
        `${name} has a coefficient of matrix ${matrix}, constraint ${constraint}, wire ${wire}: its circuit has 2 matrices, ${domain} constraints and ${wires} wires`,
        'Delete the key from the cache folder so that it is made again, or take it again from its ceremony',
      );
    }
    matrices[matrix].starts[constraint + 1]++;
  }
  const [a, b] = matrices.map(({ starts }) => {
    for (let row = 0; row < domain; row++) starts[row + 1] += starts[row];
    return { starts, terms: new Uint32Array(2 * starts[domain]) };
  });
  const filled = [a.starts.slice(), b.starts.slice()];
  const distinct = new DistinctValues(words.length / ENTRY_WORDS);
  for (let entry = 0; entry < words.length; entry += ENTRY_WORDS) {
    const matrix = words[entry];
    const { terms } = matrix === 0 ? a : b;
    const term = filled[matrix][words[entry + 1]]++;
    terms[2 * term] = words[entry + 2];
    terms[2 * term + 1] = distinct.indexOf(words, entry + 3);
  }
  return { a, b, values: distinct.bytes() };
}

/** A hash table of values by their words, with linear probing. */
class DistinctValues {
  readonly #slots: Int32Array;
  #words = new Uint32Array(1024 * VALUE_WORDS);
  #count = 0;

  constructor(most: number) {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * most + 2))).fill(-1);
  }

  indexOf(words: Uint32Array, at: number): number {
    let hash = 0;
    for (let i = 0; i < VALUE_WORDS; i++) hash = Math.imul(hash ^ words[at + i], 0x9e3779b1) ^ (hash >>> 15);
    const mask = this.#slots.length - 1;
    for (let slot = (hash ^ (hash >>> 16)) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#slots[slot];
      if (index < 0) {
        this.#slots[slot] = this.#count;
        return this.#append(words, at);
      }
      if (this.#equals(index, words, at)) return index;
    }
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#words.slice(0, this.#count * VALUE_WORDS).buffer);
  }

  #equals(index: number, words: Uint32Array, at: number): boolean {
    for (let i = 0; i < VALUE_WORDS; i++) if (this.#words[index * VALUE_WORDS + i] !== words[at + i]) return false;
    return true;
  }

  #append(words: Uint32Array, at: number): number {
    if (this.#words.length === this.#count * VALUE_WORDS) {
      const larger = new Uint32Array(2 * this.#words.length);
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words.set(words.subarray(at, at + VALUE_WORDS), this.#count * VALUE_WORDS);
    return this.#count++;
  }
}

/** The bytes as words, copied when they do not lie on a word's boundary. */
function asWords(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}
