/**
 * The stages one by one on one folder, as an operator or a scheduler runs them, then what the whole says of itself: the
 * demo finds every stage made, and its summary balances to the last unit.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Account, creditOf, openClient, parseDeployment } from '../../src/chain/index.js';
import { packageRoot } from '../../src/foundation/index.js';
import type { Explanation } from '../../src/influence/index.js';
import type { Summary } from '../../src/report/index.js';
import { afterwards, buildCommand, meed, temporaryFolder } from './support/command.js';
import { manifestOf, type StageName } from './support/forge.js';
import { csvLines, csvOptions } from './support/rows.js';
import { expectBalanced } from './support/summary.js';

const folder = temporaryFolder();
const out = join(folder, 'run');
const RECEIPTS = 3;
/** The first run of the default circuit also makes its key. */
const SLOW_MS = 600_000;
let data: string[];

beforeAll(async () => {
  await buildCommand();
  data = csvOptions(folder, 'rows.csv', csvLines({ contributors: 3, rows: 75 }));
});

afterAll(async () => {
  expect(await afterwards(5000)).toEqual([]);
});

describe('stage by stage', () => {
  const stages = (): [string, StageName, string[]][] => [
    ['data', 'dataset', data],
    ['train', 'model', ['--epochs', '3']],
    ['index', 'index', ['--instance', '2,2,4', '--receipts', String(RECEIPTS)]],
    // from here on the index says what circuit and how many outputs it was made for
    ['receipt', 'receipts', []],
    ['epoch', 'epoch', []],
    ['chain', 'chain', []],
    ['prove', 'proofs', []],
    ['settle', 'settlement', []],
    ['withdraw', 'payout', []],
  ];

  it('each command makes its artefact and prints it as JSON and nothing else', async () => {
    for (const [command, stage, options] of stages()) {
      const { status, stdout, stderr } = await meed(command, ...options, '--out', out, '--json');
      expect(status, stderr).toBe(0);
      const { id } = await manifestOf(out, stage);
      expect(JSON.parse(stdout)).toMatchObject({ stage, id, reused: false, folder: join(out, stage) });
      expect(stderr).toMatch(new RegExp(`^${command} `, 'm'));
    }
  });

  it('a command run again finds its artefact', async () => {
    const { status, stdout } = await meed('prove', '--out', out, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ stage: 'proofs', reused: true });
  });

  it('audit --json gives every check and the seed that drew them', async () => {
    const { status, stdout } = await meed('audit', '--out', out, '--json', '--audit-seed', '5');
    expect(status).toBe(0);
    const result = JSON.parse(stdout) as Summary['audit'] & { seed: number };
    expect(result).toMatchObject({ passed: true, seed: 5 });
    expect(result.checks.every((check) => check.passed && check.detail !== '')).toBe(true);
  });
});

