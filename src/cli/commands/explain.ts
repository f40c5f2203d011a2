/** `meed explain`: for one output, the samples that helped and harmed it most, and whose they are. */
import type { Command } from 'commander';
import { Option } from 'commander';
import { explainReceipt } from '../../influence/index.js';
import { command, runOptions, whole } from '../arguments.js';
import { Run } from '../run.js';
import { table } from '../terminal.js';

export function explainCommand(): Command {
  return command('explain', 'shows the most helpful and most harmful training samples of one output', [])
    .addOption(new Option('--receipt <n>', 'which output, from 0').argParser(whole(0)).default(0))
    .addOption(new Option('--count <n>', 'samples of each kind').argParser(whole(1)).default(5))
    .action(async (_, self: Command) => {
      const { receipt, count, json, ...values } = self.opts();
      const run = await Run.open(runOptions(values));
      const { card } = (await run.dataset()).dataset;
      const { receipts, scoresPath } = await run.receipts();
      const { scorer } = (await run.index()).options;
      const explanation = await explainReceipt(scoresPath, receipt, count);
      const output = receipts[receipt];
      if (json) {
        const { predictedClass, confidence, outputHash } = output;
        const result = {
          receipt,
          predictedClass: card.classes[predictedClass],
          confidence,
          outputHash,
          ...explanation,
        };
        process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
        return;
      }
      const rows = (list: typeof explanation.helpful): string[][] =>
        list.map(({ row, contributor, label, score }) => [
          `row ${row}`,
          contributor,
          card.classes[label],
          score.toFixed(4),
        ]);
      const block = (title: string, list: typeof explanation.helpful): string =>
        `${title}\n${list.length === 0 ? '(none)' : table([['sample', 'contributor', 'label', 'score'], ...rows(list)])}\n\n`;
      process.stdout.write(
        `Output ${receipt}: "${card.classes[output.predictedClass]}", given with probability ${output.confidence.toFixed(3)}. ` +
          `A score is ${scorer === 'in-run' ? 'nats of its loss over the whole training' : 'a gradient product'}; positive helped.\n\n` +
          block('Most helpful', explanation.helpful) +
          block('Most harmful', explanation.harmful) +
          `By contributor\n${table([['contributor', 'rows', 'score'], ...explanation.contributors.map((c) => [c.contributor, String(c.rows), c.score.toFixed(4)])])}\n`,
      );
    });
}
