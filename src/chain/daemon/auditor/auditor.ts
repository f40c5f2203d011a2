/** The auditor's daemon, put together: state, chain, evidence, duties, and the figures it tells. */
import { join } from 'node:path';
import { Wallet, ZeroAddress } from 'ethers';
import { ArtefactLibrary } from '../../../artefact/index.js';
import { MeedError } from '../../../foundation/index.js';
import { keyWords, type VerificationKey } from '../../../prover/index.js';
import { Account, openProvider, requireChain } from '../../account.js';
import type { DisputeKeys } from '../../auditor/disputing.js';
import { openClient } from '../../client.js';
import type { Deployment } from '../../deploy.js';
import { otherDisputeKey } from '../../disputes.js';
import { Attempts, type BackOff } from '../attempts.js';
import { Journal } from '../journal.js';
import { DaemonLoop } from '../loop.js';
import { type DaemonHealth, Metrics, serveStatus } from '../metrics.js';
import { Outbox } from '../outbox.js';
import { StateFile } from '../stateFile.js';
import { ChainWatch } from '../watch.js';
import { AuditorDuties, type Challenger } from './duties.js';
import { Evidence } from './evidence.js';
import { Reports } from './reports.js';

export interface AuditorOptions {
  readonly url: string;
  readonly deployment: Deployment;
  /** Of the settlement's circuit. */
  readonly key: VerificationKey;
  /** Whose account disputes what is wrong, and by which keys; absent: reports alone. */
  readonly challenge?: { readonly privateKey: string; readonly keys: DisputeKeys };
  /** The daemon's own folder: reports, events, journal. */
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

/** Runs until the signal. @throws MeedError when it cannot start, or the node lies */
export async function runAuditor(options: AuditorOptions): Promise<DaemonHealth> {
  const { url, deployment, signal, tell, challenge } = options;
  const account = challenge === undefined ? ZeroAddress : new Wallet(challenge.privateKey).address;
  const state = await StateFile.open(join(options.state, 'auditor.duckdb'), { deployment, account });
  const metrics = new Metrics();
  const provider = openProvider(url, deployment.chainId);
  try {
    await requireChain(provider, url, deployment.chainId);
    const outbox = new Outbox(new Journal(state), {
      feeCap: options.feeCap,
      patienceMs: options.patienceMs,
      signal,
      onMined: (what, { gasUsed }) => metrics.gas.inc({ what }, Number(gasUsed)),
    });
    const challenger = challenge && (await challengerOf(url, deployment, challenge, outbox));
    try {
      const watch = new ChainWatch({
        url,
        deployment,
        store: join(options.state, 'events.duckdb'),
        confirmations: options.confirmations,
        rpc: { signal, onRetry: tell },
      });
      const evidence = new Evidence(new ArtefactLibrary(options.openings), deployment.instance);
      const duties = new AuditorDuties({
        provider,
        deployment,
        watch,
        evidence,
        reports: new Reports(join(options.state, 'reports')),
        key: options.key,
        challenger,
      });
      const loop = new DaemonLoop(
        {
          watch,
          metrics,
          attempts: await Attempts.load(state, options.backOff),
          plan: () => duties.plan(),
          recover: async () => {
            const sent = (await challenger?.client.account.recover()) ?? [];
            for (const { what, hash } of sent) tell(`${what} was sent again: ${hash}`);
          },
          tell,
        },
        { signal, pollMs: options.pollMs },
      );
      const status = options.status && (await serveStatus(metrics, () => loop.health(), options.status));
      try {
        const who = challenge === undefined ? 'reports only' : `disputes as ${account}`;
        tell(`Auditor: ${who}${status ? `, figures at ${status.url}/metrics` : ''}`);
        await loop.run();
        return loop.health();
      } finally {
        await status?.close();
        await evidence.close();
      }
    } finally {
      challenger?.client.account.close();
    }
  } finally {
    provider.destroy();
    state.close();
  }
}

async function challengerOf(
  url: string,
  deployment: Deployment,
  { privateKey, keys }: NonNullable<AuditorOptions['challenge']>,
  outbox: Outbox,
): Promise<Challenger> {
  if (deployment.disputes === undefined) {
    throw new MeedError('This deployment takes no disputes by proof', 'Run the auditor without --challenge');
  }
  const account = await Account.connect(url, deployment.chainId, { privateKey }, outbox);
  try {
    const other = await otherDisputeKey(account.provider, deployment.disputes, {
      sumStep: keyWords(keys.sumStep.verificationKey),
      rowRange: keyWords(keys.rowRange.verificationKey),
      slotIsPrefix: keyWords(keys.slotIsPrefix.verificationKey),
    });
    if (other !== undefined) {
      throw new MeedError(`${other} was deployed with another key`, 'Name the ceremonies with --dispute-keys');
    }
  } catch (error) {
    account.close();
    throw error;
  }
  return { client: await openClient(account, deployment), keys, levels: deployment.disputes.levels };
}
