/**
 * The auditor's daemon on a real node, with real proofs: every way of cheating that the contracts punish is found and
 * disputed once, whenever the daemon is killed and whatever blocks the chain takes back; the honest are left alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Contract, Wallet } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readManifest } from '../../../src/artefact/index.js';
import { type AuditorOptions, runAuditor } from '../../../src/chain/daemon/index.js';
import { balanceOf, compileContracts, readEvents } from '../../../src/chain/index.js';
import { verificationKeyOf } from '../../prover/support/forgedKeys.js';
import { OWNER } from '../world.js';
import { BOND, CHEATS, type DisputeWorld, openDisputeWorld } from './disputeWorld.js';

const WINDOW = 100_000;
const folder = mkdtempSync(join(tmpdir(), 'meed-auditor-'));
let place: DisputeWorld;

beforeAll(async () => {
  place = await openDisputeWorld(folder, WINDOW);
}, 300_000);

afterAll(async () => {
  await place?.world.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function newWallet(): Promise<Wallet> {
  const wallet = new Wallet(Wallet.createRandom().privateKey);
  const { provider } = (await place.world.as(OWNER)).account;
  await provider.send('anvil_setBalance', [wallet.address, `0x${(10n ** 20n).toString(16)}`]);
  return wallet;
}

interface Running {
  readonly lines: string[];
  readonly wallet: Wallet;
  readonly state: string;
  stop(): Promise<void>;
}

async function start(name: string, changes: Partial<AuditorOptions> = {}): Promise<Running> {
  const wallet = await newWallet();
  const ended = new AbortController();
  const lines: string[] = [];
  const state = join(folder, name);
  const running = runAuditor({
    url: place.world.node.url,
    deployment: place.world.deployed.deployment,
    key: verificationKeyOf(place.world.key.words),
    challenge: { privateKey: wallet.privateKey, keys: place.keys },
    state,
    openings: place.published,
    pollMs: 100,
    confirmations: 0,
    feeCap: 10n ** 12n,
    backOff: { firstMs: 200, longestMs: 1000 },
    signal: ended.signal,
    tell: (line) => lines.push(line),
    ...changes,
  });
  return {
    lines,
    wallet,
    state,
    stop: async () => {
      ended.abort();
      await running;
    },
  };
}

async function until(what: () => Promise<boolean>, lines: readonly string[] = [], seconds = 100): Promise<void> {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; await delay(200)) if (await what()) return;
  throw new Error(`it did not come about in time:\n${lines.join('\n')}`);
}

async function isDisabled(index: string): Promise<boolean> {
  const { account } = await place.world.as(OWNER);
  const { IndexDisabled } = await readEvents(account.provider, place.world.deployed.deployment);
  return IndexDisabled.some((event) => event.index === index);
}

const allDisabled = async (indexes: readonly string[]): Promise<boolean> =>
  (await Promise.all(indexes.map(isDisabled))).every(Boolean);

/** Transactions that the account got into the chain, and the disputes of each index among all blocks. */
async function sentBy({ address }: Wallet): Promise<number> {
  return (await place.world.as(OWNER)).account.provider.getTransactionCount(address);
}

async function disputesOf(index: string): Promise<number> {
  const { deployment } = place.world.deployed;
  const { account } = await place.world.as(OWNER);
  const { abi } = (await compileContracts()).Disputes;
  const contract = new Contract(deployment.disputes?.addresses.Disputes ?? '', abi, account.provider);
  return (await contract.queryFilter(contract.filters.IndexDisputed(index))).length;
}

const verdictOf = async ({ state }: Running, index: string): Promise<unknown> =>
  (await readManifest(join(state, 'reports', `index-${index}`), 'audit-report')).facts.verdict;

