/**
 * Methods beside each other on the field's protocols (bench/settings/): LDS with 95% intervals over queries and subsets, the
 * noise ceiling, seconds and bytes a sample; the exact gradient products timed; mislabels found; and, where Python is
 * there, its libraries on the same samples, weights and ground truth. Damping, rank and epoch of every method are chosen
 * on held-out queries. Prints Markdown, writes JSON, and plots as SVG beside it.
 *
 *   npx tsx bench/attribution.ts [--json FILE] [--setting mnist-lr|mnist-mlp] [--quick] [--workers 2] [--peers usual|all|no]
 *                                [--part table|ladder|grad-dot|mislabel …: all unless told]
 *
 * Retrainings and finished cells are kept in the cache folder and found again: a second run prints the same figures.
 * "models": trained networks that the method looks at; the first is trained on all samples, the others on halves.
 * "bytes": what is kept of a sample between two outputs, float32 unless the method says less; factors where nothing is
 * projected.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { MeedError } from '../src/foundation/index.js';
import { evaluateGrid, ldsMeasure, mislabelMeasure, spectralSketch, trakDual } from '../src/influence/index.js';
import { bytesPerSample } from './attribution/bytesPerSample.js';
import { gradDotSeconds } from './attribution/gradDot.js';
import { ENSEMBLES, ladderRows, SKETCHES } from './attribution/ladder.js';
import { runPeers } from './attribution/peers.js';
import { writePlots } from './attribution/plots.js';
import { MISLABEL_AT, mislabelMethods, stagesOf } from './attribution/stages.js';
import { digits, lineOf, openBench, type Row, rowOf, say, TABLE_HEAD } from './attribution/table.js';
import { MNIST_SETTINGS, mnistSetting } from './settings/mnist.js';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    setting: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    workers: { type: 'string', default: '2' },
    peers: { type: 'string', default: 'usual' },
    part: { type: 'string', multiple: true },
  },
});
const asked = (part: string): boolean => values.part?.includes(part) ?? true;

/** Epochs of single states: every one would multiply the hours. */
const TRIED_EPOCHS = { 'mnist-lr': [5, 10, 20], 'mnist-mlp': [5, 10, 50] } as const;
const QUICK = { trained: 400, queries: 40, subsets: 10, epochs: 5 };
const stray = values.setting?.find((name) => !MNIST_SETTINGS.some((known) => known === name));
if (stray !== undefined) {
  throw new MeedError(`There is no setting ${stray}`, `Choose of ${MNIST_SETTINGS.join(', ')}`, { exitCode: 2 });
}
const names = MNIST_SETTINGS.filter((name) => values.setting?.includes(name) ?? true);

const { pool, cells, work } = openBench(Number(values.workers));
const rows: Row[] = [];
const peers: Record<string, unknown> = {};
for (const name of names) {
  const sizes = values.quick ? QUICK : undefined;
  say(`\n## ${name}\n\n${TABLE_HEAD}`);
  for (const { runs, methods, choose } of asked('table') ? stagesOf(name, values.quick ? 'quick' : 'full') : []) {
    const setting = await mnistSetting(name, runs, sizes);
    const bytes = await bytesPerSample(setting);
    const made = await evaluateGrid([setting], methods, [ldsMeasure], {
      cells,
      work,
      choose,
      triedEpochs: values.quick ? [2, 5] : TRIED_EPOCHS[name],
      bytesPerSample: bytes,
      onRow: (row) => say(lineOf(rowOf(row))),
    });
    rows.push(...made.map(rowOf));
  }
  if (name === 'mnist-mlp' && !values.quick && asked('ladder')) {
    const ladders = [
      { runs: 10, method: spectralSketch, rungs: SKETCHES },
      { runs: 50, method: trakDual, rungs: ENSEMBLES },
    ];
    for (const { runs, method, rungs } of ladders) {
      const made = await ladderRows(await mnistSetting(name, runs), method, rungs, work);
      for (const row of made) say(lineOf(row));
      rows.push(...made);
    }
  }
  say(`\nceiling ${digits(rows.findLast(({ setting }) => setting === name)?.ceiling ?? null)}`);
  if (values.peers !== 'no') {
    const one = await mnistSetting(name, values.quick ? 2 : 10, sizes);
    peers[name] = await runPeers(one, work, say, values.peers === 'all' ? 'all' : 'usual');
  }
}

const figures: Record<string, unknown> = { rows, peers };
if (names.includes('mnist-mlp') && asked('grad-dot')) {
  const setting = await mnistSetting('mnist-mlp', 1, values.quick ? QUICK : undefined);
  const seconds = await gradDotSeconds(setting, work);
  say(
    `\nexact grad-dot ${setting.samples.rows} × ${setting.evaluation.rows}: ${seconds.median.toFixed(3)} s (median of ${seconds.times.length}; floor ${seconds.floor.toFixed(3)} s: ${seconds.operations.toExponential(2)} operations at the rate of one large product in this run)`,
  );
  figures.gradDotSeconds = seconds.median;
  figures.gradDot = seconds;
}
if (names.includes('mnist-mlp') && asked('mislabel')) {
  const found = await evaluateGrid(
    [await mnistSetting('mnist-mlp', values.quick ? 2 : 10, values.quick ? QUICK : undefined)],
    mislabelMethods,
    [mislabelMeasure],
    { cells, work, choose: 'defaults' },
  );
  const auc = found.filter(({ curve }) => curve === null);
  say('\n| mislabelled samples found by | area under the curve | 95% interval |\n|---|---|---|');
  for (const row of auc)
    say(`| ${row.method}, ${row.at} | ${digits(row.value, 4)} | ${digits(row.low, 4)} to ${digits(row.high, 4)} |`);
  // named before the measurement: the best of several would have been chosen by what it is judged on
  const [{ name: judged }] = mislabelMethods;
  figures.mislabelAuc = auc.find(({ method, at }) => method === judged && at === MISLABEL_AT)?.value ?? null;
  figures.mislabel = auc;
}
await pool.close();
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  await writePlots(values.json, rows);
}
