/** Transactions of a daemon on a real node: once each, whatever breaks off in between. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Contract, type JsonRpcProvider, Wallet } from 'ethers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Journal, Outbox, StateFile } from '../../../src/chain/daemon/index.js';
import { compileContracts, mintTokens, openProvider } from '../../../src/chain/index.js';
import { DEPLOYER, openWorld, type World } from '../world.js';

const CAP = 10n ** 12n;
let world: World;
let folder: string;
let provider: JsonRpcProvider;
let wallet: Wallet;
let token: Contract;
let state: StateFile;

beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
  provider = openProvider(world.node.url, world.node.chainId);
});

afterAll(async () => {
  provider.destroy();
  await world.stop();
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'meed-outbox-'));
  wallet = new Wallet(Wallet.createRandom().privateKey, provider);
  await provider.send('anvil_setBalance', [wallet.address, `0x${(10n ** 20n).toString(16)}`]);
  await mintTokens(await world.as(DEPLOYER), wallet.address, 1000n);
  const { abi } = (await compileContracts()).AttributionToken;
  token = new Contract(world.deployed.deployment.addresses.AttributionToken, abi, provider);
  state = await open();
});

afterEach(async () => {
  await provider.send('evm_setAutomine', [true]);
  state.close();
  rmSync(folder, { recursive: true });
});

const open = (): Promise<StateFile> =>
  StateFile.open(join(folder, 'state.duckdb'), { deployment: world.deployed.deployment, account: wallet.address });

/** As after a crash: the same file, nothing else. */
async function restarted(patienceMs = 60_000): Promise<Outbox> {
  state.close();
  state = await open();
  return new Outbox(new Journal(state), { feeCap: CAP, patienceMs });
}

const outbox = (options: { feeCap?: bigint; patienceMs?: number; signal?: AbortSignal } = {}): Outbox =>
  new Outbox(new Journal(state), { feeCap: CAP, ...options });

const SINK = '0x00000000000000000000000000000000000000aa';
const transfer = (amount: bigint) => ({
  what: `transfer ${amount}`,
  to: String(token.target),
  data: token.interface.encodeFunctionData('transfer', [SINK, amount]),
  gasLimit: 200_000n,
});
const left = async (): Promise<bigint> =>
  BigInt(String(await token.getFunction('balanceOf').staticCall(wallet.address)));
const nonce = (): Promise<number> => provider.getTransactionCount(wallet.address, 'latest');

