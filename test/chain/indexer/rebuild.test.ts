/**
 * Rebuilt from genesis to the same bytes: however a store was built (in one go, in ranges of any length, killed at any
 * instant, across reorganisations), its export equals that of a store built afresh from what the node shows.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { approveContributors, deploymentJson, openProvider, withdraw } from '../../../src/chain/index.js';
import { followChain, type Health } from '../../../src/chain/indexer/index.js';
import { CONTRIBUTORS, newDataset, newEpoch, newIndex, OWNER, openWorld, type World } from '../world.js';
import { digest, freshDigest, makeStores, payEpoch, syncTo, withStore } from './chain.js';

const SLOTS = [CONTRIBUTORS[1], CONTRIBUTORS[0], CONTRIBUTORS[0], CONTRIBUTORS[2]];
const stores = makeStores();
let world: World;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
  const index = await newIndex(world, SLOTS);
  for (let e = 0; e < 3; e++) {
    await payEpoch(world, index, [
      [1000n + BigInt(e), 77n],
      [5n, 0n],
    ]);
  }
}, 120_000);
afterAll(async () => {
  await world?.stop();
  await stores.remove();
});

/** A call to the node itself. */
async function send(method: string, params: unknown[]): Promise<unknown> {
  const provider = openProvider(world.node.url, world.node.chainId);
  try {
    return await provider.send(method, params);
  } finally {
    provider.destroy();
  }
}

let made = 0;
/** Events in one block: a data set and its contributors. */
async function someEvents(): Promise<void> {
  const contributors = Array.from({ length: 1 + (made++ % 3) }, (_, i) => CONTRIBUTORS[i]);
  const datasetId = await newDataset(world, 5, contributors);
  await approveContributors(await world.as(OWNER), datasetId, [CONTRIBUTORS[3]]);
}

it('in ranges of any length', async () => {
  const expected = await freshDigest(world, stores);
  const property = fc.asyncProperty(
    fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 3 }),
    async (spans) => {
      const path = stores.fresh();
      for (const mostBlocks of spans) await syncTo(world, path, { mostBlocks });
      expect(await digest(path)).toBe(expected);
    },
  );
  await fc.assert(property, { numRuns: 6, examples: [[[1]]] });
});

it('by a reader that is killed outright at random instants, again and again', { timeout: 180_000 }, async () => {
  const expected = await freshDigest(world, stores);
  const child = fileURLToPath(new URL('./sync.child.ts', import.meta.url));
  const deployment = JSON.stringify(deploymentJson(world.deployed.deployment));
  const path = stores.fresh();
  let kills = 0;
  let finished = false;
  let reached = 0;
  for (let round = 0; !finished && round < 40; round++) {
    const args = ['--import', 'tsx', child, world.node.url, deployment, path, '6'];
    const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(process_, 'exit');
    let lines = '';
    const patience = round % 3;
    process_.stdout.on('data', (chunk: Buffer) => {
      lines += chunk.toString();
      // after so many ranges, and a few more milliseconds: in the middle of whatever comes next
      if (lines.split('\n').length > 1 + patience) setTimeout(() => process_.kill('SIGKILL'), (round * 7) % 23);
    });
    const [code] = await exit;
    finished = code === 0;
    if (!finished) kills++;
    const progress = Number(
      lines
        .trim()
        .split('\n')
        .filter((line) => /^[0-9]+$/.test(line))
        .at(-1) ?? 0,
    );
    if (progress > 0) {
      expect(progress).toBeGreaterThanOrEqual(reached); // nothing that was written is read again from the start
      reached = progress;
    }
  }
  await syncTo(world, path);
  expect(kills).toBeGreaterThan(2);
  expect(await digest(path)).toBe(expected);
});

