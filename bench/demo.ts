/**
 * Times and outcomes of the whole spine, by data set: runs the command line as a newcomer does and prints Markdown.
 *
 *   npx tsx bench/demo.ts [--datasets glyphs,heart,mnist] [--json FILE]
 *
 * Each data set runs twice: the first data set's first run with an empty cache (circuit, key and contracts are made), all
 * others with it filled. Wall time is that of the process; the stages' times are those of the run.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { resourcePath } from '../src/foundation/index.js';
import type { Summary } from '../src/report/summary.js';

const { values } = parseArgs({
  options: {
    datasets: { type: 'string', default: process.env.MEED_DATASETS ? 'glyphs,heart,mnist' : 'glyphs' },
    json: { type: 'string' },
  },
});

interface Timed {
  readonly dataset: string;
  readonly cache: 'empty' | 'filled';
  readonly seconds: number;
  readonly summary: Summary;
}

const folder = mkdtempSync(join(tmpdir(), 'meed-bench-'));
const environment = { ...process.env, MEED_CACHE: join(folder, 'cache') };

function demo(dataset: string, cache: Timed['cache'], out: string): Timed {
  const begun = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    [resourcePath('bin', 'meed.js'), 'demo', '--dataset', dataset, '--out', out],
    { env: environment, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`meed demo --dataset ${dataset} ended with ${status}: ${stderr}`);
  const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary;
  return { dataset, cache, seconds: (performance.now() - begun) / 1000, summary };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
const head = (cells: readonly string[]): string => line(cells) + line(cells.map(() => '---'));

try {
  const runs: Timed[] = [];
  for (const dataset of values.datasets.split(',')) {
    for (const run of ['a', 'b']) {
      runs.push(demo(dataset, runs.length === 0 ? 'empty' : 'filled', join(folder, `${dataset}-${run}`)));
    }
  }
  const stageNames = runs[0].summary.stages.map((stage) => stage.name);
  let text = head(['data set', 'cache', 'whole, s', ...stageNames.map((name) => `${name}, s`)]);
  for (const { dataset, cache, seconds, summary } of runs) {
    text += line([dataset, cache, seconds.toFixed(1), ...summary.stages.map((stage) => stage.seconds.toFixed(1))]);
  }
  const last = runs.filter((_, i) => i % 2 === 1);
  text += `\n${head(['data set', 'rows', 'held-out accuracy', 'Σ score ÷ fall of the loss', '|Σ| ÷ Σ|·|', 'audit'])}`;
  for (const { dataset, summary } of last) {
    const { samples, accuracy, completeness, audit } = summary;
    text += line([
      dataset,
      String(samples),
      percent(accuracy.heldOut),
      completeness.ratio.toFixed(3),
      completeness.sumOverMagnitude.toFixed(3),
      audit.passed ? `${audit.checks.length} checks passed` : 'FAILED',
    ]);
  }
  text += `\nPay per row (1 = average of all contributors' rows), and the share with 1, 4, 16, one-per-row identities:\n\n`;
  text += head(['data set', 'contributor', 'planted', 'pay per row', 'median', 'share by identities']);
  for (const { dataset, summary } of last) {
    for (const { contributor, planted, perRow } of summary.payouts.filter((payout) => payout.planted !== undefined)) {
      const curve = summary.identities.find((entry) => entry.contributor === contributor);
      const shares = curve?.points.map(({ identities, share }) => `${identities}: ${percent(share)}`).join(', ') ?? '';
      text += line([dataset, contributor, String(planted), perRow.toFixed(2), summary.medianPerRow.toFixed(2), shares]);
    }
  }
  text += `\n${head(['transaction', 'gas (mean)', 'times'])}`;
  const { transactions } = last[0].summary;
  for (const what of new Set(transactions.map((transaction) => transaction.what))) {
    const list = transactions.filter((transaction) => transaction.what === what);
    text += line([
      what,
      Math.round(list.reduce((sum, { gas }) => sum + gas, 0) / list.length).toLocaleString('en'),
      String(list.length),
    ]);
  }
  process.stdout.write(text);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(runs, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
