/**
 * Finished proofs in a folder, one file each, named by their statement: what makes proving resumable. Only proofs that were
 * verified come in, a file appears whole or not at all (written beside, flushed, renamed), and what is read is checked for
 * its form and its statement. Whoever reads verifies again, since anybody may write to a folder.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFileError, systemCode } from '../../foundation/index.js';
import type { Groth16Proof } from '../groth16.js';
import { statementId } from './statement.js';

export type StoredProof =
  | { readonly state: 'found'; readonly proof: Groth16Proof }
  | { readonly state: 'absent' | 'damaged' };

const FORMAT = 'meed/proof/v1';
const WORDS = 8;

export class ProofStore {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @throws MeedError when the folder cannot be made */
  static async open(folder: string): Promise<ProofStore> {
    try {
      await mkdir(folder, { recursive: true });
    } catch (error) {
      throw explainFileError(error, folder);
    }
    return new ProofStore(folder);
  }

  /** The proof of a statement by the key, unverified; damaged when the file is cut short or holds another statement's. */
  async read(keyHash: string, publicSignals: readonly bigint[]): Promise<StoredProof> {
    const path = this.#path(keyHash, publicSignals);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return { state: 'absent' };
      throw explainFileError(error, path);
    }
    const words = wordsOf(text, keyHash, publicSignals);
    return words ? { state: 'found', proof: { words, publicSignals } } : { state: 'damaged' };
  }

  /** @throws MeedError when it cannot be written, as on a full disk; nothing half-written stays */
  async write(keyHash: string, { words, publicSignals }: Groth16Proof): Promise<void> {
    const path = this.#path(keyHash, publicSignals);
    // two commands may work on one folder
    const beside = `${path}.${randomUUID()}.partial`;
    const content = { format: FORMAT, keyHash, publicSignals: publicSignals.map(String), words: words.map(String) };
    try {
      await writeFile(beside, `${JSON.stringify(content)}\n`, { flush: true });
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw explainFileError(error, path);
    }
  }

  #path(keyHash: string, publicSignals: readonly bigint[]): string {
    return join(this.folder, `${statementId(keyHash, publicSignals)}.json`);
  }
}

function wordsOf(text: string, keyHash: string, publicSignals: readonly bigint[]): bigint[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const stored = value as Partial<Record<'format' | 'keyHash' | 'publicSignals' | 'words', unknown>>;
  const words = decimals(stored.words);
  const signals = decimals(stored.publicSignals);
  const own =
    stored.format === FORMAT &&
    stored.keyHash === keyHash &&
    signals?.length === publicSignals.length &&
    signals.every((signal, i) => signal === publicSignals[i]);
  return own && words?.length === WORDS ? words : undefined;
}

/** Unsigned decimal integers of at most 78 digits, as 256 bits have; undefined when it is anything else. */
export function decimals(list: unknown): bigint[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const isDecimal = (text: unknown): text is string => typeof text === 'string' && /^[0-9]{1,78}$/.test(text);
  return list.every(isDecimal) ? list.map(BigInt) : undefined;
}
