/**
 * Methods beside each other on the field's protocols (bench/settings/): LDS with 95% intervals over queries and subsets, the
 * noise ceiling, seconds and bytes a sample; the exact gradient products timed; mislabels found; and, where Python is
 * there, its libraries on the same samples, weights and ground truth. Damping, rank and epoch of every method are chosen
 * on held-out queries. Prints Markdown, writes JSON, and plots as SVG beside it.
 *
 *   npx tsx bench/attribution.ts [--json FILE] [--setting mnist-lr|mnist-mlp] [--quick] [--workers 2] [--peers yes|no]
 *
 * Retrainings and finished cells are kept in the cache folder and found again: a second run prints the same figures.
 * "models": trained networks that the method looks at; the first is trained on all samples, the others on halves.
 * "bytes": what is kept of a sample between two outputs, float32 unless the method says less; factors where nothing is
 * projected.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cacheFolder, MeedError } from '../src/foundation/index.js';
import { evaluateGrid, type GridRow, ldsMeasure, mislabelMeasure } from '../src/influence/index.js';
import { localPool } from '../src/work/index.js';
import { bytesPerSample } from './attribution/bytesPerSample.js';
import { gradDotSeconds } from './attribution/gradDot.js';
import { runPeers } from './attribution/peers.js';
import { writePlots } from './attribution/plots.js';
import { mislabelMethods, stagesOf } from './attribution/stages.js';
import { MNIST_SETTINGS, type MnistSetting, mnistSetting } from './settings/mnist.js';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    setting: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    workers: { type: 'string', default: '2' },
    peers: { type: 'string', default: 'yes' },
  },
});

const QUICK = { trained: 400, queries: 40, subsets: 10, epochs: 5 };
const names = MNIST_SETTINGS.filter((name) => values.setting === undefined || values.setting.includes(name));
if (names.length === 0) {
  throw new MeedError(`There is no setting ${values.setting}`, `Choose of ${MNIST_SETTINGS.join(', ')}`, {
    exitCode: 2,
  });
}

export interface Row {
  readonly setting: string;
  readonly method: string;
  readonly params: string;
  readonly models: number;
  readonly lds: number | null;
  readonly interval: readonly [number, number] | null;
  readonly ceiling: number | null;
  readonly heldOutLds: number | null;
  readonly seconds: number | null;
  readonly bytesPerSample: number | null;
  readonly note: string | null;
}

const pool = localPool({ workers: Number(values.workers) });
const store = join(cacheFolder(), 'retrainings');
const cells = join(cacheFolder(), 'cells');
const told = new Map<string, number>();
const work = {
  where: pool,
  store,
  progress(done: number, total: number, unit: string) {
    const now = Date.now();
    if (now - (told.get(unit) ?? 0) < 5000) return;
    told.set(unit, now);
    process.stderr.write(`${done.toFixed(0)}/${total} ${unit}\n`);
  },
  notice: (sentence: string) => process.stderr.write(`${sentence}\n`),
};
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const digits = (x: number | null, places = 3): string => (x === null ? '–' : x.toFixed(places));

function rowOf(row: GridRow): Row {
  const { setting, method, params, runs, value, low, high, ceiling, heldOutLds, seconds, bytesPerSample, note } = row;
  const interval = low === null || high === null ? null : ([low, high] as const);
  return {
    setting,
    method,
    params,
    models: runs,
    lds: value,
    interval,
    ceiling,
    heldOutLds,
    seconds,
    bytesPerSample,
    note,
  };
}

const rows: Row[] = [];
const peers: Record<string, unknown> = {};
for (const name of names) {
  const sizes = values.quick ? QUICK : undefined;
  say(
    `\n## ${name}\n\n| method | models | LDS | 95% interval | held-out | seconds | bytes | chosen |\n|---|---|---|---|---|---|---|---|`,
  );
  for (const { runs, methods, choose } of stagesOf(name, values.quick ? 'quick' : 'full')) {
    const setting = await mnistSetting(name, runs, sizes);
    const bytes = await bytesPerSample(setting);
    const made = await evaluateGrid([setting], methods, [ldsMeasure], {
      cells,
      work,
      choose,
      bytesPerSample: bytes,
      onRow(row) {
        const { method, models, lds, interval, seconds, bytesPerSample, heldOutLds, params, note } = rowOf(row);
        const range = interval ? `${digits(interval[0])} to ${digits(interval[1])}` : '–';
        const kept = bytesPerSample === null ? '–' : bytesPerSample.toLocaleString('en');
        say(
          `| ${method} | ${models} | ${digits(lds)} | ${range} | ${digits(heldOutLds)} | ${digits(seconds, 1)} | ${kept} | ${note ?? params} |`,
        );
      },
    });
    rows.push(...made.map(rowOf));
  }
  say(`\nceiling ${digits(rows.findLast(({ setting }) => setting === name)?.ceiling ?? null)}`);
  if (values.peers === 'yes') {
    const one = await mnistSetting(name as MnistSetting, values.quick ? 2 : 10, sizes);
    peers[name] = await runPeers(one, work, say);
  }
}

const figures: Record<string, unknown> = { rows, peers };
if (names.includes('mnist-mlp')) {
  const setting = await mnistSetting('mnist-mlp', 1, values.quick ? QUICK : undefined);
  const seconds = await gradDotSeconds(setting, work);
  say(
    `\nexact grad-dot ${setting.samples.rows} × ${setting.evaluation.rows}: ${seconds.median.toFixed(3)} s (median of ${seconds.times.length}; floor ${seconds.floor.toFixed(3)} s: ${seconds.operations.toExponential(2)} operations at the rate of one large product in this run)`,
  );
  figures.gradDotSeconds = seconds.median;
  figures.gradDot = seconds;
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
  figures.mislabelAuc = Math.max(...auc.map(({ value }) => value ?? 0));
  figures.mislabel = auc;
}
await pool.close();
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  await writePlots(values.json, rows);
}
