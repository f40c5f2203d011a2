/**
 * Daemons at work while the world misbehaves: they are killed without warning at any instant and started again, and the
 * chain takes blocks back with their transactions in them. In the end every account must have exactly what the reference
 * says: nothing lost, nothing doubled. The host's own transactions survive a reorganisation in their order, as they would
 * on a chain where they wait in the pool; what the daemons sent is forgotten, and is theirs to send again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readManifest } from '../../../src/artefact/index.js';
import { createKeystore } from '../../../src/chain/daemon/index.js';
import { creditOf } from '../../../src/chain/index.js';
import { packageRoot, Random } from '../../../src/foundation/index.js';
import type { Market } from './market.js';

export interface SoakOptions {
  readonly folder: string;
  readonly epochs: number;
  /** No further epoch is posted after so long; what was posted is finished. */
  readonly postingMs?: number;
  readonly validators: number;
  readonly auditors: number;
  readonly seed: number;
  /** Mean time between two misfortunes. */
  readonly everyMs: number;
  /** Without progress for so long, it failed. */
  readonly patienceMs: number;
  readonly tell: (line: string) => void;
}

export interface SoakResult {
  readonly epochs: number;
  readonly kills: number;
  readonly reorgs: number;
  /** Transactions of daemons that a reorganisation took back. */
  readonly undone: number;
  /** Accounts that have less, and more, than the reference says. */
  readonly lost: number;
  readonly doubled: number;
  /** Reports of epochs that every auditor has found right, and reports of anything else than right. */
  readonly audited: number;
  readonly accused: number;
  /** Mined transactions of daemons that the contracts refused: gas for nothing. */
  readonly refused: number;
  readonly seconds: number;
}

const PASSWORD = 'of the soak';
const ETHER = 10n ** 18n;
/** Epochs that wait at most before the next is posted. */
const MOST_BEHIND = 12;
/** Blocks that a reorganisation takes back at most. */
const DEEPEST = 4;
/** Things that daemons do between two misfortunes at most. */
const EVENTS_BETWEEN = 6;
/** The lines of a daemon that did something. */
const DID = /are ready|are settled|is final|is paid|was sent again/;

/** Posts the epochs, lets the daemons pay them, and tells what came of it. */
export async function soak(market: Market, options: SoakOptions): Promise<SoakResult> {
  const { folder, epochs, postingMs = Number.POSITIVE_INFINITY, tell, seed } = options;
  const random = new Random(seed);
  const begun = performance.now();
  const fleet = await Fleet.start(market, options);
  const counts = { kills: 0, reorgs: 0, undone: 0 };
  const over = new AbortController();
  const posting = new Turnstile();
  const misfortunes = misfortune(market, fleet, posting, counts, random, options.everyMs, over.signal);
  try {
    for (let e = 0; e < epochs && performance.now() - begun < postingMs; e++) {
      const made = await posting.through(() => market.newEpoch(1 + random.below(16)));
      await made.publish();
      if ((e + 1) % 10 === 0) tell(`${e + 1} epochs posted, ${counts.kills} kills, ${counts.reorgs} reorganisations`);
      await untilBehind(market, posting, options.patienceMs, MOST_BEHIND);
    }
    await untilBehind(market, posting, options.patienceMs, 1);
    over.abort();
    await misfortunes;
    await untilBehind(market, posting, options.patienceMs, 0);
    const { lost, doubled } = await balance(market);
    const { audited, accused } = await fleet.audited(market.posted, options.patienceMs);
    const refused = await refusedTransactions(market, fleet.addresses);
    return {
      epochs: market.posted.length,
      ...counts,
      lost,
      doubled,
      audited,
      accused,
      refused,
      seconds: (performance.now() - begun) / 1000,
    };
  } finally {
    over.abort();
    await fleet.stop();
    tell(`what the daemons said: ${folder}/*.log`);
  }
}

/** Kills and reorganisations at random until the signal. */
async function misfortune(
  market: Market,
  fleet: Fleet,
  posting: Turnstile,
  counts: { kills: number; reorgs: number; undone: number },
  random: Random,
  everyMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // as often as the daemons get something done: on a busy machine nobody would ever come to an end otherwise
    const work = fleet.done + 1 + random.below(EVENTS_BETWEEN);
    await delay(2 * everyMs * random.uniform(), undefined, { signal }).catch(() => undefined);
    while (!signal.aborted && fleet.done < work) await delay(100);
    if (signal.aborted) return;
    if (random.below(3) > 0) {
      await fleet.killOne(random);
      counts.kills++;
    } else {
      counts.undone += await posting.through(() => reorganise(market, random));
      counts.reorgs++;
    }
  }
}

/** Takes the last blocks back, with all but the host's transactions. @returns how many were undone */
async function reorganise(market: Market, random: Random): Promise<number> {
  const { provider } = market.host.account;
  const head = await provider.getBlockNumber();
  const depth = 1 + random.below(DEEPEST);
  const kept: [string, number][] = [];
  let undone = 0;
  for (let i = 0; i < depth; i++) {
    const block = await provider.getBlock(head - depth + 1 + i, true);
    for (const { from, hash } of block?.prefetchedTransactions ?? []) {
      if (!market.hosts.has(from)) undone++;
      else kept.push([String(await provider.send('eth_getRawTransactionByHash', [hash])), i]);
    }
  }
  await provider.send('anvil_reorg', [depth, kept]);
  return undone;
}

