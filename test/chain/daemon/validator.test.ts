/** The validator's daemon on a real node, with real proofs: epochs are paid to the unit, and what goes wrong is mended. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runValidator, type ValidatorOptions } from '../../../src/chain/daemon/index.js';
import { readEvents } from '../../../src/chain/events.js';
import { balanceOf, creditOf, mintTokens } from '../../../src/chain/index.js';
import { buildCommand, meed } from '../../spine/support/command.js';
import { REFUND_TIMEOUT } from '../world.js';
import { type Market, openMarket } from './market.js';
import { soak } from './soak.js';

const BOND = 5n * 10n ** 18n;
const folder = mkdtempSync(join(tmpdir(), 'meed-validator-'));
let market: Market;

beforeAll(async () => {
  await buildCommand();
  market = await openMarket(folder, { indexBond: BOND });
}, 300_000);

afterAll(async () => {
  await market.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly address: string;
  readonly lines: string[];
  stop(): Promise<void>;
}

async function start(name: string, changes: Partial<ValidatorOptions> = {}): Promise<Running> {
  const wallet = new Wallet(Wallet.createRandom().privateKey);
  await market.host.account.provider.send('anvil_setBalance', [wallet.address, `0x${(10n ** 20n).toString(16)}`]);
  await mintTokens(market.host, wallet.address, 2n * BOND);
  const ended = new AbortController();
  const lines: string[] = [];
  const running = runValidator({
    url: market.node.url,
    deployment: market.deployment,
    privateKey: wallet.privateKey,
    key: market.key,
    state: join(folder, name),
    openings: market.published,
    validators: [wallet.address],
    turnMs: 1000,
    pollMs: 100,
    confirmations: 0,
    feeCap: 10n ** 12n,
    backOff: { firstMs: 200, longestMs: 1000 },
    proving: { workers: 1 },
    signal: ended.signal,
    tell: (line) => lines.push(line),
    ...changes,
  });
  return {
    address: wallet.address,
    lines,
    stop: async () => {
      ended.abort();
      await running;
    },
  };
}

async function until(what: () => Promise<boolean>, seconds = 120): Promise<void> {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; await delay(200)) if (await what()) return;
  throw new Error('it did not come about in time');
}

async function credits(): Promise<Map<string, bigint>> {
  const found = new Map<string, bigint>();
  for (const account of market.owed.keys()) found.set(account, await creditOf(market.host, account));
  return found;
}

async function isAllPaid(): Promise<boolean> {
  const found = await credits();
  return [...market.owed].every(([account, amount]) => found.get(account) === amount);
}

describe('a validator', () => {
  it('pays what was posted before and after it started, to the unit', async () => {
    const first = await market.newEpoch(6);
    await first.publish();
    const validator = await start('one');
    const second = await market.newEpoch(3);
    await second.publish();
    await until(isAllPaid);
    await validator.stop();
    expect(await credits()).toEqual(market.owed);
  }, 300_000);

  it('waits for openings, and says for which', async () => {
    const late = await market.newEpoch(2);
    const validator = await start('two');
    const told = `epoch ${late.epoch}: no published receipts open its batch 0`;
    await until(async () => validator.lines.includes(told));
    await delay(1000);
    expect(validator.lines.filter((line) => line === told)).toHaveLength(1);
    expect(await isAllPaid()).toBe(false);
    await late.publish();
    await until(isAllPaid);
    await validator.stop();
    expect(await credits()).toEqual(market.owed);
  }, 300_000);

  it('does nothing twice when two have the same turn, and shares the work of an epoch', async () => {
    const both = [await start('three', { turnMs: 1 }), await start('four', { turnMs: 1 })];
    for (const receipts of [4, 9]) await (await market.newEpoch(receipts)).publish();
    await until(isAllPaid);
    await Promise.all(both.map((validator) => validator.stop()));
    expect(await credits()).toEqual(market.owed);
  }, 300_000);

  it('gives the fees back when an epoch was not opened in time, and a late opening changes nothing', async () => {
    const before = await credits();
    const never = await market.newEpoch(5);
    const { provider } = market.host.account;
    await provider.send('evm_increaseTime', [REFUND_TIMEOUT + 1]);
    await provider.send('evm_mine', []);
    const validator = await start('five');
    const [payer] = [...market.hosts].filter((account) => account !== market.host.account.address);
    await until(async () => (await creditOf(market.host, payer)) === never.fees);
    await never.publish();
    await delay(2000);
    await validator.stop();
    expect(await credits()).toEqual(before);
    market.forgive(never);
  }, 300_000);
});

describe('a validator that owns indexes', () => {
  it('computes and registers the index of every published model, and fetches its bonds back', async () => {
    const run = join(market.published, 'second');
    cpSync(join(market.published, 'run', 'dataset'), join(run, 'dataset'), { recursive: true });
    const trained = await meed('train', '--epochs', '2', '--out', run);
    expect(trained.stderr).toMatch(/parameters/);
    const built: string[] = [];
    const validator = await start('six', {
      buildIndex: async (folderOfRun) => {
        built.push(folderOfRun);
        const { status } = await meed('index', '--out', folderOfRun, '--instance', '4,4,16', '--receipts', '4');
        expect(status).toBe(0);
      },
    });
    const { provider } = market.host.account;
    const registered = async (): Promise<string[]> => {
      const { IndexCompleted, IndexRegistered } = await readEvents(provider, market.deployment);
      const complete = new Set(IndexCompleted.map(({ index }) => index));
      return IndexRegistered.flatMap(({ owner, index, modelId }) =>
        owner === validator.address && complete.has(index) ? modelId : [],
      );
    };
    const models = ['run', 'second'].map((name) => `0x${idOf(join(market.published, name, 'model'))}`);
    await until(
      async () => (await registered()).length === 2 && (await balanceOf(market.host, validator.address)) === 2n * BOND,
    );
    await validator.stop();
    expect(new Set(await registered())).toEqual(new Set(models));
    expect(built).toEqual([run]);
    expect(validator.lines.filter((line) => /the bond of index 0x\w+ is back/.test(line))).toHaveLength(2);
  }, 300_000);
});

const idOf = (artefact: string): string => JSON.parse(readFileSync(join(artefact, 'manifest.json'), 'utf8')).id;

describe('validators that are killed while the chain takes blocks back', () => {
  it('lose nothing and double nothing', async () => {
    const result = await soak(market, {
      folder: join(folder, 'fleet'),
      epochs: 5,
      validators: 2,
      auditors: 1,
      seed: 3,
      everyMs: 1000,
      patienceMs: 240_000,
      tell: () => undefined,
    });
    expect(result).toMatchObject({ lost: 0, doubled: 0, accused: 0 });
    expect(result.audited).toBe(market.posted.length);
    expect(result.kills + result.reorgs).toBeGreaterThan(0);
  }, 600_000);
});