describe('an auditor', () => {
  it('disputes every way of cheating once, is paid for it, and leaves the honest alone', async () => {
    const cheats: string[] = [];
    for (const cheat of CHEATS) cheats.push((await place.register({ cheat })).index);
    const honest = await place.register();
    const auditor = await start('all');
    await until(() => allDisabled(cheats), auditor.lines);
    await until(
      async () => auditor.lines.some((line) => line.includes(`index-${honest.index}: opened`)),
      auditor.lines,
    );
    await delay(1000);
    await auditor.stop();
    const owner = await place.world.as(OWNER);
    expect(await balanceOf(owner, auditor.wallet.address)).toBe(BigInt(cheats.length) * (BOND / 2n));
    expect(await sentBy(auditor.wallet)).toBe(cheats.length);
    for (const index of cheats) {
      expect(await disputesOf(index)).toBe(1);
      expect(await verdictOf(auditor, index)).toBe('disputable');
    }
    expect(await disputesOf(honest.index)).toBe(0);
    expect(await isDisabled(honest.index)).toBe(false);
    expect(await verdictOf(auditor, honest.index)).toBe('opened');
  }, 240_000);

  it('tells what is withheld, and goes on when it is published', async () => {
    const withheld = await place.register({ cheat: 'sum', publish: 'later' });
    const auditor = await start('withheld');
    const told = `index-${withheld.index}: withheld`;
    await until(async () => auditor.lines.some((line) => line.startsWith(told)), auditor.lines);
    expect(await verdictOf(auditor, withheld.index)).toBe('withheld');
    expect(await isDisabled(withheld.index)).toBe(false);
    await withheld.publish();
    await until(() => isDisabled(withheld.index), auditor.lines);
    await auditor.stop();
    expect(await sentBy(auditor.wallet)).toBe(1);
  }, 240_000);

  it('that does not challenge reports the same and sends nothing', async () => {
    const { index } = await place.register({ cheat: 'slot' });
    const auditor = await start('watching', { challenge: undefined });
    await until(async () => auditor.lines.some((line) => line.startsWith(`index-${index}: disputable`)), auditor.lines);
    await auditor.stop();
    expect(await isDisabled(index)).toBe(false);
  }, 240_000);

  it('files again what a reorganisation undid, in the same transaction', async () => {
    const auditor = await start('reorganised');
    const { index } = await place.register({ cheat: 'first sum' });
    await until(() => isDisabled(index), auditor.lines);
    const before = await sentBy(auditor.wallet);
    const { provider } = (await place.world.as(OWNER)).account;
    await provider.send('anvil_reorg', [1, []]);
    expect(await isDisabled(index)).toBe(false);
    await until(() => isDisabled(index), auditor.lines);
    await auditor.stop();
    expect(await disputesOf(index)).toBe(1);
    expect(await sentBy(auditor.wallet)).toBe(before);
  }, 240_000);

  it('does not start with keys that the contracts do not know', async () => {
    const { sumStep, rowRange, slotIsPrefix } = place.keys;
    const swapped = { sumStep: rowRange, rowRange: sumStep, slotIsPrefix };
    const challenge = { privateKey: (await newWallet()).privateKey, keys: swapped };
    await expect(start('keys', { challenge }).then(({ stop }) => stop())).rejects.toThrow(
      'sumStep was deployed with another key',
    );
  });

  it('disputes nothing when the window is over', async () => {
    const { index } = await place.register({ cheat: 'sum', publish: 'later' });
    await place.world.later(WINDOW + 1);
    const auditor = await start('late');
    const { publish } = await place.register({ cheat: 'sum', publish: 'later' });
    await publish();
    await until(async () => (await sentBy(auditor.wallet)) > 0, auditor.lines);
    await auditor.stop();
    expect(await isDisabled(index)).toBe(false);
    expect(auditor.lines.filter((line) => line.includes('failed'))).toEqual([]);
  }, 240_000);

  it('killed outright at any instant and started again, files each dispute exactly once', async () => {
    const cheats: string[] = [];
    for (const cheat of CHEATS) cheats.push((await place.register({ cheat })).index);
    const wallet = await newWallet();
    const child = fileURLToPath(new URL('./auditor.child.ts', import.meta.url));
    const state = join(folder, 'killed');
    const args = [place.world.node.url, place.deploymentFile, wallet.privateKey, state, place.published];
    let kills = 0;
    for (let round = 0; !(await allDisabled(cheats)); round++) {
      const auditor = spawn(process.execPath, ['--import', 'tsx', child, ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      if (await killedAfter(auditor, round, () => allDisabled(cheats))) kills++;
    }
    for (const index of cheats) expect(await disputesOf(index)).toBe(1);
    expect(await sentBy(wallet)).toBe(cheats.length);
    expect(kills).toBeGreaterThan(2);
  }, 400_000);
});

/** Lets it live for some lines and a few milliseconds more, so that it dies in the middle of what comes next. */
async function killedAfter(auditor: ChildProcess, round: number, isDone: () => Promise<boolean>): Promise<boolean> {
  const exit = once(auditor, 'exit');
  let lines = 0;
  auditor.stdout?.on('data', (chunk: Buffer) => {
    lines += chunk.toString().split('\n').length - 1;
    // the first line says that it started; sooner or later after that
    if (lines > 1 + round) setTimeout(() => auditor.kill('SIGKILL'), (round * 37) % 250);
  });
  const watching = setInterval(async () => {
    if (await isDone()) auditor.kill('SIGTERM');
  }, 1000);
  const [, signal] = await exit;
  clearInterval(watching);
  return signal === 'SIGKILL';
}
