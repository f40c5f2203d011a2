import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/foundation/index.js';
import { differentiate, GraphBuilder, interpret, reduceSum } from '../../src/graph/index.js';
import { loadHuggingFaceModel, readHuggingFaceModel } from '../../src/models/huggingFace.js';
import { readSafetensors } from '../../src/models/safetensors.js';

const fixtures = join(import.meta.dirname, '..', 'fixtures', 'onnx');
const MODELS = ['llama-tiny', 'llama-tiny-tied-bf16', 'gpt2-tiny', 'gpt2-tiny-f16'];

/** What PyTorch gave in float64; see the fixtures' README. */
interface Reference {
  readonly input: { readonly shape: [number, number]; readonly values: number[] };
  readonly output: { readonly shape: [number, number, number]; readonly values: number[] };
  readonly losses: number[];
  readonly parameters: { readonly name: string; readonly squaredNorms: number[] }[];
}

const read = async (model: string) => ({
  folder: join(fixtures, model),
  reference: JSON.parse(await readFile(join(fixtures, model, 'reference.json'), 'utf8')) as Reference,
  config: JSON.parse(await readFile(join(fixtures, model, 'config.json'), 'utf8')) as JsonObject,
  weights: new Uint8Array(await readFile(join(fixtures, model, 'model.safetensors'))),
});

describe.each(MODELS)('%s', (name) => {
  it("has PyTorch's logits, losses and per-sample gradient norms", async () => {
    const { folder, reference } = await read(name);
    const { model, parameters } = await readHuggingFaceModel(folder);
    const [samples, length] = reference.input.shape;
    const g = new GraphBuilder();
    const values = model.parameters.map((parameter) => g.input(parameter.name, parameter.shape));
    const logits = model.forward(g, values, g.input('x', [1, length]));
    const loss = reduceSum(g, model.losses(g, logits, g.input('targets', [1, length])), [0]);
    const gradients = differentiate(g, loss, values);
    const graph = g.build({
      logits,
      loss,
      ...Object.fromEntries(model.parameters.map((parameter, p) => [`d ${parameter.name}`, gradients[p]])),
    });
    const weights = Object.fromEntries(
      model.parameters.map(({ name: parameter, offset, shape }) => [
        parameter,
        parameters.subarray(offset, offset + shape.reduce((a, b) => a * b, 1)),
      ]),
    );
    const all: number[] = [];
    for (let i = 0; i < samples; i++) {
      const x = reference.input.values.slice(i * length, (i + 1) * length);
      // the last token has no target
      const targets = [...x.slice(1), -1];
      const result = interpret(graph, { ...weights, x, targets });
      all.push(...result.logits.data);
      expect(result.loss.data[0]).toBeCloseTo(reference.losses[i], 5);
      const total = model.parameters.reduce(
        (sum, parameter) => sum + result[`d ${parameter.name}`].data.reduce((s, d) => s + d ** 2, 0),
        0,
      );
      const expected = reference.parameters.reduce((sum, { squaredNorms }) => sum + squaredNorms[i], 0);
      expect(Math.abs(total / expected - 1)).toBeLessThan(1e-5);
    }
    // the reference keeps the first values
    for (const [i, logit] of reference.output.values.entries()) expect(Math.abs(all[i] - logit)).toBeLessThan(1e-5);
  });
});

describe('a configuration that the decoder does not do is refused by name', () => {
  it.each([
    ['llama-tiny', { model_type: 'mamba' }, /model type is "mamba"/],
    ['llama-tiny', { hidden_act: 'relu' }, /hidden_act = "relu"/],
    ['llama-tiny', { rope_parameters: { rope_type: 'llama3', factor: 8 } }, /rope_parameters of type "llama3"/],
    [
      'llama-tiny',
      { rope_scaling: { type: 'linear', factor: 2 }, rope_parameters: null },
      /rope_scaling of type "linear"/,
    ],
    ['llama-tiny', { vocab_size: 65 }, /has the shape \[64,32\], config.json means \[65,32\]/],
    ['llama-tiny', { vocab_size: -1 }, /vocab_size = -1/],
    ['llama-tiny', { num_hidden_layers: 3 }, /no tensor ".*layers.2.input_layernorm.weight"/],
    ['llama-tiny', { num_hidden_layers: 1 }, /no place for 9 tensors/],
    ['llama-tiny', { intermediate_size: 2 ** 20 }, /the weights of \d+ bytes hold fewer/],
    ['llama-tiny', { num_hidden_layers: 2 ** 40 }, /layers 1099511627776/],
    ['llama-tiny', { intermediate_size: 25 }, /config.json means \[25,32\]/],
    ['llama-tiny', { attention_bias: true }, /no tensor ".*q_proj.bias"/],
    ['gpt2-tiny', { scale_attn_by_inverse_layer_idx: true }, /scale_attn_by_inverse_layer_idx = true/],
    ['gpt2-tiny', { n_head: 3 }, /3 heads do not divide/],
    ['gpt2-tiny', { n_embd: '16' }, /n_embd = "16"/],
  ])('%s with %o', async (name, change, message) => {
    const { config, weights } = await read(name);
    expect(() => loadHuggingFaceModel({ ...config, ...change }, weights)).toThrow(message);
  });
});

