/**
 * The incentive benchmark: every data set × attribution method × payout policy (src/incentives). Prints the table and what
 * it recommends; the same seed gives the same table.
 *
 *   npx tsx bench/incentives.ts [--quick] [--datasets heart,mnist] [--methods in-run] [--workers 2] [--out DIR] [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { evaluateIncentives, incentivesJson } from '../src/cli/commands/incentives.js';
import { incentivesText } from '../src/cli/evaluation/incentiveText.js';
import { startLine } from '../src/cli/terminal.js';
import { cpuEngine } from '../src/engine/index.js';
import { localPool } from '../src/work/index.js';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    datasets: { type: 'string' },
    methods: { type: 'string' },
    workers: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'meed-out/incentives' },
    json: { type: 'string' },
  },
});

const where = localPool({ workers: Number(values.workers) });
const line = startLine('incentives');
const begun = performance.now();
try {
  const report = await evaluateIncentives(
    {
      engine: cpuEngine(),
      out: values.out,
      seed: Number(values.seed),
      datasets: values.datasets?.split(','),
      methods: values.methods?.split(','),
      extent: values.quick ? 'quick' : 'full',
    },
    { where, progress: line.progress },
  );
  const seconds = (performance.now() - begun) / 1000;
  line.done(`${report.rows.length} lines in ${values.out}`);
  process.stdout.write(incentivesText(report));
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ ...incentivesJson(report), seconds }, null, 2)}\n`);
  }
} finally {
  await where.close();
}
