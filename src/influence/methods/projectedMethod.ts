/** What LoGra and FactGraSS share: encode, gather second moments once for each run's state, and try dampings of them. */

import { finiteScores } from '../finiteScores.js';
import type { ScoringOptions } from '../pathScorer.js';
import {
  type EncodedState,
  type Encoder,
  fisherScores,
  momentsOf,
  openEncoder,
  type Projection,
} from '../projected/index.js';
import { type WorkWatch, watchOf } from '../watch.js';
import { type Attribution, aboutScores, type Method, type MethodCard, type Settings } from './method.js';
import { statesAt } from './runStates.js';

export interface ProjectedSettings extends Settings {
  /** Share of each layer's mean second moment. */
  readonly damping: number;
  readonly epoch: number | string;
}

export interface ProjectedMethod<S extends ProjectedSettings> extends MethodCard {
  readonly defaults: S;
  readonly grid: readonly Partial<S>[];
  /** @throws MeedError when a setting is out of range */
  projection(attribution: Attribution, settings: S, watch: WorkWatch): Projection;
}

interface Opened {
  readonly encoder: Encoder;
  readonly states: readonly EncodedState[];
}

export function projectedMethod<S extends ProjectedSettings>(parts: ProjectedMethod<S>): Method<S> {
  const { projection: project, ...card } = parts;
  const open = async (attribution: Attribution, settings: S, options: ScoringOptions): Promise<Opened> => {
    const { engine, model, samples } = attribution;
    const watch = watchOf(options);
    const projection = project(attribution, settings, watch);
    const encoder = await openEncoder(engine, model, projection, options.target);
    try {
      const states: EncodedState[] = [];
      for (const { parameters } of statesAt(attribution, settings.epoch)) {
        const feeds = await projection.feeds(parameters, encoder.layers);
        const moments = await momentsOf(engine, encoder, parameters, feeds, samples, watch);
        states.push({ parameters, feeds, moments });
      }
      return { encoder, states };
    } catch (problem) {
      await encoder.dispose();
      throw problem;
    }
  };
  return {
    ...card,
    async open(attribution, settings, options = {}) {
      const { encoder, states } = await open(attribution, settings, options);
      const { damping } = settings;
      const { rows } = attribution.samples;
      return {
        ...aboutScores(card),
        async score(outputs, samples) {
          const request = { outputs, samples, rows, damping };
          const scores = await fisherScores(attribution.engine, encoder, states, request, watchOf(options));
          return finiteScores(card.name, scores);
        },
        dispose: () => encoder.dispose(),
      };
    },
    async *sweep(attribution, settings, outputs, options = {}) {
      const { engine, samples } = attribution;
      let opened: (Opened & { readonly key: string }) | undefined;
      try {
        for (const setting of settings) {
          // all but the damping
          const key = JSON.stringify({ ...setting, damping: 0 });
          if (opened?.key !== key) {
            await opened?.encoder.dispose();
            opened = undefined;
            opened = { key, ...(await open(attribution, setting, options)) };
          }
          const request = { outputs, samples, rows: samples.rows, damping: setting.damping };
          const scores = await fisherScores(engine, opened.encoder, opened.states, request, watchOf(options));
          yield finiteScores(card.name, scores);
        }
      } finally {
        await opened?.encoder.dispose();
      }
    },
  };
}
