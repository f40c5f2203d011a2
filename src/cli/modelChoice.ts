/** The model that the options and the data set's card ask for. */
import type { DatasetCard } from '../data/index.js';
import { explainFileError, MeedError, sha256File } from '../foundation/index.js';
import type { ModelChoice, Picture } from '../models/index.js';
import { profileOf } from './profile.js';
import type { RunOptions } from './run.js';

/** Models of Meed's own; anything else that is asked for is a file. */
export const MODEL_NAMES = ['mlp', 'linear', 'lenet', 'resnet9'] as const;
export const MODEL_FILE_ENDING = '.onnx';

type Chosen = Pick<RunOptions, 'model' | 'modelOutput' | 'hidden' | 'picture'>;

/** @throws MeedError when options contradict each other, a picture is needed and unknown, or the file cannot be read */
export async function modelChoice(options: Chosen, card: DatasetCard): Promise<ModelChoice> {
  const { model = 'mlp', modelOutput, hidden, picture } = options;
  const isFile = model.endsWith(MODEL_FILE_ENDING);
  const net = model === 'lenet' || model === 'resnet9';
  refuseUnless(model === 'mlp', hidden, '--hidden', 'an mlp');
  refuseUnless(isFile, modelOutput, '--model-output', 'a model from a file');
  refuseUnless(net, picture, '--picture', 'lenet or resnet9');
  if (isFile) {
    const sha256 = await sha256File(model).catch((error: unknown) => {
      throw explainFileError(error, model);
    });
    return { name: 'onnx', path: model, sha256, output: modelOutput };
  }
  if (net) return { name: model, picture: picture ?? pictureOf(card, model) };
  if (model === 'linear') return { name: 'linear' };
  return { name: 'mlp', hidden: hidden ?? profileOf(card.name).hidden };
}

function refuseUnless(fits: boolean, value: unknown, option: string, what: string): void {
  if (fits || value === undefined) return;
  throw new MeedError(`${option} is given, which says something of ${what} only`, `Leave ${option} out`, {
    exitCode: 2,
  });
}

/** [height, width] is a picture in one colour, [channels, height, width] one in several. */
function pictureOf({ name, featureShape }: DatasetCard, model: string): Picture {
  const extents = featureShape.length === 2 ? [1, ...featureShape] : featureShape;
  if (extents.length === 3) {
    const [channels, height, width] = extents;
    return { channels, height, width };
  }
  throw new MeedError(
    `${model} looks at pictures, and a row of ${name} has the shape [${featureShape}]`,
    'Say how its numbers are a picture with --picture CHANNELS,HEIGHT,WIDTH, or choose another model',
    { exitCode: 2 },
  );
}
