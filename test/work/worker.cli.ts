/** `meed worker`, serving the tests' tasks beside its own. */
import { Command, CommanderError } from 'commander';
import { workerCommand } from '../../src/cli/commands/worker.js';
import { tasks } from '../../src/cli/tasks.js';
import { MeedError } from '../../src/foundation/index.js';
import { testTasks } from './testTasks.js';

try {
  await new Command('meed')
    .exitOverride()
    .addCommand(workerCommand(new Map([...testTasks, ...tasks])))
    .parseAsync(process.argv);
} catch (error) {
  if (error instanceof MeedError) process.stderr.write(`${error.message}\n`);
  else if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error instanceof MeedError ? error.exitCode : 2;
}
