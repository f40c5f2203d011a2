/** The validator's daemon, put together: an account that sends, what is published, and the duties. */
import { join } from 'node:path';
import { Wallet } from 'ethers';
import { ArtefactLibrary } from '../../../artefact/index.js';
import type { ProvingKey, ProvingOptions } from '../../../prover/index.js';
import { Account } from '../../account.js';
import { openClient } from '../../client.js';
import type { DaemonHealth } from '../metrics.js';
import { Openings } from '../openings.js';
import { type DaemonOptions, type DaemonRole, type DaemonTools, runDaemon } from '../run.js';
import { TurnClock, type Turns } from '../turns.js';
import { ValidatorDuties } from './duties.js';
import { IndexDuties, type IndexOwner } from './indexDuties.js';

export interface ValidatorOptions extends DaemonOptions, Turns {
  readonly privateKey: string;
  readonly key: ProvingKey;
  readonly proving?: ProvingOptions;
  /** Computes the index of a run folder; given, every published model is indexed and registered by this account. */
  readonly buildIndex?: IndexOwner['buildIndex'];
}

/** Runs until the signal. @throws MeedError when it cannot start, or the node lies */
export function runValidator(options: ValidatorOptions): Promise<DaemonHealth> {
  const account = new Wallet(options.privateKey).address;
  return runDaemon('validator', account, options, (tools) => openValidator(account, options, tools));
}

async function openValidator(
  address: string,
  options: ValidatorOptions,
  { watch, outbox }: DaemonTools,
): Promise<DaemonRole> {
  const { url, deployment, privateKey, key, buildIndex, tell } = options;
  const account = await Account.connect(url, deployment.chainId, { privateKey }, outbox);
  const client = await openClient(account, deployment);
  const library = new ArtefactLibrary(options.openings);
  const openings = new Openings(library);
  const duties = new ValidatorDuties({
    client,
    watch,
    key,
    openings,
    indexes: buildIndex && new IndexDuties({ client, library, buildIndex }),
    proving: { ...options.proving, store: join(options.state, 'proofs') },
  });
  return {
    title: `Validator ${address}`,
    turns: new TurnClock(address, options),
    plan: () => duties.plan(),
    recover: async () => {
      duties.forget();
      for (const { what, hash } of await account.recover()) tell(`${what} was sent again: ${hash}`);
    },
    close: async () => {
      await openings.close();
      account.close();
    },
  };
}
