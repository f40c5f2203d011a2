/**
 * What an attribution method is to those who compare methods: a card that says what its scores mean and cost, settings
 * with their defaults, and a way to open it on trained runs. Adding a method is one file that exports a `Method`, and one
 * line in `methods.ts`.
 * Sign, for every method: **positive = the sample helped**, it lowered the output's loss (see ../scorer.ts).
 */
import type { Engine, Tensor } from '../../engine/index.js';
import type { Model, Recipe, Samples } from '../../models/index.js';
import type { ScoringOptions } from '../pathScorer.js';
import type { Scorer } from '../scorer.js';

/** Weights at one moment of a training. */
export interface RunState {
  /** Optimiser steps done. */
  readonly step: number;
  readonly parameters: Float32Array;
}

/** One training, as far as methods need to know it. */
export interface TrainedRun {
  /** Ascending by step; the last is the trained model. One is enough for methods that need no checkpoints. */
  readonly states: readonly RunState[];
  /** The samples trained on, by their number; absent: all. */
  readonly rows?: Uint32Array;
  readonly recipe: Recipe;
  /** Of weights, order and masks, where the run can be repeated. */
  readonly seed?: number;
}

/** What is explained: samples and what was trained on them. */
export interface Attribution {
  readonly engine: Engine;
  readonly model: Model;
  /** All training samples, with their targets; curvature and kernels are made of these. */
  readonly samples: Samples;
  /** The first is the run that is explained; with several, methods that take an ensemble average over all. */
  readonly runs: readonly [TrainedRun, ...TrainedRun[]];
  /** Outputs that bases are fitted to; neither evaluated nor chosen on. */
  readonly calibration?: Samples;
  /** Of every random choice that a method makes: projections, sampled labels, starting vectors. */
  readonly seed: number;
}

/** What a method cannot do without, beside trained weights and samples. */
export type Need =
  /** The samples' targets are labels: classes. */
  | 'classes'
  /** States along the run, from its beginning. */
  | 'checkpoints'
  /** Several runs; with one it works, and is worth less. */
  | 'ensemble'
  /** Order and seed of the run, to repeat its steps. */
  | 'replay'
  /** Trainings of its own. */
  | 'retraining'
  /** Other outputs than those that are explained, to fit a basis to. */
  | 'calibration'
  /** P × P numbers, or n × P. */
  | 'few parameters';

export type Settings = Readonly<Record<string, number | string>>;

export interface MethodCard {
  /** As the literature calls it, in lower case with hyphens; unique. */
  readonly name: string;
  /** Paper, year, and where in it. */
  readonly source: string;
  /** One sentence for a reader of a score: what it says, of what. */
  readonly claim: string;
  /** What one unit of a score means. */
  readonly scale: string;
  /** Time and memory in n samples, m outputs, P parameters, and what else matters. */
  readonly cost: string;
  readonly needs: readonly Need[];
  /** 'bilinear': score(q, i) = φ_i · ψ_q, which can be compressed to a sketch and proven; 'direct': scores only. */
  readonly form: 'bilinear' | 'direct';
  readonly additivity: Scorer['additivity'];
}

export interface Method<S extends Settings = Settings> extends MethodCard {
  readonly defaults: S;
  /**
   * Settings worth trying, each over the defaults: what is chosen from on held-out queries. Empty: nothing to choose.
   * Orders of magnitude of a damping, ranks, `epoch` of the state that is used.
   */
  readonly grid: readonly Partial<S>[];
  /** @throws MeedError when what the method needs is not there, or a setting is out of range */
  open(attribution: Attribution, settings: S, options?: ScoringOptions): Promise<Scorer>;
  /**
   * Scores [outputs, n] under many settings at once, of the attribution's own samples, in the settings' order; only for
   * methods whose settings share most of the work, such as a damping path from one decomposition.
   */
  sweep?(
    attribution: Attribution,
    settings: readonly S[],
    outputs: Samples,
    options?: ScoringOptions,
  ): AsyncIterable<Tensor>;
}

/** What `Scorer` repeats of a card. */
export function aboutScores({ name, scale, additivity }: MethodCard): Pick<Scorer, 'name' | 'scale' | 'additivity'> {
  return { name, scale, additivity };
}
