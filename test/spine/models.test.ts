/**
 * The stages take any of the models: each is trained, indexed from its artefact alone, found again, and its training
 * replayed by the auditor. Here the stages run in this process; that commands reach them is tested beside.
 */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { command, runOptions } from '../../src/cli/arguments.js';
import { Run } from '../../src/cli/run.js';
import type { StageOutcome } from '../../src/cli/stage.js';
import { findStage } from '../../src/cli/stages.js';
import { MeedError, packageRoot, Random, silent } from '../../src/foundation/index.js';
import { normalise, replay } from '../../src/models/index.js';
import { temporaryFolder } from './support/command.js';

/** What the file of PyTorch takes; 16 numbers are also a picture of 4 × 4. */
const [WIDTH, CLASSES] = [16, 5];
const folder = temporaryFolder();
const file = join(folder, 'mine.onnx');
copyFileSync(join(packageRoot, 'test', 'fixtures', 'onnx', 'mlp-opset13.onnx'), file);
const rows = rowsFile();

/** Rows of five classes, each bright in columns of its own, of three contributors. */
function rowsFile(): string {
  const random = new Random(3);
  const lines = Array.from({ length: 60 }, (_, i) => {
    const label = i % CLASSES;
    const pixels = Array.from({ length: WIDTH }, (_, p) => (p % CLASSES === label ? 1 : 0) + 0.3 * random.uniform());
    return [...pixels.map((x) => x.toFixed(3)), `kind${label}`, ['ada', 'ben', 'cyd'][i % 3]].join(',');
  });
  const path = join(folder, 'rows.csv');
  const header = [...Array.from({ length: WIDTH }, (_, p) => `p${p}`), 'kind', 'who'].join(',');
  writeFileSync(path, `${[header, ...lines].join('\n')}\n`);
  return path;
}

/** A run with the options as a person writes them; every one is opened anew, so that only files carry over. */
function open(out: string, ...args: string[]): Promise<Run> {
  const csv = ['--csv', rows, '--label', 'kind', '--contributor', 'who'];
  const size = ['--instance', '2,2,4', '--receipts', '3', '--epochs', '3', '--learning-rate', '0.01'];
  const made = command('index', 'indexes', ['data', 'training', 'index', 'receipts']);
  made.parse([...csv, ...size, '--out', out, ...args], { from: 'user' });
  return Run.open(runOptions(made.opts()));
}

async function runStage(name: string, out: string, ...args: string[]): Promise<StageOutcome> {
  return findStage(name).run(await open(out, ...args), silent);
}

describe('the spine', () => {
  it.each<[string, string[], object]>([
    ['lenet', ['--model', 'lenet', '--picture', '1,4,4'], { name: 'lenet', channels: 1, height: 4, width: 4 }],
    ['linear', ['--model', 'linear'], { name: 'linear', inputs: WIDTH }],
    ['a file', ['--model', file], { name: 'onnx', objective: 'class' }],
  ])(
    'trains %s, indexes it from its artefact, and an auditor can replay it',
    async (name, options, definition) => {
      const out = join(folder, name.replace(' ', '-'));
      await runStage('data', out);
      expect(await runStage('train', out, ...options)).toMatchObject({ reused: false });
      expect(await runStage('train', out, ...options)).toMatchObject({ reused: true });
      expect(await runStage('train', out)).toMatchObject({ reused: false });
      expect(await runStage('train', out, ...options)).toMatchObject({ reused: false });
      // from here on nobody says which model it is
      const run = await open(out);
      const indexed = await findStage('index').run(run, silent);
      const { artefact, model, normalisation, options: training, states } = await run.model();
      expect(artefact.manifest.facts.definition).toMatchObject(definition);
      expect((await run.index()).artefact.manifest.inputs.model).toBe(artefact.manifest.id);
      expect((await run.index()).artefact.manifest.id).toBe(indexed.id);
      const [first, , last] = artefact.manifest.facts.losses as number[];
      expect(last).toBeLessThan(first);
      expect(model.initialise(Random.named(training.seed, 'weights'))).toEqual(states[0].parameters);
      const { train } = (await run.dataset()).dataset;
      const samples = normalise(normalisation, train, train.labels);
      const [before, end] = states.slice(-2);
      expect(await replay(run.engine, model, samples, training, before, end.step)).toEqual(end);
    },
    60_000,
  );

  it('refuses a model that does not fit the rows', async () => {
    const out = join(folder, 'unfit');
    await runStage('data', out);
    const refused = (...args: string[]) => runStage('train', out, ...args).catch((error: unknown) => error);
    const wide = await refused('--model', 'lenet', '--picture', '3,4,4');
    expect(wide).toBeInstanceOf(MeedError);
    expect((wide as MeedError).message).toMatch(/\[3,4,4\], the rows have 16 numbers/);
    const other = join(packageRoot, 'test', 'fixtures', 'onnx', 'cnn-opset13.onnx');
    expect(((await refused('--model', other)) as MeedError).message).toMatch(/\[2,10,10\], the rows have 16 numbers/);
  });
});
