/** `meed explain`: for one output, the samples that helped and harmed it most, whose they are, and what a score means. */
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { Option } from 'commander';
import { explainFileError } from '../../foundation/index.js';
import { explainOutput, explanationJson, explanationPage, explanationText } from '../../report/explanation/index.js';
import { command, runOptions, whole } from '../arguments.js';
import { Run } from '../run.js';
import { say } from '../terminal.js';

/** Where standard output is no terminal. */
const DEFAULT_WIDTH = 100;

export function explainCommand(): Command {
  return command('explain', 'shows the most helpful and most harmful training samples of one output', [])
    .addOption(new Option('--receipt <n>', 'which output, from 0').argParser(whole(0)).default(0))
    .addOption(new Option('--count <n>', 'samples of each kind').argParser(whole(1)).default(5))
    .option('--html <file>', 'write the explanation as one HTML file')
    .action(async (_, self: Command) => {
      const { receipt, count, json, html, ...values } = self.opts();
      const run = await Run.open(runOptions(values));
      const sources = { stored: await run.dataset(), receipts: await run.receipts(), index: await run.index() };
      const explanation = await explainOutput(sources, receipt, count);
      if (html !== undefined) {
        await writeFile(html, explanationPage(explanation)).catch((error: unknown) => {
          throw explainFileError(error, html);
        });
        say(`Written to ${html}`);
      }
      if (json) process.stdout.write(`${explanationJson(explanation)}\n`);
      else if (html === undefined) {
        process.stdout.write(explanationText(explanation, process.stdout.columns ?? DEFAULT_WIDTH));
      }
    });
}
