/** `meed indexer` as a person and a script meet it, on a chain of two paid epochs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommanderError } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deploymentJson } from '../../../src/chain/index.js';
import type { Health } from '../../../src/chain/indexer/index.js';
import { indexerCommand } from '../../../src/cli/commands/indexer.js';
import { CONTRIBUTORS, expectedCredits, newIndex, type OpenEpoch, openWorld, type World } from '../world.js';
import { freshDigest, makeStores, payEpoch, scoresOf } from './chain.js';

const ALICE = CONTRIBUTORS[0];
const folder = mkdtempSync(join(tmpdir(), 'meed-indexer-command-'));
const deployment = join(folder, 'deployment.json');
const stores = makeStores();
let world: World;
let epoch: OpenEpoch;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
  const index = await newIndex(world, CONTRIBUTORS.slice(0, 2));
  await payEpoch(world, index, [[70n, 50n]]);
  epoch = await payEpoch(world, index, [[1_000n, 2_000n]]);
  writeFileSync(deployment, JSON.stringify(deploymentJson(world.deployed.deployment)));
}, 120_000);
afterAll(async () => {
  await world?.stop();
  await stores.remove();
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function indexer(
  args: readonly string[],
  watch: (child: ChildProcess, stdout: string) => void = () => {},
): Promise<Ended> {
  const cli = fileURLToPath(new URL('./meed.cli.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', cli, 'indexer', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    watch(child, stdout);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const [status] = await once(child, 'close');
  return { status: status as number | null, stdout, stderr };
}

const jsonLines = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('meed indexer', () => {
  it('reads the chain, and tells its health', async () => {
    const { status, stdout, stderr } = await indexer(['--deployment', deployment, '--rpc', world.node.url, '--json']);
    expect(stderr).toMatch(/at the head; \d+ events/);
    expect(status).toBe(0);
    const health: Health = JSON.parse(stdout);
    expect(health).toMatchObject({ lag: 0, reorganisations: 0, block: health.head });
    expect(health.eventsPerSecond).toBeGreaterThan(0);
    const again = await indexer(['sync', '--deployment', deployment, '--rpc', world.node.url, '--json']);
    expect(JSON.parse(again.stdout)).toMatchObject({ events: 0, block: health.block });
  });

  it('answers who was paid for what, both ways', async () => {
    const forward = await indexer(['payouts', '--deployment', deployment, '--contributor', ALICE, '--json']);
    const payouts = jsonLines(forward.stdout);
    const expected = expectedCredits(world, epoch, 0, (shard) => scoresOf(world, epoch)(shard, 0));
    const sum = payouts
      .filter(({ epoch: e }) => e === '1')
      .reduce((total, { amount }) => total + BigInt(String(amount)), 0n);
    expect(sum).toBe(expected[`contributor ${ALICE}`]);
    expect(payouts[0]).toMatchObject({ rows: [{ first: 0, end: 1 }] });
    const { outputHash, transactionHash } = payouts[0];
    const reverse = await indexer(['payouts', '--deployment', deployment, '--inference', String(outputHash), '--json']);
    expect(jsonLines(reverse.stdout)[0]).toMatchObject({ state: 'paid', paidIn: transactionHash });
    const text = await indexer(['payouts', '--deployment', deployment, '--inference', String(outputHash)]);
    expect(text.stdout).toContain(ALICE.toLowerCase());
    expect(text.stdout).toMatch(/were left by rounding/);
  });

  it('exports the same bytes as a store that was built afresh', async () => {
    const out = join(folder, 'events');
    const { stdout } = await indexer(['export', out, '--deployment', deployment, '--json']);
    expect(JSON.parse(stdout).id).toBe(await freshDigest(world, stores));
    const { stdout: told } = await indexer(['status', '--deployment', deployment, '--json']);
    expect(JSON.parse(told).events).toMatchObject({
      'EpochSettlement.ReceiptPaid': 4,
      'EpochSettlement.EpochFinalized': 2,
    });
  });

  it('follows until it is interrupted, and leaves the store to others meanwhile', async () => {
    const store = join(folder, 'followed.duckdb');
    const args = ['--deployment', deployment, '--rpc', world.node.url, '--store', store, '--follow', '--json'];
    let asked: Promise<Ended> | undefined;
    const ended = await indexer(args, (child) => {
      asked ??= indexer(['status', '--store', store, '--json']).finally(() => child.kill('SIGINT'));
    });
    expect(ended.status).toBe(0);
    expect(jsonLines(ended.stdout)[0]).toMatchObject({ lag: 0 });
    expect((await asked)?.status).toBe(0);
  });

  it('explains itself, and says what is wrong with a wrong use', async () => {
    const help = await indexer(['--help']);
    expect(help.status).toBe(0);
    for (const name of ['sync', 'payouts', 'status', 'export', '--json']) expect(help.stdout).toContain(name);
    const wrong: [string[], 1 | 2, RegExp][] = [
      [['payouts'], 2, /Give --contributor or --inference/],
      [['payouts', '--contributor', ALICE, '--inference', '0x'], 2, /Give --contributor or --inference/],
      [
        ['payouts', '--store', join(folder, 'none.duckdb'), '--contributor', ALICE],
        1,
        /There is no store .*Run `meed indexer`/,
      ],
      [['payouts', '--deployment', deployment, '--contributor', '0x12'], 1, /contributor is not an address/],
      [['--deployment', deployment], 2, /Name a node with --rpc/],
      [['--deployment', deployment, '--follow'], 2, /--follow needs a node/],
      [['--deployment', join(folder, 'none.json'), '--rpc', world.node.url], 1, /none\.json does not exist/],
      [['--deployment', fileURLToPath(import.meta.url), '--rpc', world.node.url], 1, /is not JSON/],
      [[join(folder, 'no-run')], 1, /does not exist/],
      [['--confirmations', '-1'], 2, /whole number of at least 0/],
      [['--nothing'], 2, /unknown option/],
    ];
    for (const [args, status, sentence] of wrong) {
      const error: unknown = await refusal(args);
      if (error instanceof CommanderError)
        expect(error.exitCode).toBe(1); // main makes it 2
      else expect(error).toMatchObject({ name: 'MeedError', exitCode: status });
      expect(String(error), args.join(' ')).toMatch(sentence);
    }
    const { status, stdout, stderr } = await indexer(['payouts']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});

/** What the command throws for these arguments. */
async function refusal(args: readonly string[]): Promise<unknown> {
  const command = indexerCommand();
  for (const one of [command, ...command.commands]) one.configureOutput({ writeErr: () => {} });
  try {
    await command.parseAsync([...args], { from: 'user' });
  } catch (error) {
    return error;
  }
  throw new Error(`${args.join(' ')} was accepted`);
}
