/** The options that commands share, and their reading: every malformed value is one sentence, exit status 2. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { DEVICE_CHOICES, type DeviceChoice, ENGINE_KINDS } from '../engine/index.js';
import { DEFAULT_SCORER, PROVER_NAMES, scorerNames } from '../prover/index.js';
import { MODEL_FILE_ENDING, MODEL_NAMES } from './modelChoice.js';
import { DEFAULT_INSTANCE } from './profile.js';
import type { RunOptions } from './run.js';

/** The same command gives the same artefacts on every machine only on the same kind of device: others are asked for. */
const DEFAULT_DEVICE: DeviceChoice = 'cpu';

/** What commander read: every option of the run, and those that only concern printing. */
export type CommonValues = RunOptions & { readonly json?: true };

export type Group = 'data' | 'training' | 'index' | 'receipts' | 'chain' | 'key' | 'work' | 'proving';

/** A command with --out, --json and the options of the stages it touches. */
export function command(name: string, summary: string, groups: readonly Group[]): Command {
  const made = new Command(name)
    .description(summary)
    .option('--out <folder>', 'output folder of the run (default: meed-out/<data set>)')
    .option('--json', 'print the result as JSON on standard output')
    .addOption(
      new Option('--dataset <name>', 'glyphs, heart, mnist, spooky-authors or audit-findings').default('glyphs'),
    )
    .addOption(new Option('--seed <n>', 'decides every random choice').argParser(whole(0)).default(1))
    .addOption(new Option('--threads <n>', 'threads of one operator').argParser(whole(1)).default(1))
    .addOption(new Option('--engine <name>', 'what computes').choices(ENGINE_KINDS).default('onnxruntime'))
    .addOption(new Option('--device <name>', 'where it computes').choices(DEVICE_CHOICES).default(DEFAULT_DEVICE))
    .option('--strict-device', 'refuse operators that the device leaves to the CPU');
  for (const group of groups) for (const option of OPTIONS[group]()) made.addOption(option);
  return made.exitOverride();
}

const OPTIONS: Readonly<Record<Group, () => readonly Option[]>> = {
  data: () => [
    new Option('--csv <file>', 'rows of your own instead of a built-in data set'),
    new Option('--label <column>', "the CSV file's label column"),
    new Option('--contributor <column>', "the CSV file's contributor column"),
    new Option(
      '--text <column>',
      "a column of the CSV file's words, which explanations show and nothing is computed from",
    ),
    new Option('--contributors <file>', 'CSV of the allowed contributors: name[,address]'),
  ],
  training: () => [
    new Option(
      '--model <name>',
      `${MODEL_NAMES.join(', ')}, or a file MODEL.onnx, which is trained on from its stored weights and is given the rows as they are (default: mlp)`,
    ).argParser(modelName),
    new Option('--model-output <name>', "the file's output that holds one number a class, where it has several"),
    new Option('--hidden <widths>', 'hidden widths of the mlp, e.g. 128,64; "none" is logistic regression').argParser(
      widths,
    ),
    new Option(
      '--picture <C,H,W>',
      "channels, height and width of a row for lenet and resnet9, where they are not the data set's own",
    ).argParser(picture),
    new Option('--epochs <n>', 'passes over the training rows').argParser(whole(1)),
    new Option('--batch <n>', 'rows of one optimiser step').argParser(whole(1)),
    new Option('--learning-rate <x>', 'step size').argParser(positive),
    new Option('--momentum <x>', 'momentum of SGD, from 0 to below 1').argParser(fraction),
  ],
  index: () => [
    new Option('--scorer <name>', 'attribution method').choices([...scorerNames]).default(DEFAULT_SCORER),
    new Option('--instance <S,Q,d>', 'slots, queries and columns of the circuit')
      .argParser(instance)
      .default(DEFAULT_INSTANCE, '16,16,128'),
  ],
  receipts: () => [new Option('--receipts <n>', 'outputs that are explained and paid for').argParser(whole(1))],
  chain: () => [
    new Option('--rpc <url>', 'a node of your own instead of one that Meed starts'),
    new Option('--chain-id <n>', 'chain id, 31337 unless told').argParser(whole(1)),
  ],
  key: () => [
    new Option('--key <folder>', 'a published ceremony (see `meed ceremony`) instead of the forgeable development key'),
  ],
  work: () => [
    new Option(
      '--workers <n>',
      'workers that share the work (default: this thread alone; of proofs as many as there are cores and the memory holds)',
    ).argParser(whole(1)),
    new Option('--memory <amount>', 'memory that the workers share, e.g. 4GB (default: three quarters)'),
    new Option('--queue <url>', 'Redis, redis://…, that hands the work to `meed worker` on other machines'),
  ],
  proving: () => [
    new Option('--prover <name>', "what proves: Meed's own, or rapidsnark from the PATH (default: embedded)").choices(
      PROVER_NAMES,
    ),
    new Option('--rapidsnark <file>', "rapidsnark's executable, where it is not on the PATH"),
  ],
};

/** Fills what a command does not ask for with the defaults. */
export function runOptions(values: Partial<CommonValues>): RunOptions {
  const dataset = values.dataset ?? 'glyphs';
  return {
    ...values,
    dataset,
    out: values.out ?? `meed-out/${values.csv === undefined ? dataset : 'csv'}`,
    seed: values.seed ?? 1,
    scorer: values.scorer ?? DEFAULT_SCORER,
    instance: values.instance ?? DEFAULT_INSTANCE,
    threads: values.threads ?? 1,
    engine: values.engine ?? 'onnxruntime',
    device: values.device ?? DEFAULT_DEVICE,
  };
}

export function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`Give a whole number of at least ${least}.`);
    }
    return value;
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('Give a number above 0.');
  return value;
}

function fraction(text: string): number {
  const value = Number(text);
  if (text === '' || !(value >= 0 && value < 1)) throw new InvalidArgumentError('Give a number from 0 to below 1.');
  return value;
}

function widths(text: string): number[] {
  return text === 'none' ? [] : text.split(',').map(whole(1));
}

function modelName(text: string): string {
  if (text.endsWith(MODEL_FILE_ENDING) || MODEL_NAMES.some((name) => name === text)) return text;
  throw new InvalidArgumentError(`Give ${MODEL_NAMES.join(', ')} or a file that ends in ${MODEL_FILE_ENDING}.`);
}

function picture(text: string): RunOptions['picture'] {
  const parts = text.split(',');
  if (parts.length !== 3) throw new InvalidArgumentError('Give three numbers, e.g. 1,28,28.');
  const [channels, height, width] = parts.map(whole(1));
  return { channels, height, width };
}

function instance(text: string): RunOptions['instance'] {
  const parts = text.split(',');
  if (parts.length !== 3) throw new InvalidArgumentError('Give three numbers, e.g. 16,16,128.');
  const [slots, queries, columns] = parts.map(whole(1));
  return { slots, queries, columns };
}
