/**
 * The audit: re-derives a payout from the published artefacts and the chain, trusting nothing that the validator says.
 * Checks are independent: one that fails does not hide what the others find.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../../engine/index.js';
import { MeedError, messageOf, type Progress, silent } from '../../foundation/index.js';
import { openProvider, requireChain } from '../account.js';
import { readRegistration } from '../validator/index.js';
import { STATE_FILE, withSession } from '../validator/session.js';
import type { AuditCheck, Check } from './check.js';
import { contractCheck } from './contracts.js';
import { datasetCheck, lineageCheck } from './dataset.js';
import { type AuditOptions, type Evidence, FOLDERS, openEvidence } from './evidence.js';
import { batchCheck, receiptCheck } from './receipts.js';
import { proofCheck, scoreCheck, splitCheck } from './settlement.js';
import { commitmentCheck, encoderCheck } from './sketches.js';
import { trainingCheck } from './training.js';

const CHECKS: readonly Check[] = [
  datasetCheck,
  trainingCheck,
  encoderCheck,
  commitmentCheck,
  receiptCheck,
  batchCheck,
  contractCheck,
  scoreCheck,
  proofCheck,
  splitCheck,
  lineageCheck,
];

export interface AuditResult {
  readonly passed: boolean;
  readonly checks: readonly AuditCheck[];
}

export const DEFAULT_AUDIT = { samples: 32, segments: 4 } as const;

/**
 * @param folder the output folder of a run, with all stages below it
 * @throws MeedError when the folder has no chain stage, or its node does not answer
 * @param rpc    a node that has the chain; the state saved with the artefacts when absent
 */
export async function audit(
  folder: string,
  engine: Engine,
  options: AuditOptions & { readonly rpc?: string },
  progress: (check: string) => Progress = () => silent,
): Promise<AuditResult> {
  const chainId = await chainIdOf(folder);
  const from = options.rpc === undefined ? lastState(folder) : undefined;
  return withSession({ rpc: options.rpc, chainId, from }, async (session) => {
    const provider = openProvider(session.url, session.chainId);
    try {
      // a node that does not answer is no finding about the payout: no verdict is given
      await requireChain(provider, session.url, session.chainId);
      const checks: AuditCheck[] = [];
      let current = '';
      const evidence = openEvidence(folder, engine, provider, options, (done, total, what) =>
        progress(current)(done, total, what),
      );
      for (const check of CHECKS) {
        current = check.name;
        checks.push(await runCheck(check, evidence));
      }
      return { passed: checks.every((check) => check.passed), checks };
    } finally {
      provider.destroy();
    }
  });
}

async function runCheck(check: Check, evidence: Evidence): Promise<AuditCheck> {
  const begun = performance.now();
  const seconds = (): number => (performance.now() - begun) / 1000;
  try {
    const detail = await check.run(evidence);
    return { name: check.name, passed: true, detail, seconds: seconds() };
  } catch (error) {
    // whatever stops a check is a finding: a hostile folder or node must not end the audit
    return { name: check.name, passed: false, detail: messageOf(error), seconds: seconds() };
  }
}

async function chainIdOf(folder: string): Promise<number> {
  return (await readRegistration(join(folder, FOLDERS.chain))).deployment.chainId;
}

/** The folder of the last stage that saved the chain's state. */
function lastState(folder: string): string {
  const stages = [FOLDERS.payout, FOLDERS.settlement, FOLDERS.chain].map((stage) => join(folder, stage));
  const last = stages.find((stage) => existsSync(join(stage, STATE_FILE)));
  if (last) return last;
  throw new MeedError(`${folder} holds no saved chain`, 'Name a node with --rpc');
}
