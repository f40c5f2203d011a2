/** `meed audit`: re-derives a payout from what was published; exit status 1 when anything differs. */
import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { Option } from 'commander';
import { type AuditCheck, audit, DEFAULT_AUDIT } from '../../chain/auditor/index.js';
import { command, runOptions, whole } from '../arguments.js';
import { openRunEngine } from '../run.js';
import { startLine } from '../terminal.js';

export function auditCommand(): Command {
  return command('audit', 're-derives rows, sketches, scores, proofs and the split from what was published', ['chain'])
    .argument('[folder]', 'output folder of the run, instead of --out')
    .addOption(
      new Option('--samples <n>', 'rows and receipts derived again').argParser(whole(1)).default(DEFAULT_AUDIT.samples),
    )
    .addOption(
      new Option('--segments <n>', 'training segments replayed').argParser(whole(1)).default(DEFAULT_AUDIT.segments),
    )
    .addOption(new Option('--audit-seed <n>', 'decides what is drawn (default: unpredictable)').argParser(whole(0)))
    .action(async (folder: string | undefined, _, self: Command) => {
      const { samples, segments, auditSeed, json, rpc, ...values } = self.opts();
      const options = runOptions(values);
      const seed: number = auditSeed ?? randomInt(2 ** 32);
      const engine = await openRunEngine(options);
      const line = startLine('audit');
      const result = await audit(folder ?? options.out, engine, { samples, segments, seed, rpc }, () => line.progress);
      const failed = result.checks.filter((check) => !check.passed).length;
      line.done(
        result.passed ? `${result.checks.length} checks passed` : `${failed} of ${result.checks.length} checks FAILED`,
      );
      if (json) process.stdout.write(`${JSON.stringify({ ...result, seed }, null, 2)}\n`);
      else process.stdout.write(auditText(result.checks));
      if (!result.passed) process.exitCode = 1;
    });
}

export function auditText(checks: readonly AuditCheck[]): string {
  return checks.map(({ passed, name, detail }) => `${passed ? 'OK  ' : 'FAIL'}  ${name}: ${detail}\n`).join('');
}