describe('across reorganisations', () => {
  it('when blocks are undone and others follow', async () => {
    const path = stores.fresh();
    const seen = new Set<string>();
    for (let round = 0; round < 4; round++) {
      await someEvents();
      const snapshot = await send('evm_snapshot', []);
      for (let i = 0; i <= round; i++) await someEvents();
      await syncTo(world, path, { mostBlocks: 1 + 2 * round });
      await send('evm_revert', [snapshot]);
      await send('evm_increaseTime', [10]); // or the same transactions would give the same blocks
      for (let i = 0; i < 2; i++) await someEvents();
      const { reorganisations } = await syncTo(world, path);
      expect(reorganisations).toBe(1);
      const now = await digest(path);
      expect(now).toBe(await freshDigest(world, stores));
      seen.add(now);
    }
    expect(seen.size).toBe(4);
  });

  it('when the chain gets shorter and stays so', async () => {
    const path = stores.fresh();
    const snapshot = await send('evm_snapshot', []);
    await someEvents();
    await syncTo(world, path);
    await send('evm_revert', [snapshot]);
    await syncTo(world, path);
    expect(await digest(path)).toBe(await freshDigest(world, stores));
  });

  it('deeper than the blocks whose every hash is remembered', { timeout: 180_000 }, async () => {
    const path = stores.fresh();
    const snapshot = await send('evm_snapshot', []);
    await someEvents();
    await send('anvil_mine', ['0x190']);
    await someEvents();
    await syncTo(world, path);
    await send('evm_revert', [snapshot]);
    await send('evm_increaseTime', [10]);
    await someEvents();
    await send('anvil_mine', ['0x1a0']);
    await syncTo(world, path);
    expect(await digest(path)).toBe(await freshDigest(world, stores));
  });

  it('that pay an epoch twice in turn: nothing doubled, nothing lost', async () => {
    const path = stores.fresh();
    const index = await newIndex(world, SLOTS);
    const snapshot = await send('evm_snapshot', []);
    await payEpoch(world, index, [[1000n]]);
    await withdraw(await world.as(4));
    await syncTo(world, path, { mostBlocks: 2 });
    await send('evm_revert', [snapshot]);
    await send('evm_increaseTime', [10]);
    await payEpoch(world, index, [[2000n]]);
    await syncTo(world, path, { mostBlocks: 2 });
    const [{ fee }] = await withStore(path, (store) =>
      store.rows(
        'SELECT max(fee) AS fee FROM receipts WHERE fee IN (1000, 2000) AND epoch = (SELECT max(epoch) FROM receipts)',
      ),
    );
    expect(fee).toBe(2000n);
    expect(await digest(path)).toBe(await freshDigest(world, stores));
  });

  it('while it is being read: the chain moves under a follower', { timeout: 180_000 }, async () => {
    const path = stores.fresh();
    const stop = new AbortController();
    const told: Health[] = [];
    const { deployment } = world.deployed;
    const following = followChain(
      { url: world.node.url, deployment, store: path, mostBlocks: 5, signal: stop.signal, pollMs: 10 },
      (health) => told.push(health),
    );
    const ended = following.then(
      () => 'stopped',
      (error: unknown) => error,
    );
    const caughtUp = async (): Promise<void> => {
      const head = Number(await send('eth_blockNumber', []));
      while (told.at(-1)?.block !== head || told.at(-1)?.lag !== 0) await sleep(5);
    };
    for (let round = 0; round < 12; round++) {
      await someEvents();
      if (round % 3 === 0) await caughtUp();
      const depth = 1 + (round % 4);
      await send('anvil_reorg', [depth, []]);
      await sleep(round * 5);
    }
    await someEvents();
    await caughtUp();
    stop.abort();
    expect(await ended).toBe('stopped');
    expect(told.at(-1)?.reorganisations).toBeGreaterThan(0);
    expect(await digest(path)).toBe(await freshDigest(world, stores));
  });

  it('of a chain that shares no block, or too few, are refused: nothing is thrown away', async () => {
    const path = stores.fresh();
    await someEvents();
    await syncTo(world, path);
    const before = await digest(path);
    const other = await openWorld({ slots: 2, queries: 2, columns: 4 });
    const { deployment } = world.deployed;
    try {
      await other.later(1000);
      await expect(syncTo(world, path, { url: other.node.url, deployment })).rejects.toThrow(
        /shares no block with .*Use the node/,
      );
    } finally {
      await other.stop();
    }
    await newEpoch(world, await newIndex(world, SLOTS), []);
    await syncTo(world, path);
    await send('anvil_reorg', [3, []]);
    await expect(syncTo(world, path, { deepestReorganisation: 2 })).rejects.toThrow('shares only its blocks up to');
    await syncTo(world, path, { deepestReorganisation: 3 });
    expect(await digest(path)).toBe(await freshDigest(world, stores));
    expect(before).not.toBe(await digest(path));
  });

  it('are not met below the confirmations', async () => {
    const path = stores.fresh();
    await someEvents();
    const health = await syncTo(world, path, { confirmations: 3 });
    expect(health.lag).toBe(3);
    await send('anvil_reorg', [3, []]);
    expect((await syncTo(world, path, { confirmations: 3 })).reorganisations).toBe(0);
    await syncTo(world, path);
    expect(await digest(path)).toBe(await freshDigest(world, stores));
  });
});
