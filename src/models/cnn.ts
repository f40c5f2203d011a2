/**
 * Two convolutional classifiers of small pictures: LeNet-5 (LeCun et al. 1998) with ReLU and max pooling, as it is built
 * today, and a residual net of nine layers (He et al. 2016; eight convolutions in the order of the nets that win the
 * CIFAR-10 speed contests, and a linear layer). He initialisation (He et al. 2015), scales 1, biases 0.
 * The trap: the usual residual nets have batch normalisation, whose statistics in training mix the samples of a batch; a
 * sample's own gradient would not exist then, and nothing could be attributed. Group normalisation (Wu and He 2018) looks
 * at one sample alone and takes its place.
 */
import { MeedError, type Random } from '../foundation/index.js';
import {
  add,
  conv,
  type GraphBuilder,
  globalAveragePool,
  groupNorm,
  matmul,
  maxPool,
  relu,
  reshape,
  type Shape,
  sizeOf,
  type Value,
} from '../graph/index.js';
import { layOut } from './layout.js';
import { classLosses } from './losses.js';
import type { Dropout, Model } from './model.js';

export interface PictureShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classes: number;
}

export interface ResNet9Shape extends PictureShape {
  /** Channels of the four stages; [16, 32, 64, 64] unless told. */
  readonly widths?: readonly number[];
}

/** A picture must keep a pixel after this many halvings. */
const LENET_HALVINGS = 2;
const RESNET_HALVINGS = 3;
const RESNET_WIDTHS = [16, 32, 64, 64];
/** Most groups of channels that are normalised apart. */
const MOST_GROUPS = 8;

/**
 * Convolutions 5×5 of 6 and 16 channels, each with ReLU and a halving, then linear layers of 120, 84 and `classes`.
 * x is [batch, channels, height, width]. Units of the hidden linear layers are dropped.
 * @throws MeedError when an extent is no positive whole number or the picture is smaller than 4×4
 */
export function lenet(shape: PictureShape): Model {
  const { channels, height, width, classes } = shape;
  checkPicture('LeNet', shape, LENET_HALVINGS);
  const shrunk = 16 * Math.floor(Math.floor(height / 2) / 2) * Math.floor(Math.floor(width / 2) / 2);
  return picture({ name: 'lenet', channels, height, width, classes }, shape, {
    parameters: [
      ['conv0.weight', [6, channels, 5, 5]],
      ['conv0.bias', [6]],
      ['conv1.weight', [16, 6, 5, 5]],
      ['conv1.bias', [16]],
      ...linearParameters('linear0', shrunk, 120),
      ...linearParameters('linear1', 120, 84),
      ...linearParameters('linear2', 84, classes),
    ],
    run(g, get, x, dropout) {
      let y = x;
      for (const name of ['conv0', 'conv1']) {
        const bias = reshape(g, get(`${name}.bias`), [get(`${name}.bias`).shape[0], 1, 1]);
        y = halved(g, relu(g, add(g, conv(g, y, get(`${name}.weight`), { pads: [2, 2, 2, 2] }), bias)));
      }
      y = reshape(g, y, [x.shape[0], shrunk]);
      for (const name of ['linear0', 'linear1']) y = dropout(g, relu(g, linearLayer(g, get, name, y)));
      return linearLayer(g, get, 'linear2', y);
    },
  });
}

/**
 * Of widths [a, b, c, d]: a convolution of a channels; one of b, halved, and a residual block of two; one of c, halved;
 * one of d, halved, and a residual block of two; the mean over all positions; a linear layer. All convolutions are 3×3
 * with group normalisation and ReLU. x is [batch, channels, height, width]. The means are dropped.
 * @throws MeedError when an extent is no positive whole number or the picture is smaller than 8×8
 */
