/** `meed auditor`: looks at every index, batch and epoch of a deployment, and disputes what it can prove wrong. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { type DisputeKeys, runAuditor } from '../../chain/daemon/index.js';
import type { Deployment } from '../../chain/index.js';
import { MeedError } from '../../foundation/index.js';
import {
  type CircuitInstance,
  ceremonyKey,
  compileCircuit,
  developmentKey,
  type ProvingKey,
} from '../../prover/index.js';
import { type DaemonValues, daemonCommand, daemonOptions, keyOf } from '../daemon.js';
import { listenForInterrupts } from '../interrupt.js';
import { settlementKey } from '../settlementKey.js';

interface Values extends DaemonValues {
  readonly challenge?: true;
  readonly key?: string;
  readonly disputeKeys?: string;
}

const HELP = `
It writes one report about each index, each posted batch and each paid epoch below --state, in reports/, and says what is
withheld: nothing that is published opens it. With --challenge it disputes each index that a proof shows wrong, while its
window is open; half of the forfeited bond is its reward. What it does follows from the chain alone, so it can be stopped
and started at any time.

Example:
  meed auditor --deployment deployment.json --rpc http://127.0.0.1:8545 --openings published --challenge --keystore auditor.json`;

export function auditorCommand(): Command {
  return daemonCommand('auditor', 'derives every index and epoch again, and disputes what is wrong, as long as it runs')
    .option('--challenge', 'dispute what a proof shows wrong, from the account of --keystore')
    .option('--key <folder>', "a published ceremony of the settlement's key; the development key unless told")
    .option(
      '--dispute-keys <folder>',
      'published ceremonies in the folders sumStep, rowRange and slotIsPrefix; development keys unless told',
    )
    .addHelpText('after', HELP)
    .action(async (_, self: Command) => {
      const values = self.opts<Values>();
      const options = await daemonOptions(values);
      const { deployment } = options;
      const challenge = values.challenge && {
        privateKey: await keyOf(values),
        keys: await disputeKeys(deployment, values.disputeKeys),
      };
      const { verificationKey } = await settlementKey(deployment, values.key);
      const interrupts = listenForInterrupts();
      try {
        await runAuditor({ ...options, key: verificationKey, challenge, signal: interrupts.first });
      } finally {
        interrupts.dispose();
      }
    });
}

async function disputeKeys({ instance, disputes }: Deployment, folder: string | undefined): Promise<DisputeKeys> {
  if (disputes === undefined) {
    throw new MeedError('This deployment takes no disputes by proof', 'Run the auditor without --challenge');
  }
  const { slots, columns } = instance;
  const { levels } = disputes;
  const keyOfCircuit = async (name: keyof DisputeKeys, circuit: CircuitInstance): Promise<ProvingKey> => {
    const compiled = await compileCircuit(circuit);
    return folder === undefined ? developmentKey(compiled) : ceremonyKey(join(folder, name), compiled);
  };
  return {
    sumStep: await keyOfCircuit('sumStep', { template: 'SumStep', parameters: [columns, levels] }),
    rowRange: await keyOfCircuit('rowRange', { template: 'RowRange', parameters: [columns, levels] }),
    slotIsPrefix: await keyOfCircuit('slotIsPrefix', {
      template: 'SlotIsPrefix',
      parameters: [slots, columns, levels],
    }),
  };
}