/** Waits until at most so many epochs are unpaid, as long as there is progress. */
async function untilBehind(market: Market, posting: Turnstile, patienceMs: number, epochs: number): Promise<void> {
  let best = Number.POSITIVE_INFINITY;
  for (let since = Date.now(); ; await delay(250)) {
    const behind = await posting.through(() => market.unpaid());
    if (behind <= epochs) return;
    if (behind < best) [best, since] = [behind, Date.now()];
    if (Date.now() - since > patienceMs) throw new Error(`${behind} epochs are unpaid, and nothing happens`);
  }
}

async function balance(market: Market): Promise<{ lost: number; doubled: number }> {
  let [lost, doubled] = [0, 0];
  for (const [account, owed] of market.owed) {
    const credit = await creditOf(market.host, account);
    if (credit < owed) lost++;
    if (credit > owed) doubled++;
  }
  return { lost, doubled };
}

async function refusedTransactions(market: Market, senders: ReadonlySet<string>): Promise<number> {
  const { provider } = market.host.account;
  let refused = 0;
  for (let number = await provider.getBlockNumber(); number > 0; number--) {
    const block = await provider.getBlock(number, true);
    for (const { from, hash } of block?.prefetchedTransactions ?? []) {
      if (!senders.has(from)) continue;
      if ((await provider.getTransactionReceipt(hash))?.status === 0) refused++;
    }
  }
  return refused;
}

/** One at a time: a reorganisation never falls between two transactions of the host, nor into a question of ours. */
class Turnstile {
  #last: Promise<unknown> = Promise.resolve();

  through<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

interface Member {
  readonly name: string;
  readonly command: readonly string[];
  child: ChildProcess;
}

/** The daemons as processes of the built command line. */
class Fleet {
  readonly addresses: ReadonlySet<string>;
  /** How often its daemons said that they did something. */
  done = 0;
  readonly #folder: string;
  readonly #members: Member[];

  private constructor(folder: string, addresses: readonly string[], members: Member[]) {
    this.#folder = folder;
    this.addresses = new Set(addresses);
    this.#members = members;
  }

  static async start(market: Market, { folder, validators, auditors }: SoakOptions): Promise<Fleet> {
    mkdirSync(folder, { recursive: true });
    const password = join(folder, 'password');
    writeFileSync(password, `${PASSWORD}\n`, { mode: 0o600 });
    const keystores = Array.from({ length: validators }, (_, i) => join(folder, `validator-${i}.json`));
    const addresses: string[] = [];
    for (const keystore of keystores) addresses.push(await createKeystore(keystore, PASSWORD));
    for (const address of addresses) {
      await market.host.account.provider.send('anvil_setBalance', [address, `0x${(1000n * ETHER).toString(16)}`]);
    }
    const common = ['--deployment', market.deploymentFile, '--rpc', market.node.url, '--openings', market.published];
    const own = (name: string): string[] => [...common, '--poll', '1', '--state', join(folder, name)];
    const shared = ['--turn', '20', '--workers', '1', '--password-file', password, '--validators', addresses.join()];
    const commands = new Map<string, readonly string[]>();
    for (const [i, keystore] of keystores.entries()) {
      const name = `validator-${i}`;
      commands.set(name, ['validator', ...own(name), ...shared, '--keystore', keystore]);
    }
    for (let i = 0; i < auditors; i++) commands.set(`auditor-${i}`, ['auditor', ...own(`auditor-${i}`)]);
    const fleet = new Fleet(folder, addresses, []);
    for (const [name, command] of commands) {
      fleet.#members.push({ name, command, child: fleet.#spawn(name, command) });
    }
    return fleet;
  }

  /** At any instant, without warning; started again at once. */
  async killOne(random: Random): Promise<void> {
    const member = this.#members[random.below(this.#members.length)];
    await ended(member.child, 'SIGKILL');
    member.child = this.#spawn(member.name, member.command);
  }

  /** Waits until every auditor has a report of each epoch. */
  async audited(epochs: readonly bigint[], patienceMs: number): Promise<{ audited: number; accused: number }> {
    const folders = this.#members.flatMap(({ name }) => {
      return name.startsWith('auditor') ? join(this.#folder, name, 'reports') : [];
    });
    const wanted = folders.flatMap((folder) => epochs.map((epoch) => join(folder, `epoch-${epoch}`)));
    for (const end = Date.now() + patienceMs; !wanted.every((path) => existsSync(path)); await delay(250)) {
      if (Date.now() > end) break;
    }
    const reports = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
    const verdicts = await Promise.all(
      reports.map(async (path) => (await readManifest(path, 'audit-report')).facts.verdict),
    );
    const right = new Set(reports.filter((_, i) => verdicts[i] === 'opened'));
    return {
      audited: epochs.filter((epoch) => folders.every((folder) => right.has(join(folder, `epoch-${epoch}`)))).length,
      accused: reports.length - right.size,
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ child }) => ended(child, 'SIGTERM')));
  }

  #spawn(name: string, command: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, [join(packageRoot, 'bin', 'meed.js'), ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = join(this.#folder, `${name}.log`);
    for (const pipe of [child.stdout, child.stderr]) {
      pipe?.on('data', (chunk: Buffer) => {
        appendFileSync(log, chunk);
        this.done += chunk
          .toString()
          .split('\n')
          .filter((line) => DID.test(line)).length;
      });
    }
    return child;
  }
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await exit;
}
