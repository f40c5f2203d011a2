/** A node that lies, fails or limits: each test changes one thing in true answers. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { publishDataset } from '../../../src/chain/index.js';
import { followChain, type Health, IndexStore } from '../../../src/chain/indexer/index.js';
import { CONTRIBUTORS, hashOf, newIndex, OWNER, openWorld, type World } from '../world.js';
import { digest, freshDigest, type LyingNode, lyingNode, makeStores, payEpoch, syncTo } from './chain.js';

const stores = makeStores();
let world: World;
let node: LyingNode;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
  await payEpoch(world, await newIndex(world, CONTRIBUTORS.slice(0, 2)), [[7n, 5n], [9n]]);
  node = await lyingNode(world.node.url);
}, 120_000);
afterAll(async () => {
  await node?.stop();
  await world?.stop();
  await stores.remove();
});
beforeEach(() => {
  node.lie = (_, answer) => answer;
  node.answerAll = undefined;
  node.asked.length = 0;
});

type Log = Record<string, string | string[] | boolean>;
/** Reads with the logs of every answer changed. */
function reading(lie: (logs: Log[]) => unknown): Promise<Health> {
  node.lie = ({ method }, answer) =>
    method === 'eth_getLogs' ? { ...answer, result: lie(answer.result as Log[]) } : answer;
  return syncTo(world, stores.fresh(), { url: node.url });
}
/** Changes the first log that there is. */
const first = (change: object) => (logs: Log[]) => logs.map((log, i) => (i === 0 ? { ...log, ...change } : log));

it('reads the truth through the node between', async () => {
  const path = stores.fresh();
  await syncTo(world, path, { url: node.url });
  expect(await digest(path)).toBe(await freshDigest(world, stores));
});

describe('logs are refused with a sentence', () => {
  it.each<[string, (logs: Log[]) => unknown, string]>([
    ['that are none', () => null, 'eth_getLogs is not a list'],
    ['that are no records', () => ['0x'], 'eth_getLogs[0] is not a record'],
    ['of another address', first({ address: `0x${'12'.repeat(20)}` }), 'no contract of ours emits'],
    ['of no address', first({ address: 7 }), 'log.address is not bytes'],
    ['of an unknown event', first({ topics: [hashOf('Nothing()')] }), 'no contract of ours emits'],
    ['without topics', first({ topics: [] }), 'topic none'],
    [
      'with a topic too few',
      (logs) => first({ topics: (logs[0].topics as string[]).slice(0, 1) })(logs),
      'wrong number of topics',
    ],
    ['with a topic that is short', first({ topics: ['0x12'] }), 'log.topics[0] is not 32 bytes'],
    ['with data that is no hex', first({ data: 'xyz' }), 'log.data is not bytes'],
    [
      'with data cut off',
      (logs) => logs.map((log) => ({ ...log, data: log.data === '0x' ? '0x' : String(log.data).slice(0, -64) })),
      'malformed',
    ],
    ['with data that goes on', (logs) => first({ data: `${logs[0].data}${'0'.repeat(64)}` })(logs), 'malformed'],
    ['with half a word more', (logs) => first({ data: `${logs[0].data}00` })(logs), 'malformed'],
    ['that were removed', first({ removed: true }), 'removed log'],
    ['of a block that was not asked for', first({ blockNumber: '0xffffff' }), 'asked for blocks'],
    ['of a block below', first({ blockNumber: '0x0' }), 'asked for blocks'],
    ['without a number', first({ logIndex: -1 }), 'log.logIndex is not a quantity'],
    ['without a transaction', first({ transactionHash: null }), 'log.transactionHash is not 32 bytes'],
    ['twice', (logs) => [logs[0], ...logs], 'out of order or doubled'],
    ['out of order', (logs) => logs.toReversed(), 'out of order or doubled'],
  ])('%s', async (_, lie, sentence) => {
    await expect(reading(lie)).rejects.toThrow(sentence);
  });

  it('whose block is not the one that the node shows there', async () => {
    await expect(reading(first({ blockHash: hashOf('another block') }))).rejects.toThrow(
      'changes its chain all the time',
    );
  });

  it('leaves the store as it was before the lie', async () => {
    const path = stores.fresh();
    await syncTo(world, path);
    const before = await digest(path);
    await publish('one more', 'MIT');
    node.lie = ({ method }, answer) => (method === 'eth_getLogs' ? { ...answer, result: [{}] } : answer);
    await expect(syncTo(world, path, { url: node.url })).rejects.toThrow('log.address is not bytes');
    expect(await digest(path)).toBe(before);
    node.lie = (_, answer) => answer;
    await syncTo(world, path, { url: node.url });
    expect(await digest(path)).toBe(await freshDigest(world, stores));
  });
});

