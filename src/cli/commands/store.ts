/**
 * `meed store`: int8 vectors of samples on disk, asked without being loaded. The vectors are a run's index, or any
 * method's from a file; rows are appended and removed without writing the others again.
 */
import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { explainFileError, MeedError } from '../../foundation/index.js';
import {
  appendRows,
  type ContributorSum,
  createStore,
  eraseRemoved,
  type GroupScore,
  openMatrix,
  openScanner,
  openStore,
  type RankedRow,
  type RowBlock,
  removeRows,
  roundQueries,
  roundRows,
  type SketchStore,
  streamScales,
  tidyStore,
  topContributors,
} from '../../influence/index.js';
import { parseBytes } from '../../work/index.js';
import { command, runOptions, whole } from '../arguments.js';
import { Run } from '../run.js';
import { say, table } from '../terminal.js';

const EXAMPLES = `
A row's score for an output is the product of their vectors: positive, when the row helped.

  meed store write index.store --dataset heart                  the index of the run in meed-out/heart
  meed store write logra.store --vectors rows.npy --contributors names.txt
  meed store append logra.store --vectors more.npy --contributor clinic-7
  meed store remove logra.store --rows 3,17-40 --erase
  meed store top logra.store --queries outputs.npy --count 100 --memory 256MB --json
  meed store top index.store --dataset heart --groups`;

export function storeCommand(): Command {
  const made = new Command('store')
    .description('keeps the vectors of any number of samples on disk and finds the best of them for outputs')
    .addHelpText('after', EXAMPLES)
    .exitOverride();
  for (const sub of [writing(), appending(), removing(), telling(), asking()]) made.addCommand(sub);
  return made;
}

const vectors = (summary: string): Option => new Option('--vectors <file>', summary);
const givers = (): Option[] => [
  new Option('--contributor <name>', 'whose all rows are'),
  new Option('--contributors <file>', 'whose each row is: a name a line'),
];

interface Given {
  readonly vectors?: string;
  readonly contributor?: string;
  readonly contributors?: string;
}

function writing(): Command {
  const made = command('write', "makes a store of a file's vectors, or of a run's index", []);
  made.argument('<store>', 'a folder that is new or empty');
  for (const option of [vectors('.npy, .arrow or .parquet [rows, columns], instead of a run'), ...givers()]) {
    made.addOption(option);
  }
  return made.action(async (folder: string, _, self: Command) => {
    const { json, ...values } = self.opts();
    const given: Given = values;
    if (given.vectors === undefined) await writeIndex(folder, runOptions(values));
    else {
      const scales = await streamScales(await openMatrix(given.vectors));
      await createStore(folder, scales);
      await append(folder, given.vectors, given);
    }
    await tell(folder, json);
  });
}

async function writeIndex(folder: string, options: ReturnType<typeof runOptions>): Promise<void> {
  const run = await Run.open(options);
  try {
    const [{ rows, encoder }, { dataset }] = [await run.index(), await run.dataset()];
    await createStore(folder, encoder.scales);
    const contributors = Array.from(dataset.train.contributors, (c) => dataset.contributors[c].name);
    await appendRows(folder, [{ entries: rows, contributors }] satisfies RowBlock[]);
  } finally {
    await run.close();
  }
}

function appending(): Command {
  const made = new Command('append').description('adds rows behind the last; the others stay as they are');
  made.argument('<store>');
  for (const option of [vectors('.npy, .arrow or .parquet [rows, columns]').makeOptionMandatory(), ...givers()]) {
    made.addOption(option);
  }
  return withJson(made).action(async (folder: string, _, self: Command) => {
    const given = self.opts<Given & { readonly vectors: string; readonly json?: true }>();
    await append(folder, given.vectors, given);
    await tell(folder, given.json);
  });
}

async function append(folder: string, path: string, { contributor, contributors }: Given): Promise<void> {
  if ((contributor === undefined) === (contributors === undefined)) {
    throw new MeedError('Whose the rows are was not said, or twice', 'Give --contributor NAME or --contributors FILE', {
      exitCode: 2,
    });
  }
  const names = contributors === undefined ? (contributor ?? '') : await linesOf(contributors);
  const store = await openStore(folder, { check: 'sizes' });
  const { scales } = store;
  await store.close();
  const { blocks, cut } = roundRows(await openMatrix(path), scales, names);
  const { first, rows } = await appendRows(folder, blocks);
  say(`rows ${first} to ${first + rows - 1} are ${path}`);
  if (cut() > 0) {
    say(`${cut()} entries lie beyond the scales of the first rows and were cut off: write a new store if they matter`);
  }
}

async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw explainFileError(error, path);
  });
  return text.replace(/\r?\n$/, '').split(/\r?\n/);
}

function removing(): Command {
  const made = new Command('remove')
    .description('takes rows out of every later answer; the others keep their numbers')
    .argument('<store>')
    .addOption(new Option('--rows <list>', 'numbers and ranges: 3,17-40').argParser(rowList).default([]))
    .option('--erase', "also deletes removed rows' vectors from the disk, and what a killed writer left behind");
  return withJson(made).action(async (folder: string, _, self: Command) => {
    const { rows, erase, json } = self.opts<{ rows: readonly number[]; erase?: true; json?: true }>();
    say(`${await removeRows(folder, rows)} rows were removed`);
    if (erase) {
      say(`${await eraseRemoved(folder)} segments were written again without removed rows`);
      for (const name of await tidyStore(folder)) say(`deleted ${name}`);
    }
    await tell(folder, json);
  });
}

