/**
 * The command line as people and scripts meet it: help everywhere, results alone on standard output, exit status 2 for a
 * wrong use, 1 for a refusal, and every refusal one sentence with its remedy instead of a stack trace.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { afterwards, buildCommand, type Finished, meed, temporaryFolder } from './support/command.js';
import { csvLines, csvOptions } from './support/rows.js';

const STAGES = ['data', 'train', 'index', 'receipt', 'epoch', 'chain', 'prove', 'settle', 'withdraw'];
const COMMANDS = [
  'demo',
  ...STAGES,
  'explain',
  'score',
  'store',
  'evaluate',
  'import',
  'worker',
  'ceremony',
  'audit',
  'bundle',
  'indexer',
  'validator',
  'auditor',
  'keystore',
  'doctor',
];
const folder = temporaryFolder();

beforeAll(buildCommand);

afterAll(async () => {
  expect(await afterwards(5000)).toEqual([]);
});

/** Runs all, two at a time: a command is mostly the start of a process. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all([worker(), worker()]);
}

/** One line of whole sentences on standard error, nothing on standard output, no stack. */
function refusal({ status, stdout, stderr }: Finished, expected: 1 | 2 = 1): string {
  expect({ status, stdout }, stderr).toEqual({ status: expected, stdout: '' });
  expect(stderr).not.toMatch(/^\s+at /m);
  const text = stderr.trim();
  expect(text.split('\n')).toHaveLength(1);
  expect(text).toMatch(/\.$/);
  return text;
}

describe('every command', () => {
  it('is listed, and explains itself with --help', async () => {
    const { status, stdout } = await meed('--help');
    expect(status).toBe(0);
    const listed = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name);
    expect(listed.filter((name) => name !== 'help')).toEqual(COMMANDS);
    await each(COMMANDS, async (command) => {
      const help = await meed(command, '--help');
      expect({ status: help.status, stderr: help.stderr }, command).toEqual({ status: 0, stderr: '' });
      expect(help.stdout).toMatch(new RegExp(`^Usage: meed ${command} `));
      expect(help.stdout).toContain('--json');
    });
  });

  it('used wrongly ends with status 2 and says what is wrong', async () => {
    const wrong: [string[], RegExp][] = [
      [['dmeo'], /unknown command 'dmeo'/],
      [['demo', '--epoch', '3'], /unknown option '--epoch'/],
      [['train', '--epochs', '0'], /whole number of at least 1/],
      [['train', '--epochs', '1e3'], /whole number of at least 1/],
      [['train', '--momentum', '1'], /from 0 to below 1/],
      [['train', '--learning-rate', '-1'], /a number above 0/],
      [['index', '--instance', '4,4'], /three numbers/],
      [['index', '--scorer', 'magic'], /Allowed choices are/],
      [['explain', '--receipt', 'x'], /whole number of at least 0/],
      [['data', '--csv', 'x.csv'], /Give --label COLUMN and --contributor COLUMN/],
      [['prove', 'extra'], /too many arguments/],
    ];
    await each(wrong, async ([args, saying]) => {
      const { status, stdout, stderr } = await meed(...args);
      expect({ status, stdout }, args.join(' ')).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(saying);
      expect(stderr).not.toMatch(/^\s+at /m);
    });
  });

  it('without the stage before it names the command to run', async () => {
    const predecessor: [string, string][] = [
      ['train', 'data'],
      ['index', 'data'],
      ['receipt', 'data'],
      ['epoch', 'index'],
      ['chain', 'data'],
      ['prove', 'data'],
      ['settle', 'data'],
      ['withdraw', 'data'],
      ['explain', 'data'],
    ];
    const out = join(folder, 'empty');
    await each(predecessor, async ([command, before]) => {
      expect(refusal(await meed(command, '--out', out))).toContain(`Run \`meed ${before} --out ${out}\`.`);
    });
    expect(refusal(await meed('audit', out))).toMatch(/chain.*manifest\.json does not exist\./);
  });

  it('that cannot write says so', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    const places = process.platform === 'linux' ? ['/proc/meed', '/sys/meed', join(file, 'out')] : [join(file, 'out')];
    await each(
      places.flatMap((out) => ['demo', 'data'].map((command) => [command, out] as const)),
      async ([command, out]) => {
        const text = refusal(await meed(command, '--out', out));
        expect(text).toContain(out);
        expect(text).toContain('--out');
      },
    );
  });

  it('a device that is not there is refused, whatever the stage', async () => {
    const text = refusal(await meed('data', '--engine', 'tfjs', '--device', 'webgpu', '--out', join(folder, 'device')));
    expect(text).toMatch(/TensorFlow\.js has no device webgpu/);
  });

  it('doctor --json lists findings', async () => {
    const { status, stdout } = await meed('doctor', '--json');
    const findings = JSON.parse(stdout) as { what: string; status: string; detail: string }[];
    const needed = ['Node.js', 'engine', 'local chain', 'cache', 'data sets'];
    expect(findings.map(({ what }) => what)).toEqual([...needed, 'TensorFlow.js', 'CUDA', 'WebGPU']);
    expect(status).toBe(findings.some((finding) => finding.status === 'missing') ? 1 : 0);
    for (const { detail } of findings.filter((finding) => finding.status === 'absent'))
      expect(detail).toMatch(/(Install|Run|Choose) /);
    expect(findings[2]).toMatchObject({ status: 'ok', detail: expect.stringContaining('31337') });
  });
});