async function publish(name: string, licence: string): Promise<void> {
  await publishDataset(await world.as(OWNER), {
    root: hashOf(name),
    manifestHash: hashOf(`${name} manifest`),
    rows: 3,
    licence,
    contributors: [],
  });
}

describe('blocks', () => {
  it.each<[string, unknown, string]>([
    ['that are none', 7, 'eth_getBlockByNumber is not a record'],
    ['of another height', { number: '0x77', hash: hashOf('x'), timestamp: '0x1' }, 'another block than'],
    ['without a hash', { number: '0x0', hash: '0x', timestamp: '0x1' }, 'block.hash is not 32 bytes'],
  ])('%s are refused', async (_, block, sentence) => {
    node.lie = ({ method, params }, answer) =>
      method === 'eth_getBlockByNumber' && params[0] === '0x0' ? { ...answer, result: block } : answer;
    await expect(syncTo(world, stores.fresh(), { url: node.url })).rejects.toThrow(sentence);
  });

  it('that the node no longer has are asked for again, and then given up', async () => {
    node.lie = ({ method, params }, answer) =>
      method === 'eth_getBlockByNumber' && Number(params[0]) > 5 ? { ...answer, result: null } : answer;
    await expect(syncTo(world, stores.fresh(), { url: node.url })).rejects.toThrow('changes its chain all the time');
  });

  it('that change once under the reader cost nothing', async () => {
    let lies = 0;
    node.lie = ({ method }, answer) => {
      if (method !== 'eth_getLogs' || lies++ > 2) return answer;
      return { ...answer, result: first({ blockHash: hashOf('elsewhere') })(answer.result as Log[]) };
    };
    const path = stores.fresh();
    await syncTo(world, path, { url: node.url });
    expect(await digest(path)).toBe(await freshDigest(world, stores));
  });
});

describe('a node with limits', () => {
  const limited = (most: number): void => {
    node.lie = ({ method, params }, answer) => {
      const filter = (method === 'eth_getLogs' ? params[0] : {}) as { fromBlock?: string; toBlock?: string };
      if (filter.fromBlock === undefined) return answer;
      const blocks = Number(filter.toBlock) - Number(filter.fromBlock) + 1;
      return blocks > most ? { id: answer.id, error: { code: -32005, message: `at most ${most} blocks` } } : answer;
    };
  };

  it.each([1, 3, 10])('of %i blocks is asked for less, and says the same', async (most) => {
    limited(most);
    const path = stores.fresh();
    await syncTo(world, path, { url: node.url });
    expect(await digest(path)).toBe(await freshDigest(world, stores));
  });

  it('of bytes is asked for less; an answer beyond ours is not held', async () => {
    const path = stores.fresh();
    const { bytes } = await syncTo(world, stores.fresh());
    await syncTo(world, path, { rpc: { mostBytes: Math.floor(bytes / 3) } });
    expect(await digest(path)).toBe(await freshDigest(world, stores));
    await expect(syncTo(world, stores.fresh(), { rpc: { mostBytes: 700 } })).rejects.toThrow(/exceeds 700 bytes/);
  });

  it('that refuses a single block is given up with its own words', async () => {
    node.lie = ({ method }, answer) =>
      method === 'eth_getLogs' ? { id: answer.id, error: { code: -32000, message: 'never' } } : answer;
    await expect(syncTo(world, stores.fresh(), { url: node.url })).rejects.toThrow(/single block .*never \(-32000\)/);
  });

  it('that takes no lists of calls is asked one by one', async () => {
    node.answerAll = (body) => (body.startsWith('[') ? { status: 400, body: '{"error":"no lists"}' } : undefined);
    const path = stores.fresh();
    await syncTo(world, path, { url: node.url });
    expect(await digest(path)).toBe(await freshDigest(world, stores));
  });
});

