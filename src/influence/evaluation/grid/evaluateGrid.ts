/**
 * Methods × settings × measures. What methods share (runs, ground truth, plants) is made once and only when a cell needs
 * it; every finished cell is kept, so that an interrupted evaluation goes on where it stopped. The same seed gives the
 * same rows, times apart; a method that does not fit a setting leaves a row with its sentence, not a hole.
 */
import { canonicalJson, type Json, type Progress, silent } from '../../../foundation/index.js';
import type { Method, Settings } from '../../methods/index.js';
import type { Scorer } from '../../scorer.js';
import { candidates, chooseSettings, refusalOf } from '../chooseSettings.js';
import {
  attributionOf,
  type Figure,
  type Ground,
  type Measure,
  type Setting,
  type Trial,
} from '../measures/measure.js';
import { jointTruth, keptEpochs, type RetrainingOptions, trainRuns } from '../retraining/index.js';
import { type BootstrapOptions, DEFAULT_REPLICATES } from '../statistics/index.js';
import { CellStore } from './cells.js';
import { settingFingerprint } from './fingerprint.js';
import type { GridRow } from './row.js';

export interface GridOptions {
  /** Keeps finished cells. */
  readonly cells: string;
  /** Where trainings and scores are made; with a store, trainings are found again. */
  readonly work: RetrainingOptions;
  readonly bootstrap?: BootstrapOptions;
  /** 'held-out' unless told. */
  readonly choose?: 'held-out' | 'defaults';
  /** Epochs tried where a method takes the state of one; all that the runs have unless told. */
  readonly triedEpochs?: readonly number[];
  /** What a method keeps of a sample between queries, where somebody knows it. */
  readonly bytesPerSample?: (method: Method, settings: Settings, setting: Setting) => number | undefined;
  /** Told of every row when it is finished, also of those found. */
  readonly onRow?: (row: GridRow) => void;
}

/** @throws CancelledError after the signal; what is finished is kept */
export async function evaluateGrid(
  settings: readonly Setting[],
  methods: readonly Method[],
  measures: readonly Measure[],
  options: GridOptions,
): Promise<GridRow[]> {
  const { notice = () => {} } = options.work;
  const cells = await CellStore.open(options.cells, notice);
  const rows: GridRow[] = [];
  for (const setting of settings) {
    const bench = new Bench(setting, cells, options);
    for (const measure of measures) {
      for (const method of methods) {
        const made = await bench.cell(measure, method);
        for (const row of made) options.onRow?.(row);
        rows.push(...made);
      }
      bench.forget(measure);
    }
  }
  return rows;
}

/** A figure as a cell keeps it: JSON has no NaN. */
type KeptFigure = Pick<GridRow, 'at' | 'curve' | 'x' | 'value' | 'low' | 'high' | 'chance' | 'ceiling' | 'dropped'>;

interface Cell {
  readonly figures: readonly KeptFigure[];
  readonly seconds: number;
}

interface KeptChoice {
  readonly settings: Settings;
  readonly lds: number | null;
  readonly tried: number;
  readonly seconds: number;
}

/** One setting, and what has been made for it. */
class Bench {
  readonly #setting: Setting;
  readonly #cells: CellStore;
  readonly #options: GridOptions;
  readonly #fingerprint: string;
  readonly #trials = new Map<Measure, Promise<Trial>>();
  #ground: Promise<Ground> | undefined;

  constructor(setting: Setting, cells: CellStore, options: GridOptions) {
    this.#setting = setting;
    this.#cells = cells;
    this.#options = options;
    this.#fingerprint = settingFingerprint(setting);
  }

  /** Lets go of what was made for a measure. */
  forget(measure: Measure): void {
    this.#trials.delete(measure);
  }

