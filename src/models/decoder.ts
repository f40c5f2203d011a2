/**
 * The decoder-only transformer in the forms that the Llama and GPT-2 families have: normalisation before each block (RMS
 * norm, Zhang and Sennrich 2019, or layer norm), rotary (Su et al. 2021) or learned positions, grouped queries (Ainslie
 * et al. 2023), a gated feed-forward net (SwiGLU, Shazeer 2020) or a plain one, a head of its own or the embedding again.
 * Every matrix is [in, out], so that a layer is x·W.
 * The trap: "rotary" has two conventions that differ by a permutation of the weights' columns; a checkpoint is right with
 * its own only.
 */
import { MeedError, type Random } from '../foundation/index.js';
import {
  add,
  type GraphBuilder,
  gather,
  gelu,
  layerNorm,
  matmul,
  multiply,
  reshape,
  rmsNorm,
  rotary,
  type Shape,
  scaledDotProduct,
  silu,
  sizeOf,
  slice,
  transpose,
  type Value,
} from '../graph/index.js';
import { layOut, PARAMETER_LIMIT } from './layout.js';
import { nextTokenLosses } from './losses.js';
import type { Dropout, Model } from './model.js';

export interface DecoderShape {
  readonly vocabulary: number;
  /** Longest sequence. */
  readonly context: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Divides `heads`. */
  readonly keyValueHeads: number;
  /** Of one head; width ÷ heads unless told. */
  readonly headWidth?: number;
  /** Width inside the feed-forward net. */
  readonly hidden: number;
  readonly norm: 'rms' | 'layer';
  readonly epsilon: number;
  /** Rotary with neighbours or halves paired, or a learned vector a place. */
  readonly positions: 'interleaved' | 'halves' | 'learned';
  /** Base of the rotary angles. */
  readonly theta?: number;
  readonly feedForward: 'swiglu' | 'gelu' | 'gelu-tanh';
  readonly head: 'tied' | 'untied';
  /** Where the linear layers have a bias. */
  readonly biased: readonly ('attention' | 'feedForward')[];
}

export const DEFAULT_THETA = 10_000;
const DEVIATION = 0.02;
/** Far above any model, far below what a hostile file could ask memory for. */
const MOST_LAYERS = 10_000;

/**
 * x is [batch, T] token ids and the output [batch, T, vocabulary] for any T from 1 to `context`.
 * @throws MeedError when the extents do not fit each other
 */
export function decoder(shape: DecoderShape): Model {
  check(shape);
  const { vocabulary, context, width, layers, heads, keyValueHeads, hidden, head } = shape;
  const headWidth = shape.headWidth ?? width / heads;
  const gated = shape.feedForward === 'swiglu';
  const declared: (readonly [name: string, shape: Shape])[] = [];
  const declare = (name: string, extents: Shape): void => {
    declared.push([name, extents]);
  };
  const declareNorm = (name: string): void => {
    declare(`${name}.scale`, [width]);
    if (shape.norm === 'layer') declare(`${name}.bias`, [width]);
  };
  const declareLinear = (name: string, fanIn: number, fanOut: number, part: 'attention' | 'feedForward'): void => {
    declare(`${name}.weight`, [fanIn, fanOut]);
    if (shape.biased.includes(part)) declare(`${name}.bias`, [fanOut]);
  };
  declare('embedding', [vocabulary, width]);
  if (shape.positions === 'learned') declare('positions', [context, width]);
  for (let l = 0; l < layers; l++) {
    declareNorm(`layer${l}.attentionNorm`);
    declareLinear(`layer${l}.query`, width, heads * headWidth, 'attention');
    declareLinear(`layer${l}.key`, width, keyValueHeads * headWidth, 'attention');
    declareLinear(`layer${l}.value`, width, keyValueHeads * headWidth, 'attention');
    declareLinear(`layer${l}.output`, heads * headWidth, width, 'attention');
    declareNorm(`layer${l}.feedForwardNorm`);
    if (gated) declareLinear(`layer${l}.gate`, width, hidden, 'feedForward');
    declareLinear(`layer${l}.up`, width, hidden, 'feedForward');
    declareLinear(`layer${l}.down`, hidden, width, 'feedForward');
  }
  declareNorm('norm');
  if (head === 'untied') declare('head', [width, vocabulary]);
  const { parameters, parameterCount } = layOut(declared);

  return {
    definition: { name: 'decoder', ...shape, headWidth, theta: shape.theta ?? DEFAULT_THETA },
    objective: 'next-token',
    inputShape: [context],
    targetShape: [context],
    classes: vocabulary,
    parameters,
    parameterCount,
    initialise(random: Random) {
      const flat = new Float32Array(parameterCount);
      for (const { name, offset, shape: extents } of parameters) {
        const part = flat.subarray(offset, offset + sizeOf(extents));
        if (name.endsWith('.scale')) part.fill(1);
        if (name.endsWith('.bias') || extents.length < 2) continue;
        // GPT-2's: what adds to the residual stream is scaled by the number of such layers
        const residual = name.endsWith('.output.weight') || name.endsWith('.down.weight');
        const deviation = residual ? DEVIATION / Math.sqrt(2 * layers) : DEVIATION;
        for (const i of part.keys()) part[i] = deviation * random.normal();
      }
      return flat;
    },
    forward(g, values, x, dropout) {
      const byName = new Map(parameters.map(({ name }, i) => [name, values[i]]));
      return run(g, shape, (name) => byName.get(name), x, dropout);
    },
    losses: nextTokenLosses,
  };
}

