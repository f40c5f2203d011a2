/**
 * The life of a daemon: look at the chain, derive what is owed where it moved, do what is due, again. Nothing but signed transactions and
 * failures is remembered between two looks, so it can be killed at any instant and go on where the chain says it is.
 * The trap: a duty that fails must not stop the others, and one that fails at once must not be tried in a loop: it is tried
 * again after a pause that doubles, also across restarts.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { MeedError, messageOf } from '../../foundation/index.js';
import type { Health } from '../indexer/sync.js';
import type { Attempts } from './attempts.js';
import type { Duty, Plan } from './duty.js';
import type { DaemonHealth, Metrics } from './metrics.js';
import type { TurnClock } from './turns.js';
import type { ChainWatch } from './watch.js';

export interface DaemonParts {
  readonly watch: ChainWatch;
  readonly attempts: Attempts;
  readonly metrics: Metrics;
  /** Absent where nobody else does the same. */
  readonly turns?: TurnClock;
  /** What is owed as the chain is now. */
  plan(): Promise<Plan>;
  /** Before the first plan, and after every reorganisation. */
  recover?(): Promise<void>;
  /** A line for people. */
  tell(line: string): void;
}

export interface LoopOptions {
  readonly signal: AbortSignal;
  readonly pollMs: number;
  /** Without a whole cycle for so long, the daemon is not healthy. */
  readonly stalledMs?: number;
}

const STALLED_MS = 120_000;
/** Time and the library change without the chain. */
const PLAN_MS = 5_000;

export class DaemonLoop {
  readonly #parts: DaemonParts;
  readonly #options: LoopOptions;
  #seen: Health | undefined;
  #lastCycle: number | undefined;
  readonly #begun = Date.now();
  #computing: Promise<void> | undefined;
  /** What is to be computed next, as of the last plan. */
  #queue: Duty[] = [];
  #told = new Map<string, string>();
  #plan: Plan = { duties: [], obstacles: [] };
  /** Unix milliseconds at which that plan is out of date whatever the chain does. */
  #planEnds = 0;

  constructor(parts: DaemonParts, options: LoopOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  health(): DaemonHealth {
    const stalled = Date.now() - (this.#lastCycle ?? this.#begun) > (this.#options.stalledMs ?? STALLED_MS);
    const failing = [...this.#parts.attempts.failing].map(([key, { problem }]) => [key, problem]);
    return {
      status: stalled ? 'stalled' : this.#lastCycle === undefined ? 'starting' : 'ok',
      lastCycle: this.#lastCycle,
      block: this.#seen?.block ?? 0,
      lag: this.#seen?.lag ?? 0,
      failing: Object.fromEntries(failing),
    };
  }

  /** Until the signal. @throws MeedError when the node lies or runs another chain: that needs a person */
  async run(): Promise<void> {
    const { signal, pollMs } = this.#options;
    try {
      while (!signal.aborted) {
        const done = await this.cycle();
        if (done === 0) await delay(pollMs, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await this.#computing;
    }
  }

  /** One look, and everything that is due then. @returns how many duties were done */
  async cycle(): Promise<number> {
    const { watch, metrics } = this.#parts;
    const before = this.#seen;
    const seen = await watch.look();
    if (seen.reorganisations !== before?.reorganisations) await this.#recover();
    this.#seen = seen;
    metrics.head.set(seen.head);
    metrics.block.set(seen.block);
    metrics.reorganisations.set(seen.reorganisations);
    const moved = seen.block !== before?.block || seen.reorganisations !== before.reorganisations;
    if ((moved || Date.now() >= this.#planEnds) && !(await this.#planAnew())) return 0;
    const done = await this.#work(this.#plan.duties);
    this.#lastCycle = Date.now();
    metrics.cycles.inc();
    return done;
  }

  /** False when it could not be made: the node broke off in between, or a published file is being written. */
  async #planAnew(): Promise<boolean> {
    try {
      this.#plan = await this.#parts.plan();
      this.#planEnds = Date.now() + PLAN_MS;
      await this.#account(this.#plan);
      return true;
    } catch (error) {
      if (this.#options.signal.aborted) throw error;
      this.#planEnds = 0;
      this.#parts.tell(`What is owed could not be told: ${messageOf(error)}`);
      return false;
    }
  }

  async #recover(): Promise<void> {
    try {
      await this.#parts.recover?.();
    } catch (error) {
      if (this.#options.signal.aborted) throw error;
      this.#parts.tell(`What was sent before cannot be sent again now: ${messageOf(error)}`);
    }
  }

  async #account({ duties, obstacles }: Plan): Promise<void> {
    const { metrics, attempts, turns, tell } = this.#parts;
    const owed = new Set(duties.map(({ key }) => key));
    for (const key of [...attempts.failing.keys()]) if (!owed.has(key)) await attempts.forget(key);
    turns?.seen(
      duties.flatMap(({ turn = [] }) => turn),
      Date.now(),
    );
    metrics.duties.reset();
    for (const { kind } of duties) metrics.duties.inc({ kind });
    metrics.obstacles.set(obstacles.length);
    metrics.failing.set(attempts.failing.size);
    for (const { key, problem } of obstacles) if (this.#told.get(key) !== problem) tell(`${key}: ${problem}`);
    this.#told = new Map(obstacles.map(({ key, problem }) => [key, problem]));
  }

  /** Sends what is due; begins to compute when nothing is being computed. */
  async #work(duties: readonly Duty[]): Promise<number> {
    const { signal } = this.#options;
    const due = duties.filter((duty) => this.#isDue(duty));
    this.#queue = due.filter(({ lane }) => lane === 'computing');
    this.#computing ??= this.#compute().finally(() => {
      this.#computing = undefined;
    });
    let done = 0;
    for (const duty of due) {
      if (signal.aborted) break;
      if (duty.lane === 'sending' && (await this.#attempt(duty))) done++;
    }
    return done;
  }

  /** One duty after another, until the last plan leaves none. A duty stays in a plan while it runs, so each runs once here. */
  async #compute(): Promise<void> {
    const ran = new Set<string>();
    while (!this.#options.signal.aborted) {
      const next = this.#queue.find(({ key }) => !ran.has(key));
      if (next === undefined) return;
      ran.add(next.key);
      await this.#attempt(next);
    }
  }

  #isDue({ key, turn }: Duty): boolean {
    const { attempts, turns } = this.#parts;
    const now = Date.now();
    if (now < (attempts.of(key)?.notBefore ?? 0)) return false;
    return turn === undefined || turns === undefined || turns.isTurn(turn, now);
  }

  async #attempt({ key, kind, run }: Duty): Promise<boolean> {
    const { attempts, metrics, tell } = this.#parts;
    const finish = metrics.seconds.startTimer({ kind });
    try {
      tell(await run(this.#options.signal));
      finish();
      metrics.done.inc({ kind });
      this.#planEnds = 0;
      await attempts.forget(key);
      return true;
    } catch (error) {
      finish();
      if (this.#options.signal.aborted) return false;
      metrics.failures.inc({ kind });
      const { failures, notBefore } = await attempts.failed(key, messageOf(error), Date.now());
      const seconds = Math.max(0, (notBefore - Date.now()) / 1000).toFixed(0);
      tell(`${key} failed (${failures}): ${messageOf(error)} It is tried again in ${seconds} s.`);
      if (!(error instanceof MeedError)) tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return false;
    }
  }
}
