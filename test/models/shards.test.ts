/** Weights in several files: the same model as from one, and an index that is wrong or hostile is refused by name. */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readHuggingFaceModel, readSafetensors, type StoredTensor } from '../../src/models/index.js';
import { refusal, temporaryFolder } from '../data/fixture.js';

const fixture = join(import.meta.dirname, '..', 'fixtures', 'onnx', 'llama-tiny');
const INDEX = 'model.safetensors.index.json';
const [FIRST, SECOND] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];

function encode(tensors: readonly StoredTensor[]): Uint8Array {
  let next = 0;
  const places = tensors.map(({ name, shape }) => {
    const begin = next;
    next += 4 * shape.reduce((a, b) => a * b, 1);
    return [name, { dtype: 'F32', shape, data_offsets: [begin, next] }];
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(places)));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  const data = tensors.map((tensor) => Buffer.from(tensor.read().buffer));
  return Buffer.concat([length, header, ...data]);
}

type WeightMap = Record<string, unknown>;

interface Shards {
  first: StoredTensor[];
  second: StoredTensor[];
  map: WeightMap;
}

/** The tiny Llama in two files, changed before they are written. */
async function sharded(change: (shards: Shards) => void = () => {}): Promise<string> {
  const folder = temporaryFolder();
  const all = [...readSafetensors(await readFile(join(fixture, 'model.safetensors'))).values()];
  // every other tensor, so that the layers lie in both
  const shards: Shards = {
    first: all.filter((_, i) => i % 2 === 0),
    second: all.filter((_, i) => i % 2 === 1),
    map: Object.fromEntries(all.map(({ name }, i) => [name, i % 2 === 0 ? FIRST : SECOND])),
  };
  change(shards);
  await writeFile(join(folder, 'config.json'), await readFile(join(fixture, 'config.json')));
  await writeFile(join(folder, FIRST), encode(shards.first));
  await writeFile(join(folder, SECOND), encode(shards.second));
  await writeFile(join(folder, INDEX), JSON.stringify({ metadata: { total_size: 1 }, weight_map: shards.map }));
  return folder;
}

describe('weights in shards', () => {
  it('are the same model as in one file', async () => {
    const whole = await readHuggingFaceModel(fixture);
    const parts = await readHuggingFaceModel(await sharded());
    expect(parts.parameters).toEqual(whole.parameters);
    expect(parts.model.definition).toEqual(whole.model.definition);
  });

  it.each<[string, (shards: Shards) => void, RegExp]>([
    [
      'a tensor that its file does not hold',
      ({ first }) => first.pop(),
      /model-00001-of-00002.safetensors does not hold the tensor "[\w.]+" that .*index.json says is in it/,
    ],
    [
      'a tensor in two files',
      ({ first, second, map }) => {
        second.push(first[0]);
        map[first[0].name] = FIRST;
      },
      /The tensor "[\w.]+" is stored twice, in model-00001.* and in model-00002/,
    ],
    [
      'a tensor that the index does not name',
      ({ first, map }) => delete map[first[0].name],
      /holds the tensor "[\w.]+", which model.safetensors.index.json does not name/,
    ],
    [
      'a tensor that the index names for the other file',
      ({ first, map }) => {
        map[first[0].name] = SECOND;
      },
      /holds the tensor "[\w.]+", which .* says is in model-00002/,
    ],
    [
      'a file that is not there',
      ({ map }) => {
        map['model.norm.weight'] = 'model-00003-of-00003.safetensors';
      },
      /model-00003-of-00003.safetensors does not exist/,
    ],
  ])('with %s are refused', async (_what, change, sentence) => {
    const folder = await sharded(change);
    expect(await refusal(() => readHuggingFaceModel(folder))).toMatch(sentence);
  });

  it.each([
    '../model.safetensors',
    '/etc/hostname.safetensors',
    'sub/model.safetensors',
    'sub\\model.safetensors',
    '..',
    '.hidden.safetensors',
    'config.json',
    'a\u0000.safetensors',
    '',
    7,
    null,
    ['a.safetensors'],
  ])('are not looked for at %j', async (place) => {
    const folder = await sharded(({ map }) => {
      map['model.norm.weight'] = place;
    });
    expect(await refusal(() => readHuggingFaceModel(folder))).toMatch(
      /"model.norm.weight" is in .*, which is no name of a file beside it/,
    );
  });

  it('are not followed through a link out of the folder', async () => {
    const folder = await sharded();
    const outside = temporaryFolder();
    await writeFile(join(outside, 'weights.safetensors'), await readFile(join(folder, FIRST)));
    await mkdir(join(folder, 'other'));
    const linked = 'linked.safetensors';
    await symlink(join(outside, 'weights.safetensors'), join(folder, linked));
    const index = JSON.parse(await readFile(join(folder, INDEX), 'utf8')) as { weight_map: WeightMap };
    for (const [name, file] of Object.entries(index.weight_map)) {
      if (file === FIRST) index.weight_map[name] = linked;
    }
    await writeFile(join(folder, INDEX), JSON.stringify(index));
    expect(await refusal(() => readHuggingFaceModel(folder))).toMatch(/linked.safetensors is a link to .*outside/);
  });

  it.each([
    ['{', /index.json is no JSON/],
    ['[]', /has no weight_map/],
    ['null', /has no weight_map/],
    ['{}', /has no weight_map/],
    ['{"weight_map": {}}', /has no weight_map/],
    ['{"weight_map": ["model.safetensors"]}', /has no weight_map/],
    ['{"weight_map": {"__proto__": "../x.safetensors"}}', /"__proto__" is in "..\/x.safetensors"/],
  ])('are not read by the index %s', async (text, sentence) => {
    const folder = await sharded();
    await writeFile(join(folder, INDEX), text);
    expect(await refusal(() => readHuggingFaceModel(folder))).toMatch(sentence);
  });
});
