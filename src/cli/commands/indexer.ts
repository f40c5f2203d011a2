/** `meed indexer sync | payouts | status | check | export`: the chain's events in one DuckDB file, and the questions to it. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { FOLDERS } from '../../chain/auditor/index.js';
import type { Deployment } from '../../chain/index.js';
import {
  balanceOfAccount,
  checkStore,
  exportIndex,
  followChain,
  type Health,
  IndexStore,
  type Inference,
  inferencesOf,
  type Payout,
  payoutsTo,
  type RowRange,
  type SyncOptions,
  syncIndex,
} from '../../chain/indexer/index.js';
import { readRegistration, STATE_FILE, withSession } from '../../chain/validator/index.js';
import { formatRate, MeedError } from '../../foundation/index.js';
import { whole } from '../arguments.js';
import { readDeployment } from '../deploymentFile.js';
import { listenForInterrupts } from '../interrupt.js';
import { say, startLine, table } from '../terminal.js';

const STORE_FILE = 'events.duckdb';

const OVERVIEW = `
The store holds a table for every event of every contract ("EpochSettlement"."Credited"), and the views payouts, receipts,
credits, contributor_rows, contributor_scores and blocks; any DuckDB client can ask it more.

Examples:
  $ meed indexer meed-out/heart                          reads the run's chain, from its saved state
  $ meed indexer --deployment d.json --rpc http://127.0.0.1:8545 --follow
  $ meed indexer payouts meed-out/heart --contributor 0x15d3…   which outputs paid it, for which rows, in which transaction
  $ meed indexer payouts meed-out/heart --inference 0x9f0c…     who was paid for this output
  $ meed indexer export events meed-out/heart --json     the same bytes for the same chain, however it was read`;

export function indexerCommand(): Command {
  const made = new Command('indexer')
    .description('reads the events of the contracts into a DuckDB file and answers who was paid for what')
    .addHelpText('after', OVERVIEW)
    .exitOverride();
  made.addCommand(syncing(), { isDefault: true });
  for (const sub of [asking(), telling(), checking(), exporting()]) made.addCommand(sub);
  return made;
}

interface Place {
  readonly store?: string;
  readonly deployment?: string;
  readonly json?: true;
}

function placed(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .option('--store <file>', `the DuckDB file (default: ${STORE_FILE} beside the deployment or in the folder)`)
    .option('--deployment <file>', 'JSON of the deployment, instead of the folder of a run')
    .option('--json', 'print the result as JSON on standard output')
    .exitOverride();
}

const FOLDER = ['[folder]', 'output folder of a run (default: meed-out/glyphs)'] as const;

function syncing(): Command {
  return placed('sync', 'reads up to the head of the chain; the default')
    .argument(...FOLDER)
    .option('--rpc <url>', "the node (default: a node of Meed's own, from the run's saved chain)")
    .option('--follow', 'goes on with every new block until it is interrupted')
    .addOption(new Option('--confirmations <n>', 'blocks at the head that are left out').argParser(whole(0)).default(0))
    .addOption(new Option('--most-blocks <n>', 'blocks asked for at once').argParser(whole(1)))
    .action(async (folder: string | undefined, _, self: Command) => {
      const values = self.opts<Place & SyncValues>();
      await sync(folder, values);
    });
}

interface SyncValues {
  readonly rpc?: string;
  readonly follow?: true;
  readonly confirmations: number;
  readonly mostBlocks?: number;
}

async function sync(folder: string | undefined, values: Place & SyncValues): Promise<void> {
  const { rpc, follow, confirmations, mostBlocks, json } = values;
  const deployment = await deploymentOf(folder, values);
  const options = { deployment, store: storeOf(folder, values), confirmations, mostBlocks };
  if (follow) {
    if (rpc !== undefined) return followUntilInterrupted({ ...options, url: rpc }, json);
    throw new MeedError('--follow needs a node that goes on', 'Name it with --rpc', { exitCode: 2 });
  }
  const line = startLine('indexer');
  const location = {
    rpc,
    chainId: deployment.chainId,
    from: rpc === undefined ? savedChain(folder, values) : undefined,
  };
  const health = await withSession(location, ({ url }) =>
    syncIndex({ ...options, url, progress: line.progress, rpc: { onRetry: say } }),
  );
  line.done(healthText(health));
  if (json) process.stdout.write(`${JSON.stringify(health, null, 2)}\n`);
}

async function followUntilInterrupted(options: SyncOptions, json?: true): Promise<void> {
  const interrupts = listenForInterrupts();
  let told = '';
  const tell = (health: Health): void => {
    const now = `${health.block} ${health.head} ${health.reorganisations}`;
    if (now === told) return;
    told = now;
    if (json) process.stdout.write(`${JSON.stringify(health)}\n`);
    else say(healthText(health));
  };
  try {
    await followChain({ ...options, rpc: { onRetry: say }, signal: interrupts.first }, tell);
  } finally {
    interrupts.dispose();
  }
}

function healthText({ block, lag, events, eventsPerSecond, reorganisations }: Health): string {
  const behind = lag === 0 ? 'at the head' : `${lag} behind the head`;
  const undone = reorganisations === 0 ? '' : `, ${reorganisations} reorganisation(s)`;
  const rate = events === 0 ? 'no new events' : `${events} events, ${formatRate(eventsPerSecond)}`;
  return `block ${block}, ${behind}; ${rate}${undone}`;
}

function asking(): Command {
  return placed('payouts', 'which outputs paid a contributor, or who was paid for an output; amounts in token units')
    .argument(...FOLDER)
    .option('--contributor <address>', 'every payout to it, in the order of the chain')
    .option('--inference <hash>', "every payout for this output's hash")
    .addHelpText('after', '\nWith --json every line is one payout, or one receipt of the output.')
    .action(async (folder: string | undefined, _, self: Command) => {
      const values = self.opts<Place & { readonly contributor?: string; readonly inference?: string }>();
      const { contributor, inference, json } = values;
      if ((contributor === undefined) === (inference === undefined)) {
        throw new MeedError('What is asked for was not said, or twice', 'Give --contributor or --inference', {
          exitCode: 2,
        });
      }
      await withStore(storeOf(folder, values), async (store) => {
        if (contributor !== undefined) await printPayouts(store, contributor, json);
        else if (inference !== undefined) printInferences(await inferencesOf(store, inference), inference, json);
      });
    });
}

async function printPayouts(store: IndexStore, contributor: string, json?: true): Promise<void> {
  let sum = 0n;
  for await (const payout of payoutsTo(store, contributor)) {
    sum += payout.amount;
    process.stdout.write(json ? `${jsonOf(payout)}\n` : `${payoutText(payout)}\n`);
  }
  const { credited, withdrawn } = await balanceOfAccount(store, contributor);
  say(`${sum} units as a contributor; credited ${credited} in all, withdrawn ${withdrawn}`);
}

function payoutText({ epoch, batch, receipt, outputHash, amount, rows, transactionHash }: Payout): string {
  return `${amount} units for output ${outputHash} (epoch ${epoch}, batch ${batch}, receipt ${receipt}), rows ${rowsText(rows)}, in ${transactionHash}`;
}

function printInferences(inferences: readonly Inference[], asked: string, json?: true): void {
  if (inferences.length === 0) say(`No receipt of ${asked} was posted`);
  for (const one of inferences) {
    if (json) process.stdout.write(`${jsonOf(one)}\n`);
    else process.stdout.write(`${inferenceText(one)}\n`);
  }
}

function inferenceText({ epoch, batch, receipt, fee, payer, state, postedIn, paidIn, ...rest }: Inference): string {
  const ended = paidIn === undefined ? '' : ` in ${paidIn}`;
  const head = `epoch ${epoch}, batch ${batch}, receipt ${receipt}: ${fee} units from ${payer} in ${postedIn}, ${state}${ended}`;
  if (state !== 'paid') return head;
  const rows = rest.contributors.map((one) => [one.contributor, `${one.amount}`, `${one.score}`, rowsText(one.rows)]);
  const shares = table([['contributor', 'units', 'score', 'rows'], ...rows]);
  return `${head}\n${shares}\nof the contributors' ${rest.pool} units ${rest.dust} were left by rounding`;
}

function rowsText(rows: readonly RowRange[]): string {
  return rows.map(({ first, end }) => (end - first === 1 ? `${first}` : `${first}-${end - 1}`)).join(',');
}

function jsonOf(value: object): string {
  return JSON.stringify(value, (_, entry: unknown) => (typeof entry === 'bigint' ? String(entry) : entry));
}

function telling(): Command {
  return placed('status', 'says up to which block the store was read, and what is in it')
    .argument(...FOLDER)
    .action(async (folder: string | undefined, _, self: Command) => {
      const values = self.opts<Place>();
      await withStore(storeOf(folder, values), async (store) => {
        const told = { store: store.path, ...(await store.cursor()), events: await store.eventCounts() };
        if (values.json) process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
        else {
          const rows = Object.entries(told.events).map(([name, count]) => [name, String(count)]);
          process.stdout.write(`${table([['event', 'count'], ...rows])}\n`);
          say(`${told.store}: read up to block ${told.number}, ${told.hash}`);
        }
      });
    });
}

function checking(): Command {
  return placed(
    'check',
    'finds out a node that left out or changed logs: accumulators, settlements and credits must agree',
  )
    .argument(...FOLDER)
    .action(async (folder: string | undefined, _, self: Command) => {
      const values = self.opts<Place>();
      await withStore(storeOf(folder, values), async (store) => {
        const checked = await checkStore(store);
        if (values.json) process.stdout.write(`${JSON.stringify(checked, null, 2)}\n`);
        else say(`${checked.epochs} closed epochs are whole, ${checked.batches} paid batches equal their credits`);
      });
    });
}

function exporting(): Command {
  return placed('export', 'writes every event in the order of the chain, and a manifest whose id names their bytes')
    .argument('<target>', 'folder to write, replaced when it is there')
    .argument(...FOLDER)
    .action(async (target: string, folder: string | undefined, _, self: Command) => {
      const values = self.opts<Place>();
      await withStore(storeOf(folder, values), async (store) => {
        const { manifest } = await exportIndex(store, target);
        const { id, facts, files } = manifest;
        if (values.json) process.stdout.write(`${JSON.stringify({ id, ...facts, files: files.length }, null, 2)}\n`);
        else process.stdout.write(`${target}  ${id}  up to block ${String(facts.block)}\n`);
      });
    });
}

async function withStore(path: string, work: (store: IndexStore) => Promise<void>): Promise<void> {
  if (!existsSync(path))
    throw new MeedError(`There is no store ${path}`, 'Run `meed indexer` first, or name it with --store');
  const store = await IndexStore.open(path);
  try {
    await work(store);
  } finally {
    store.close();
  }
}

const runFolder = (folder: string | undefined): string => folder ?? join('meed-out', 'glyphs');

function storeOf(folder: string | undefined, { store, deployment }: Place): string {
  if (store !== undefined) return store;
  return join(deployment === undefined ? runFolder(folder) : dirname(deployment), STORE_FILE);
}

async function deploymentOf(folder: string | undefined, { deployment }: Place): Promise<Deployment> {
  if (deployment === undefined) return (await readRegistration(join(runFolder(folder), FOLDERS.chain))).deployment;
  return readDeployment(deployment);
}

/** The folder of the last stage of a run that left the chain's state. */
function savedChain(folder: string | undefined, { deployment }: Place): string {
  const stages = (['payout', 'settlement', 'chain'] as const).map((stage) => join(runFolder(folder), FOLDERS[stage]));
  const last = deployment === undefined ? stages.find((stage) => existsSync(join(stage, STATE_FILE))) : undefined;
  if (last !== undefined) return last;
  throw new MeedError('There is no saved chain to read', 'Name a node with --rpc', { exitCode: 2 });
}
