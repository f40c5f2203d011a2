/** One thing an auditor checks: it returns what was compared, or throws a sentence that says what differs. */
import { MeedError } from '../../foundation/index.js';
import type { Evidence } from './evidence.js';

export interface Check {
  readonly name: string;
  run(evidence: Evidence): Promise<string>;
}

export interface AuditCheck {
  readonly name: string;
  readonly passed: boolean;
  /** What was compared, or what differs. */
  readonly detail: string;
  readonly seconds: number;
}

/** What is published or on chain is not what the evidence gives: a finding, and no failure of who looks. */
export class Difference extends MeedError {}

/** A difference found by an audit. */
export function differs(what: string, found: unknown, expected: unknown): Difference {
  return new Difference(`${what} is ${String(found)}, the evidence gives ${String(expected)}`, 'Challenge the payout');
}

export function requireEqual(what: string, found: unknown, expected: unknown): void {
  if (found !== expected) throw differs(what, found, expected);
}

export function requireEqualLists(what: string, found: readonly unknown[], expected: readonly unknown[]): void {
  requireEqual(`the number of ${what}`, found.length, expected.length);
  for (const [i, value] of expected.entries()) requireEqual(`${what} ${i}`, found[i], value);
}

/** Of the events or proofs given, the one that is meant. @throws Difference when there is not exactly one */
export function only<T>(what: string, events: readonly T[]): T {
  if (events.length !== 1) throw differs(`the number of ${what}`, events.length, 1);
  return events[0];
}
