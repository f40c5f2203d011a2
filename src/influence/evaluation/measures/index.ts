export { brittlenessMeasure, classesWithout } from './brittleness.js';
export { ldsMeasure } from './datamodel.js';
export {
  copyRanks,
  type DuplicateDetection,
  duplicateDetection,
  duplicatesMeasure,
  plantCopies,
} from './duplicates.js';
export { leaveOneOutCorrelation, leaveOneOutEffects, looMeasure } from './leaveOneOut.js';
export type { Figure, Ground, Measure, MeasureOptions, Setting, Sizes, Trial } from './measure.js';
export { findMeasure, MEASURES } from './measures.js';
export {
  harmDetection,
  type InspectionPoint,
  type MislabelDetection,
  mislabelDetection,
  mislabelMeasure,
  plantFlips,
  selfInfluence,
} from './mislabel.js';
export { chooseMark, type Mark, shortcutDetection, shortcutMeasure, stamp } from './shortcut.js';
export { lossesWithout, removalMeasure, totalScores } from './subsetRemoval.js';
