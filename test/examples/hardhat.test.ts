/**
 * The Hardhat example as a project of its own: copied to a folder beside Hardhat's packages and run by Hardhat's command,
 * on a node with a settled epoch. Hardhat is none of our dependencies, so it is looked for and never fetched.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { formatUnits } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { balanceOf, developmentAddress, withdraw } from '../../src/chain/index.js';
import { resourcePath } from '../../src/foundation/index.js';
import { creditsOf, openSettledWorld, type SettledWorld } from './settled.js';

const example = resourcePath('examples', 'hardhat');
const packages = [process.env.MEED_HARDHAT ?? '', join(example, 'node_modules')].find(
  (folder) => folder !== '' && existsSync(join(folder, 'hardhat', 'package.json')),
);
if (packages === undefined) {
  console.warn(
    'Hardhat is not installed in examples/hardhat or in MEED_HARDHAT (a node_modules): its example is not run',
  );
}

describe.skipIf(packages === undefined)('the Hardhat example', () => {
  const folder = mkdtempSync(join(tmpdir(), 'meed-hardhat-'));
  let settled: SettledWorld;

  beforeAll(async () => {
    settled = await openSettledWorld();
    const own = (path: string): boolean => !/[\\/](node_modules|artifacts|cache|deployment\.json)$/.test(path);
    cpSync(example, folder, { recursive: true, filter: own });
    symlinkSync(resolve(packages ?? ''), join(folder, 'node_modules'), 'junction');
    writeFileSync(join(folder, 'deployment.json'), JSON.stringify(settled.manifest));
  });
  afterAll(async () => {
    await settled?.world.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function script(name: string): Promise<{ status: unknown; out: string; errors: string }> {
    const hardhat = join(folder, 'node_modules', 'hardhat', 'internal', 'cli', 'bootstrap.js');
    const env = { ...process.env, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true', CI: 'true' };
    const args = [hardhat, 'run', '--no-compile', join('scripts', name), '--network', 'meed'];
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, errors] = ['', ''];
    child.stdout.on('data', (chunk) => (out += chunk));
    child.stderr.on('data', (chunk) => (errors += chunk));
    const [status] = await once(child, 'exit');
    return { status, out, errors };
  }

  const ACCOUNTS = Array.from({ length: 20 }, (_, i) => developmentAddress(i));

  /** The first of Hardhat's accounts with a credit. */
  async function nextPaid(): Promise<{ readonly account: string; readonly credit: bigint }> {
    const credits = await creditsOf(settled, ACCOUNTS);
    const at = credits.findIndex((credit) => credit > 0n);
    return { account: ACCOUNTS[at], credit: credits[at] };
  }

  it('shows the token, and one account gets exactly its credit', async () => {
    const { client } = settled;
    const { account, credit } = await nextPaid();
    const before = await balanceOf(client, account);
    const { status, out, errors } = await script('withdraw.js');
    expect({ status, errors }).toMatchObject({ status: 0 });
    expect(out).toContain(`(MEED) at ${client.deployment.addresses.AttributionToken}`);
    expect(out).toContain(`Account   ${account}`);
    for (const line of ['Credit', 'Received']) expect(out).toMatch(`${line.padEnd(9)} ${formatUnits(credit, 18)} MEED`);
    expect((await balanceOf(client, account)) - before).toBe(credit);
    expect(await creditsOf(settled, [account])).toEqual([0n]);
  });

  it('compiles a contract with solc from npm, and shares a credit by it', async () => {
    const { client } = settled;
    const { account, credit } = await nextPaid();
    const halves = ACCOUNTS.slice(2, 4);
    const balances = (): Promise<bigint[]> => Promise.all(halves.map((half) => balanceOf(client, half)));
    const before = await balances();
    const { status, out, errors } = await script('share.js');
    expect({ status, errors }).toMatchObject({ status: 0 });
    expect(out).toContain(account);
    expect((await balances()).map((balance, i) => balance - before[i])).toEqual([credit / 2n, credit / 2n]);
    expect(await creditsOf(settled, [account])).toEqual([0n]);
  });

  it('says what to do on a chain without credits', async () => {
    const credits = await creditsOf(settled, ACCOUNTS);
    for (const [i, credit] of credits.entries()) if (credit > 0n) await withdraw(await settled.world.as(i));
    const { status, errors } = await script('withdraw.js');
    expect(status).toBe(1);
    expect(errors).toContain('meed chain up --from RUN');
  });
});
