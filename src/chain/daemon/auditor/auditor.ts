/** The auditor's daemon, put together: an account that disputes if it may, what is published, reports and duties. */
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
import type { DaemonHealth } from '../metrics.js';
import type { Outbox } from '../outbox.js';
import { type DaemonOptions, type DaemonRole, type DaemonTools, runDaemon } from '../run.js';
import { AuditorDuties, type Challenger } from './duties.js';
import { Evidence } from './evidence.js';
import { Reports } from './reports.js';

export interface AuditorOptions extends DaemonOptions {
  /** Of the settlement's circuit. */
  readonly key: VerificationKey;
  /** Whose account disputes what is wrong, and by which keys; absent: reports alone. */
  readonly challenge?: { readonly privateKey: string; readonly keys: DisputeKeys };
}

/** Runs until the signal. @throws MeedError when it cannot start, or the node lies */
export function runAuditor(options: AuditorOptions): Promise<DaemonHealth> {
  const { challenge } = options;
  const account = challenge === undefined ? ZeroAddress : new Wallet(challenge.privateKey).address;
  return runDaemon('auditor', account, options, (tools) => openAuditor(account, options, tools));
}

async function openAuditor(
  account: string,
  options: AuditorOptions,
  { watch, outbox }: DaemonTools,
): Promise<DaemonRole> {
  const { url, deployment, challenge, key, tell } = options;
  const challenger = challenge && (await challengerOf(url, deployment, challenge, outbox));
  const provider = openProvider(url, deployment.chainId);
  await requireChain(provider, url, deployment.chainId);
  const evidence = new Evidence(new ArtefactLibrary(options.openings), deployment.instance);
  const reports = new Reports(join(options.state, 'reports'));
  const duties = new AuditorDuties({ provider, deployment, watch, evidence, reports, key, challenger });
  return {
    title: `Auditor: ${challenge === undefined ? 'reports only' : `disputes as ${account}`}`,
    plan: () => duties.plan(),
    recover: async () => {
      const sent = (await challenger?.client.account.recover()) ?? [];
      for (const { what, hash } of sent) tell(`${what} was sent again: ${hash}`);
    },
    close: async () => {
      await evidence.close();
      challenger?.client.account.close();
      provider.destroy();
    },
  };
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
