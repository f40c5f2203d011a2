/**
 * The wallet page in Chromium, with a wallet that knows no network but its own until it is told, and that hands on what it
 * is asked to a node with a settled epoch. The page is served by its own server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatUnits } from 'ethers';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { balanceOf } from '../../src/chain/index.js';
import { resourcePath } from '../../src/foundation/index.js';
import { CONTRIBUTORS } from '../chain/world.js';
import { findChromium, openChromium } from '../report/browser.js';
import { creditsOf, openSettledWorld, type SettledWorld } from './settled.js';

const executable = findChromium();
if (executable === undefined) {
  console.warn(
    'No Chromium was found in /usr/bin, the PATH or CHROME_PATH: the wallet page is not opened in a browser',
  );
}

/** What a wallet answers, as plain data: errors lose their code between a page and a test. */
type Answer = { readonly result: unknown } | { readonly error: { code: number; message: string; data?: unknown } };

const REFUSED: Answer = { error: { code: 4001, message: 'User rejected the request.' } };
const UNKNOWN: Answer = { error: { code: 4902, message: 'Unrecognized chain ID.' } };

describe.skipIf(executable === undefined)('the wallet page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'meed-wallet-'));
  const complaints: string[] = [];
  /** The wallet: the account it shows, where it is, what it was told, and whether its owner refuses. */
  const wallet = { account: CONTRIBUTORS[0], chainId: '0x1', refuses: false, asked: [] as [string, unknown][] };
  let settled: SettledWorld;
  let server: ChildProcess;
  let context: BrowserContext;
  let page: Page;
  let url: string;

  beforeAll(async () => {
    settled = await openSettledWorld();
    cpSync(resourcePath('examples', 'wallet'), folder, { recursive: true });
    rmSync(join(folder, 'deployment.json'), { force: true });
    server = spawn(process.execPath, [join(folder, 'serve.mjs'), '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = server.stdout ? await once(server.stdout, 'data') : [];
    url = String(line).trim();
    context = await openChromium(executable ?? '');
    await context.setOffline(false);
    page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.exposeFunction('answerOf', answerOf);
  });
  afterAll(async () => {
    await context?.close();
    server?.kill();
    await settled?.world.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function answerOf(method: string, params: unknown): Promise<Answer> {
    wallet.asked.push([method, params]);
    if (method === 'eth_accounts' || method === 'eth_requestAccounts') return { result: [wallet.account] };
    if (method === 'eth_chainId') return { result: wallet.chainId };
    if (method === 'wallet_switchEthereumChain') return UNKNOWN;
    if (method === 'wallet_watchAsset') return { result: true };
    if (method === 'wallet_addEthereumChain') {
      // as wallets do: the network's own node must confirm its number
      const [network] = params as [{ chainId: string; rpcUrls: string[] }];
      const told = await forward(network.rpcUrls[0], 'eth_chainId', []);
      if (!('result' in told) || told.result !== network.chainId) return { error: { code: -32602, message: 'wrong' } };
      wallet.chainId = network.chainId;
      return { result: null };
    }
    if (method === 'eth_sendTransaction' && wallet.refuses) return REFUSED;
    return forward(settled.world.node.url, method, params);
  }

  async function forward(node: string, method: string, params: unknown): Promise<Answer> {
    const response = await fetch(node, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const answer: Answer = await response.json();
    return answer;
  }

  const inject = (): Promise<unknown> =>
    page.addInitScript(`window.ethereum = {
      async request({ method, params = [] }) {
        const answer = await window.answerOf(method, params);
        if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
        return answer.result;
      },
      on(event, listener) { (this[event] ??= []).push(listener); },
    };`);
  const text = async (id: string): Promise<string> => (await page.locator(`#${id}`).textContent()) ?? '';
  const press = async (id: string, said: string | RegExp): Promise<void> => {
    await page.locator(`#${id}`).click();
    await page.locator('#status').filter({ hasText: said }).waitFor({ timeout: 30_000 });
  };
  const token = (units: bigint): string => `${formatUnits(units, 18).replace(/\.0$/, '')} MEED`;

  it('says what is missing: the deployment, then the wallet', async () => {
    await page.goto(url);
    await page.locator('#status').filter({ hasText: 'meed chain up --file' }).waitFor();
    writeFileSync(join(folder, 'deployment.json'), JSON.stringify(settled.manifest));
    await page.reload();
    await page.locator('#status').filter({ hasText: 'no wallet' }).waitFor();
    expect(await page.locator('button:enabled').count()).toBe(0);
  });

  it('brings the network into the wallet and shows the credit and the balance of its account', async () => {
    await inject();
    await page.goto(url);
    const [credit] = await creditsOf(settled, [wallet.account]);
    expect(credit).toBeGreaterThan(0n);
    await press('connect', 'Connected.');
    expect(await text('account')).toBe(wallet.account);
    expect(await text('credit')).toBe(token(credit));
    expect(await text('balance')).toBe('0 MEED');
    const told = wallet.asked.find(([method]) => method === 'wallet_addEthereumChain');
    expect(told?.[1]).toEqual([settled.manifest.network]);
  });

  it('asks the wallet to show the token of the deployment', async () => {
    await press('watch', 'shows the token');
    const { AttributionToken } = settled.world.deployed.deployment.addresses;
    const told = wallet.asked.find(([method]) => method === 'wallet_watchAsset');
    expect(told?.[1]).toEqual({ type: 'ERC20', options: { address: AttributionToken, symbol: 'MEED', decimals: 18 } });
  });

  it('withdraws the whole credit once; a refusal of the person and one of the contract are told apart', async () => {
    const [credit] = await creditsOf(settled, [wallet.account]);
    wallet.refuses = true;
    await press('withdraw', 'You refused in the wallet');
    expect(await creditsOf(settled, [wallet.account])).toEqual([credit]);
    wallet.refuses = false;
    await press('withdraw', /Withdrawn in transaction 0x[0-9a-f]{64}\./);
    expect(await creditsOf(settled, [wallet.account])).toEqual([0n]);
    expect(await balanceOf(settled.client, wallet.account)).toBe(credit);
    expect([await text('credit'), await text('balance')]).toEqual(['0 MEED', token(credit)]);
    const sent = wallet.asked.filter(([method]) => method === 'eth_sendTransaction').length;
    await press('withdraw', 'The contract refused: NothingToWithdraw.');
    expect(wallet.asked.filter(([method]) => method === 'eth_sendTransaction')).toHaveLength(sent);
  });

  it('follows the wallet to another account, and shows nothing of it on another network', async () => {
    const changed = (event: string): Promise<unknown> =>
      page.evaluate(`for (const listener of window.ethereum.${event}) listener()`);
    wallet.account = CONTRIBUTORS[1];
    const [credit] = await creditsOf(settled, [wallet.account]);
    await changed('accountsChanged');
    await page
      .locator('#credit')
      .filter({ hasText: token(credit) })
      .waitFor();
    expect(await text('account')).toBe(wallet.account);
    wallet.chainId = '0x1';
    await changed('chainChanged');
    await page.locator('#network').filter({ hasText: 'another network' }).waitFor();
    expect([await text('credit'), await text('balance')]).toEqual(['–', '–']);
    expect(await page.locator('#withdraw').isDisabled()).toBe(true);
    expect(complaints).toEqual([]);
  });

  it('is served with nothing but its own files', async () => {
    const status = async (path: string): Promise<number> => (await fetch(`${url}/${path}`)).status;
    expect(await status('')).toBe(200);
    for (const path of ['serve.mjs', '..%2Fpackage.json', 'constructor', '.gitignore'])
      expect(await status(path)).toBe(404);
    rmSync(join(folder, 'wallet.css'));
    expect(await status('wallet.css')).toBe(404);
  });
});
