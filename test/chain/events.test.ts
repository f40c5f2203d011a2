/** A node that lies about logs is found out: each test changes one thing in true answers. */
import { AbiCoder, concat, id, JsonRpcProvider } from 'ethers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readEvents } from '../../src/chain/index.js';
import { CONTRIBUTORS, newEpoch, newIndex, OWNER, openWorld, settleAll, someScores, type World } from './world.js';

type Log = {
  address: string;
  topics: string[];
  data: string;
  blockNumber: string;
  logIndex: string;
  removed?: boolean;
};

/** Passes everything to the node and lets a test change its logs. */
class LyingProvider extends JsonRpcProvider {
  lie: (logs: Log[]) => unknown = (logs) => logs;
  override async send(method: string, params: unknown[]): Promise<unknown> {
    const answer: unknown = await super.send(method, params);
    return method === 'eth_getLogs' ? this.lie(structuredClone(answer) as Log[]) : answer;
  }
}

let world: World;
let provider: LyingProvider;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
  const epoch = await newEpoch(world, await newIndex(world, CONTRIBUTORS.slice(0, 2)), [[7n, 5n], [9n]]);
  await settleAll(world, epoch, (shard, batch) => someScores(world, epoch, shard, batch));
  provider = new LyingProvider(world.node.url, world.node.chainId, { staticNetwork: true, cacheTimeout: -1 });
}, 120_000);
afterAll(async () => {
  provider?.destroy();
  await world?.stop();
});

const reading = (lie: (logs: Log[]) => unknown) => {
  provider.lie = lie;
  return readEvents(provider, world.deployed.deployment);
};

it('reads the truth', async () => {
  const honest = await readEvents((await world.as(OWNER)).account.provider, world.deployed.deployment);
  const events = await reading((logs) => logs);
  expect(events).toEqual(honest);
  expect(events.BatchPosted.map(({ fees }) => fees)).toEqual([
    [7n, 5n],
    [9n, 0n],
  ]);
  expect(events.SlotsRegistered[0].slots.map(({ contributor }) => contributor)).toEqual(CONTRIBUTORS.slice(0, 2));
  expect(events.ShardSettled).toHaveLength(2);
});

it('refuses answers that are no logs', async () => {
  await expect(reading(() => null)).rejects.toThrow('eth_getLogs is not a list');
  await expect(reading(() => ['0x'])).rejects.toThrow('eth_getLogs[0] is not a record');
  await expect(reading(([first]) => [{ ...first, topics: ['0x12'] }])).rejects.toThrow('log.topics[0] is not 32 bytes');
  await expect(reading(([first]) => [{ ...first, data: 'xyz' }])).rejects.toThrow('log.data is not bytes');
  await expect(reading(([first]) => [{ ...first, topics: [] }])).rejects.toThrow('no contract of ours');
  await expect(reading(([first]) => [{ ...first, logIndex: -1 }])).rejects.toThrow('log.logIndex is not a quantity');
});

it('refuses foreign, truncated, padded, repeated, reordered and removed logs', async () => {
  await expect(reading(([first]) => [{ ...first, address: CONTRIBUTORS[0] }])).rejects.toThrow('no contract of ours');
  await expect(reading(([first]) => [{ ...first, data: first.data.slice(0, -64) }])).rejects.toThrow(
    'malformed DatanetCreated',
  );
  await expect(reading(([first]) => [{ ...first, data: `${first.data}00` }])).rejects.toThrow(
    'malformed DatanetCreated',
  );
  await expect(reading(([first, ...rest]) => [first, first, ...rest])).rejects.toThrow('out of order');
  await expect(reading((logs) => logs.toReversed())).rejects.toThrow('out of order');
  await expect(reading(([first]) => [{ ...first, removed: true }])).rejects.toThrow('not asked for');
  await expect(reading(([first]) => [{ ...first, blockNumber: '0xffffff' }])).rejects.toThrow('not asked for');
});

it('finds a batch left out or a fee changed by the accumulator', async () => {
  const posted = (await reading((logs) => logs)).BatchPosted[0];
  const isPosted = (log: Log) =>
    Number(log.blockNumber) === posted.blockNumber && Number(log.logIndex) === posted.logIndex;
  await expect(reading((logs) => logs.filter((log) => !isPosted(log)))).rejects.toThrow('shows 1 batches of epoch 0');
  const dearer = (log: Log) => ({ ...log, data: log.data.replace(/07(?=0{62}0*05)/, '08') });
  await expect(reading((logs) => logs.map((log) => (isPosted(log) ? dearer(log) : log)))).rejects.toThrow(
    'do not hash',
  );
});

it('is not stopped by a licence that is no UTF-8, which anybody can publish', async () => {
  const { account } = await world.as(OWNER);
  const selector = id('publish(bytes32,bytes32,uint64,string,address[])').slice(0, 10);
  const types = ['bytes32', 'bytes32', 'uint64', 'bytes', 'address[]'];
  const args = AbiCoder.defaultAbiCoder().encode(types, [id('root'), id('manifest'), 3, '0x4dff80', []]);
  const to = world.deployed.deployment.addresses.DatanetRegistry;
  await account.transact('publish', { to, data: concat([selector, args]) });
  const { DatasetPublished } = await readEvents(account.provider, world.deployed.deployment);
  expect(DatasetPublished.at(-1)).toMatchObject({ licence: expect.stringMatching(/^M\uFFFD+$/), rows: 3 });
});