export function resnet9(shape: ResNet9Shape): Model {
  const { channels, height, width, classes, widths = RESNET_WIDTHS } = shape;
  checkPicture('ResNet-9', shape, RESNET_HALVINGS);
  if (widths.length !== 4 || !widths.every(isExtent)) {
    throw new MeedError(`ResNet-9 cannot have the widths [${widths}]`, 'Give the channels of its four stages');
  }
  const [a, b, c, d] = widths;
  const stages: readonly (readonly [name: string, fanIn: number, fanOut: number])[] = [
    ['stage0', channels, a],
    ['stage1', a, b],
    ['residual1a', b, b],
    ['residual1b', b, b],
    ['stage2', b, c],
    ['stage3', c, d],
    ['residual3a', d, d],
    ['residual3b', d, d],
  ];
  return picture({ name: 'resnet9', channels, height, width, classes, widths }, shape, {
    parameters: [
      ...stages.flatMap(([name, fanIn, fanOut]): (readonly [string, Shape])[] => [
        [`${name}.weight`, [fanOut, fanIn, 3, 3]],
        [`${name}.scale`, [fanOut]],
        [`${name}.bias`, [fanOut]],
      ]),
      ...linearParameters('linear', d, classes),
    ],
    run(g, get, x, dropout) {
      const block = (name: string, y: Value): Value => {
        const convolved = conv(g, y, get(`${name}.weight`), { pads: [1, 1, 1, 1] });
        const groups = groupsOf(convolved.shape[1]);
        return relu(g, groupNorm(g, convolved, groups, get(`${name}.scale`), get(`${name}.bias`)));
      };
      const residual = (name: string, y: Value): Value => add(g, y, block(`${name}b`, block(`${name}a`, y)));
      let y = block('stage0', x);
      y = residual('residual1', halved(g, block('stage1', y)));
      y = halved(g, block('stage2', y));
      y = residual('residual3', halved(g, block('stage3', y)));
      const means = reshape(g, globalAveragePool(g, y), [x.shape[0], d]);
      return linearLayer(g, get, 'linear', dropout(g, means));
    },
  });
}

type Get = (name: string) => Value;

interface Net {
  readonly parameters: readonly (readonly [name: string, shape: Shape])[];
  run(g: GraphBuilder, get: Get, x: Value, dropout: Dropout): Value;
}

function picture(definition: Model['definition'], shape: PictureShape, net: Net): Model {
  const layout = layOut(net.parameters);
  return {
    definition,
    objective: 'class',
    inputShape: [shape.channels, shape.height, shape.width],
    targetShape: [1],
    classes: shape.classes,
    ...layout,
    initialise(random: Random) {
      const flat = new Float32Array(layout.parameterCount);
      for (const { name, offset, shape: extents } of layout.parameters) {
        const part = flat.subarray(offset, offset + sizeOf(extents));
        if (name.endsWith('.scale')) part.fill(1);
        if (!name.endsWith('.weight')) continue;
        // linear weights are [in, out], filters [out, in, ...kernel]
        const fanIn = extents.length === 2 ? extents[0] : sizeOf(extents.slice(1));
        const deviation = Math.sqrt(2 / fanIn);
        for (const i of part.keys()) part[i] = deviation * random.normal();
      }
      return flat;
    },
    forward(g, values, x, dropout = (_g, y) => y) {
      const byName = new Map(layout.parameters.map(({ name }, i) => [name, values[i]]));
      const get = (name: string): Value => {
        const value = byName.get(name);
        if (!value) throw new Error(`the net has no parameter ${name}`);
        return value;
      };
      return net.run(g, get, x, dropout);
    },
    losses: classLosses,
  };
}

function linearParameters(name: string, fanIn: number, fanOut: number): (readonly [string, Shape])[] {
  return [
    [`${name}.weight`, [fanIn, fanOut]],
    [`${name}.bias`, [fanOut]],
  ];
}

function linearLayer(g: GraphBuilder, get: Get, name: string, x: Value): Value {
  return add(g, matmul(g, x, get(`${name}.weight`)), get(`${name}.bias`));
}

function halved(g: GraphBuilder, x: Value): Value {
  return maxPool(g, x, [2, 2], { strides: [2, 2] });
}

/** The largest divisor of the channels that is not too many groups. */
function groupsOf(channels: number): number {
  let groups = Math.min(MOST_GROUPS, channels);
  while (channels % groups !== 0) groups--;
  return groups;
}

function isExtent(extent: number): boolean {
  return Number.isInteger(extent) && extent >= 1;
}

function checkPicture(net: string, { channels, height, width, classes }: PictureShape, halvings: number): void {
  const least = 2 ** halvings;
  if ([channels, height, width, classes].every(isExtent) && height >= least && width >= least) return;
  throw new MeedError(
    `${net} cannot tell ${classes} classes of pictures of ${channels}×${height}×${width}`,
    `Give channels, height, width and classes as whole numbers, with height and width of at least ${least}`,
  );
}
