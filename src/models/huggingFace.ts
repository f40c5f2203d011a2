/**
 * Models of the Llama and GPT-2 families as the Hugging Face hub stores them: `config.json` beside `model.safetensors`,
 * or beside several such files and their index.
 * The names and their meaning are those of transformers' `LlamaConfig` and `GPT2Config`.
 * The traps: Llama's matrices are [out, in], GPT-2's [in, out] with query, key and value side by side; a tied head may be
 * stored or not; older configurations say `rope_theta`, newer `rope_parameters`. What the decoder does not do (scaled
 * rotary angles, another activation) is refused by name, never ignored.
 */
import { join } from 'node:path';
import { type Json, type JsonObject, MeedError, messageOf } from '../foundation/index.js';
import { sizeOf } from '../graph/index.js';
import { DEFAULT_THETA, type DecoderShape, decoder } from './decoder.js';
import type { LoadedModel } from './llama2c.js';
import { readSafetensors, type StoredTensor } from './safetensors.js';
import { bounded, readStoredWeights, type StoredWeights } from './shards.js';

const CONFIG_LIMIT = 2 ** 20;

/** @param folder with config.json and the weights @throws MeedError when either is missing, malformed or unfit */
export async function readHuggingFaceModel(folder: string): Promise<LoadedModel> {
  const config = parseConfig(await bounded(join(folder, 'config.json'), CONFIG_LIMIT));
  return assembled(config, await readStoredWeights(folder));
}

/** The same from memory, of one file. */
export function loadHuggingFaceModel(config: JsonObject, weights: Uint8Array): LoadedModel {
  return assembled(config, { tensors: readSafetensors(weights), bytes: weights.length });
}

function assembled(config: JsonObject, { tensors, bytes }: StoredWeights): LoadedModel {
  const family = FAMILIES[String(config.model_type)];
  if (!family) {
    throw new MeedError(
      `The model type is ${JSON.stringify(config.model_type)}`,
      `Give one of ${Object.keys(FAMILIES).join(', ')}`,
    );
  }
  const shape = family.shape(config);
  const tables = [...tensors.values()].filter(({ name }) => name.endsWith(family.table));
  if (tables.length !== 1) {
    throw new MeedError(
      `The weights hold ${tables.length} tensors "${family.table}"`,
      'Give the weights of a whole model',
    );
  }
  const prefix = tables[0].name.slice(0, -family.table.length);
  // before anything is allocated: a shape that the table contradicts is wrong everywhere
  expectShape(tables[0], [shape.vocabulary, shape.width]);
  const model = decoder(shape);
  // every parameter is a number of its own in the file, of two bytes at least
  if (2 * model.parameterCount > bytes) {
    throw new MeedError(
      `config.json means ${model.parameterCount} parameters, the weights of ${bytes} bytes hold fewer`,
      'Check that config.json belongs to the weights',
    );
  }
  const parameters = new Float32Array(model.parameterCount);
  const used = new Set<string>();
  const cache = new Map<string, Float32Array>();
  for (const { name, offset, shape: extents } of model.parameters) {
    const source = family.source(name, shape, prefix);
    const tensor = tensors.get(source.tensor);
    if (!tensor)
      throw new MeedError(`The weights have no tensor "${source.tensor}"`, 'Give the weights of this config.json');
    used.add(tensor.name);
    const [rows, columns] = extents.length === 2 ? extents : [1, extents[0]];
    const wide = source.of ?? columns;
    const stored = source.order === 'transposed' ? [columns, rows] : extents.length === 2 ? [rows, wide] : [wide];
    expectShape(tensor, stored);
    const data = cache.get(tensor.name) ?? tensor.read();
    cache.clear();
    cache.set(tensor.name, data);
    const from = source.from ?? 0;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++)
        parameters[offset + r * columns + c] =
          source.order === 'transposed' ? data[c * rows + r] : data[r * wide + from + c];
    }
    const strange = parameters.subarray(offset, offset + sizeOf(extents)).findIndex((x) => !Number.isFinite(x));
    if (strange >= 0)
      throw new MeedError(`The tensor "${tensor.name}" holds a number that is not finite`, 'Repair the file');
  }
  const left = [...tensors.keys()].filter((name) => !used.has(name) && !family.ignored.test(name));
  if (left.length > 0) {
    throw new MeedError(
      `The decoder has no place for ${left.length} tensors: ${left.slice(0, 8).join(', ')}${left.length > 8 ? ', …' : ''}`,
      'Check that config.json belongs to the weights',
    );
  }
  return { model, parameters };
}