describe('chain up --from', () => {
  it('goes on from the settled chain, where every credit is as it was before it was withdrawn', async () => {
    const file = join(folder, 'deployment.json');
    const args = ['chain', 'up', '--from', out, '--port', '0', '--file', file, '--json'];
    const child = spawn(process.execPath, [join(packageRoot, 'bin', 'meed.js'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const [line] = await Promise.race([once(child.stdout, 'data'), ended]);
    try {
      const { url }: { url: string } = JSON.parse(String(line));
      const { network, ...manifest } = JSON.parse(readFileSync(file, 'utf8'));
      expect(network).toMatchObject({ chainId: '0x7a69', rpcUrls: [url] });
      const deployment = parseDeployment(manifest);
      const { facts } = await manifestOf(out, 'chain');
      expect(deployment).toEqual(parseDeployment(facts.deployment));
      const account = await Account.connect(url, deployment.chainId, { development: 0 });
      const client = await openClient(account, deployment);
      const { withdrawn } = (await manifestOf(out, 'payout')).facts;
      const credits = Object.entries(withdrawn ?? {});
      expect(credits.length).toBeGreaterThan(3);
      for (const [address, credit] of credits) expect(String(await creditOf(client, address))).toBe(credit);
      account.close();
    } finally {
      child.kill('SIGINT');
      await ended;
    }
  });

  it('says what is missing where a run is not settled', async () => {
    const { status, stderr } = await meed('chain', 'up', '--from', folder, '--port', '0');
    expect(status).toBe(2);
    expect(stderr).toContain('holds no settled chain. Run `meed settle` first');
  });
});

describe('explain', () => {
  it('lists samples in order, with their contributors', async () => {
    const { status, stdout } = await meed('explain', '--out', out, '--receipt', '1', '--count', '7', '--json');
    expect(status).toBe(0);
    const { receipt, helpful, harmful, contributors } = JSON.parse(stdout) as Explanation & { receipt: number };
    expect(receipt).toBe(1);
    expect(helpful.length).toBeGreaterThan(0);
    expect(helpful.length).toBeLessThanOrEqual(7);
    const scores = (list: Explanation['helpful']): number[] => list.map(({ score }) => score);
    expect(scores(helpful)).toEqual(scores(helpful).toSorted((a, b) => b - a));
    expect(scores(harmful)).toEqual(scores(harmful).toSorted((a, b) => a - b));
    expect(Math.min(...scores(helpful))).toBeGreaterThan(0);
    expect(Math.max(...scores(harmful), -1)).toBeLessThan(0);
    expect(contributors.map(({ contributor }) => contributor).toSorted()).toEqual(['ada', 'ben', 'cyd']);
    expect(contributors.reduce((rows, c) => rows + c.rows, 0)).toBe(60);
    for (const { contributor } of [...helpful, ...harmful]) expect(['ada', 'ben', 'cyd']).toContain(contributor);
    const text = await meed('explain', '--out', out, '--receipt', '1', '--count', '2');
    expect(text.stdout).toContain(`row ${helpful[0].row}`);
    expect(text.stdout).toMatch(/^Output 1: "(red|green|blue)", given with probability 0\.\d{3}\./);
  });

  it('says which receipts there are when asked for another', async () => {
    const { status, stdout, stderr } = await meed('explain', '--out', out, '--receipt', '3');
    expect(status).not.toBe(0);
    expect(stdout).toBe('');
    expect(stderr.trim()).toMatch(/^There is no receipt 3 in .*\. Name one from 0 to 2\.$/);
  });
});

describe('the summary', () => {
  it('of a demo over the finished stages reuses them all and balances', async () => {
    const options = [...data, '--epochs', '3', '--instance', '2,2,4', '--receipts', String(RECEIPTS)];
    const { status, stdout, stderr } = await meed('demo', ...options, '--out', out, '--json');
    expect(status, stderr).toBe(0);
    const summary = JSON.parse(stdout) as Summary;
    expect(JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8'))).toEqual(summary);
    expect(summary.stages.filter((stage) => stage.reused)).toHaveLength(9);
    expect(summary).toMatchObject({
      receipts: RECEIPTS,
      batches: 2,
      shards: 2,
      proofs: 4,
      contributors: 3,
      samples: 60,
    });
    expectBalanced(summary);
  });

  const slow = process.env.MEED_SLOW !== undefined || process.env.CI !== undefined;
  it.runIf(slow)(
    'of the whole glyphs demo pays the flipped and the noise contributor less a row than the median',
    async () => {
      const glyphs = join(folder, 'glyphs');
      const { status, stdout, stderr } = await meed('demo', '--out', glyphs, '--json');
      expect(status, stderr).toBe(0);
      const summary = JSON.parse(stdout) as Summary;
      expectBalanced(summary);
      const planted = (kind: string): number[] =>
        summary.payouts.filter((payout) => payout.planted === kind).map(({ perRow }) => perRow);
      expect(planted('flipped').length).toBeGreaterThan(0);
      expect(planted('noise').length).toBeGreaterThan(0);
      for (const perRow of [...planted('flipped'), ...planted('noise')])
        expect(perRow).toBeLessThan(summary.medianPerRow);
    },
    SLOW_MS,
  );
  if (!slow) process.stderr.write('The glyphs demo is skipped: set MEED_SLOW=1 to run it (about a minute).\n');
});
