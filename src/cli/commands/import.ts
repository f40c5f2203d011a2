/** `meed import`: what an ONNX file holds, and which of its weights can be attributed. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { MeedError } from '../../foundation/index.js';
import {
  capture,
  GraphBuilder,
  type ImportedModel,
  multiply,
  readOnnx,
  reduceSum,
  reshape,
  sizeOf,
  type Value,
} from '../../graph/index.js';
import { table } from '../terminal.js';

/** Why a weight has no per-sample gradient, `undefined` when it has one. */
type Obstacle = string | undefined;

export function importCommand(): Command {
  return new Command('import')
    .description('shows the layers and weights of an ONNX model, and what can be attributed')
    .argument('<model.onnx>', 'a file of operator set 13 to 21')
    .addOption(new Option('--bind <name=extent,...>', 'extents of named dimensions').argParser(bindings).default({}))
    .addOption(new Option('--freeze <names>', 'stored tensors that are no weights').argParser(names).default([]))
    .addOption(new Option('--train <names>', 'stored tensors that are weights').argParser(names).default([]))
    .option('--json', 'print the result as JSON on standard output')
    .exitOverride()
    .action(async (path: string, { bind, freeze, train, json }) => {
      const model = await readOnnx(path, { bind, frozen: freeze, trainable: train });
      const obstacles = obstaclesOf(model);
      process.stdout.write(json ? `${JSON.stringify(asJson(model, obstacles), null, 2)}\n` : asText(model, obstacles));
    });
}

function bindings(text: string): Record<string, number> {
  const pairs = text.split(',').map((pair) => /^(.+)=([1-9][0-9]*)$/.exec(pair));
  if (!pairs.every((pair) => pair !== null)) throw new InvalidArgumentError('Give names and extents: batch=8,seq=16.');
  return Object.fromEntries(pairs.map(([, name, extent]) => [name, Number(extent)]));
}

function names(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

const LEAST_SAMPLES = 2;

/** Asks the product itself: the factors of every weight's gradient of a scalar of the first output. */
function obstaclesOf(model: ImportedModel): Obstacle[] {
  const samples = Math.max(LEAST_SAMPLES, model.samples);
  const attempt = (wanted: readonly number[]): Obstacle => {
    const g = new GraphBuilder();
    const inputs = model.inputs.map((input, i) => g.input(`x${i}`, model.inputShape(input, samples)));
    const parameters = model.parameters.map(({ shape }, i) => g.input(`w${i}`, shape));
    const [output] = Object.values(model.build(g, { samples, parameters, inputs }));
    try {
      const blocks = capture(g, {
        losses: scalarOfEach(g, output),
        batch: inputs,
        parameters: wanted.map((i) => parameters[i]),
      });
      return wanted.length === 1 && blocks.length === 0 ? 'The first output does not depend on it' : undefined;
    } catch (error) {
      if (error instanceof MeedError) return error.message;
      throw error;
    }
  };
  const all = [...model.parameters.keys()];
  if (all.length > 1 && attempt(all) === undefined) return all.map(() => undefined);
  return all.map((i) => attempt([i]));
}

/** Σ y² of each sample: any scalar that depends on the whole output would do. */
function scalarOfEach(g: GraphBuilder, y: Value): Value {
  const rows = reshape(g, y, [y.shape[0], sizeOf(y.shape.slice(1))]);
  return reduceSum(g, multiply(g, rows, rows), [1]);
}

function asJson(model: ImportedModel, obstacles: readonly Obstacle[]): object {
  const { producer, opset, inputs, outputs, samples, parameters } = model;
  return {
    producer,
    opset,
    inputs,
    outputs,
    samples,
    parameters: parameters.map(({ name, shape, layers }, i) => ({
      name,
      shape,
      size: sizeOf(shape),
      layers,
      attributed: obstacles[i] === undefined,
      ...(obstacles[i] === undefined ? {} : { obstacle: obstacles[i] }),
    })),
  };
}

function asText(
  { producer, opset, inputs, outputs, parameters }: ImportedModel,
  obstacles: readonly Obstacle[],
): string {
  const rows = parameters.map(({ name, shape, layers }, i) => [
    name,
    shape.join(' × '),
    String(sizeOf(shape)),
    [...new Set(layers.map(({ type }) => type))].join(', ') || 'named by --train',
    obstacles[i] === undefined ? 'yes' : 'no',
  ]);
  const total = parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const attributed = parameters.reduce(
    (sum, { shape }, i) => sum + (obstacles[i] === undefined ? sizeOf(shape) : 0),
    0,
  );
  const refused = parameters.flatMap(({ name }, i) => (obstacles[i] === undefined ? [] : [`${name}: ${obstacles[i]}`]));
  return [
    `From ${producer || 'an unnamed exporter'}, ONNX operator set ${opset}.`,
    ...inputs.map(({ name, type, shape }) => `input   ${name}: ${shape.join(' × ')} (${type})`),
    ...outputs.map(({ name, shape }) => `output  ${name}: ${shape.join(' × ')}`),
    '',
    ...(rows.length > 0 ? [table([['weight', 'shape', 'numbers', 'used by', 'attributed'], ...rows]), ''] : []),
    `${total} numbers in ${parameters.length} weights; ${attributed} of them can be attributed.`,
    ...refused,
    '',
  ].join('\n');
}
