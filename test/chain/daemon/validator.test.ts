/** The validator's daemon on a real node, with real proofs: epochs are paid to the unit, and what goes wrong is mended. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runValidator, type ValidatorOptions } from '../../../src/chain/daemon/index.js';
import { creditOf } from '../../../src/chain/index.js';
import { buildCommand } from '../../spine/support/command.js';
import { type Market, openMarket } from './market.js';

const folder = mkdtempSync(join(tmpdir(), 'meed-validator-'));
let market: Market;

beforeAll(async () => {
  await buildCommand();
  market = await openMarket(folder);
}, 300_000);

afterAll(async () => {
  await market.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly lines: string[];
  stop(): Promise<void>;
}

async function start(name: string, changes: Partial<ValidatorOptions> = {}): Promise<Running> {
  const wallet = new Wallet(Wallet.createRandom().privateKey);
  await market.host.account.provider.send('anvil_setBalance', [wallet.address, `0x${(10n ** 20n).toString(16)}`]);
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
    await until(isAllPaid).catch((error) => {
      console.log(validator.lines.join('\n'));
      throw error;
    });
    await validator.stop();
    expect(await credits()).toEqual(market.owed);
  }, 300_000);
});
