/**
 * Signed transactions, written down before they are sent. A transaction has one place in the chain, its nonce, and
 * everything that was ever signed for a nonce stays until the chain is far past it: a reorganisation may take a mined one
 * out again.
 */

import { count, text } from '../values.js';
import type { StateFile } from './stateFile.js';

export interface SignedTransaction {
  readonly nonce: number;
  /** 0x hex. */
  readonly hash: string;
  readonly what: string;
  /** Serialised and signed, 0x hex. */
  readonly raw: string;
  /** Most wei that it pays for a unit of gas. */
  readonly fee: bigint;
}

/** Behind the account's next nonce; far more transactions than any reorganisation undoes. */
const KEPT = 256;

export class Journal {
  readonly #state: StateFile;

  constructor(state: StateFile) {
    this.#state = state;
  }

  /** On the disk when this returns. */
  async write({ nonce, hash, what, raw, fee }: SignedTransaction): Promise<void> {
    await this.#state.run('INSERT OR REPLACE INTO transactions VALUES (?, ?, ?, ?, ?)', [
      BigInt(nonce),
      hash,
      what,
      raw,
      String(fee),
    ]);
  }

  /** What was signed for this nonce and later ones; at each nonce the cheapest first. */
  async from(nonce: number): Promise<SignedTransaction[]> {
    const rows = await this.#state.rows(
      'SELECT * FROM transactions WHERE nonce >= ? ORDER BY nonce, fee::HUGEINT, hash',
      [BigInt(nonce)],
    );
    return rows.map((row) => ({
      nonce: count(row.nonce, 'nonce'),
      hash: text(row.hash, 'hash'),
      what: text(row.what, 'what'),
      raw: text(row.raw, 'raw'),
      fee: BigInt(text(row.fee, 'fee')),
    }));
  }

  /** Forgets what the chain is far past. @param next the account's next nonce */
  async forget(next: number): Promise<void> {
    await this.#state.run('DELETE FROM transactions WHERE nonce < ?', [BigInt(next - KEPT)]);
  }
}
