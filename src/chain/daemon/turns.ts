/**
 * Who goes first. Several validators see the same duty at the same moment, and only one transaction can do it. Each duty
 * has its own order of validators, by hash, and each waits one turn for everyone in front of it: so in good times one of
 * them works, the work is spread evenly, and whoever is away is replaced after a turn. Nothing depends on the order but
 * wasted work.
 */
import { sha256 } from '../../foundation/index.js';

export interface Turns {
  /** Addresses of all that serve, in any order. */
  readonly validators: readonly string[];
  readonly turnMs: number;
}

/** How many are before `self` in the order of the duty. */
export function placeInLine(duty: string, self: string, validators: readonly string[]): number {
  const own = rank(duty, self);
  return validators.filter((other) => other.toLowerCase() !== self.toLowerCase() && rank(duty, other) < own).length;
}

function rank(duty: string, validator: string): string {
  return sha256('meed/turn/v1', duty, validator.toLowerCase());
}

/** Remembers when each duty was first seen, and says from when on it is one's own turn. */
export class TurnClock {
  readonly #seen = new Map<string, number>();
  readonly #turns: Turns;
  readonly #self: string;

  constructor(self: string, turns: Turns) {
    this.#self = self;
    this.#turns = turns;
  }

  /** @param duties keys of all duties that there are now; others are forgotten */
  seen(duties: Iterable<string>, now: number): void {
    const present = new Set(duties);
    for (const key of this.#seen.keys()) if (!present.has(key)) this.#seen.delete(key);
    for (const key of present) if (!this.#seen.has(key)) this.#seen.set(key, now);
  }

  isTurn(duty: string, now: number): boolean {
    const since = this.#seen.get(duty) ?? now;
    return now - since >= placeInLine(duty, this.#self, this.#turns.validators) * this.#turns.turnMs;
  }
}
