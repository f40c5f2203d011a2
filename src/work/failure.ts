/**
 * A thrown error as plain data, so that it crosses threads and machines: a refusal keeps its two sentences, a defect its
 * message and stack. The trap: structured cloning turns a MeedError into an Error without its remedy, and text from
 * another machine may hold escape sequences for the terminal, so control characters are taken out.
 */
import { MeedError, messageOf } from '../foundation/index.js';
import { CancelledError } from './cancelled.js';

export type Failure =
  | { readonly kind: 'refused'; readonly problem: string; readonly remedy: string; readonly usedWrongly: boolean }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'defect'; readonly message: string; readonly stack: string };

const MOST_LETTERS = 8_000;

export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof CancelledError) return { kind: 'cancelled' };
  if (thrown instanceof MeedError) {
    const problem = thrown.message.slice(0, -`. ${thrown.remedy}.`.length);
    return { kind: 'refused', problem, remedy: thrown.remedy, usedWrongly: thrown.exitCode === 2 };
  }
  return { kind: 'defect', message: messageOf(thrown), stack: thrown instanceof Error ? (thrown.stack ?? '') : '' };
}

/** The error again. @param what the work that failed, for the sentence of a cancellation */
export function errorOf(failure: Failure, what: string): Error {
  if (failure.kind === 'cancelled') return new CancelledError(what);
  if (failure.kind === 'refused') {
    return new MeedError(failure.problem, failure.remedy, { exitCode: failure.usedWrongly ? 2 : 1 });
  }
  const error = new Error(failure.message);
  error.stack = failure.stack || error.stack;
  return error;
}

/** Reads a failure that came over the wire; anything else is a defect with the text as its message. */
export function readFailure(text: string): Failure {
  const parsed = parse(text);
  if (typeof parsed === 'object' && parsed !== null && 'kind' in parsed) {
    if (parsed.kind === 'cancelled') return { kind: 'cancelled' };
    if (parsed.kind === 'refused' && 'problem' in parsed && 'remedy' in parsed) {
      return {
        kind: 'refused',
        problem: printable(String(parsed.problem)),
        remedy: printable(String(parsed.remedy)),
        usedWrongly: 'usedWrongly' in parsed && parsed.usedWrongly === true,
      };
    }
    if (parsed.kind === 'defect' && 'message' in parsed) {
      return { kind: 'defect', message: printable(String(parsed.message)), stack: '' };
    }
  }
  return { kind: 'defect', message: printable(text), stack: '' };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function printable(text: string): string {
  return text.slice(0, MOST_LETTERS).replace(/\p{Cc}/gu, ' ');
}
