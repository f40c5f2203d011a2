/** How long work is told of and ended: a reader of `ScoringOptions` for methods that compute here. */
import { silent } from '../foundation/index.js';
import { CancelledError } from '../work/index.js';
import type { ScoringOptions } from './pathScorer.js';
import type { Watch } from './pathScores.js';

export type WorkWatch = Pick<Watch, 'throwIfCancelled' | 'progress'>;

/** For work that nobody watches. */
export const unwatched: WorkWatch = { throwIfCancelled() {}, progress: silent };

export function watchOf({ progress = silent, signal }: Pick<ScoringOptions, 'progress' | 'signal'> = {}): WorkWatch {
  return {
    throwIfCancelled() {
      if (signal?.aborted) throw new CancelledError('The scoring');
    },
    progress,
  };
}
