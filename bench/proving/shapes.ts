/** Instances of ScoreMatrix whose constraints nearly fill each power of two, by the logarithm of their domain. */
import type { Instance } from '../../src/prover/index.js';

export const SHAPES: Readonly<Record<string, Instance>> = {
  12: { slots: 4, queries: 4, columns: 8 },
  13: { slots: 4, queries: 4, columns: 32 },
  14: { slots: 8, queries: 8, columns: 32 },
  15: { slots: 8, queries: 8, columns: 80 },
  16: { slots: 16, queries: 16, columns: 80 },
  17: { slots: 24, queries: 24, columns: 128 },
  18: { slots: 24, queries: 24, columns: 256 },
};