/** The node, but what this call does is lost on the way, or its answer is. */
function broken(when: 'before' | 'after'): JsonRpcProvider {
  return new Proxy(provider, {
    get(target, name) {
      if (name !== 'broadcastTransaction') {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (raw: string) => {
        if (when === 'after') await target.broadcastTransaction(raw);
        throw new Error('the process dies here');
      };
    },
  });
}

describe('an outbox', () => {
  it('delivers, and delivers the same wish again when it is wished again', async () => {
    const box = outbox();
    expect((await box.deliver(transfer(1n), wallet, provider)).status).toBe(1);
    expect((await box.deliver(transfer(1n), wallet, provider)).status).toBe(1);
    expect([await left(), await nonce()]).toEqual([998n, 2]);
  });

  it.each(['before', 'after'] as const)('delivers once when the process dies %s it was sent', async (when) => {
    await expect(outbox().deliver(transfer(5n), wallet, broken(when))).rejects.toThrow('dies here');
    const box = await restarted();
    const again = await box.recover(wallet, provider);
    expect(again.map(({ what }) => what)).toEqual(when === 'before' ? ['transfer 5'] : []);
    expect([await left(), await nonce()]).toEqual([995n, 1]);
  });

  it('finds what is on its way by wishing it again, without signing anew', async () => {
    await provider.send('evm_setAutomine', [false]);
    await expect(outbox().deliver(transfer(5n), wallet, broken('after'))).rejects.toThrow('dies here');
    const delivered = (await restarted()).deliver(transfer(5n), wallet, provider);
    await provider.send('evm_mine', []);
    const [signed] = await new Journal(state).from(0);
    expect((await delivered).hash).toBe(signed.hash);
    expect([await left(), await nonce()]).toEqual([995n, 1]);
  });

  it('sends again what a reorganisation took back, in its order', async () => {
    const box = outbox();
    for (const amount of [1n, 2n, 3n]) await box.deliver(transfer(amount), wallet, provider);
    await provider.send('anvil_reorg', [2, []]);
    expect([await left(), await nonce()]).toEqual([999n, 1]);
    const again = await box.recover(wallet, provider);
    expect(again.map(({ what }) => what)).toEqual(['transfer 2', 'transfer 3']);
    expect([await left(), await nonce()]).toEqual([994n, 3]);
  });

  it('does not send again what would be refused now; the next takes its place and pays more', async () => {
    await expect(outbox().deliver(transfer(2000n), wallet, broken('before'))).rejects.toThrow('dies here');
    const box = await restarted();
    expect(await box.recover(wallet, provider)).toEqual([]);
    const receipt = await box.deliver(transfer(10n), wallet, provider);
    expect(receipt.status).toBe(1);
    const signed = await new Journal(state).from(0);
    expect(signed.map(({ what }) => what)).toEqual(['transfer 2000', 'transfer 10']);
    expect(signed[1].fee).toBeGreaterThan((signed[0].fee * 11n) / 10n);
    expect([await left(), await nonce()]).toEqual([990n, 1]);
  });

  it('replaces what waits too long by one that pays more, at its own nonce', async () => {
    await provider.send('evm_setAutomine', [false]);
    const delivered = outbox({ patienceMs: 300 }).deliver(transfer(7n), wallet, provider);
    while ((await new Journal(state).from(0)).length < 2) await provider.send('eth_blockNumber', []);
    await provider.send('evm_mine', []);
    const receipt = await delivered;
    const signed = await new Journal(state).from(0);
    expect(new Set(signed.map(({ nonce: at }) => at))).toEqual(new Set([0]));
    expect(receipt.hash).not.toBe(signed[0].hash);
    expect([await left(), await nonce()]).toEqual([993n, 1]);
  });

  it('signs nothing on a chain that is dearer than its cap', async () => {
    await expect(outbox({ feeCap: 1n }).deliver(transfer(1n), wallet, provider)).rejects.toThrow(/the cap is 1\./);
    expect(await new Journal(state).from(0)).toEqual([]);
  });

  it('says so when somebody else uses its account', async () => {
    await provider.send('evm_setAutomine', [false]);
    const delivered = outbox().deliver(transfer(7n), wallet, provider);
    const refused = expect(delivered).rejects.toThrow(/Another transaction took the nonce 0 of transfer 7/);
    while ((await new Journal(state).from(0)).length < 1) await provider.send('eth_blockNumber', []);
    const { maxFeePerGas } = await provider.getFeeData();
    const fee = (maxFeePerGas ?? 0n) * 4n;
    await wallet.sendTransaction({ to: SINK, nonce: 0, maxFeePerGas: fee, maxPriorityFeePerGas: fee });
    await provider.send('evm_mine', []);
    await refused;
  });

  it('stops waiting at the signal, and leaves the transaction to whoever comes next', async () => {
    await provider.send('evm_setAutomine', [false]);
    const ended = new AbortController();
    const delivered = outbox({ signal: ended.signal }).deliver(transfer(7n), wallet, provider);
    const stopped = expect(delivered).rejects.toThrow(/abort/i);
    while ((await new Journal(state).from(0)).length < 1) await provider.send('eth_blockNumber', []);
    ended.abort();
    await stopped;
    await provider.send('evm_mine', []);
    expect([await left(), await nonce()]).toEqual([993n, 1]);
  });
});

describe('a state file', () => {
  it('is of one process at a time, one account and one deployment', async () => {
    const { deployment } = world.deployed;
    const path = join(folder, 'state.duckdb');
    state.close();
    await expect(StateFile.open(path, { deployment, account: SINK })).rejects.toThrow(/is of another account/);
    const other = { ...deployment, fromBlock: deployment.fromBlock + 1 };
    await expect(StateFile.open(path, { deployment: other, account: wallet.address })).rejects.toThrow(
      /another deployment/,
    );
    state = await open();
  });
});
