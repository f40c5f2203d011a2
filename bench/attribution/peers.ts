/**
 * Python's attribution libraries on our samples, our trained weights and our ground truth (bench/peers/attribution.py says what
 * the folder holds). Without Python, or without the libraries, the column says so and nothing else changes.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { messageOf } from '../../src/foundation/index.js';
import { joinSamples, jointTruth, type RetrainingOptions, type Setting, trainRuns } from '../../src/influence/index.js';
import { lossesOf } from '../../src/models/index.js';
import { writeArray } from './npyArray.js';

const PEERS = join(import.meta.dirname, '..', 'peers');

/** The peers' quickest and best; all of their methods take hours on two cores. */
const USUAL: Readonly<Record<string, readonly PeerChoice[]>> = {
  'mnist-lr': [
    { peer: 'dattri-llm', method: 'grad-dot' },
    { peer: 'dattri', method: 'explicit', settings: { damping: [0.1, 0.01] } },
    { peer: 'dattri-llm', method: 'ekfac' },
    { peer: 'kronfluence', method: 'ekfac' },
    { peer: 'traker', method: 'trak-1-2048' },
  ],
  'mnist-mlp': [
    { peer: 'dattri', method: 'grad-dot' },
    { peer: 'dattri-llm', method: 'grad-dot' },
    { peer: 'dattri-llm', method: 'tracin' },
    { peer: 'dattri-llm', method: 'ekfac' },
    { peer: 'kronfluence', method: 'ekfac' },
    { peer: 'traker', method: 'trak-1-2048' },
    { peer: 'traker', method: 'trak-10-512' },
    { peer: 'traker', method: 'trak-10-2048' },
  ],
};

interface PeerChoice {
  readonly peer: string;
  readonly method: string;
  readonly settings?: Readonly<Record<string, number | readonly number[]>>;
}

export interface PeerLine {
  readonly peer: string;
  readonly method: string;
  readonly lds?: number | null;
  readonly seconds?: number;
  readonly error?: string;
  readonly queries?: number;
  readonly bytesPerSample?: number;
}

export type PeerTable =
  | { readonly absent: string }
  | { readonly lines: readonly PeerLine[]; readonly brokenOff?: string };

export async function runPeers(
  setting: Setting,
  work: RetrainingOptions,
  say: (line: string) => void,
  extent: 'usual' | 'all',
): Promise<PeerTable> {
  let python: string;
  try {
    python = (await promisify(execFile)('bash', [join(PEERS, 'setup.sh')])).stdout.trim();
  } catch (error) {
    const absent = `Python's libraries are not there: ${saidBy(error)}`;
    say(`\n${absent}`);
    return { absent };
  }
  const folder = await mkdtemp(join(tmpdir(), 'meed-exchange-'));
  try {
    await writeExchange(folder, setting, work, extent === 'all' ? undefined : USUAL[setting.name]);
    say('\n| peer | method | LDS | seconds | |\n|---|---|---|---|---|');
    const lines: PeerLine[] = [];
    const child = spawn(python, [join(PEERS, 'attribution.py'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'close');
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text) as PeerLine;
      lines.push(line);
      const { peer, method, lds, seconds, error, queries } = line;
      const note = error ?? (queries === setting.evaluation.rows ? '' : `${queries} queries`);
      say(
        `| ${peer} | ${method} | ${lds?.toFixed(3) ?? '–'} | ${seconds?.toFixed(2) ?? '–'} | ${note.split('\n')[0]} |`,
      );
    }
    const [status] = await ended;
    if (status === 0) return { lines };
    const brokenOff = `The peers ended with ${status} after ${lines.length} methods; standard error says why`;
    say(`\n${brokenOff}`);
    return { lines, brokenOff };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The last sentence of the set-up, which names what is missing. */
function saidBy(error: unknown): string {
  const { stderr } = error instanceof Error && 'stderr' in error ? error : { stderr: '' };
  return String(stderr).trim().split('\n').pop() || messageOf(error);
}

async function writeExchange(
  folder: string,
  setting: Setting,
  work: RetrainingOptions,
  methods: readonly PeerChoice[] | undefined,
): Promise<void> {
  const { model, samples, evaluation, heldOut, recipe, subsets, engine } = setting;
  const runs = await trainRuns(setting, setting.runs, work);
  const truth = await jointTruth(setting, { heldOut, evaluation }, subsets, work);
  const queries = joinSamples(evaluation, heldOut);
  const states = runs.map((run) => run.states[run.states.length - 1].parameters);
  const checkpoints = runs[0].states.filter(({ step }) => step > 0);
  const write = (name: string, data: Float32Array | Int32Array, shape: readonly number[]) =>
    writeArray(join(folder, name), data, shape);
  const weights = [...states, ...checkpoints.map(({ parameters }) => parameters)];
  for (const [run, parameters] of weights.entries()) {
    await mkdir(join(folder, 'runs', String(run)), { recursive: true });
    await write(`runs/${run}/parameters.npy`, parameters, [parameters.length]);
    await write(`runs/${run}/losses.npy`, await lossesOf(engine, model, parameters, queries), [queries.rows]);
  }
  await write('x_train.npy', samples.features, [samples.rows, samples.width]);
  await write('y_train.npy', samples.targets, [samples.rows]);
  await write('x_test.npy', queries.features, [queries.rows, queries.width]);
  await write('y_test.npy', queries.targets, [queries.rows]);
  const { masks } = truth.evaluation;
  await writeArray(join(folder, 'masks.npy'), Uint8Array.from(masks.data), masks.shape);
  await write('truth.npy', sideBySide(truth.evaluation.truth.data, truth.heldOut.truth.data, subsets.count), [
    subsets.count,
    queries.rows,
  ]);
  const rate = recipe.schedule.name === 'constant' ? recipe.schedule.rate : recipe.schedule.peak;
  const task = {
    setting: setting.name,
    widths: [samples.width, ...model.parameters.flatMap(({ shape }) => (shape.length === 1 ? [shape[0]] : []))],
    dropout: recipe.dropout,
    threads: 2,
    full: 0,
    ensemble: states.map((_, run) => run),
    path: {
      runs: checkpoints.map((_, c) => states.length + c),
      rates: checkpoints.map(() => rate),
    },
    ...(methods && { methods }),
    heldOut: Array.from({ length: heldOut.rows }, (_, q) => evaluation.rows + q),
  };
  await writeFile(join(folder, 'task.json'), JSON.stringify(task));
}

/** Two matrices of equally many rows as one. */
function sideBySide(left: Float32Array, right: Float32Array, rows: number): Float32Array {
  const [a, b] = [left.length / rows, right.length / rows];
  return Float32Array.from({ length: rows * (a + b) }, (_, i) => {
    const [row, column] = [Math.floor(i / (a + b)), i % (a + b)];
    return column < a ? left[row * a + column] : right[row * b + column - a];
  });
}
