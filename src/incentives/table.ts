/**
 * The table as one Parquet file, written by DuckDB, and one flat record a line for JSON: nested figures become columns. A
 * figure that is not there is null in both.
 */
import { writeParquetTable } from '../artefact/index.js';
import { MeedError } from '../foundation/index.js';
import { PLANTS } from './planted.js';
import type { IncentiveRow } from './row.js';

export type FlatRow = Readonly<Record<string, string | number | null>>;

/** Columns in their order. Numbers that are not finite do not occur: measures leave them out. */
export function flatRow({ planted, pearsonInterval, spearmanInterval, ...row }: IncentiveRow): FlatRow {
  const flat: Record<string, string | number | null> = {};
  for (const name of [...NAMES, ...FIGURES]) flat[name] = row[name] ?? null;
  flat.pearsonLow = pearsonInterval?.low ?? null;
  flat.pearsonHigh = pearsonInterval?.high ?? null;
  flat.spearmanLow = spearmanInterval?.low ?? null;
  flat.spearmanHigh = spearmanInterval?.high ?? null;
  for (const plant of PLANTS) flat[`perRow ${plant}`] = planted[plant] ?? null;
  return flat;
}

const NAMES = ['dataset', 'method', 'policy', 'sybilContributor'] as const;
const FIGURES = [
  'contributors',
  'rows',
  'receipts',
  'completeness',
  'coherence',
  'unpaid',
  'pearson',
  'spearman',
  'pearsonPerRow',
  'pearsonLeaveOneOut',
  'spearmanLeaveOneOut',
  'pearsonAnswers',
  'pearsonJudged',
  'valueStability',
  'stability',
  'copyGain',
  'sybilGain',
  'sybilInformed',
  'mergeGain',
  'selfReturn',
  'hostReturn',
] as const;

/** Replaces what is at the path, whole. @throws MeedError when it cannot be written */
export async function writeIncentives(path: string, rows: readonly IncentiveRow[]): Promise<void> {
  const flat = rows.map(flatRow);
  if (flat.length === 0) throw new MeedError('A table without rows was asked for', 'Run at least one data set');
  const isName = (column: string): boolean => NAMES.some((name) => name === column);
  const columns = Object.keys(flat[0]).map((column) => [column, isName(column) ? 'text' : 'number'] as const);
  await writeParquetTable(path, Object.fromEntries(columns), flat);
}
