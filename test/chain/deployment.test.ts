/** A deployment against the chain it stands on, on Ethereum's rules and on the OP stack's, and the commands that do so. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keccak256, toUtf8Bytes } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Account,
  closeEpoch,
  creditOf,
  type Deployment,
  deploy,
  deploymentJson,
  openProvider,
  parseDeployment,
  startNode,
  verifyDeployment,
} from '../../src/chain/index.js';
import { resourcePath } from '../../src/foundation/index.js';
import {
  CONTRIBUTORS,
  deployOptions,
  newEpoch,
  newIndex,
  OWNER,
  openWorld,
  payEpoch,
  someScores,
  type World,
} from './world.js';

const INSTANCE = { slots: 2, queries: 2, columns: 4 };
let world: World;
let deployment: Deployment;
beforeAll(async () => {
  world = await openWorld(INSTANCE);
  deployment = world.deployed.deployment;
}, 120_000);
afterAll(async () => world?.stop());

const failed = async (given: Deployment): Promise<string[]> => {
  const provider = openProvider(world.node.url, world.node.chainId);
  const checks = await verifyDeployment(provider, given).finally(() => provider.destroy());
  expect(checks.length).toBeGreaterThan(15);
  return checks.filter(({ passed }) => !passed).map(({ name }) => name);
};

describe('a deployment', () => {
  it('is what stands on its chain, and is read back as it was written', async () => {
    expect(await failed(deployment)).toEqual([]);
    expect(parseDeployment(JSON.parse(JSON.stringify(deploymentJson(deployment))))).toEqual(deployment);
  });

  it('is not another chain, another code, another address, another circuit or another key', async () => {
    const { addresses, codeHashes } = deployment;
    const zero = `0x${'0'.repeat(64)}`;
    expect(await failed({ ...deployment, chainId: 10 })).toEqual(['chain id']);
    expect(await failed({ ...deployment, circuitId: zero })).toEqual(['circuit id']);
    expect(await failed({ ...deployment, instance: { ...INSTANCE, queries: 3 } })).toEqual(['queries of the circuit']);
    expect(await failed({ ...deployment, codeHashes: { ...codeHashes, ReceiptBook: zero } })).toEqual([
      'code of ReceiptBook',
    ]);
    const seal = { circuitHash: '1'.repeat(64), keyHash: zero, transcriptHash: '2'.repeat(64) };
    expect(await failed({ ...deployment, seal })).toEqual(['key of the ceremony']);
    // another token of the same code is found by who names it; an account without code by everything
    const { deployment: twin } = await deploy((await world.as(OWNER)).account, deployOptions(INSTANCE, world.key));
    const moved = { ...deployment, addresses: { ...addresses, AttributionToken: twin.addresses.AttributionToken } };
    expect(await failed(moved)).toEqual(['code of AttributionToken', 'IndexRegistry.token', 'ReceiptBook.token']);
    const empty = { ...deployment, addresses: { ...addresses, EpochSettlement: CONTRIBUTORS[0] } };
    expect(await failed(empty)).toContain('code of EpochSettlement');
    expect(await failed(empty)).toContain('EpochSettlement.book');
  });
});

it('pays a whole epoch on a chain of the OP stack', { timeout: 60_000 }, async () => {
  const onStack = await openWorld(INSTANCE, {}, 31337, 'optimism');
  try {
    const owner = await onStack.as(OWNER);
    const epoch = await newEpoch(onStack, await newIndex(onStack, CONTRIBUTORS.slice(0, 3)), [[1_000n, 7n]]);
    const scores = (shard: number): BigInt64Array => someScores(onStack, epoch, shard, 1).map((x) => (x < 0n ? -x : x));
    await payEpoch(onStack, epoch, scores);
    expect(await creditOf(owner, CONTRIBUTORS[0])).toBeGreaterThan(0n);
    await expect(closeEpoch(owner, epoch.epoch)).rejects.toThrow('EpochAlreadyClosed');
  } finally {
    await onStack.stop();
  }
});

describe('meed chain', () => {
  const folder = mkdtempSync(join(tmpdir(), 'meed-chain-'));
  const file = join(folder, 'deployment.json');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const meed = (...args: string[]) =>
    spawn(process.execPath, [resourcePath('bin', 'meed.js'), 'chain', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const run = async (...args: string[]): Promise<{ status: unknown; out: string; errors: string }> => {
    const child = meed(...args);
    let [out, errors] = ['', ''];
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    const [status] = await once(child, 'exit');
    return { status, out, errors };
  };

  it('up leaves a chain with the contracts running, verify finds it right, Ctrl-C ends it', {
    timeout: 180_000,
  }, async () => {
    const child = meed('up', '--port', '0', '--instance', '2,2,4', '--file', file, '--json');
    const said = once(child.stdout, 'data');
    const gone = once(child, 'exit').then(([status]): never => {
      throw new Error(`meed chain up ended with ${status}`);
    });
    const [line] = await Promise.race([said, gone]);
    const up: { url: string; accounts: string[] } = JSON.parse(String(line));
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    const written = parseDeployment(manifest);
    expect(manifest.network).toEqual({
      chainId: '0x7a69',
      chainName: 'Meed chain 31337',
      rpcUrls: [up.url],
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    });
    expect(manifest.token).toEqual({ address: written.addresses.AttributionToken, symbol: 'MEED', decimals: 18 });
    expect(Object.keys(manifest.interfaces)).toEqual(Object.keys(written.addresses));
    // the first four bytes of the signature's hash, by hand
    for (const signature of ['withdraw()', 'creditOf(address)', 'NothingToWithdraw(address)']) {
      const { selectors } = manifest.interfaces.EpochSettlement;
      expect(selectors[signature]).toBe(keccak256(toUtf8Bytes(signature)).slice(0, 10));
    }
    const account = await Account.connect(up.url, written.chainId, { development: 0 });
    expect(account.address).toBe(up.accounts[0]);
    account.close();
    const verified = await run('verify', file, '--rpc', up.url);
    expect(verified.status).toBe(0);
    expect(verified.out).toContain('✓ code of EpochSettlement');
    expect(await run('verify', file)).toMatchObject({ status: 2, errors: expect.stringContaining('--rpc') });
    const other = await startNode();
    const wrong = await run('verify', file, '--rpc', other.url).finally(() => other.stop());
    expect(wrong).toMatchObject({ status: 1, errors: expect.stringContaining('code of AttributionToken') });
    child.kill('SIGINT');
    await expect(gone).rejects.toThrow('ended with 0');
    await expect(Account.connect(up.url, written.chainId, { development: 0 })).rejects.toThrow('No node answers');
  });
});
