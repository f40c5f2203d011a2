/**
 * What every daemon is put together from: the state that it must not forget, the journal of what it signed, the chain as it
 * is now, and the figures that it tells. A role brings the duties; what was opened is closed in any case, last first.
 */
import { join } from 'node:path';
import type { Deployment } from '../deploy.js';
import { Attempts, type BackOff } from './attempts.js';
import { Journal } from './journal.js';
import { DaemonLoop, type DaemonParts } from './loop.js';
import { type DaemonHealth, Metrics, serveStatus } from './metrics.js';
import { Outbox } from './outbox.js';
import { StateFile } from './stateFile.js';
import { ChainWatch } from './watch.js';

export interface DaemonOptions {
  readonly url: string;
  readonly deployment: Deployment;
  /** The daemon's own folder: journal, events, and what its role keeps. */
  readonly state: string;
  /** Where indexes, data sets and receipts are published. */
  readonly openings: string;
  readonly pollMs: number;
  readonly confirmations: number;
  /** Most wei for a unit of gas. */
  readonly feeCap: bigint;
  readonly patienceMs?: number;
  readonly backOff?: BackOff;
  readonly status?: { readonly host?: string; readonly port?: number };
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** What a role works with. */
export interface DaemonTools {
  readonly watch: ChainWatch;
  readonly outbox: Outbox;
}

export interface DaemonRole extends Pick<DaemonParts, 'plan' | 'recover' | 'turns'> {
  /** Who it is, for the first line. */
  readonly title: string;
  close(): Promise<void>;
}

/**
 * Runs until the signal.
 * @param name of the state's file. @param account that it acts for, the zero address where it only watches
 * @throws MeedError when it cannot start, or the node lies
 */
export async function runDaemon(
  name: string,
  account: string,
  options: DaemonOptions,
  open: (tools: DaemonTools) => Promise<DaemonRole>,
): Promise<DaemonHealth> {
  const { url, deployment, confirmations, feeCap, patienceMs, pollMs, signal, tell } = options;
  const state = await StateFile.open(join(options.state, `${name}.duckdb`), { deployment, account });
  try {
    const metrics = new Metrics();
    const onMined = (what: string, { gasUsed }: { readonly gasUsed: bigint }): void => {
      metrics.gas.inc({ what }, Number(gasUsed));
    };
    const outbox = new Outbox(new Journal(state), { feeCap, patienceMs, signal, onMined });
    const store = join(options.state, 'events.duckdb');
    const watch = new ChainWatch({ url, deployment, store, confirmations, rpc: { signal, onRetry: tell } });
    const attempts = await Attempts.load(state, options.backOff);
    const role = await open({ watch, outbox });
    try {
      const loop = new DaemonLoop({ ...role, watch, metrics, attempts, tell }, { signal, pollMs });
      const status = options.status && (await serveStatus(metrics, () => loop.health(), options.status));
      try {
        tell(`${role.title}${status ? `, figures at ${status.url}/metrics` : ''}`);
        await loop.run();
        return loop.health();
      } finally {
        await status?.close();
      }
    } finally {
      await role.close();
    }
  } finally {
    state.close();
  }
}
