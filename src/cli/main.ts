/** The command line: wiring only. Exit status 0 = done, 1 = refused or a check failed, 2 = used wrongly. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { MeedError, resourcePath } from '../foundation/index.js';
import { auditCommand } from './commands/audit.js';
import { auditorCommand } from './commands/auditor.js';
import { bundleCommand } from './commands/bundle.js';
import { ceremonyCommand } from './commands/ceremony.js';
import { demoCommand } from './commands/demo.js';
import { doctorCommand } from './commands/doctor.js';
import { evaluateCommand } from './commands/evaluate.js';
import { explainCommand } from './commands/explain.js';
import { importCommand } from './commands/import.js';
import { indexerCommand } from './commands/indexer.js';
import { keystoreCommand } from './commands/keystore.js';
import { scoreCommand } from './commands/score.js';
import { stageCommands } from './commands/stage.js';
import { storeCommand } from './commands/store.js';
import { validatorCommand } from './commands/validator.js';
import { workerCommand } from './commands/worker.js';

const USED_WRONGLY = 2;

export async function main(argv: readonly string[]): Promise<void> {
  const { version } = JSON.parse(readFileSync(resourcePath('package.json'), 'utf8')) as { version: string };
  const program = new Command('meed')
    .description('Data attribution that can be checked and paid.')
    .version(version)
    .enablePositionalOptions()
    .exitOverride()
    .showHelpAfterError('(add --help for the options)');
  for (const sub of [
    demoCommand(),
    ...stageCommands(),
    explainCommand(),
    scoreCommand(),
    storeCommand(),
    evaluateCommand(),
    importCommand(),
    workerCommand(),
    ceremonyCommand(),
    auditCommand(),
    bundleCommand(),
    indexerCommand(),
    validatorCommand(),
    auditorCommand(),
    keystoreCommand(),
    doctorCommand(),
  ]) {
    program.addCommand(sub);
  }
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    process.exitCode = exitCodeOf(error);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USED_WRONGLY;
  if (!(error instanceof MeedError)) throw error;
  process.stderr.write(`\n${error.message}\n`);
  return error.exitCode;
}
