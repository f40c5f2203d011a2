/** The validator's daemon, put together: state, chain, keys, openings, duties, and the figures it tells. */
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { ArtefactLibrary } from '../../../artefact/index.js';
import type { ProvingKey, ProvingOptions } from '../../../prover/index.js';
import { Account } from '../../account.js';
import { openClient } from '../../client.js';
import type { Deployment } from '../../deploy.js';
import { Attempts, type BackOff } from '../attempts.js';
import { Journal } from '../journal.js';
import { DaemonLoop } from '../loop.js';
import { type DaemonHealth, Metrics, serveStatus } from '../metrics.js';
import { Openings } from '../openings.js';
import { Outbox } from '../outbox.js';
import { StateFile } from '../stateFile.js';
import { TurnClock } from '../turns.js';
import { ChainWatch } from '../watch.js';
import { ValidatorDuties } from './duties.js';
import { IndexDuties, type IndexOwner } from './indexDuties.js';

export interface ValidatorOptions {
  readonly url: string;
  readonly deployment: Deployment;
  readonly privateKey: string;
  readonly key: ProvingKey;
  /** The daemon's own folder: journal, events, proofs. */
  readonly state: string;
  /** Where indexes, data sets and receipts are published. */
  readonly openings: string;
  /** Addresses of all validators that share the work. */
  readonly validators: readonly string[];
  readonly turnMs: number;
  readonly pollMs: number;
  readonly confirmations: number;
  /** Most wei for a unit of gas. */
  readonly feeCap: bigint;
  readonly patienceMs?: number;
  readonly backOff?: BackOff;
  readonly proving?: ProvingOptions;
  /** Computes the index of a run folder; given, every published model is indexed and registered by this account. */
  readonly buildIndex?: IndexOwner['buildIndex'];
  readonly status?: { readonly host?: string; readonly port?: number };
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

/** Runs until the signal. @throws MeedError when it cannot start, or the node lies */
export async function runValidator(options: ValidatorOptions): Promise<DaemonHealth> {
  const { url, deployment, signal, tell } = options;
  const account = new Wallet(options.privateKey).address;
  const state = await StateFile.open(join(options.state, 'validator.duckdb'), { deployment, account });
  const metrics = new Metrics();
  try {
    const outbox = new Outbox(new Journal(state), {
      feeCap: options.feeCap,
      patienceMs: options.patienceMs,
      signal,
      onMined: (what, { gasUsed }) => metrics.gas.inc({ what }, Number(gasUsed)),
    });
    const sender = await Account.connect(url, deployment.chainId, { privateKey: options.privateKey }, outbox);
    try {
      const watch = new ChainWatch({
        url,
        deployment,
        store: join(options.state, 'events.duckdb'),
        confirmations: options.confirmations,
        rpc: { signal, onRetry: tell },
      });
      const client = await openClient(sender, deployment);
      const library = new ArtefactLibrary(options.openings);
      const { buildIndex, key } = options;
      const openings = new Openings(library);
      const duties = new ValidatorDuties({
        client,
        watch,
        key,
        openings,
        indexes: buildIndex && new IndexDuties({ client, library, buildIndex }),
        proving: { ...options.proving, store: join(options.state, 'proofs') },
      });
      const loop = new DaemonLoop(
        {
          watch,
          metrics,
          attempts: await Attempts.load(state, options.backOff),
          turns: new TurnClock(account, { validators: options.validators, turnMs: options.turnMs }),
          plan: () => duties.plan(),
          recover: async () => {
            duties.forget();
            for (const { what, hash } of await sender.recover()) tell(`${what} was sent again: ${hash}`);
          },
          tell,
        },
        { signal, pollMs: options.pollMs },
      );
      const status = options.status && (await serveStatus(metrics, () => loop.health(), options.status));
      try {
        tell(`Validator ${account}${status ? `, figures at ${status.url}/metrics` : ''}`);
        await loop.run();
        return loop.health();
      } finally {
        await status?.close();
        await openings.close();
      }
    } finally {
      sender.close();
    }
  } finally {
    state.close();
  }
}
