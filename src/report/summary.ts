/**
 * What a run has to say in figures: `summary.json`, the source of the report and of what the command line prints.
 * Amounts are decimal strings of the token's smallest unit (18 decimals), so that no language rounds them.
 */
import type { AuditCheck } from '../chain/auditor/index.js';
import type { Instance } from '../prover/index.js';

export type { AuditCheck };

export interface StageTime {
  readonly name: string;
  /** How long making it took, in this run or in the one that made it. */
  readonly seconds: number;
  /** True when a finished artefact of the same recipe was found and used. */
  readonly reused: boolean;
}

export interface Payout {
  readonly contributor: string;
  readonly address: string;
  /** What was planted in a contributor's rows (flipped, copied, noise, mislabelled); absent for honest ones. */
  readonly planted?: string;
  readonly rows: number;
  /** Σ over receipts of the contributor's integer score. */
  readonly score: string;
  /** What its owner was credited and withdrew. */
  readonly amount: string;
  /** Part of all contributors' pay. */
  readonly share: number;
  /** Pay per row, relative to the pay per row of all contributors together: 1 is average. */
  readonly perRow: number;
}

export interface IdentityCurve {
  readonly contributor: string;
  readonly planted?: string;
  /** Part of the contributors' pay when the contributor's rows are split evenly over so many identities. */
  readonly points: readonly { readonly identities: number; readonly share: number }[];
}

export interface Completeness {
  /** |Σ score| / Σ |score| over all receipts and samples: 0 = the sum is what cancellation left over. */
  readonly sumOverMagnitude: number;
  /** Σ score over all receipts and samples. */
  readonly scoreSum: number;
  /** Σ over receipts of loss(initial) − loss(trained) of the output that was given. */
  readonly lossFall: number;
  /** scoreSum / lossFall: 1 is complete. */
  readonly ratio: number;
}

export interface Summary {
  readonly dataset: string;
  readonly title: string;
  readonly seed: number;
  readonly engine: string;
  readonly scorer: string;
  readonly instance: Instance;
  readonly stages: readonly StageTime[];
  /** Wall time of this run up to its report. */
  readonly totalSeconds: number;
  readonly samples: number;
  readonly heldOut: number;
  readonly contributors: number;
  readonly receipts: number;
  readonly slots: number;
  readonly shards: number;
  readonly batches: number;
  readonly accuracy: { readonly train: number; readonly heldOut: number };
  readonly constraints: number;
  readonly keyForgeable: boolean;
  readonly proofs: number;
  /** Seconds for all proofs together; 0 when finished ones were found. */
  readonly provingSeconds: number;
  readonly chainId: number;
  readonly settlement: string;
  readonly transactions: readonly { readonly what: string; readonly hash: string; readonly gas: number }[];
  readonly fees: {
    readonly total: string;
    readonly platform: string;
    readonly modelOwner: string;
    readonly stakers: string;
    readonly contributors: string;
    readonly dust: string;
  };
  readonly payouts: readonly Payout[];
  readonly medianPerRow: number;
  readonly completeness: Completeness;
  readonly identities: readonly IdentityCurve[];
  readonly audit: { readonly passed: boolean; readonly checks: readonly AuditCheck[] };
  /** Stage name → artefact id. */
  readonly ids: Readonly<Record<string, string>>;
  /** Path of report.html. */
  readonly report: string;
}
