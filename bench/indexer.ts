/**
 * How fast the indexer reads a chain: settled epochs on anvil, on this machine, read into a fresh store. The floor beside
 * it is the same logs fetched from the same node and parsed as JSON, nothing more: no reader can be faster. Prints
 * Markdown; `--json FILE` keeps the figures.
 *
 *   npx tsx bench/indexer.ts [--batches N] [--json FILE] [--quick]
 *
 * The node, the reader and DuckDB share the machine's cores. Every run is of a new process's first store; the median counts.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileContracts, developmentAddress } from '../src/chain/index.js';
import { IndexStore, payoutsTo, syncIndex } from '../src/chain/indexer/index.js';
import { schemaOf } from '../src/chain/indexer/schema.js';
import { payEpoch } from '../test/chain/indexer/chain.js';
import { newIndex, openWorld, type World } from '../test/chain/world.js';

const { values } = parseArgs({
  options: {
    batches: { type: 'string', default: '500' },
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const BATCHES = values.quick ? 40 : Number(values.batches);
const REPEATS = values.quick ? 1 : 5;
const SIZE = 16;
const GOAL = 5_000;
const CONTRIBUTORS = Array.from({ length: SIZE }, (_, i) => developmentAddress(4 + i));

const median = (list: number[]): number => list.sort((a, b) => a - b)[list.length >> 1];

async function makeChain(): Promise<World> {
  const world = await openWorld({ slots: SIZE, queries: SIZE, columns: 4 });
  const index = await newIndex(world, CONTRIBUTORS);
  const fees = Array.from({ length: BATCHES }, (_, b) =>
    Array.from({ length: SIZE }, (__, q) => 10n ** 18n + BigInt(b * SIZE + q)),
  );
  await payEpoch(world, index, fees);
  return world;
}

/** The logs as the reader asks for them, fetched and parsed. */
async function floor(world: World): Promise<{ seconds: number; bytes: number; events: number }> {
  const { emitters } = schemaOf(await compileContracts(), world.deployed.deployment);
  const ask = async (method: string, params: unknown[]): Promise<{ text: string; result: unknown }> => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const answer = await fetch(world.node.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    const text = await answer.text();
    const parsed: { result: unknown } = JSON.parse(text);
    return { text, result: parsed.result };
  };
  const begun = performance.now();
  const { text, result } = await ask('eth_getLogs', [{ address: emitters, fromBlock: '0x1', toBlock: 'latest' }]);
  const seconds = (performance.now() - begun) / 1000;
  return { seconds, bytes: Buffer.byteLength(text), events: Array.isArray(result) ? result.length : 0 };
}

const folder = mkdtempSync(join(tmpdir(), 'meed-bench-indexer-'));
const world = await makeChain();
try {
  const floors = [];
  const times: number[] = [];
  let events = 0;
  let bytes = 0;
  let stored = 0;
  for (let i = 0; i < REPEATS; i++) {
    floors.push(await floor(world));
    const store = join(folder, `${i}.duckdb`);
    const begun = performance.now();
    const health = await syncIndex({ url: world.node.url, deployment: world.deployed.deployment, store });
    times.push((performance.now() - begun) / 1000);
    [events, bytes, stored] = [health.events, health.bytes, statSync(store).size];
  }
  const store = await IndexStore.open(join(folder, '0.duckdb'));
  const begun = performance.now();
  let payouts = 0;
  for await (const payout of payoutsTo(store, CONTRIBUTORS[0])) payouts += payout.amount > 0n ? 1 : 0;
  const asking = (performance.now() - begun) / 1000;
  store.close();
  const seconds = median(times);
  const rate = events / seconds;
  const floorRate = events / median(floors.map((one) => one.seconds));
  const figures = {
    cores: availableParallelism(),
    events,
    indexerEventsPerSecond: Math.round(rate),
    floorEventsPerSecond: Math.round(floorRate),
    logBytesPerEvent: Math.round(floors[0].bytes / floors[0].events),
    allBytesPerEvent: Math.round(bytes / events),
    storedBytesPerEvent: Math.round(stored / events),
    payoutsPerSecond: Math.round(payouts / asking),
  };
  process.stdout.write(`
## Indexer (${figures.cores} cores, anvil, ${BATCHES} batches of ${SIZE} receipts to ${SIZE} contributors, ${events} events)

| | events/s | bytes/event from the node |
|---|---:|---:|
| logs fetched and parsed: the floor | ${figures.floorEventsPerSecond} | ${figures.logBytesPerEvent} |
| read, checked and stored | ${figures.indexerEventsPerSecond} | ${figures.allBytesPerEvent} |

Goal: ${GOAL} events/s: ${rate >= GOAL ? 'reached' : 'MISSED'}. The store takes ${figures.storedBytesPerEvent} bytes an event.
All ${payouts} payouts of one contributor, derived and held against its credits: ${figures.payoutsPerSecond}/s.
`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
} finally {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
}
