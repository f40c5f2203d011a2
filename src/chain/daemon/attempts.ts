/**
 * How often a duty failed and when it may be tried again: twice as long after each failure, the same after a restart, so
 * that a crash that a duty causes does not become a crash in a loop.
 */
import { count, text } from '../values.js';
import type { StateFile } from './stateFile.js';

export interface Attempt {
  readonly failures: number;
  /** Unix milliseconds. */
  readonly notBefore: number;
  /** The sentence of the last failure. */
  readonly problem: string;
}

export interface BackOff {
  readonly firstMs: number;
  readonly longestMs: number;
}

export const DEFAULT_BACK_OFF: BackOff = { firstMs: 2_000, longestMs: 10 * 60_000 };

export class Attempts {
  readonly #state: StateFile;
  readonly #backOff: BackOff;
  readonly #known: Map<string, Attempt>;

  private constructor(state: StateFile, backOff: BackOff, known: Map<string, Attempt>) {
    this.#state = state;
    this.#backOff = backOff;
    this.#known = known;
  }

  static async load(state: StateFile, backOff: BackOff = DEFAULT_BACK_OFF): Promise<Attempts> {
    const rows = await state.rows('SELECT * FROM attempts');
    const known = rows.map((row): [string, Attempt] => [
      text(row.duty, 'duty'),
      {
        failures: count(row.failures, 'failures'),
        notBefore: count(row.not_before, 'not_before'),
        problem: text(row.problem, 'problem'),
      },
    ]);
    return new Attempts(state, backOff, new Map(known));
  }

  of(duty: string): Attempt | undefined {
    return this.#known.get(duty);
  }

  get failing(): ReadonlyMap<string, Attempt> {
    return this.#known;
  }

  async failed(duty: string, problem: string, now: number): Promise<Attempt> {
    const failures = (this.#known.get(duty)?.failures ?? 0) + 1;
    const { firstMs, longestMs } = this.#backOff;
    const attempt = { failures, notBefore: now + Math.min(firstMs * 2 ** (failures - 1), longestMs), problem };
    this.#known.set(duty, attempt);
    await this.#state.run('INSERT OR REPLACE INTO attempts VALUES (?, ?, ?, ?)', [
      duty,
      failures,
      BigInt(attempt.notBefore),
      problem,
    ]);
    return attempt;
  }

  /** Forgets what was done, or is no duty any more. */
  async forget(duty: string): Promise<void> {
    if (this.#known.delete(duty)) await this.#state.run('DELETE FROM attempts WHERE duty = ?', [duty]);
  }
}
