/** `meed data | train | index | receipt | epoch | chain | prove | settle | withdraw`: one stage on one folder. */
import type { Command } from 'commander';
import { command, runOptions } from '../arguments.js';
import { executeStage } from '../execute.js';
import { Run } from '../run.js';
import type { Stage } from '../stage.js';
import { stages } from '../stages.js';
import { chainUpCommand, chainVerifyCommand } from './chain.js';

/** What else a stage's command does. */
const FURTHER: Partial<Record<Stage['name'], readonly (() => Command)[]>> = {
  chain: [chainUpCommand, chainVerifyCommand],
};

export function stageCommands(): Command[] {
  return stages.map((stage) => {
    const made = command(stage.command, stage.summary, stage.options)
      .addHelpText('after', stage.note === undefined ? '' : `\n${stage.note}`)
      .action(async (_, self: Command) => {
        await runStage(stage, self);
      });
    // options after a further command's name are its own, though the stage has some of the same name
    made.enablePositionalOptions();
    for (const further of FURTHER[stage.name] ?? []) made.addCommand(further());
    return made;
  });
}

async function runStage(stage: Stage, self: Command): Promise<void> {
  const values = self.opts();
  const run = await Run.open(runOptions(values));
  const outcome = await executeStage(stage, run).finally(() => run.close());
  const result = { ...outcome, folder: run.folder(stage.name) };
  if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else process.stdout.write(`${result.folder}  ${outcome.id}\n`);
}
