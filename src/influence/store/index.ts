export { MOST_COLUMNS, QUERY_MAX, ROW_MAX } from './bounds.js';
export { type RoundedRows, roundQueries, roundRows, streamScales } from './floatRows.js';
export { type GroupScore, groupScore, topContributors } from './groupScores.js';
export {
  openScanner,
  type RankedRow,
  type ScannerOptions,
  type ScoreBlock,
  type StoreScanner,
  type TopOptions,
} from './scanner.js';
export {
  type ContributorSum,
  type OpenOptions,
  openStore,
  type RowSum,
  type SketchStore,
  type StoredRows,
} from './sketchStore.js';
export { appendRows, createStore, eraseRemoved, type RowBlock, removeRows, tidyStore } from './writer.js';