/** More are a mistake. */
const MOST_LISTED = 1e8;

function rowList(text: string): number[] {
  const rows: number[] = [];
  for (const part of text.split(',')) {
    const range = /^([0-9]{1,10})(?:-([0-9]{1,10}))?$/.exec(part);
    const [first, last] = [Number(range?.[1]), Number(range?.[2] ?? range?.[1])];
    if (!range || last < first || rows.length + last - first > MOST_LISTED) {
      throw new InvalidArgumentError('Give row numbers and ranges: 3,17-40.');
    }
    for (let row = first; row <= last; row++) rows.push(row);
  }
  return rows;
}

function telling(): Command {
  const made = new Command('info').description('reads and checks the whole store, and says what is in it');
  made.argument('<store>');
  return withJson(made).action(async (folder: string, _, self: Command) => {
    await (await openStore(folder)).close();
    await tell(folder, self.opts<{ json?: true }>().json);
  });
}

async function tell(folder: string, json?: true): Promise<void> {
  const store = await openStore(folder, { check: 'sizes' });
  try {
    const { rows, kept, width, contributors } = store;
    const told = { folder, rows, kept, columns: width, contributors: contributors.length };
    if (json) process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
    else say(`${folder}: ${kept} of ${rows} rows × ${width} int8, ${contributors.length} contributors`);
  } finally {
    await store.close();
  }
}

interface Asked {
  readonly queries?: string;
  readonly count: number;
  readonly harmful?: true;
  readonly groups?: true;
  readonly memory?: number;
  readonly scanners: number;
  readonly json?: true;
}

function asking(): Command {
  const made = command('top', 'finds the best rows, or contributors, for outputs; answers stream', [])
    .argument('<store>')
    .option('--queries <file>', 'float vectors of outputs, one a row (default: the receipts of the run in --out)')
    .addOption(new Option('--count <n>', 'rows of each answer').argParser(whole(1)).default(10))
    .option('--harmful', 'the rows that harmed most')
    .option('--groups', 'contributors, by the sum over their rows')
    .addOption(new Option('--scanners <n>', 'threads that scan').argParser(whole(1)).default(2))
    .addOption(
      new Option('--memory <amount>', 'what the scan may hold, e.g. 1GB (default: 256 MiB)').argParser(parseBytes),
    );
  return made.action(async (folder: string, _, self: Command) => {
    const values = self.opts();
    const asked: Asked = values as Asked;
    const store = await openStore(folder, { check: 'sizes' });
    try {
      const queries =
        asked.queries === undefined
          ? await receiptQueries(values, store)
          : roundQueries(await openMatrix(asked.queries), store.scales);
      await (asked.groups ? answerGroups : answerRows)(store, queries, asked);
    } finally {
      await store.close();
    }
  });
}

type Queries = Iterable<Int16Array> | AsyncIterable<Int16Array>;

async function receiptQueries(values: Parameters<typeof runOptions>[0], store: SketchStore): Promise<Queries> {
  const run = await Run.open(runOptions(values));
  try {
    const { queries } = await run.receipts();
    const { width } = store;
    return Array.from({ length: queries.length / width }, (_, q) => queries.slice(q * width, (q + 1) * width));
  } finally {
    await run.close();
  }
}

async function answerRows(store: SketchStore, queries: Queries, asked: Asked): Promise<void> {
  const { memory, scanners: threads, count, harmful } = asked;
  const scanner = await openScanner(store, { threads, ...(memory !== undefined && { memoryBytes: memory }) });
  try {
    let output = 0;
    for await (const answer of scanner.top(queries, { count, order: harmful ? 'harmful' : 'helpful' })) {
      const names = await store.contributorsOf(answer.map(({ row }) => row));
      const rows = answer.map(({ row, score }, i) => ({ row, score, contributor: names[i] }));
      print(output++, rows, asked.json);
    }
  } finally {
    await scanner.close();
  }
}

async function answerGroups(store: SketchStore, queries: Queries, { count, harmful, json }: Asked): Promise<void> {
  const sums: readonly ContributorSum[] = await store.contributorSums();
  let output = 0;
  for await (const query of queries) {
    const all = topContributors(sums, query, sums.length);
    print(output++, (harmful ? all.reverse() : all).slice(0, count), json);
  }
}

function print(output: number, answer: readonly (RankedRow | GroupScore)[], json?: true): void {
  if (json) process.stdout.write(`${JSON.stringify({ output, answer })}\n`);
  else {
    const heads = Object.keys(answer[0] ?? {});
    const rows = answer.map((one) => Object.values(one).map(String));
    process.stdout.write(`output ${output}\n${answer.length === 0 ? 'no rows' : table([heads, ...rows])}\n\n`);
  }
}

function withJson(made: Command): Command {
  return made.option('--json', 'print the result as JSON on standard output').exitOverride();
}
