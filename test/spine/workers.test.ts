/**
 * Stages that share their work: the same index from this thread and from workers, an interrupted one that goes on from its
 * finished blocks, and options that cannot be.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { matrix, readTable } from '../../src/artefact/index.js';
import { packageRoot } from '../../src/foundation/index.js';
import { afterwards, buildCommand, meed, temporaryFolder } from './support/command.js';
import { manifestOf } from './support/forge.js';

const out = join(temporaryFolder(), 'run');
const chosen = ['--out', out, '--instance', '2,2,4', '--receipts', '2'];
const unfinished = join(out, 'unfinished', 'index');

beforeAll(async () => {
  await buildCommand();
  for (const command of ['data', 'train']) expect((await meed(command, '--out', out)).status).toBe(0);
});
afterAll(async () => {
  expect(await afterwards(10_000), 'processes left behind').toEqual([]);
});

async function sketches(): Promise<Int8Array> {
  return matrix(await readTable(join(out, 'index', 'sketches.arrow')), 'sketch', Int8Array).values;
}

/** Runs `meed index` on one worker and interrupts it as soon as that many blocks are finished. */
async function interrupted(blocks: number): Promise<{ end: unknown; said: string }> {
  const jobs = (): number => (existsSync(unfinished) ? readdirSync(unfinished) : []).filter(isJob).length;
  const command = [join(packageRoot, 'bin', 'meed.js'), 'index', ...chosen, '--workers', '1'];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (part: Buffer) => {
    said += part.toString();
  });
  const closed = once(child, 'close');
  while (jobs() < blocks && child.exitCode === null) await sleep(10);
  child.kill('SIGINT');
  return { end: await closed, said };
}

describe('an index from workers', () => {
  it('stops in order when it is interrupted, and goes on from its finished blocks', async () => {
    const { end, said } = await interrupted(1);
    expect(end, said).toEqual([1, null]);
    expect(said).toContain('Stopping as soon as the running jobs can; what is finished is kept.');
    const [, done] =
      /The work on blocks of 512 samples \(([1-3]) of 4 done\) was cancelled\. Run the same command again; what is finished is kept/.exec(
        said,
      ) ?? [];
    expect(done, said).toBeDefined();
    const { status, stderr } = await meed('index', ...chosen, '--workers', '2');
    expect(status).toBe(0);
    expect(stderr).toContain(`${done} of 4 jobs were found finished`);
    expect(existsSync(join(out, 'unfinished'))).toBe(false);
  });

  it('that is interrupted after its last block is made, and nothing follows it', async () => {
    rmSync(join(out, 'index'), { recursive: true });
    const { end, said } = await interrupted(4);
    expect(end, said).toEqual([1, null]);
    expect(said).toMatch(/What follows the index stage was cancelled\. Run the same command again to finish it\./);
    expect((await meed('index', ...chosen)).stderr).toContain('found, not made again');
  });

  it('is that of this thread, bit for bit', async () => {
    const [before, facts] = [await sketches(), (await manifestOf(out, 'index')).facts];
    const again = await meed('index', ...chosen, '--seed', '1', '--scorer', 'grad-dot');
    expect(again.status).toBe(0);
    expect(Buffer.from(await sketches()).equals(Buffer.from(before))).toBe(false);
    expect((await meed('index', ...chosen)).status).toBe(0);
    expect(Buffer.from(await sketches()).equals(Buffer.from(before))).toBe(true);
    expect((await manifestOf(out, 'index')).facts.encoderHash).toBe(facts.encoderHash);
  });
});

describe('options of workers that cannot be', () => {
  it.each([
    [['index', '--workers', '0'], 2, /whole number of at least 1/],
    [['receipt', '--memory', 'much'], 2, /"much" is no amount of memory/],
    [['index', '--workers', '2', '--queue', 'redis://127.0.0.1'], 2, /Give --workers to `meed worker`/],
    [['index', '--workers', '2', '--engine', 'tfjs'], 2, /Workers compute with onnxruntime-node/],
    [['index', '--queue', 'redis://127.0.0.1:1'], 1, /The Redis server .* cannot be used/],
    [['train', '--workers', '2'], 2, /unknown option '--workers'/],
  ] as const)('%j', async (args, status, sentence) => {
    const [command, ...rest] = args;
    const own = command === 'index' ? ['--instance', '2,2,5'] : command === 'receipt' ? ['--receipts', '1'] : [];
    const finished = await meed(command, '--out', out, ...own, ...rest);
    expect(finished.status, finished.stderr).toBe(status);
    expect(finished.stderr).toMatch(sentence);
    expect(finished.stderr).not.toMatch(/^\s+at /m);
  });

  it('are explained: one training has no workers', async () => {
    expect((await meed('train', '--help')).stdout).toMatch(
      /no --workers: each step of one training needs the one before/,
    );
  });
});

function isJob(name: string): boolean {
  return name.endsWith('.job');
}
