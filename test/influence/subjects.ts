/**
 * A perceptron, a decoder, and models from files, each with two states and enough samples for several blocks: what the
 * properties of scores are tested on, here and in the child processes of other devices.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot, Random } from '../../src/foundation/index.js';
import { readOnnx } from '../../src/graph/index.js';
import type { WeightedState } from '../../src/influence/index.js';
import { decoder, importedModel, type Model, mlp, type Samples } from '../../src/models/index.js';
import { cloud } from '../models/tiny.js';

export interface Subject {
  readonly name: string;
  readonly model: Model;
  readonly states: readonly WeightedState[];
  readonly outputs: Samples;
  readonly samples: Samples;
  /**
   * Whether a sample's last bits depend on its place in the batch. ONNX Runtime takes samples of a convolution in groups,
   * and adds up an axis of another extent than a multiple of eight from wherever in memory it begins.
   */
  readonly placeMatters: boolean;
  /** Which others are asked too: in plain JavaScript and on software Vulkan, large models take minutes a batch. */
  readonly others: readonly ('tfjs' | 'webgpu')[];
}

/** As many as software can take. */
export const WEBGPU_ROWS = { outputs: 4, samples: 20 } as const;

const OUTPUTS = 67;
const SAMPLES = 1100;
/** A multiple of what the processor adds at once; see `placeMatters`. */
const CONTEXT = 8;
const VOCABULARY = 9;
const FOLDER = join(packageRoot, 'test', 'fixtures', 'onnx');

/** Both states are the same weights moved a little, each weight by another amount. */
function states(parameters: Float32Array): WeightedState[] {
  const random = Random.named(5, 'states');
  const moved = (): Float32Array => parameters.map((w) => w + 0.05 * random.normal());
  return [
    { parameters: moved(), weight: 0.25 },
    { parameters: moved(), weight: 1.5 },
  ];
}

function sequences(rows: number, width: number, vocabulary: number, seed: number): Samples {
  const random = new Random(seed);
  const tokens = (): number[] => Array.from({ length: rows * width }, () => random.below(vocabulary));
  return { rows, width, features: Float32Array.from(tokens()), targets: Int32Array.from(tokens()) };
}

function perceptron(): Subject {
  const model = mlp([6, 8, 5, 3]);
  return {
    name: 'perceptron',
    placeMatters: false,
    others: ['tfjs', 'webgpu'],
    model,
    states: states(model.initialise(new Random(1))),
    outputs: cloud(OUTPUTS, 6, 3, 2),
    samples: cloud(SAMPLES, 6, 3, 3),
  };
}

function transformer(): Subject {
  const model = decoder({
    vocabulary: VOCABULARY,
    context: CONTEXT,
    width: 8,
    layers: 1,
    heads: 2,
    keyValueHeads: 1,
    hidden: 10,
    norm: 'rms',
    epsilon: 1e-5,
    positions: 'halves',
    feedForward: 'swiglu',
    head: 'tied',
    biased: [],
  });
  return {
    name: 'decoder',
    placeMatters: false,
    others: ['tfjs', 'webgpu'],
    model,
    states: states(model.initialise(new Random(2))),
    outputs: sequences(OUTPUTS, CONTEXT, VOCABULARY, 4),
    samples: sequences(SAMPLES, CONTEXT, VOCABULARY, 5),
  };
}

async function imported(name: string, others: Subject['others']): Promise<Subject> {
  const { input } = JSON.parse(readFileSync(join(FOLDER, `${name}.reference.json`), 'utf8')) as {
    readonly input: { readonly shape: readonly number[] };
  };
  const width = input.shape.slice(1).reduce((a, b) => a * b, 1);
  const words = input.shape.length === 2 && /gpt2|decoder/.test(name);
  const file = await readOnnx(join(FOLDER, `${name}.onnx`), { bind: words ? { sequence: width } : {} });
  const { model, parameters } = importedModel(file, { objective: words ? 'next-token' : 'class' });
  const rows = (count: number, seed: number): Samples =>
    words ? sequences(count, width, model.classes, seed) : cloud(count, width, model.classes, seed);
  return {
    name,
    placeMatters: true,
    others,
    model,
    states: states(parameters),
    outputs: rows(OUTPUTS, 6),
    samples: rows(SAMPLES, 7),
  };
}

export async function allSubjects(): Promise<Subject[]> {
  return [
    perceptron(),
    transformer(),
    await imported('mlp-opset13', ['tfjs', 'webgpu']),
    await imported('gpt2-opset17', ['tfjs']),
    await imported('cnn-opset13', []),
  ];
}