/** A file of this header over these numbers. */
function file(header: unknown, numbers: Uint8Array = new Uint8Array(8)): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + numbers.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(numbers, 8 + json.length);
  return bytes;
}

describe('safetensors', () => {
  it('reads each type of number', () => {
    const data = new DataView(new ArrayBuffer(24));
    data.setFloat32(0, -1.5, true);
    data.setFloat64(4, 0.1, true);
    // 1, −2, the smallest subnormal, the largest number, and π in bfloat16
    for (const [i, bits] of [0x3c00, 0xc000, 0x0001, 0x7bff].entries()) data.setUint16(12 + 2 * i, bits, true);
    data.setUint16(20, 0x4049, true);
    data.setUint16(22, 0x8000, true);
    const tensors = readSafetensors(
      file(
        {
          __metadata__: { format: 'pt' },
          half: { dtype: 'F16', shape: [2, 2], data_offsets: [12, 20] },
          single: { dtype: 'F32', shape: [], data_offsets: [0, 4] },
          double: { dtype: 'F64', shape: [1], data_offsets: [4, 12] },
          brain: { dtype: 'BF16', shape: [2], data_offsets: [20, 24] },
        },
        new Uint8Array(data.buffer),
      ),
    );
    const numbers = (name: string) => [...(tensors.get(name)?.read() ?? [])];
    expect(numbers('single')).toEqual([-1.5]);
    expect(numbers('double')).toEqual([Math.fround(0.1)]);
    expect(numbers('half')).toEqual([1, -2, 2 ** -24, 65504]);
    expect(numbers('brain')).toEqual([3.140625, -0]);
  });

  const one = (entry: object) => ({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...entry } });
  it.each([
    ['too short', new Uint8Array(7), /7 bytes has no header/],
    ['no JSON', file('{'), /no JSON/],
    ['a list', file('[]'), /no JSON object/],
    ['bytes that are no text', file('\ud800x').fill(0xff, 8), /no JSON/],
    ['an entry that is none', file({ a: 3 }), /"a" has no description/],
    ['an unknown type', file(one({ dtype: 'Q4' })), /unknown type Q4/],
    ['an inherited type', file(one({ dtype: 'constructor' })), /unknown type constructor/],
    ['a negative extent', file(one({ shape: [-2] })), /no list of whole numbers/],
    ['an overflowing shape', file(one({ shape: [2 ** 52, 2 ** 52] })), /which takes/],
    ['a shape for other bytes', file(one({ shape: [3] })), /8 bytes for the shape \[3\] of F32, which takes 12/],
    ['turned offsets', file(one({ data_offsets: [8, 0] })), /-8 bytes/],
    ['three offsets', file(one({ data_offsets: [0, 8, 8] })), /no two whole numbers/],
    ['offsets beyond the file', file(one({ shape: [4], data_offsets: [0, 16] })), /ends at byte 16 of 8/],
    ['a gap', file(one({ shape: [1], data_offsets: [4, 8] })), /begins at byte 4, not at 0/],
    ['a tail', file(one({ shape: [1], data_offsets: [0, 4] })), /4 bytes .* belong to no tensor/],
    [
      'an overlap',
      file({ ...one({}), b: { dtype: 'U8', shape: [4], data_offsets: [4, 8] } }),
      /begins at byte 4, not at 8/,
    ],
  ])('refuses %s', (_what, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  it('refuses a header that claims more than the file, or more than the limit, before reading it', () => {
    const bytes = file({});
    for (const length of [2n ** 64n - 1n, 2n ** 31n, 100n]) {
      new DataView(bytes.buffer).setBigUint64(0, length, true);
      expect(() => readSafetensors(bytes)).toThrow(/header claims/);
    }
  });

  it('every cut of a real file is refused', async () => {
    const { config, weights } = await read('llama-tiny-tied-bf16');
    for (let end = 0; end < weights.length; end += 97)
      expect(() => loadHuggingFaceModel(config, weights.subarray(0, end))).toThrow(
        expect.objectContaining({ name: 'MeedError' }),
      );
  });

  it('weights that are not finite, of no number type, or missing are refused with their names', async () => {
    const { config, weights } = await read('llama-tiny');
    const broken = weights.slice();
    new DataView(broken.buffer).setUint32(broken.length - 4, 0x7fc00000, true);
    expect(() => loadHuggingFaceModel(config, broken)).toThrow(/not finite/);
    const [integer] = readSafetensors(file({ a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } })).values();
    expect(() => integer.read()).toThrow(/"a" is of type I64/);
    const folder = await mkdtemp(join(tmpdir(), 'meed-'));
    try {
      await expect(readHuggingFaceModel(folder)).rejects.toThrow(/config.json does not exist/);
      await writeFile(join(folder, 'config.json'), 'no');
      await expect(readHuggingFaceModel(folder)).rejects.toThrow(/no JSON/);
      await writeFile(join(folder, 'config.json'), JSON.stringify(config));
      await expect(readHuggingFaceModel(folder)).rejects.toThrow(
        /neither model.safetensors nor model.safetensors.index.json/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
