/** The measures by name. Adding one: its file beside this one, and one line. */
import { MeedError } from '../../../foundation/index.js';
import { brittlenessMeasure } from './brittleness.js';
import { ldsMeasure } from './datamodel.js';
import { duplicatesMeasure } from './duplicates.js';
import { looMeasure } from './leaveOneOut.js';
import type { Measure } from './measure.js';
import { mislabelMeasure } from './mislabel.js';
import { shortcutMeasure } from './shortcut.js';
import { removalMeasure } from './subsetRemoval.js';

export const MEASURES: readonly Measure[] = [
  ldsMeasure,
  looMeasure,
  mislabelMeasure,
  brittlenessMeasure,
  removalMeasure,
  duplicatesMeasure,
  shortcutMeasure,
];

/** @throws MeedError that lists the known names */
export function findMeasure(name: string): Measure {
  const found = MEASURES.find((measure) => measure.name === name);
  if (found) return found;
  throw new MeedError(`There is no measure "${name}"`, `Choose one of ${MEASURES.map((m) => m.name).join(', ')}`, {
    exitCode: 2,
  });
}
