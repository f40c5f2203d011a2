/**
 * Defaults of a run by data set. Learning rates are chosen so that the sum of the in-run scores stays near what training
 * really changed (completeness); a larger rate trains faster and makes first-order scores meaningless.
 */
import type { TrainingOptions } from '../models/index.js';
import type { Instance } from '../prover/index.js';

export interface Profile {
  readonly hidden: readonly number[];
  readonly training: Omit<TrainingOptions, 'seed'>;
  readonly receipts: number;
}

const TABLE: Readonly<Record<string, Profile>> = {
  glyphs: { hidden: [64], training: { epochs: 20, batch: 64, learningRate: 0.002, momentum: 0.9 }, receipts: 16 },
  heart: { hidden: [16], training: { epochs: 20, batch: 32, learningRate: 0.002, momentum: 0.9 }, receipts: 32 },
  mnist: { hidden: [128, 64], training: { epochs: 10, batch: 64, learningRate: 0.001, momentum: 0.9 }, receipts: 32 },
};

const OWN_DATA: Profile = {
  hidden: [32],
  training: { epochs: 20, batch: 32, learningRate: 0.002, momentum: 0.9 },
  receipts: 16,
};

export function profileOf(dataset: string): Profile {
  return TABLE[dataset] ?? OWN_DATA;
}

/** S, Q, d: bench/instances.ts prints the table by which it was chosen. */
export const DEFAULT_INSTANCE: Instance = { slots: 16, queries: 16, columns: 128 };

/** Fee of receipt q: outputs cost one, two or three tokens, as short and long answers would. */
export function feesOf(receipts: number): string[] {
  return Array.from({ length: receipts }, (_, q) => String(BigInt(1 + (q % 3)) * 10n ** 18n));
}
