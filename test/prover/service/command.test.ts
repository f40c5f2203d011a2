/**
 * A command that proves, as a process: it ends by itself, and whatever ends it (an interrupt, a kill, a full disk) loses no
 * finished proof and leaves no prover, no witness and no half-written file behind.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { threadStart } from '../../../src/work/index.js';

const folder = mkdtempSync(join(tmpdir(), 'meed-proving-'));
const temporary = join(folder, 'tmp');
const COUNT = 4;
const { filename, execArgv } = threadStart(import.meta.url, './provingCommand.js');
/** Nothing waits this long that ends by itself; what holds a handle waits for ever. */
const BY_ITSELF_MS = 30_000;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Line {
  readonly done?: number;
  readonly found?: number;
  readonly proofs?: number;
  readonly refused?: string;
}

class Command {
  readonly lines: Line[] = [];
  readonly process: ChildProcess;
  readonly ended: Promise<unknown>;
  readonly #heard: Promise<void>;

  constructor(store: string, workers: number, heard: (line: Line, command: Command) => void = () => {}) {
    this.process = spawn(process.execPath, [...execArgv, filename, store, String(COUNT), String(workers)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: temporary },
    });
    this.ended = once(this.process, 'exit');
    const lines = createInterface({ input: this.process.stdout ?? process.stdin });
    lines.on('line', (text) => {
      const line = JSON.parse(text) as Line;
      this.lines.push(line);
      heard(line, this);
    });
    this.#heard = once(lines, 'close').then(() => {});
  }

  /** Its last line. */
  async last(): Promise<Line> {
    await this.#heard;
    await this.ended;
    return this.lines[this.lines.length - 1];
  }

  provers(): number[] {
    const { stdout } = spawnSync('ps', ['-o', 'pid=,args=', '--ppid', String(this.process.pid)], { encoding: 'utf8' });
    const lines = stdout.split('\n').filter((line) => line.includes('proverProcess'));
    return lines.map((line) => Number.parseInt(line, 10));
  }
}

function isRunning(id: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(id)], { encoding: 'utf8' });
  return !['', 'Z'].includes(stdout.slice(0, 1));
}

const filesIn = (store: string): string[] => readdirSync(store).sort();

describe('a command that proves', () => {
  it('goes on after an interrupt and after a kill from what was finished, and ends by itself', async () => {
    spawnSync('mkdir', ['-p', temporary]);
    const store = join(folder, 'interrupted');
    const interrupted = new Command(store, 1, ({ done }, command) => done === 1 && command.process.kill('SIGINT'));
    expect((await interrupted.last()).refused).toMatch(
      /The work on proofs \(\d of 4 done\) was cancelled\. Run the same command again; what is finished is kept\./,
    );
    const kept = filesIn(store);
    expect(kept.length).toBeGreaterThanOrEqual(1);
    expect(kept.length).toBeLessThan(COUNT);
    expect(kept.every((name) => /^[0-9a-f]{64}\.json$/.test(name))).toBe(true);

    let orphans: number[] = [];
    const killed = new Command(store, 1, ({ done }, command) => {
      if (done !== kept.length + 1) return;
      orphans = command.provers();
      command.process.kill('SIGKILL');
    });
    await killed.last();
    expect(killed.lines[0]).toEqual({ done: kept.length });
    expect(orphans).toHaveLength(1);
    while (orphans.some(isRunning)) await sleep(20);
    // what it was killed in the middle of may be there in part, under another name
    expect(filesIn(store).filter((name) => name.endsWith('.json')).length).toBeGreaterThan(kept.length);

    let finished = Number.POSITIVE_INFINITY;
    const last = new Command(store, 2, ({ proofs }) => {
      if (proofs !== undefined) finished = performance.now();
    });
    const { found, proofs } = await last.last();
    expect(performance.now() - finished).toBeLessThan(BY_ITSELF_MS);
    expect(found).toBeGreaterThan(kept.length);
    expect(proofs).toBe(COUNT);
    expect(filesIn(store).filter((name) => name.startsWith('scratch'))).toEqual([]);
    expect(readdirSync(temporary).filter((name) => name.startsWith('meed-proof'))).toEqual([]);
  });

  it('keeps what it has proven when the disk is full', async ({ skip }) => {
    // a file system of two pages, in a namespace of its own
    const [small, kept] = [join(folder, 'small'), join(folder, 'kept')];
    const mount = `mkdir -p ${small} && mount -t tmpfs -o size=8k tmpfs ${small}`;
    if (spawnSync('unshare', ['-rm', 'sh', '-c', mount]).status !== 0) {
      skip('a small file system cannot be mounted here');
    }
    const command = [process.execPath, ...execArgv, filename, small, String(COUNT), '1'];
    const { stdout } = spawnSync(
      'unshare',
      ['-rm', 'sh', '-c', `${mount} && "$@"; cp -r ${small} ${kept}`, 'sh', ...command],
      {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const lines = stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Line);
    expect(lines[lines.length - 1].refused).toMatch(/^There is no space left for .*\.json\. Free some space or /);
    expect(filesIn(kept)).toHaveLength(2);
    expect(filesIn(kept).every((name) => name.endsWith('.json'))).toBe(true);

    const store = join(folder, 'larger');
    cpSync(kept, store, { recursive: true });
    expect(await new Command(store, 1).last()).toEqual({ found: 2, proofs: COUNT });
  });
});
