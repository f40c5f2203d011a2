/**
 * What is to be proven, whatever the circuit: the public signals, and the private ones when their turn comes. An epoch has
 * thousands of statements and a circuit tens of thousands of private signals, so a statement holds a way to them and not
 * the signals themselves.
 * A statement's id follows from the key and the public signals alone: two witnesses, two provers or two versions of Meed
 * that prove the same statement give proofs of one worth, so what one run finished another finds.
 */
import { sha256 } from '../../foundation/index.js';
import type { CircuitInput, SignalValues } from '../witnessCalculator.js';

export interface Statement {
  /** For a person: "shard 3, batch 0". */
  readonly name: string;
  /** In the order of the circuit's verification key. */
  readonly publicSignals: readonly bigint[];
  /** Every signal of the circuit's input, made anew at each call. */
  input(): CircuitInput;
}

/** Signals as structured data: small numbers as they are, field elements as decimal strings. */
export type SentSignals = Readonly<Record<string, Uint16Array | readonly string[]>>;

const SMALL = 1n << 16n;

/** @param keyHash `verificationKeyHash` of the key that the proof is for */
export function statementId(keyHash: string, publicSignals: readonly bigint[]): string {
  return sha256(`meed/statement/v1 ${keyHash} ${publicSignals.join(' ')}`);
}

export function sentSignals(input: CircuitInput): SentSignals {
  return Object.fromEntries(Object.entries(input).map(([name, values]) => [name, sent(values)]));
}

export function receivedSignals(signals: SentSignals): CircuitInput {
  return Object.fromEntries(
    Object.entries(signals).map(([name, values]) => [
      name,
      values instanceof Uint16Array ? values : values.map((value) => BigInt(value)),
    ]),
  );
}

function sent(values: SignalValues): Uint16Array | readonly string[] {
  const flat =
    typeof values === 'bigint' ? [values] : ArrayBuffer.isView(values) ? Array.from(values, BigInt) : values.flat();
  return flat.every((value) => value >= 0n && value < SMALL) ? Uint16Array.from(flat, Number) : flat.map(String);
}
