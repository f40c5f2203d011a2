/** The grid as one Parquet file, written by DuckDB, so that any question about it is one line of SQL. */
import { writeParquetTable } from '../../../artefact/index.js';
import type { GridRow } from './row.js';

const COLUMNS = {
  setting: 'text',
  method: 'text',
  params: 'text',
  chosen: 'text',
  tried: 'whole',
  heldOutLds: 'number',
  measure: 'text',
  at: 'text',
  curve: 'text',
  x: 'number',
  /** The value where the measure is lds. */
  lds: 'number',
  value: 'number',
  low: 'number',
  high: 'number',
  chance: 'number',
  ceiling: 'number',
  dropped: 'whole',
  runs: 'whole',
  samples: 'whole',
  queries: 'whole',
  subsets: 'whole',
  seed: 'number',
  seconds: 'number',
  choosingSeconds: 'number',
  bytesPerSample: 'number',
  note: 'text',
} as const;

/** Replaces what is at the path, whole. @throws MeedError when it cannot be written */
export async function writeGrid(path: string, rows: readonly GridRow[]): Promise<void> {
  await writeParquetTable(
    path,
    COLUMNS,
    rows.map((row) => ({ ...row, lds: row.measure === 'lds' ? row.value : null })),
  );
}
