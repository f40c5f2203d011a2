/**
 * Methods beside each other on a decoder (bench/settings/shakespeare.ts): LDS with 95% intervals over queries and subsets, the
 * noise ceiling, seconds and bytes a sample, as bench/attribution.ts has them; then the method of ten models that did best
 * on held-out blocks, among those that take no longer, against each TRAK with the same ten, both timed one after the other
 * and their difference with the interval of a paired bootstrap. All settings are chosen on held-out blocks, and none of the
 * evaluated ones is looked at before.
 *
 *   npx tsx bench/shakespeare.ts [--json FILE] [--quick] [--workers 2] [--threads 2] [--models 1|10]
 *
 * Retrainings and finished cells are kept in the cache folder and found again; workers retrain, threads score. Without
 * --models all stages are made; the differences are those of the last one.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cpuEngine } from '../src/engine/index.js';
import { MeedError } from '../src/foundation/index.js';
import {
  evaluateGrid,
  type GridRow,
  jointTruth,
  ldsDifference,
  ldsMeasure,
  type Method,
  type Setting,
  type Settings,
  trainRuns,
} from '../src/influence/index.js';
import { bytesPerSample } from './attribution/bytesPerSample.js';
import { baselines, decoderStages } from './attribution/decoderStages.js';
import { writePlots } from './attribution/plots.js';
import { digits, lineOf, openBench, type Row, rowOf, say, TABLE_HEAD } from './attribution/table.js';
import { SHAKESPEARE, type ShakespeareSizes, shakespeareSetting } from './settings/shakespeare.js';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    workers: { type: 'string', default: '2' },
    threads: { type: 'string', default: '2' },
    models: { type: 'string' },
  },
});

const QUICK: ShakespeareSizes = { trained: 256, queries: 16, subsets: 6, epochs: 5 };
const sizes = values.quick ? QUICK : SHAKESPEARE;
const { pool, cells, work } = openBench(Number(values.workers));
const engine = cpuEngine({ threads: Number(values.threads) });
const settingOf = async (models: number): Promise<Setting> => ({
  ...(await shakespeareSetting(models, sizes)),
  engine,
});
const stages = decoderStages(values.quick ? 'quick' : 'full').filter(
  ({ runs }) => values.models === undefined || runs === Number(values.models),
);
if (stages.length === 0) {
  throw new MeedError(`There is no table of ${values.models} models`, 'Leave --models out, or see the stages');
}

const rows: Row[] = [];
let ensemble: readonly GridRow[] = [];
let methods: readonly Method[] = [];
say(`\n## shakespeare-decoder\n\n${TABLE_HEAD}`);
for (const stage of stages) {
  const setting = await settingOf(stage.runs);
  ensemble = await evaluateGrid([setting], stage.methods, [ldsMeasure], {
    cells,
    work,
    choose: 'held-out',
    bytesPerSample: await bytesPerSample(setting),
    onRow: (row) => say(lineOf(rowOf(row))),
  });
  methods = stage.methods;
  rows.push(...ensemble.map(rowOf));
}
say(`\nceiling ${digits(rows.at(-1)?.ceiling ?? null)}`);

const differences = [];
for (const { name } of baselines) differences.push(await comparePair(ensemble, methods, name));
await pool.close();
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({ rows, differences }, null, 2)}\n`);
  await writePlots(values.json, rows);
}

/**
 * Of the last stage the method that did best on held-out blocks among those that took no longer than the baseline, and
 * are not TRAK themselves, against the baseline.
 */
async function comparePair(found: readonly GridRow[], known: readonly Method[], baseline: string) {
  const theirs = found.find(({ method }) => method === baseline);
  const ours = found
    .filter(({ method, heldOutLds }) => !method.startsWith('trak (') && heldOutLds !== null)
    .filter(({ seconds }) => seconds !== null && seconds <= (theirs?.seconds ?? 0))
    .toSorted((a, b) => (b.heldOutLds ?? 0) - (a.heldOutLds ?? 0))[0];
  if (!theirs || !ours) {
    const notes = found.flatMap(({ note }) => note ?? []).join(' ');
    say(`\nNo other method gave scores in as little time as ${baseline}. ${notes}`);
    return null;
  }
  const setting = await settingOf(ours.runs);
  const { heldOut, evaluation, subsets } = setting;
  const truth = (await jointTruth(setting, { heldOut, evaluation }, subsets, work)).evaluation;
  const runs = await trainRuns(setting, setting.runs, work);
  const score = async ({ method: name, params }: GridRow) => {
    const method = known.find((one) => one.name === name);
    if (!method) throw new Error(`${name} is not of the stage`);
    return timedScores(setting, runs, method, JSON.parse(params) as Settings);
  };
  // the later one finds the process warm: that is the baseline
  const [own, base] = [await score(ours), await score(theirs)];
  const { value, low, high } = ldsDifference(own.scores, base.scores, truth);
  say(
    `\n${ours.method} ${ours.params} less ${theirs.method} ${theirs.params}, ${ours.runs} models each: ` +
      `${digits(value)}, 95% interval ${digits(low)} to ${digits(high)} (paired bootstrap over queries and subsets)\n` +
      `seconds, one after the other: ${digits(own.seconds, 1)} and ${digits(base.seconds, 1)}`,
  );
  return {
    ours: { method: ours.method, params: ours.params, seconds: own.seconds },
    baseline: { method: theirs.method, params: theirs.params, seconds: base.seconds },
    models: ours.runs,
    value,
    interval: [low, high],
  };
}

async function timedScores(
  { engine, model, samples, evaluation, seed }: Setting,
  runs: Awaited<ReturnType<typeof trainRuns>>,
  method: Method,
  settings: Settings,
) {
  const begun = performance.now();
  const scorer = await method.open({ engine, model, samples, runs, seed }, settings);
  try {
    return { scores: await scorer.score(evaluation, samples), seconds: (performance.now() - begun) / 1000 };
  } finally {
    await scorer.dispose();
  }
}
