/** `meed evaluate`: how right attribution methods are, against retraining; or how right anybody's scores are. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { explainFileError } from '../../foundation/index.js';
import {
  evaluateGrid,
  findMeasure,
  findMethod,
  jointTruth,
  MEASURES,
  METHODS,
  type Measure,
  type Method,
  type Setting,
  writeGrid,
  writeTruth,
} from '../../influence/index.js';
import { CancelledError, type Pool, type PoolOptions, poolFromOptions } from '../../work/index.js';
import { command, runOptions, whole } from '../arguments.js';
import { writePlots } from '../evaluation/plots.js';
import { judgementText, judgeScores, type ScoreFileOptions } from '../evaluation/scoreFiles.js';
import { type EvaluationOptions, evaluationSettings } from '../evaluation/settings.js';
import { gridText, rowLine } from '../evaluation/text.js';
import { listenForInterrupts } from '../interrupt.js';
import { loadRows } from '../rows.js';
import { openRunEngine } from '../run.js';
import { type StageLine, say, startLine } from '../terminal.js';

const REPLICATES = 1000;
const ALL = 'all';
/** Quick enough for many outputs. */
const USUAL_METHODS = METHODS.filter(({ needs }) => !needs.includes('retraining') && !needs.includes('replay'));

interface Values extends EvaluationOptions, Omit<ScoreFileOptions, 'seed'> {
  readonly methods?: readonly Method[];
  readonly measures: readonly Measure[];
  readonly defaults?: true;
  readonly incentives?: true;
  readonly json?: true;
}

export function evaluateCommand(): Command {
  return command('evaluate', 'judges attribution methods, or scores in a file, by retraining', [
    'data',
    'training',
    'work',
  ])
    .option(
      '--methods <names>',
      `methods with commas between, or all (default: all that neither train nor repeat a training for an output)`,
      listOf(METHODS, findMethod),
    )
    .addOption(
      new Option('--measures <names>', `${MEASURES.map(({ name }) => name).join(', ')}, or all`)
        .argParser(listOf(MEASURES, findMeasure))
        .default([findMeasure('lds')], 'lds'),
    )
    .addOption(new Option('--subsets <n>', 'random halves of the data, each trained on twice').argParser(whole(2)))
    .addOption(
      new Option('--queries <n>', 'outputs evaluated; half as many more are held out to choose settings on').argParser(
        whole(1),
      ),
    )
    .addOption(new Option('--runs <list>', 'how many trainings a method is given, e.g. 1,5').argParser(counts))
    .option('--defaults', "take every method's default settings instead of choosing on held-out queries")
    .option('--quick', 'few subsets, queries and epochs: shows that everything works, tells nothing of methods')
    .addOption(new Option('--replicates <n>', 'draws of the bootstrap').argParser(whole(1)).default(REPLICATES))
    .option(
      '--incentives',
      'what pay rewards: data sets × methods × payout policies; takes --dataset, --methods, --quick',
    )
    .option('--scores <file>', 'judge these scores [queries, samples]: .npy, .arrow or .parquet')
    .option('--truth <file>', 'what was measured [subsets, queries], higher is better, such as −loss')
    .option('--masks <file>', 'the subsets [subsets, samples], 1 where a sample is in one')
    .option('--again <file>', 'the truth of a second set of retrainings, for the noise ceiling')
    .option('--against <file>', 'other scores of the same, for a paired bootstrap of the difference')
    .addOption(
      new Option('--sign <s>', '-1 when the truth holds losses, or a positive score means harm')
        .argParser(signOf)
        .default(1, '+1'),
    )
    .addHelpText('after', HELP)
    .action(async (_, self: Command) => {
      const values = self.opts<Values>();
      const { scores, truth, masks, again, against } = values;
      if ([scores, truth, masks, again, against].some((file) => file !== undefined)) await judge(values);
      else if (values.incentives) {
        const named = self.getOptionValueSource('dataset') === 'cli';
        await incentives(values, named ? [values.dataset] : undefined);
      } else await evaluate(values);
    });
}

const HELP = `
A method's settings are chosen on held-out queries, never on those that are evaluated. Every figure has an interval from
a bootstrap over queries and subsets; the ceiling is the root of the correlation between two sets of retrainings.
In the output folder: grid.parquet, plots (.svg), the ground truth as .npy (masks, truth, again: other systems can be
judged by it), and what an interrupted command goes on from (cells, retrainings). The same seed gives the same figures.

  meed evaluate --dataset heart --quick
  meed evaluate --dataset mnist --measures lds,mislabel --workers 2
  meed evaluate --incentives --quick
  meed evaluate --scores scores.npy --truth truth.npy --masks masks.npy`;