interface Source {
  readonly tensor: string;
  readonly order: 'as it is' | 'transposed';
  /** First column of the part, and the columns of the whole, where several parameters are one tensor. */
  readonly from?: number;
  readonly of?: number;
}

interface Family {
  /** Ends the name of the embedding; what stands before it is the prefix of all names. */
  readonly table: string;
  /** Tensors that carry no weight of their own: masks, rotary tables, a tied head's copy. */
  readonly ignored: RegExp;
  shape(config: JsonObject): DecoderShape;
  source(parameter: string, shape: DecoderShape, prefix: string): Source;
}

const LLAMA_NAMES: Readonly<Record<string, string>> = {
  attentionNorm: 'input_layernorm',
  feedForwardNorm: 'post_attention_layernorm',
  query: 'self_attn.q_proj',
  key: 'self_attn.k_proj',
  value: 'self_attn.v_proj',
  output: 'self_attn.o_proj',
  gate: 'mlp.gate_proj',
  up: 'mlp.up_proj',
  down: 'mlp.down_proj',
};
const GPT2_NAMES: Readonly<Record<string, string>> = {
  attentionNorm: 'ln_1',
  feedForwardNorm: 'ln_2',
  query: 'attn.c_attn',
  key: 'attn.c_attn',
  value: 'attn.c_attn',
  output: 'attn.c_proj',
  up: 'mlp.c_fc',
  down: 'mlp.c_proj',
};

/** "layer3.query.weight" → 3, "query", "weight". */
function partsOf(parameter: string): { layer: string; part: string; kind: string } | undefined {
  const match = /^layer(\d+)\.(\w+)\.(\w+)$/.exec(parameter);
  return match ? { layer: match[1], part: match[2], kind: match[3] } : undefined;
}

const FAMILIES: Readonly<Record<string, Family | undefined>> = {
  llama: {
    table: 'embed_tokens.weight',
    ignored: /rotary_emb\.inv_freq$|^lm_head\.weight$/,
    shape(config) {
      const read = reader(config);
      read.expect('hidden_act', ['silu']);
      return {
        vocabulary: read.whole('vocab_size'),
        context: read.whole('max_position_embeddings'),
        width: read.whole('hidden_size'),
        layers: read.whole('num_hidden_layers'),
        heads: read.whole('num_attention_heads'),
        keyValueHeads: read.whole('num_key_value_heads', read.whole('num_attention_heads')),
        headWidth: read.whole('head_dim', read.whole('hidden_size') / read.whole('num_attention_heads')),
        hidden: read.whole('intermediate_size'),
        norm: 'rms',
        epsilon: read.number('rms_norm_eps', 1e-6),
        positions: 'halves',
        theta: rotaryTheta(config),
        feedForward: 'swiglu',
        head: read.choice('tie_word_embeddings', 'no') === 'yes' ? 'tied' : 'untied',
        biased: [
          ...(read.choice('attention_bias', 'no') === 'yes' ? (['attention'] as const) : []),
          ...(read.choice('mlp_bias', 'no') === 'yes' ? (['feedForward'] as const) : []),
        ],
      };
    },
    source(parameter, _shape, prefix) {
      if (parameter === 'embedding') return { tensor: `${prefix}embed_tokens.weight`, order: 'as it is' };
      if (parameter === 'norm.scale') return { tensor: `${prefix}norm.weight`, order: 'as it is' };
      if (parameter === 'head') return { tensor: 'lm_head.weight', order: 'transposed' };
      const parts = partsOf(parameter);
      if (!parts) throw new Error(`no tensor is known for ${parameter}`);
      const { layer, part, kind } = parts;
      return {
        tensor: `${prefix}layers.${layer}.${LLAMA_NAMES[part]}.${kind === 'scale' ? 'weight' : kind}`,
        order: kind === 'weight' ? 'transposed' : 'as it is',
      };
    },
  },
  gpt2: {
    table: 'wte.weight',
    ignored: /\.attn\.(bias|masked_bias)$|^lm_head\.weight$/,
    shape(config) {
      const read = reader(config);
      const activation = read.expect('activation_function', ['gelu_new', 'gelu_pytorch_tanh', 'gelu']);
      read.expect('scale_attn_weights', [true]);
      read.expect('scale_attn_by_inverse_layer_idx', [false]);
      read.expect('add_cross_attention', [false]);
      const width = read.whole('n_embd');
      return {
        vocabulary: read.whole('vocab_size'),
        context: read.whole('n_positions'),
        width,
        layers: read.whole('n_layer'),
        heads: read.whole('n_head'),
        keyValueHeads: read.whole('n_head'),
        hidden: read.whole('n_inner', 4 * width),
        norm: 'layer',
        epsilon: read.number('layer_norm_epsilon', 1e-5),
        positions: 'learned',
        feedForward: activation === 'gelu' ? 'gelu' : 'gelu-tanh',
        head: read.choice('tie_word_embeddings', 'yes') === 'yes' ? 'tied' : 'untied',
        biased: ['attention', 'feedForward'],
      };
    },
    source(parameter, shape, prefix) {
      if (parameter === 'embedding') return { tensor: `${prefix}wte.weight`, order: 'as it is' };
      if (parameter === 'positions') return { tensor: `${prefix}wpe.weight`, order: 'as it is' };
      if (parameter === 'norm.scale') return { tensor: `${prefix}ln_f.weight`, order: 'as it is' };
      if (parameter === 'norm.bias') return { tensor: `${prefix}ln_f.bias`, order: 'as it is' };
      if (parameter === 'head') return { tensor: 'lm_head.weight', order: 'transposed' };
      const parts = partsOf(parameter);
      if (!parts) throw new Error(`no tensor is known for ${parameter}`);
      const { layer, part, kind } = parts;
      const place = ['query', 'key', 'value'].indexOf(part);
      return {
        tensor: `${prefix}h.${layer}.${GPT2_NAMES[part]}.${kind === 'scale' ? 'weight' : kind}`,
        order: 'as it is',
        ...(place < 0 ? {} : { from: place * shape.width, of: 3 * shape.width }),
      };
    },
  },
};

