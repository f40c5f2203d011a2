/** `meed data | train | index | receipt | epoch | chain | prove | settle | withdraw`: one stage on one folder. */
import type { Command } from 'commander';
import { command, type Group, runOptions } from '../arguments.js';
import { executeStage } from '../execute.js';
import { Run } from '../run.js';
import { type Stage, stages } from '../stages.js';

const GROUPS: Readonly<Record<string, readonly Group[]>> = {
  data: ['data'],
  train: ['training'],
  index: ['index', 'receipts', 'work'],
  receipt: ['receipts', 'work'],
  epoch: [],
  chain: ['chain'],
  prove: ['work'],
  settle: ['chain'],
  withdraw: ['chain'],
};

const NOTES: Readonly<Record<string, string>> = {
  train: '\nThere is no --workers: each step of one training needs the one before it. --threads speeds up wide layers.',
};

export function stageCommands(): Command[] {
  return stages.map((stage) =>
    command(stage.command, stage.summary, GROUPS[stage.command] ?? [])
      .addHelpText('after', NOTES[stage.command] ?? '')
      .action(async (_, self: Command) => {
        await runStage(stage, self);
      }),
  );
}

async function runStage(stage: Stage, self: Command): Promise<void> {
  const values = self.opts();
  const run = await Run.open(runOptions(values));
  const outcome = await executeStage(stage, run).finally(() => run.close());
  const result = { ...outcome, folder: run.folder(stage.name) };
  if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else process.stdout.write(`${result.folder}  ${outcome.id}\n`);
}