type Lookup = (name: string) => Value | undefined;

function run(g: GraphBuilder, shape: DecoderShape, find: Lookup, x: Value, dropout: Dropout = (_g, y) => y): Value {
  const [batch, length] = x.shape;
  if (x.shape.length !== 2 || length > shape.context) {
    throw new MeedError(
      `A decoder with a context of ${shape.context} cannot read tokens of shape [${x.shape}]`,
      'Give [batch, T] tokens, T at most the context',
    );
  }
  const get = (name: string): Value => {
    const value = find(name);
    if (!value) throw new Error(`the decoder has no parameter ${name}`);
    return value;
  };
  const normed = (name: string, y: Value): Value =>
    shape.norm === 'rms'
      ? rmsNorm(g, y, get(`${name}.scale`), shape.epsilon)
      : layerNorm(g, y, -1, get(`${name}.scale`), get(`${name}.bias`), shape.epsilon);
  const linear = (name: string, y: Value): Value => {
    const bias = find(`${name}.bias`);
    const product = matmul(g, y, get(`${name}.weight`));
    return bias ? add(g, product, bias) : product;
  };
  const headWidth = shape.headWidth ?? shape.width / shape.heads;
  const groups = shape.heads / shape.keyValueHeads;
  /** [batch, T, heads·headWidth] → [batch, key-value heads, queries a key, T, headWidth] */
  const byHead = (y: Value, queries: number): Value =>
    transpose(g, reshape(g, y, [batch, length, shape.keyValueHeads, queries, headWidth]), [0, 2, 3, 1, 4]);
  const angles = shape.positions === 'learned' ? undefined : rotaryAngles(g, shape, headWidth, length);
  const turned = (y: Value): Value =>
    angles && shape.positions !== 'learned' ? rotary(g, y, angles.cos, angles.sin, shape.positions) : y;

  let stream = gather(g, get('embedding'), x, 0);
  if (shape.positions === 'learned') stream = add(g, stream, slice(g, get('positions'), 0, 0, length));
  stream = dropout(g, stream);
  for (let l = 0; l < shape.layers; l++) {
    const attended = normed(`layer${l}.attentionNorm`, stream);
    const seen = scaledDotProduct(
      g,
      turned(byHead(linear(`layer${l}.query`, attended), groups)),
      turned(byHead(linear(`layer${l}.key`, attended), 1)),
      byHead(linear(`layer${l}.value`, attended), 1),
      { causal: 'causal' },
    );
    const joined = reshape(g, transpose(g, seen, [0, 3, 1, 2, 4]), [batch, length, shape.heads * headWidth]);
    stream = add(g, stream, dropout(g, linear(`layer${l}.output`, joined)));
    const y = normed(`layer${l}.feedForwardNorm`, stream);
    const up = linear(`layer${l}.up`, y);
    const inside =
      shape.feedForward === 'swiglu'
        ? multiply(g, silu(g, linear(`layer${l}.gate`, y)), up)
        : gelu(g, up, shape.feedForward === 'gelu' ? 'exact' : 'tanh');
    stream = add(g, stream, dropout(g, linear(`layer${l}.down`, inside)));
  }
  const last = normed('norm', stream);
  return matmul(g, last, shape.head === 'tied' ? transpose(g, get('embedding')) : get('head'));
}

/** cos and sin of t·θ^(−2i/d): [T, d/2] each. */
function rotaryAngles(
  g: GraphBuilder,
  { theta = DEFAULT_THETA }: DecoderShape,
  headWidth: number,
  length: number,
): { cos: Value; sin: Value } {
  const half = headWidth / 2;
  const angles = Float64Array.from(
    { length: length * half },
    (_, i) => Math.floor(i / half) * theta ** ((-2 * (i % half)) / headWidth),
  );
  return {
    cos: g.constant(angles.map(Math.cos), [length, half]),
    sin: g.constant(angles.map(Math.sin), [length, half]),
  };
}

function check(shape: DecoderShape): void {
  for (const key of ['vocabulary', 'context', 'width', 'layers', 'heads', 'keyValueHeads', 'hidden'] as const) {
    if (!Number.isInteger(shape[key]) || shape[key] < 1 || shape[key] >= PARAMETER_LIMIT)
      throw new MeedError(`A decoder cannot have the ${key} ${shape[key]}`, 'Give a positive whole number');
  }
  if (shape.layers > MOST_LAYERS)
    throw new MeedError(`A decoder cannot have the layers ${shape.layers}`, `Give at most ${MOST_LAYERS}`);
  const headWidth = shape.headWidth ?? shape.width / shape.heads;
  if (!Number.isInteger(headWidth) || headWidth < 1) {
    throw new MeedError(`${shape.heads} heads do not divide the width ${shape.width}`, 'Give heads that divide it');
  }
  if (shape.heads % shape.keyValueHeads !== 0) {
    throw new MeedError(
      `${shape.keyValueHeads} key-value heads do not divide ${shape.heads} heads`,
      'Give as many that each serves equally many queries',
    );
  }
  if (shape.positions !== 'learned' && headWidth % 2 !== 0) {
    throw new MeedError(`Heads of width ${headWidth} cannot be rotated`, 'Give them an even width');
  }
  if (!(shape.epsilon > 0) || !((shape.theta ?? 1) > 0)) {
    throw new MeedError(`The decoder's epsilon is ${shape.epsilon} and its theta ${shape.theta}`, 'Give both above 0');
  }
}
