/**
 * `meed evaluate --incentives`: what the split of the pay rewards. Runs the benchmark, writes the table and the plots into
 * a folder and tells the recommendation. Finished retrainings are kept in that folder, so an interrupted command goes on.
 * The trap: the same seed must give the same table, so no time is in it.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeJson } from '../../artefact/index.js';
import type { Engine } from '../../engine/index.js';
import { explainFileError, type JsonObject, silent } from '../../foundation/index.js';
import {
  FLOOR,
  flatRow,
  type IncentiveResult,
  type Recommendation,
  recommend,
  runIncentives,
  scoreMethod,
  writeIncentives,
} from '../../incentives/index.js';
import { findMethod } from '../../influence/index.js';
import type { MapOptions } from '../../work/index.js';
import { DEFAULT_INCENTIVE_DATASETS, incentiveSubject } from '../evaluation/incentiveSubjects.js';

export interface IncentiveCommandOptions {
  readonly engine: Engine;
  /** Folder of the table, the plots and the finished retrainings. */
  readonly out: string;
  readonly seed: number;
  /** Names of data sets; the four of the benchmark unless told. */
  readonly datasets?: readonly string[];
  /** Names of attribution methods; the first is the one that is paid by. */
  readonly methods?: readonly string[];
  /** Fewer seeds and draws, and heart alone unless told: shows that everything works. */
  readonly extent?: 'full' | 'quick';
}

export interface IncentiveReport extends IncentiveResult {
  readonly recommendation: Recommendation;
}

const FULL = { seeds: 2, resamples: 100, methods: ['in-run', 'grad-dot', 'grad-cosine', 'tracin', 'ekfac'] };
const QUICK = { seeds: 2, resamples: 100, methods: ['in-run', 'grad-dot'] };
const QUICK_DATASETS = ['heart'];

const SETTINGS = {
  counts: { receipts: 64, earlier: 48, values: 100 },
  /** Ten contributors; the values of more are sampled, with their standard errors. */
  mostCoalitions: 1024,
  permutations: 50,
};

/** @throws MeedError when a name is unknown, data cannot be had, or a file cannot be written; CancelledError when stopped */
export async function evaluateIncentives(
  { engine, out, seed, datasets, methods, extent = 'full' }: IncentiveCommandOptions,
  work: Omit<MapOptions, 'unit' | 'store'> = {},
): Promise<IncentiveReport> {
  const { seeds, resamples, methods: usual } = extent === 'quick' ? QUICK : FULL;
  const names = datasets ?? (extent === 'quick' ? QUICK_DATASETS : DEFAULT_INCENTIVE_DATASETS);
  const { progress = silent, ...jobs } = work;
  const chosen = (methods ?? usual).map((name) => scoreMethod(findMethod(name)));
  const subjects = [];
  for (const name of names) subjects.push(await incentiveSubject(name, seed, progress));
  await makeFolder(out);
  const result = await runIncentives(
    {
      ...SETTINGS,
      ...jobs,
      engine,
      subjects,
      methods: chosen,
      seeds: Array.from({ length: seeds }, (_, k) => seed + k),
      resamples,
      store: join(out, 'retrainings'),
    },
    progress,
  );
  const report = { ...result, recommendation: recommend(result.rows, chosen[0].name, result.policies) };
  await writeIncentives(join(out, 'incentives.parquet'), result.rows);
  await writeJson(join(out, 'incentives.json'), incentivesJson(report));
  await writePlots(out, report);
  return report;
}

/** The table flat, with what it was made of and what it recommends. */
export function incentivesJson({ rows, contributors, curves, values, policies, recommendation }: IncentiveReport) {
  const plain: unknown = JSON.parse(
    JSON.stringify({ rows: rows.map(flatRow), contributors, curves, values, policies, recommendation }),
  );
  return plain as JsonObject;
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw explainFileError(error, path);
  });
}

/** Of each data set by the first method: pay against value under each policy, and the noise contributor's names. */
async function writePlots(out: string, { rows, curves, recommendation: { method } }: IncentiveReport): Promise<void> {
  // loaded here, because the plot library takes a second that the other commands need not spend
  const { comparisonSvg } = await import('../../report/plots/comparison.js');
  const { incentiveCurvesSvg } = await import('../../report/plots/incentiveCurves.js');
  const write = async (name: string, svg: string): Promise<void> => {
    const path = join(out, name);
    await writeFile(path, svg).catch((error: unknown) => {
      throw explainFileError(error, path);
    });
  };
  for (const dataset of new Set(rows.map((row) => row.dataset))) {
    const own = rows.filter((row) => row.dataset === dataset && row.method === method);
    const figures = own.flatMap(({ policy, pearson: value, pearsonInterval }) =>
      value === undefined || pearsonInterval === undefined ? [] : [{ name: policy, value, ...pearsonInterval }],
    );
    if (figures.length > 0) {
      const title = `${dataset}: correlation of pay by ${method} with contributors' Shapley value`;
      await write(`${dataset}-value.svg`, comparisonSvg({ title, figures }));
    }
    const noise = curves.filter(
      (curve) =>
        curve.dataset === dataset &&
        curve.method === method &&
        curve.dealing === 'blind' &&
        curve.contributor === 'planted: noise',
    );
    const gains = noise.map(({ policy, points, rowShare }) => ({
      policy,
      points: points.map(({ identities, share }) => ({
        identities,
        gain: share / Math.max(points[0].share, FLOOR * rowShare),
      })),
    }));
    await write(
      `${dataset}-identities.svg`,
      incentiveCurvesSvg(`${dataset}: pay of a contributor of noise against its number of names`, gains),
    );
  }
}
