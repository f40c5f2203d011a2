/**
 * What each operation of the registry costs, as transactions on anvil. Prints Markdown; `--json FILE` keeps the figures.
 *
 *   npx tsx bench/datanets.ts [--json FILE]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { datanetGas } from '../test/chain/datanetGas.js';
import { openWorld } from '../test/chain/world.js';

const { values } = parseArgs({ options: { json: { type: 'string' } } });
const BATCH = 100;

const world = await openWorld({ slots: 2, queries: 2, columns: 4 });
const gas = await datanetGas(world, BATCH).finally(() => world.stop());
console.log('| operation | gas |\n| --- | --: |');
for (const [what, used] of Object.entries(gas)) console.log(`| ${what} | ${used.toLocaleString('en')} |`);
if (values.json) writeFileSync(values.json, `${JSON.stringify({ batch: BATCH, gas }, null, 2)}\n`);