describe('a CSV file', () => {
  const good = csvLines({ contributors: 2, rows: 30 });
  const listing = (names: readonly string[]): string => {
    const file = join(folder, `${names.join('-')}.csv`);
    writeFileSync(file, `name\n${names.join('\n')}\n`);
    return file;
  };
  /** Line 5 of the file with one field replaced. */
  const withField = (column: number, value: string): string[] =>
    good.with(4, good[4].split(',').with(column, value).join(','));

  const cases: [string, readonly string[], readonly string[], RegExp][] = [
    [
      'without the label column',
      good,
      ['--label', 'colour'],
      /has no column "colour" \(it has x, y, z, kind, who\)\. Correct --label/,
    ],
    [
      'without the contributor column',
      good,
      ['--contributor', 'owner'],
      /has no column "owner".*Correct --contributor/,
    ],
    [
      'with NaN',
      withField(1, 'NaN'),
      [],
      /line 5: column "y" holds "NaN", which is not a finite number\. Put a number/,
    ],
    ['with an infinite number', withField(1, '1e999'), [], /line 5: column "y" holds "1e999"/],
    ['with an empty number', withField(2, ''), [], /line 5: column "z" is empty/],
    ['with an empty class', withField(3, ''), [], /line 5: column "kind" is empty\. Fill it in or remove the row/],
    ['with an empty contributor', withField(4, ''), [], /line 5: column "who" is empty/],
    ['with a missing field', good.with(4, '1,2,3'), [], /line 5: has 3 fields, the header names 5/],
    [
      'with one class',
      good.map((line) => line.replace(/green|blue/, 'red')),
      [],
      /has 1 class, a classifier needs two/,
    ],
    ['of one sample', good.slice(0, 2), [], /holds 1 sample, attribution needs something to compare\. Add rows/],
    ['of a header alone', good.slice(0, 1), [], /holds 0 sample/],
    ['of nothing', [''], [], /is empty\. Give a CSV file/],
  ];

  it('that cannot be used is refused in one sentence with file, line and remedy', async () => {
    mkdirSync(join(folder, 'csv'));
    await each(cases, async ([what, lines, more, saying]) => {
      const name = `${what.replaceAll(' ', '-')}.csv`;
      const options = csvOptions(join(folder, 'csv'), name, lines);
      const text = refusal(await meed('data', ...options, ...more, '--out', join(folder, 'refused')));
      expect(text, what).toMatch(saying);
      expect(text, what).toContain(name.replace(/\.csv$/, ''));
    });
  });

  it('and a list of contributors must name the same people', async () => {
    const options = csvOptions(folder, 'owners.csv', good);
    const out = join(folder, 'refused');
    const unknown = refusal(await meed('data', ...options, '--contributors', listing(['ada']), '--out', out));
    expect(unknown).toMatch(/owners\.csv line 5: contributor "ben" is not listed in .*ada\.csv\. Add them to/);
    const idle = refusal(
      await meed('data', ...options, '--contributors', listing(['ada', 'ben', 'zoe']), '--out', out),
    );
    expect(idle).toMatch(/line 4: contributor "zoe" has no row in .*owners\.csv\. Add a row of theirs/);
    const absent = refusal(await meed('data', ...options, '--contributors', join(folder, 'none.csv'), '--out', out));
    expect(absent).toMatch(/none\.csv does not exist/);
  });
});
