/**
 * What a report shows: the figures of the run, some outputs explained down to the training rows, and one payout traced
 * back to a row by its hashes. A plain object, so that it can be stored, tested and rendered without any artefact at hand.
 * The trap: names, labels and details come from other people's data; they are text, never markup.
 */
import type { Summary } from './summary.js';

export interface ReportData {
  readonly summary: Summary;
  /** Label k means classes[k]. */
  readonly classes: readonly string[];
  /** Two dimensions are drawn as a picture, anything else as a table of values. */
  readonly featureShape: readonly number[];
  readonly featureNames?: readonly string[];
  /** What a contributor is, in the words of the data: "hospital". */
  readonly contributorNoun?: string;
  readonly outputs: readonly ExplainedOutput[];
  /** Absent when nobody was paid. */
  readonly chain?: PayoutChain;
}

export interface ExplainedOutput {
  readonly receipt: number;
  readonly features: readonly number[];
  /** What a person reads of it, where the data set has texts. */
  readonly text?: string;
  readonly predictedClass: number;
  /** Known for held-out rows only; nobody has it at inference. */
  readonly trueLabel?: number;
  /** Probability that the model gave to the predicted class. */
  readonly confidence: number;
  /** Decimal string of the token's smallest unit, as are all amounts. */
  readonly fee: string;
  /** Who is paid for this output, largest first; nobody with nothing. */
  readonly payouts: readonly Payee[];
  /** Most helpful first. */
  readonly helpful: readonly InfluentialRow[];
  /** Most harmful first. */
  readonly harmful: readonly InfluentialRow[];
}

export interface Payee {
  readonly contributor: string;
  readonly planted?: string;
  readonly amount: string;
}

export interface InfluentialRow {
  readonly row: number;
  readonly contributor: string;
  readonly planted?: string;
  readonly label: number;
  /** Positive: training on the row lowered the output's loss. */
  readonly score: number;
  readonly features: readonly number[];
  readonly text?: string;
}

/** One payout followed from a training row to the account of its owner. */
export interface PayoutChain {
  readonly contributor: string;
  readonly receipt: number;
  /** What the contributor received for that receipt. */
  readonly amount: string;
  readonly links: readonly HashLink[];
}

export const LINK_PLACES = ['data set', 'index', 'receipt', 'chain'] as const;
export type LinkPlace = (typeof LINK_PLACES)[number];

export interface HashLink {
  readonly place: LinkPlace;
  /** "Row 17 of ada" */
  readonly what: string;
  /** As published: hexadecimal of SHA-256 and transactions, decimal of field elements. */
  readonly id: string;
  /** What is bound by it, a phrase without its full stop. */
  readonly binds: string;
}