async function judge({ json, ...values }: Values): Promise<void> {
  const judgement = await judgeScores(values);
  process.stdout.write(json ? `${JSON.stringify(judgement, null, 2)}\n` : judgementText(judgement));
}

async function evaluate(values: Values): Promise<void> {
  const { methods = USUAL_METHODS, measures, replicates, json } = values;
  const options: EvaluationOptions = { ...values, ...runOptions(values) };
  const out = values.out ?? join(options.out, 'evaluation');
  await makeFolder(out);
  const loading = startLine('data');
  const { data } = await loadRows(options, loading.progress);
  const engine = await openRunEngine(options);
  const settings = await evaluationSettings(options, data, engine);
  loading.done(describe(settings[0]));
  await withWorkers(options, 'evaluate', async ({ line, where, signal }) => {
    const work = { where, progress: line.progress, store: join(out, 'retrainings'), signal };
    const rows = await evaluateGrid(settings, methods, measures, {
      cells: join(out, 'cells'),
      work,
      bootstrap: { replicates, seed: options.seed },
      choose: values.defaults ? 'defaults' : 'held-out',
      onRow: (row) => say(rowLine(row)),
    });
    if (signal.aborted) throw new CancelledError('The evaluation');
    await writeGrid(join(out, 'grid.parquet'), rows);
    await exportTruth(out, settings[0], work);
    const plots = await writePlots(out, rows);
    line.done(`${rows.length} figures in ${join(out, 'grid.parquet')}, ${plots.length} plots beside it`);
    process.stdout.write(json ? `${JSON.stringify({ out, rows }, null, 2)}\n` : gridText(rows, measures));
  });
}

/** @param datasets those named; the benchmark's own where none is */
async function incentives(values: Values, datasets: readonly string[] | undefined): Promise<void> {
  // loaded here, as the plots are: it brings every data set and policy with it
  const { evaluateIncentives, incentivesJson } = await import('./incentives.js');
  const { incentivesText } = await import('../evaluation/incentiveText.js');
  const options = runOptions(values);
  const out = values.out ?? join('meed-out', 'incentives');
  const engine = await openRunEngine(options);
  await withWorkers(options, 'incentives', async ({ line, where, signal }) => {
    const report = await evaluateIncentives(
      {
        engine,
        out,
        seed: options.seed,
        datasets,
        methods: values.methods?.map(({ name }) => name),
        extent: values.quick ? 'quick' : 'full',
      },
      { where, progress: line.progress, signal, notice: say },
    );
    line.done(`${report.rows.length} rows in ${join(out, 'incentives.parquet')}, plots beside it`);
    process.stdout.write(values.json ? `${JSON.stringify(incentivesJson(report), null, 2)}\n` : incentivesText(report));
  });
}

interface Workers {
  readonly line: StageLine;
  /** This thread where no workers are asked for. */
  readonly where: Pool | undefined;
  readonly signal: AbortSignal;
}

/** Does long work where the options say; the first interrupt asks it to stop. */
async function withWorkers(
  { workers, memory, queue }: PoolOptions,
  name: string,
  work: (given: Workers) => Promise<void>,
): Promise<void> {
  const interrupts = listenForInterrupts();
  interrupts.first.addEventListener('abort', () =>
    say('Stopping as soon as the running jobs can; what is finished is kept.'),
  );
  let where: Pool | undefined;
  try {
    const asked = workers !== undefined || memory !== undefined || queue !== undefined;
    where = asked ? await poolFromOptions({ workers, memory, queue }) : undefined;
    await work({ line: startLine(name), where, signal: interrupts.first });
  } finally {
    interrupts.dispose();
    await where?.close();
  }
}

function describe({ name, samples, evaluation, heldOut, subsets }: Setting): string {
  return `${name.replace(/,.*/, '')}: ${samples.rows} samples, ${evaluation.rows} queries, ${heldOut.rows} held out, ${subsets.count} subsets`;
}

/** Found among the finished retrainings where a figure needed them. */
async function exportTruth(out: string, setting: Setting, work: Parameters<typeof jointTruth>[3]): Promise<void> {
  const { evaluation, heldOut } = await jointTruth(setting, setting, setting.subsets, work);
  await writeTruth(join(out, 'truth', 'evaluation'), evaluation);
  await writeTruth(join(out, 'truth', 'held-out'), heldOut);
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw explainFileError(error, path);
  }
}

function listOf<T>(all: readonly T[], find: (name: string) => T): (text: string) => readonly T[] {
  return (text) => (text === ALL ? all : [...new Set(text.split(','))].map(find));
}

function counts(text: string): number[] {
  return [...new Set(text.split(',').map(whole(1)))];
}

function signOf(text: string): 1 | -1 {
  if (/^[+]?1?$/.test(text)) return 1;
  if (/^-1?$/.test(text)) return -1;
  throw new InvalidArgumentError('Give 1 or -1.');
}
