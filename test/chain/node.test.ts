/** The local node: its state survives a restart with blocks, transactions, receipts and logs, and it dies with us. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Account,
  balanceOf,
  deploymentJson,
  openClient,
  openProvider,
  parseDeployment,
  readEvents,
  startNode,
} from '../../src/chain/index.js';
import { resourcePath } from '../../src/foundation/index.js';
import { CONTRIBUTORS, newEpoch, newIndex, OWNER, openWorld, PAYER, settleAll, someScores } from './world.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meed-node-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a node', () => {
  it('keeps blocks, transactions, receipts and logs over a restart', { timeout: 120_000 }, async () => {
    const world = await openWorld({ slots: 2, queries: 2, columns: 4 });
    const epoch = await newEpoch(world, await newIndex(world, CONTRIBUTORS.slice(0, 3)), [[7n, 5n]]);
    await settleAll(world, epoch, (shard) => someScores(world, epoch, shard, 1));
    const { deployment } = world.deployed;
    const { provider } = (await world.as(OWNER)).account;
    const before = await readEvents(provider, deployment);
    const height = await provider.getBlockNumber();
    const file = join(folder, 'state.json');
    await world.node.saveState(file);
    await world.stop();

    const node = await startNode({ loadState: file });
    const account = await Account.connect(node.url, node.chainId, { development: PAYER });
    try {
      expect(await account.provider.getBlockNumber()).toBe(height);
      expect(await readEvents(account.provider, parseDeployment(deploymentJson(deployment)))).toEqual(before);
      const { transactionHash } = before.BatchPosted[0];
      expect((await account.provider.getTransactionReceipt(transactionHash))?.status).toBe(1);
      expect((await account.provider.getTransaction(transactionHash))?.from).toBe(account.address);
      const client = await openClient(account, deployment);
      expect(await balanceOf(client, deployment.addresses.EpochSettlement)).toBe(12n);
      await newEpoch(
        { ...world, as: async (development) => openClient(await account.as({ development }), deployment) },
        epoch,
        [[3n]],
      );
      expect(await balanceOf(client, deployment.addresses.EpochSettlement)).toBe(15n);
    } finally {
      account.close();
      await node.stop();
    }
  });

  it('ends with its parent, also when that is killed outright', { timeout: 60_000 }, async () => {
    const script = join(folder, 'parent.mts');
    const module = JSON.stringify(resourcePath('src', 'chain', 'node.ts'));
    await writeFile(
      script,
      `import { startNode } from ${module};\nconsole.log((await startNode()).url);\nsetInterval(() => {}, 1000);\n`,
    );
    const parent = spawn(process.execPath, ['--import', 'tsx', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: resourcePath(),
    });
    const url = await new Promise<string>((resolve) =>
      parent.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString().trim())),
    );
    expect(await answers(url)).toBe(true);
    parent.kill('SIGKILL');
    const deadline = Date.now() + 5_000;
    while ((await answers(url)) && Date.now() < deadline) await sleep(50);
    expect(await answers(url)).toBe(false);
  });

  it('says what is wrong with a state that it cannot load', async () => {
    await expect(startNode({ loadState: join(folder, 'none.json') })).rejects.toThrow(/none\.json does not exist/);
    const broken = join(folder, 'broken.json');
    await writeFile(broken, '{"block":');
    await expect(startNode({ loadState: broken })).rejects.toThrow(/anvil ended while starting.*Check the state file/s);
    expect(await readFile(broken, 'utf8')).toBe('{"block":');
  });

  it('is told apart from a node of another chain and from none', async () => {
    const node = await startNode({ chainId: 4242 });
    await expect(Account.connect(node.url, 31337, { development: 0 })).rejects.toThrow('runs chain 4242, not 31337');
    await node.stop();
    await node.stop();
    await expect(Account.connect(node.url, 4242, { development: 0 })).rejects.toThrow(/No node answers at/);
  });

  it('refuses a deployment record with a missing or wrong field', () => {
    expect(() => parseDeployment({})).toThrow('addresses is not a record');
    expect(() => parseDeployment([])).toThrow('the deployment is not a record');
  });
});

async function answers(url: string): Promise<boolean> {
  const provider = openProvider(url, 31337);
  try {
    await provider.send('eth_chainId', []);
    return true;
  } catch {
    return false; // what is asked: whether anybody is there
  } finally {
    provider.destroy();
  }
}
