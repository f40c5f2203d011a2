/** One figure of the grid, as it stands in the Parquet file: a setting, a method with its settings, a measure. */
export interface GridRow {
  readonly setting: string;
  readonly method: string;
  /** The method's settings as canonical JSON. */
  readonly params: string;
  /** How they were found. */
  readonly chosen: 'held-out queries' | 'defaults';
  /** Settings tried. */
  readonly tried: number;
  /** LDS of the chosen settings on the held-out queries. */
  readonly heldOutLds: number | null;
  readonly measure: string;
  /** Which of the measure's figures; empty where there is one. */
  readonly at: string;
  /** The curve that the figure is a point of, and its abscissa there; null where it is none. */
  readonly curve: string | null;
  readonly x: number | null;
  /** Null where there is none; `note` says why. */
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** What random scores would get. */
  readonly chance: number | null;
  /** What the best predictor could get. */
  readonly ceiling: number | null;
  /** Queries without a figure. */
  readonly dropped: number;
  /** Runs that the method was given. */
  readonly runs: number;
  readonly samples: number;
  readonly queries: number;
  readonly subsets: number;
  readonly seed: number;
  /** Opening the method and all scores of the measure; not choosing, not retraining. */
  readonly seconds: number | null;
  readonly choosingSeconds: number | null;
  /** What the method keeps of each sample between queries, where that is known. */
  readonly bytesPerSample: number | null;
  readonly note: string | null;
}

/** Those that two equal runs may differ in. */
export const TIMES = ['seconds', 'choosingSeconds'] as const satisfies readonly (keyof GridRow)[];
