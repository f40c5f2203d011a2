/**
 * Validator and auditor side by side on real indexes, receipts and proofs: everything that an honest host posts is derived
 * again, fees and all, and nothing of it is disputed; what it does not publish is told to be withheld until it does.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Wallet } from 'ethers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Manifest, readManifest } from '../../../src/artefact/index.js';
import { runAuditor, runValidator } from '../../../src/chain/daemon/index.js';
import { keyWords, type ProvingKey } from '../../../src/prover/index.js';
import { buildCommand } from '../../spine/support/command.js';
import { disputeKeys } from './disputeWorld.js';
import { type Market, openMarket } from './market.js';

const LEVELS = 8;
const folder = mkdtempSync(join(tmpdir(), 'meed-audited-'));
let market: Market;
let keys: Awaited<ReturnType<typeof disputeKeys>>;

beforeAll(async () => {
  await buildCommand();
  keys = await disputeKeys(16, LEVELS, 4);
  const words = (key: ProvingKey): bigint[] => keyWords(key.verificationKey);
  market = await openMarket(folder, {
    challengeWindow: 0,
    disputes: {
      sumStep: words(keys.sumStep),
      rowRange: words(keys.rowRange),
      slotIsPrefix: words(keys.slotIsPrefix),
      levels: LEVELS,
    },
  });
}, 400_000);

afterAll(async () => {
  await market?.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function reports(): Promise<Map<string, Manifest>> {
  const at = join(folder, 'auditor', 'reports');
  const names = (await readdir(at).catch(() => [])).filter((name) => !name.includes('.partial-'));
  const read = names.map(async (name) => [name, await readManifest(join(at, name), 'audit-report')] as const);
  return new Map(await Promise.all(read));
}

async function until(what: () => Promise<boolean>, lines: readonly string[]): Promise<void> {
  for (const end = Date.now() + 200_000; Date.now() < end; await delay(300)) if (await what()) return;
  throw new Error(`it did not come about in time:\n${lines.join('\n')}`);
}

it('an honest market is derived again to the unit, and never disputed', async () => {
  const ended = new AbortController();
  const lines: string[] = [];
  const { provider } = market.host.account;
  const wallets = [Wallet.createRandom(), Wallet.createRandom()];
  for (const { address } of wallets) {
    await provider.send('anvil_setBalance', [address, `0x${(10n ** 20n).toString(16)}`]);
  }
  const common = {
    url: market.node.url,
    deployment: market.deployment,
    openings: market.published,
    pollMs: 200,
    confirmations: 0,
    feeCap: 10n ** 12n,
    backOff: { firstMs: 200, longestMs: 1000 },
    signal: ended.signal,
    tell: (line: string) => void lines.push(line),
  };
  const running = [
    runValidator({
      ...common,
      privateKey: wallets[0].privateKey,
      key: market.key,
      state: join(folder, 'validator'),
      validators: [wallets[0].address],
      turnMs: 1000,
      proving: { workers: 1 },
    }),
    runAuditor({
      ...common,
      key: market.key.verificationKey,
      challenge: { privateKey: wallets[1].privateKey, keys },
      state: join(folder, 'auditor'),
    }),
  ];
  const verdict = async (name: string): Promise<unknown> => (await reports()).get(name)?.facts.verdict;
  const first = await market.newEpoch(6);
  await first.publish();
  const second = await market.newEpoch(3);
  await until(async () => (await verdict(`epoch-${second.epoch}-batch-0`)) === 'withheld', lines);
  await until(async () => (await verdict(`epoch-${first.epoch}`)) === 'opened', lines);
  expect(await verdict(`epoch-${second.epoch}`)).toBeUndefined();
  await second.publish();
  await until(async () => (await verdict(`epoch-${second.epoch}`)) === 'opened', lines);
  ended.abort();
  await Promise.all(running);
  const found = await reports();
  expect([...found.values()].map(({ facts }) => facts.verdict)).toEqual(Array(found.size).fill('opened'));
  // an index, two epochs, their batches
  expect(found.size).toBe(1 + 2 + first.batches + second.batches);
  for (const { epoch, fees } of [first, second]) {
    expect(found.get(`epoch-${epoch}`)?.facts.grounds).toEqual({ fees: String(fees) });
  }
  expect(await provider.getTransactionCount(wallets[1].address)).toBe(0);
  expect(lines.filter((line) => line.includes('failed'))).toEqual([]);
}, 580_000);
