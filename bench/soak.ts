/**
 * Daemons against one node for many epochs, with random kills and reorganisations: what was lost or doubled in the end.
 * After --minutes no further epoch is posted.
 *
 *   npm run build && npx tsx bench/soak.ts [--epochs 200] [--validators 3] [--auditors 2] [--seed 1] [--every SECONDS] [--minutes N] [--json FILE]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openMarket } from '../test/chain/daemon/market.js';
import { soak } from '../test/chain/daemon/soak.js';

const { values } = parseArgs({
  options: {
    epochs: { type: 'string', default: '200' },
    validators: { type: 'string', default: '3' },
    auditors: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    every: { type: 'string', default: '6' },
    minutes: { type: 'string' },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});

const DAY_SECONDS = 86_400;
const folder = mkdtempSync(join(tmpdir(), 'meed-soak-'));
const market = await openMarket(folder, { refundTimeout: 7 * DAY_SECONDS });
try {
  const result = await soak(market, {
    folder: join(folder, 'fleet'),
    epochs: Number(values.epochs),
    postingMs: values.minutes === undefined ? undefined : 60_000 * Number(values.minutes),
    validators: Number(values.validators),
    auditors: Number(values.auditors),
    seed: Number(values.seed),
    everyMs: 1000 * Number(values.every),
    patienceMs: 300_000,
    tell: (line) => console.error(line),
  });
  console.log(JSON.stringify(result, null, 2));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ soak: result }, null, 2)}\n`);
  if (result.lost + result.doubled + result.accused > 0) process.exitCode = 1;
} finally {
  await market.stop();
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
}
