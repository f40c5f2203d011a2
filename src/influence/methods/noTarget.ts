/** For methods that explain no scalar of the output: asked for one, they say so instead of explaining another. */
import { MeedError } from '../../foundation/index.js';
import type { ScoringOptions } from '../pathScorer.js';

/** @throws MeedError when a target is asked for */
export function refuseTarget(method: string, { target }: ScoringOptions): void {
  if (target === undefined) return;
  throw new MeedError(
    `${method} explains no scalar of the output, so it has no other target`,
    'Leave the target out, or choose a method of gradients, such as grad-dot',
  );
}