  async cell(measure: Measure, method: Method): Promise<GridRow[]> {
    let choice: KeptChoice | undefined;
    try {
      const chosen = await this.#choose(method);
      choice = chosen;
      const { replicates = DEFAULT_REPLICATES, seed = 1, level = 0.95 } = this.#options.bootstrap ?? {};
      const name = {
        setting: this.#fingerprint,
        measure: measure.name,
        method: method.name,
        params: chosen.settings,
        replicates,
        seed,
        level,
      };
      const found = await this.#cells.find(name, isCell);
      const cell = found ?? (await this.#make(measure, method, chosen.settings));
      if (!found) await this.#cells.keep(name, cell);
      return cell.figures.map((figure) =>
        this.#row(measure, method, figure, { choice: chosen, seconds: cell.seconds }),
      );
    } catch (error) {
      const note = refusalOf(error);
      return [this.#row(measure, method, NO_FIGURE, { choice, note })];
    }
  }

  async #make(measure: Measure, method: Method, settings: Settings): Promise<Cell> {
    const { work, bootstrap } = this.#options;
    let trial = this.#trials.get(measure);
    if (!trial) {
      trial = measure.prepare(this.#setting, () => this.#prepared(), { ...bootstrap, work });
      this.#trials.set(measure, trial);
    }
    const { attribution, figures } = await trial;
    const clock = new Clock();
    const opened = await clock.time(() => method.open(attribution, settings, scoringOptions(work)));
    const scorer: Scorer = { ...opened, score: (outputs, samples) => clock.time(() => opened.score(outputs, samples)) };
    try {
      const found = await figures(scorer, method, { ...bootstrap, work });
      return { figures: found.map(kept), seconds: clock.seconds };
    } finally {
      await opened.dispose();
    }
  }

  async #choose(method: Method): Promise<KeptChoice> {
    if (this.#options.choose === 'defaults') return { settings: method.defaults, lds: null, tried: 1, seconds: 0 };
    const { triedEpochs } = this.#options;
    const epochs = [...(triedEpochs ?? this.#setting.runs.epochs)];
    const name: Json = {
      setting: this.#fingerprint,
      method: method.name,
      choice: candidates(method),
      epochs,
    };
    const found = await this.#cells.find(name, isChoice);
    if (found) return found;
    const { runs, truth } = await this.#prepared();
    const { heldOut, evaluation, samples } = this.#setting;
    const clock = new Clock();
    const best = await clock.time(() =>
      chooseSettings(
        method,
        attributionOf(this.#setting, runs),
        { queries: heldOut, truth: truth.heldOut },
        evaluation,
        { ...scoringOptions(this.#options.work), epochs: triedEpochs ?? keptEpochs(runs, samples.rows) },
      ),
    );
    const choice = { settings: best.settings, lds: orNull(best.lds), tried: best.tried.length, seconds: clock.seconds };
    await this.#cells.keep(name, choice);
    return choice;
  }

  #prepared(): Promise<Ground> {
    this.#ground ??= this.#prepare();
    return this.#ground;
  }

  async #prepare(): Promise<Ground> {
    const { work } = this.#options;
    const { heldOut, evaluation, subsets, runs } = this.#setting;
    const truth = await jointTruth(this.#setting, { heldOut, evaluation }, subsets, work);
    return { truth, runs: await trainRuns(this.#setting, runs, work) };
  }

  #row(
    measure: Measure,
    method: Method,
    figure: KeptFigure,
    made: { readonly choice?: KeptChoice; readonly seconds?: number; readonly note?: string },
  ): GridRow {
    const { name, samples, evaluation, subsets, runs, seed } = this.#setting;
    const { choice, seconds, note } = made;
    const settings = choice?.settings ?? method.defaults;
    return {
      setting: name,
      method: method.name,
      params: canonicalJson(settings),
      chosen: this.#options.choose === 'defaults' ? 'defaults' : 'held-out queries',
      tried: choice?.tried ?? 0,
      heldOutLds: choice?.lds ?? null,
      measure: measure.name,
      ...figure,
      runs: runs.count,
      samples: samples.rows,
      queries: evaluation.rows,
      subsets: subsets.count,
      seed,
      seconds: seconds ?? null,
      choosingSeconds: choice?.seconds ?? null,
      bytesPerSample: this.#options.bytesPerSample?.(method, settings, this.#setting) ?? null,
      note: note ?? null,
    };
  }
}

/** Seconds of what it was asked to time, added up. */
class Clock {
  seconds = 0;

  async time<T>(work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      return await work();
    } finally {
      this.seconds += (performance.now() - begun) / 1000;
    }
  }
}

/** Scores are made in this thread, with the engine of the setting; only retrainings go to the workers. */
function scoringOptions({ progress, signal, notice }: RetrainingOptions): {
  readonly progress: Progress;
  readonly signal?: AbortSignal;
  readonly notice?: (sentence: string) => void;
} {
  return { progress: progress ?? silent, signal, notice };
}

const NO_FIGURE: KeptFigure = {
  at: '',
  curve: null,
  x: null,
  value: null,
  low: null,
  high: null,
  chance: null,
  ceiling: null,
  dropped: 0,
};

function kept({ at, curve, value, low, high, chance, ceiling, dropped = 0 }: Figure): KeptFigure {
  return {
    at,
    curve: curve?.name ?? null,
    x: curve?.x ?? null,
    value: orNull(value),
    low: orNull(low),
    high: orNull(high),
    chance: orNull(chance),
    ceiling: orNull(ceiling),
    dropped,
  };
}

function orNull(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}

function isCell(content: unknown): content is Cell {
  return isRecord(content) && Array.isArray(content.figures) && typeof content.seconds === 'number';
}

function isChoice(content: unknown): content is KeptChoice {
  return isRecord(content) && isRecord(content.settings) && typeof content.tried === 'number';
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