function rotaryTheta(config: JsonObject): number {
  const isObject = (value: Json | undefined): value is JsonObject =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  for (const key of ['rope_parameters', 'rope_scaling']) {
    const scaling = config[key];
    if (scaling === undefined || scaling === null) continue;
    const type = isObject(scaling) ? (scaling.rope_type ?? scaling.type ?? 'default') : scaling;
    if (!isObject(scaling) || type !== 'default')
      throw new MeedError(
        `config.json has ${key} of type ${JSON.stringify(type)}`,
        'Only plain rotary angles are read',
      );
    if (scaling.rope_theta !== undefined) return reader(scaling).number('rope_theta', DEFAULT_THETA);
  }
  return reader(config).number('rope_theta', DEFAULT_THETA);
}

/** Reads a configuration's fields; one that is absent or null has the default, where there is one. */
function reader(config: JsonObject) {
  const refuse = (key: string, wanted: string): never => {
    throw new MeedError(`config.json says ${key} = ${JSON.stringify(config[key])}`, `Give ${wanted}`);
  };
  const number = (key: string, otherwise?: number): number => {
    const value = config[key] ?? otherwise;
    return typeof value === 'number' && value > 0 ? value : refuse(key, 'a number above 0');
  };
  return {
    number,
    whole(key: string, otherwise?: number): number {
      const value = number(key, otherwise);
      return Number.isSafeInteger(value) ? value : refuse(key, 'a positive whole number');
    },
    choice(key: string, otherwise: 'yes' | 'no'): 'yes' | 'no' {
      const value = config[key] ?? otherwise === 'yes';
      if (typeof value !== 'boolean') return refuse(key, 'true or false');
      return value ? 'yes' : 'no';
    },
    /** One of `allowed`, the first when absent. */
    expect<T extends string | boolean>(key: string, allowed: readonly T[]): T {
      const value = config[key] ?? allowed[0];
      return allowed.find((option) => option === value) ?? refuse(key, `one of ${allowed.join(', ')}`);
    },
  };
}

function expectShape(tensor: StoredTensor, shape: readonly number[]): void {
  if (tensor.shape.length === shape.length && shape.every((extent, i) => extent === tensor.shape[i])) return;
  throw new MeedError(
    `The tensor "${tensor.name}" has the shape [${tensor.shape}], config.json means [${shape}]`,
    'Check that config.json belongs to the weights',
  );
}

function parseConfig(bytes: Uint8Array): JsonObject {
  let config: unknown;
  try {
    config = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new MeedError(`config.json is no JSON: ${messageOf(error)}`, 'Get the file again', { cause: error });
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config))
    throw new MeedError('config.json holds no object', 'Get the file again');
  return config as JsonObject;
}
