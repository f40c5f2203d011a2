/** Which model the options of `meed train` mean for a data set, and which of them contradict each other. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { command } from '../../src/cli/arguments.js';
import { modelChoice } from '../../src/cli/modelChoice.js';
import { profileOf } from '../../src/cli/profile.js';
import type { RunOptions } from '../../src/cli/run.js';
import type { DatasetCard } from '../../src/data/index.js';
import { MeedError, packageRoot, sha256File } from '../../src/foundation/index.js';

const FIXTURE = join(packageRoot, 'test', 'fixtures', 'onnx', 'mlp-opset13.onnx');

function card(featureShape: readonly number[], name = 'rows'): DatasetCard {
  return {
    name,
    title: 'Rows',
    licence: 'CC0-1.0',
    origin: 'made by the project',
    contributorColumn: 'who',
    classes: ['no', 'yes'],
    featureShape,
    files: [],
    description: 'Rows.',
  };
}

function parsed(...args: string[]): RunOptions {
  const made = command('train', 'trains', ['training']).configureOutput({ writeErr: () => {} });
  return made.parse(args, { from: 'user' }).opts();
}

describe('the model that is trained', () => {
  it("is a perceptron of the data set's profile unless told", async () => {
    expect(await modelChoice(parsed(), card([28, 28], 'mnist'))).toEqual({
      name: 'mlp',
      hidden: profileOf('mnist').hidden,
    });
    expect(await modelChoice(parsed('--hidden', '7,3'), card([5]))).toEqual({ name: 'mlp', hidden: [7, 3] });
    expect(await modelChoice(parsed('--model', 'mlp', '--hidden', 'none'), card([5]))).toEqual({
      name: 'mlp',
      hidden: [],
    });
    expect(await modelChoice(parsed('--model', 'linear'), card([5]))).toEqual({ name: 'linear' });
  });

  it('sees the pictures of the card, or those that it is told of', async () => {
    const grey = { channels: 1, height: 28, width: 20 };
    expect(await modelChoice(parsed('--model', 'lenet'), card([28, 20]))).toEqual({ name: 'lenet', picture: grey });
    expect(await modelChoice(parsed('--model', 'resnet9'), card([3, 8, 9]))).toEqual({
      name: 'resnet9',
      picture: { channels: 3, height: 8, width: 9 },
    });
    expect(await modelChoice(parsed('--model', 'lenet', '--picture', '1,28,20'), card([560]))).toEqual({
      name: 'lenet',
      picture: grey,
    });
  });

  it('may be a file, known by its content', async () => {
    expect(await modelChoice(parsed('--model', FIXTURE, '--model-output', 'y'), card([16]))).toEqual({
      name: 'onnx',
      path: FIXTURE,
      sha256: await sha256File(FIXTURE),
      output: 'y',
    });
  });
});

describe('is refused', () => {
  it.each<[string[], 1 | 2, RegExp]>([
    [['--model', 'lenet'], 2, /lenet looks at pictures, and a row of rows has the shape \[16\].*--picture/],
    [['--model', 'linear', '--hidden', '4'], 2, /--hidden is given, which says something of an mlp only/],
    [['--model', 'lenet', '--hidden', '4', '--picture', '1,4,4'], 2, /--hidden is given/],
    [['--model', FIXTURE, '--hidden', '4'], 2, /--hidden is given/],
    [['--picture', '1,4,4'], 2, /--picture is given, which says something of lenet or resnet9 only/],
    [['--model-output', 'y'], 2, /--model-output is given, which says something of a model from a file only/],
    [['--model', 'nowhere.onnx'], 1, /nowhere\.onnx does not exist/],
    [['--model', join(packageRoot, 'test', 'folder.onnx', 'x.onnx')], 1, /does not exist/],
  ])('%j', async (args, exitCode, sentence) => {
    const refused = await modelChoice(parsed(...args), card([16])).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(MeedError);
    expect((refused as MeedError).message).toMatch(sentence);
    expect((refused as MeedError).exitCode).toBe(exitCode);
  });

  it.each([
    [['--model', 'vgg'], /Give mlp, linear, lenet, resnet9 or a file that ends in \.onnx/],
    [['--model', ''], /Give mlp/],
    [['--picture', '28,28'], /Give three numbers, e\.g\. 1,28,28/],
    [['--picture', '1,28,0'], /whole number of at least 1/],
  ])('%j as soon as it is read', (args, sentence) => {
    expect(() => parsed(...args)).toThrow(sentence);
  });
});

describe('meed train --help', () => {
  it('says which models there are, and from what a file is trained on', () => {
    const text = command('train', 'trains', ['training']).helpInformation().replace(/\s+/g, ' ');
    expect(text).toMatch(/--model <name> mlp, linear, lenet, resnet9, or a file MODEL\.onnx, .* its stored weights/);
    expect(text).toContain('given the rows as they are');
    expect(text).toContain('--picture <C,H,W>');
    expect(text).toContain('--model-output <name>');
  });
});
