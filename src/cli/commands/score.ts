/** `meed score`: the scores of any attribution method as a matrix in a file that other tools read. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { MeedError } from '../../foundation/index.js';
import {
  checkMatrixPath,
  findMethod,
  METHODS,
  type Method,
  type Settings,
  writeMatrix,
} from '../../influence/index.js';
import { type Losses, marginLosses, type Samples, selectSamples } from '../../models/index.js';
import { heldOutOutputs } from '../../prover/index.js';
import { type CommonValues, command, runOptions, whole } from '../arguments.js';
import { attributionOfRun } from '../attribution.js';
import { Run } from '../run.js';
import { startLine, table } from '../terminal.js';

const DEFAULT_METHOD = 'in-run';
const DEFAULT_FILE = 'scores.npy';

interface Values extends Partial<CommonValues> {
  readonly method: Method;
  readonly set: Settings;
  readonly outputs?: number;
  readonly labels?: true;
  readonly target?: 'margin';
  readonly file: string;
  readonly list?: true;
}

export function scoreCommand(): Command {
  return command('score', 'scores every training sample on held-out outputs, by any method, into a file', ['work'])
    .addOption(
      new Option('--method <name>', METHODS.map(({ name }) => name).join(', '))
        .argParser(methodNamed)
        .default(findMethod(DEFAULT_METHOD), DEFAULT_METHOD),
    )
    .addOption(
      new Option('--set <name=value,...>', "the method's settings, e.g. damping=0.1,epoch=3")
        .argParser(settings)
        .default({}),
    )
    .addOption(
      new Option('--outputs <n>', 'held-out rows explained, from the first (default: all)').argParser(whole(1)),
    )
    .option('--labels', "explain the rows' true labels instead of what the model gave")
    .addOption(
      new Option('--target <name>', 'the scalar of an output that is explained (default: its loss)').choices([
        'margin',
      ]),
    )
    .option('--file <path>', '.npy, .arrow or .parquet [outputs, samples]', DEFAULT_FILE)
    .option('--list', 'print the methods with what they claim, need and cost, and end')
    .addHelpText('after', HELP)
    .action(async (_, self: Command) => {
      const values = self.opts<Values>();
      if (values.list) process.stdout.write(values.json ? listJson() : listText());
      else await score(values);
    });
}

const HELP = `
Takes the data set and the model of the run in --out (\`meed data\`, \`meed train\`). A positive score means that the sample
helped: it lowered the loss of the output. The file goes to \`meed evaluate --scores\`, or to anything that reads matrices.

  meed score --list
  meed score --dataset heart --method trak-dual --set damping=0.3 --file scores.parquet`;

async function score({ method, set, outputs, labels, target, file, json, ...values }: Values): Promise<void> {
  checkMatrixPath(file);
  const run = await Run.open(runOptions(values));
  try {
    const attribution = await attributionOfRun(run);
    const explained = await outputsOf(run, labels ? 'labels' : 'predictions', outputs);
    const chosen = merged(method, set);
    const line = startLine('score');
    const scores = await run.spread('model', line.progress, async (work) => {
      const scorer = await method.open(attribution, chosen, { ...work, target: targetOf(target) });
      try {
        return await scorer.score(explained, attribution.samples);
      } finally {
        await scorer.dispose();
      }
    });
    const [rows, columns] = scores.shape;
    await writeMatrix(file, { shape: [rows, columns], data: scores.data });
    line.done(`${method.name}: ${rows} outputs × ${columns} samples in ${file}`);
    const { scale, claim, source } = method;
    const told = { file, shape: scores.shape, method: method.name, settings: chosen, claim, scale, source };
    if (json) process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
  } finally {
    await run.close();
  }
}

async function outputsOf(run: Run, targets: 'labels' | 'predictions', count?: number): Promise<Samples> {
  const { dataset } = await run.dataset();
  const given = await heldOutOutputs(run.engine, dataset, await run.model());
  const all = targets === 'labels' ? { ...given, targets: dataset.heldOut.labels } : given;
  if (count === undefined || count === all.rows) return all;
  if (count > all.rows) {
    throw new MeedError(`${count} outputs were asked for, ${all.rows} rows are held out`, 'Ask for fewer', {
      exitCode: 2,
    });
  }
  return selectSamples(
    all,
    Array.from({ length: count }, (_, q) => q),
  );
}

function targetOf(name: 'margin' | undefined): Losses | undefined {
  return name === 'margin' ? marginLosses : undefined;
}

/** @throws MeedError when a setting is none of the method's */
function merged({ name, defaults }: Method, given: Settings): Settings {
  const stray = Object.keys(given).find((key) => !Object.hasOwn(defaults, key));
  if (stray === undefined) return { ...defaults, ...given };
  const known = Object.keys(defaults).join(', ') || 'none';
  throw new MeedError(`${name} has no setting "${stray}"`, `Its settings are: ${known}`, { exitCode: 2 });
}

function methodNamed(text: string): Method {
  const found = METHODS.find(({ name }) => name === text);
  if (found) return found;
  throw new InvalidArgumentError(`Give one of ${METHODS.map(({ name }) => name).join(', ')}.`);
}

/** Numbers where they are numbers; a list of epochs is written with +, as in epochs=1+2+5. */
function settings(text: string): Settings {
  const pairs = text.split(',').map((pair) => /^([A-Za-z]+)=(\S+)$/.exec(pair));
  if (!pairs.every((pair) => pair !== null)) {
    throw new InvalidArgumentError('Give names and values: damping=0.1,epochs=1+2+5.');
  }
  return Object.fromEntries(
    pairs.map(([, key, value]) => [key, Number.isFinite(Number(value)) ? Number(value) : value.replaceAll('+', ',')]),
  );
}

function listJson(): string {
  const cards = METHODS.map(({ open: _, sweep: __, ...card }) => card);
  return `${JSON.stringify(cards, null, 2)}\n`;
}

function listText(): string {
  const rows = METHODS.map(({ name, form, needs, additivity }) => [name, form, additivity, needs.join(', ') || '–']);
  const claims = METHODS.map(({ name, claim, cost, source }) => `${name}\n  ${claim}\n  cost: ${cost}\n  ${source}\n`);
  return `${table([['method', 'form', 'scores', 'needs'], ...rows])}\n\n${claims.join('\n')}`;
}
