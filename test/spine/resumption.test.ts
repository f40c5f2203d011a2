/**
 * A run that is killed outright, at any stage, leaves nothing running and nothing half-made: the next run takes the
 * finished stages as they are, makes the rest, and a damaged artefact or another option remakes just what depends on it.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../src/report/index.js';
import { afterwards, buildCommand, type Finished, meed, meedWatched, temporaryFolder } from './support/command.js';
import { manifestOf, type StageName } from './support/forge.js';
import { csvLines, csvOptions } from './support/rows.js';

const COMMANDS = ['data', 'train', 'index', 'receipt', 'epoch', 'chain', 'prove', 'settle', 'withdraw'] as const;
const folder = temporaryFolder();
let options: string[];

beforeAll(async () => {
  await buildCommand();
  const rows = csvOptions(folder, 'rows.csv', csvLines({ contributors: 2, rows: 60 }));
  options = [...rows, '--instance', '2,2,4', '--receipts', '2'];
});

/** Long enough for a prover to notice that nobody waits for it any more. */
const GRACE_MS = 10_000;

afterEach(async () => {
  expect(await afterwards(GRACE_MS), 'processes left behind').toEqual([]);
});

function demo(out: string, ...more: string[]): Promise<Finished> {
  return meed('demo', ...options, '--out', out, ...more);
}

/** Commands whose stage was found and not made again. */
function reused(out: string): string[] {
  const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as Summary;
  expect(summary.audit.passed).toBe(true);
  return summary.stages.filter((stage) => stage.reused).map(({ name }) => name);
}

const partials = (out: string): string[] => readdirSync(out).filter((name) => name.includes('.partial'));

describe('killed at', () => {
  const out = join(folder, 'killed');
  /** After which stage's line, and whether then as soon as the next stage's staging folder is there. */
  const moments: readonly (readonly [string, string | undefined])[] = [
    ['train', 'index.partial-'],
    ['epoch', 'chain.partial-'],
    ['chain', undefined],
    ['prove', 'settlement.partial-'],
    ['withdraw', undefined],
    ['audit', undefined],
  ];

  it.each(moments)('the end of %s (staging: %s), it goes on from there', async (stage, staging) => {
    const done = new RegExp(`^${stage} +[0-9.]+ s`, 'm');
    const { signal, stderr } = await meedWatched(['demo', ...options, '--out', out], (child, shown) => {
      if (!done.test(shown) || child.killed) return;
      if (staging === undefined) setTimeout(() => child.kill('SIGKILL'), 150);
      else untilThere(out, staging, () => child.kill('SIGKILL'));
    });
    expect(signal).toBe('SIGKILL');
    // what was finished before is reported as found, up to the stage that this kill was to follow
    const finished = COMMANDS.filter((command) => new RegExp(`^${command} +[0-9.]+ s`, 'm').test(stderr));
    expect(finished).toEqual(COMMANDS.slice(0, finished.length));
    const found = finished.filter((command) => new RegExp(`^${command} .*found, not made again`, 'm').test(stderr));
    expect(found).toEqual(COMMANDS.slice(0, found.length));
    expect(existsSync(join(out, 'summary.json'))).toBe(false);
  });

  it('and run to its end: all stages of the killed runs are used, nothing half-made stays', async () => {
    const { status } = await demo(out);
    expect(status).toBe(0);
    expect(reused(out)).toEqual([...COMMANDS]);
    expect(partials(out)).toEqual([]);
  });

  it('and with staging folders left beside finished stages: the next run removes them', async () => {
    for (const stage of ['dataset', 'model', 'payout']) {
      mkdirSync(join(out, `${stage}.partial-AbCdEf`));
      writeFileSync(join(out, `${stage}.partial-AbCdEf`, 'half.arrow'), 'half');
    }
    writeFileSync(join(out, 'times.json'), '{"half');
    expect((await demo(out)).status).toBe(0);
    expect(partials(out)).toEqual([]);
    expect(reused(out)).toEqual([...COMMANDS]);
  });
});

describe('a finished run', () => {
  const out = join(folder, 'finished');

  it('reports nothing as reused the first time', async () => {
    expect((await demo(out)).status).toBe(0);
    expect(reused(out)).toEqual([]);
  });

  it.each([
    // its weights come out the same, so nothing else has to change
    ['model', 'states.arrow', 'delete', ['train']],
    // salts are drawn anew, so all that commits to them changes
    ['index', 'slots.arrow', 'delete', ['index', 'receipt', 'epoch', 'chain', 'prove', 'settle', 'withdraw']],
    ['epoch', 'scores.arrow', 'cut', ['epoch']],
    ['proofs', 'proofs.json', 'cut', ['prove', 'settle', 'withdraw']],
    ['settlement', 'manifest.json', 'cut', ['settle', 'withdraw']],
    ['payout', 'state.json', 'cut', ['withdraw']],
  ] as const)('with %s/%s damaged (%s) remakes %j and no more', async (stage: StageName, file, damage, remade) => {
    const path = join(out, stage, file);
    const before = await manifestOf(out, stage);
    if (damage === 'delete') unlinkSync(path);
    else truncateSync(path, Math.floor(readFileSync(path).length / 2));
    expect((await demo(out)).status).toBe(0);
    expect(COMMANDS.filter((command) => !reused(out).includes(command))).toEqual(remade);
    // nothing had to follow it, so it came out the same, byte for byte; the last stage has none after it
    const same = remade.length === 1 && stage !== 'payout';
    if (same) expect((await manifestOf(out, stage)).id).toBe(before.id);
    expect(partials(out)).toEqual([]);
  });

  it.each([
    [['--epochs', '5'], ['data']],
    [
      ['--epochs', '5', '--scorer', 'grad-dot'],
      ['data', 'train'],
    ],
  ])('with %j keeps %j', async (change, kept) => {
    expect((await demo(out, ...change)).status).toBe(0);
    expect(reused(out)).toEqual([...kept]);
  });

  it('with another row in its CSV file remakes everything', async () => {
    csvOptions(folder, 'rows.csv', csvLines({ contributors: 2, rows: 63 }));
    expect((await demo(out)).status).toBe(0);
    expect(reused(out)).toEqual([]);
  });
});

/** Calls back once a name with the prefix is in the folder, looking as often as the event loop allows. */
function untilThere(out: string, prefix: string, then: () => void): void {
  if (readdirSync(out).some((name) => name.startsWith(prefix))) then();
  else setImmediate(() => untilThere(out, prefix, then));
}