describe('a node that fails', () => {
  it('for a while is asked again', async () => {
    let left = 3;
    node.answerAll = () => (left-- > 0 ? { status: 503, body: 'busy' } : undefined);
    const told: string[] = [];
    const path = stores.fresh();
    await syncTo(world, path, { url: node.url, rpc: { onRetry: (sentence) => told.push(sentence) } });
    expect(told.join()).toMatch(/HTTP status 503; asking again/);
    expect(told).toHaveLength(3);
    expect(await digest(path)).toBe(await freshDigest(world, stores));
  });

  it('for good is given up, with what it said', async () => {
    node.answerAll = () => ({ status: 200, body: '<html>' });
    const sync = syncTo(world, stores.fresh(), { url: node.url, rpc: { attempts: 2 } });
    await expect(sync).rejects.toThrow(/failed 2 times: it answered with status 200 and no JSON/);
    const nobody = syncTo(world, stores.fresh(), { url: 'http://127.0.0.1:9', rpc: { attempts: 2 } });
    await expect(nobody).rejects.toThrow(/failed 2 times.*Check the address/);
  });

  it('to answer in time is asked again, and given up', async () => {
    node.lie = (_, answer) => new Promise((resolve) => setTimeout(() => resolve(answer), 300));
    const sync = syncTo(world, stores.fresh(), { url: node.url, rpc: { attempts: 2, timeoutMs: 100 } });
    await expect(sync).rejects.toThrow('failed 2 times: no answer in 0.1 s');
  });

  it('is waited for by a follower until it is told to stop', async () => {
    node.answerAll = () => ({ status: 502, body: '' });
    const stop = new AbortController();
    let failures = 0;
    const { deployment } = world.deployed;
    const following = followChain(
      {
        url: node.url,
        deployment,
        store: stores.fresh(),
        signal: stop.signal,
        rpc: {
          onRetry: () => {
            if (++failures === 4) stop.abort();
          },
        },
      },
      () => expect.unreachable(),
    );
    expect((await following).block).toBe(deployment.fromBlock - 1);
    expect(failures).toBe(4);
  });

  it('to be of this chain is refused', async () => {
    node.lie = ({ method }, answer) => (method === 'eth_chainId' ? { ...answer, result: '0x1' } : answer);
    await expect(syncTo(world, stores.fresh(), { url: node.url })).rejects.toThrow('runs chain 1, not 31337');
  });
});

describe('a store', () => {
  it('of another deployment, or that is none, is refused', async () => {
    const path = stores.fresh();
    await syncTo(world, path);
    const { deployment } = world.deployed;
    const other = { ...deployment, addresses: { ...deployment.addresses, ReceiptBook: CONTRIBUTORS[0] } };
    await expect(syncTo(world, path, { deployment: other })).rejects.toThrow(/holds another deployment.*rebuilt/);
    await expect(IndexStore.open(stores.fresh())).rejects.toThrow('does not exist');
    await expect(IndexStore.open(new URL(import.meta.url).pathname)).rejects.toThrow('cannot be opened as a store');
  });

  it('takes a licence that is not UTF-8, which anybody may publish, and goes on', async () => {
    const owner = await world.as(OWNER);
    const datanets = owner.contracts.get('DatanetRegistry');
    const good = datanets?.interface.encodeFunctionData('publish', [hashOf('r'), hashOf('m'), 3, 'MIT', []]) ?? '';
    const hostile = good.replace('4d4954', 'ff4954'); // "MIT" → a byte that begins no character
    await owner.account.transact('publish', { to: owner.deployment.addresses.DatanetRegistry, data: hostile });
    const path = stores.fresh();
    await syncTo(world, path);
    const store = await IndexStore.open(path);
    const licences = await store.rows('SELECT licence FROM "DatanetRegistry"."DatasetPublished" ORDER BY block_number');
    expect(licences.at(-1)).toEqual({ licence: '\ufffdIT' });
    store.close();
  });
});
