/**
 * One program from weights and a chunk of samples to whatever is asked of the layers' gradients: forward, backward, factors
 * and what follows run in one call, and only what follows comes back. How many rows a call takes follows from the model
 * and the question alone, and fewer are padded, so that a row's numbers do not depend on its company.
 * The trap: a padded row has a loss of 0 only where targets are ids, and activations everywhere; whoever sums over rows
 * multiplies with `present`.
 */
import type { Engine, Feed, Program, Tensor } from '../../engine/index.js';
import { MeedError } from '../../foundation/index.js';
import { capture, type Graph, GraphBuilder, type Value } from '../../graph/index.js';
import { batchTensors, type Losses, type Model, type Samples, unpackParameters } from '../../models/index.js';
import { rowsThatFit } from '../factors.js';
import { type Layer, type LayerShape, layersOf, shapeOf } from './layers.js';

/** @param present [rows]: 1 for a sample, 0 for padding @returns the program's outputs */
export type Question = (g: GraphBuilder, layers: readonly Layer[], present: Value) => Readonly<Record<string, Value>>;

export interface LayerProgram {
  /** Of one call. */
  readonly rows: number;
  readonly layers: readonly LayerShape[];
  /** The call's outputs for rows [start, start + rows) of the samples, those beyond the last one padded. */
  run(
    parameters: Float32Array,
    samples: Samples,
    start: number,
    feeds?: Readonly<Record<string, Feed>>,
  ): Promise<Record<string, Tensor>>;
  dispose(): Promise<void>;
}

export interface LayerRequest {
  /** Of one call, unless fewer fit. */
  readonly rows: number;
  /** The scalar of a sample that is differentiated; the model's loss unless told. */
  readonly target?: Losses;
  /** The layers asked about, by their first parameter; absent: all. */
  readonly only?: ReadonlySet<string>;
  readonly question: Question;
}

/** @throws MeedError when the model has no per-sample gradients, naming the operator */
export async function openLayerProgram(
  engine: Pick<Engine, 'compile'>,
  model: Model,
  request: LayerRequest,
): Promise<LayerProgram> {
  const whole = layerGraph(model, request.rows, request);
  const rows = Math.min(request.rows, rowsThatFit(whole.graph, request.rows));
  const { graph, layers } = rows === request.rows ? whole : layerGraph(model, rows, request);
  const program: Program = await engine.compile(graph);
  const asks = new Set(graph.inputs.keys());
  return {
    rows,
    layers,
    async run(parameters, samples, start, feeds = {}) {
      const present = new Float32Array(rows).fill(1, 0, Math.min(rows, samples.rows - start));
      const all: Record<string, Feed> = {
        ...feeds,
        parameters: { shape: [model.parameterCount], data: parameters },
        present: { shape: [rows], data: present },
        ...batchTensors(samples, start, rows, model),
      };
      return program.run(Object.fromEntries(Object.entries(all).filter(([name]) => asks.has(name))));
    },
    dispose: () => program.dispose(),
  };
}

/** The layers as both sides have them. @throws MeedError naming the parameter that one side uses otherwise */
export function commonLayers(samples: readonly LayerShape[], outputs: readonly LayerShape[]): LayerShape[] {
  return samples.filter((layer) => {
    const other = outputs.find(({ parameters: [first] }) => first === layer.parameters[0]);
    if (!other) return false;
    const same =
      other.groups === layer.groups &&
      other.rows === layer.rows &&
      other.columns === layer.columns &&
      other.oneHot === layer.oneHot;
    if (same) return true;
    throw new MeedError(
      `The parameter "${layer.parameters[0]}" is used otherwise by the outputs' target than by the loss`,
      'Choose a target that is computed from the whole output of the model',
    );
  });
}

/** The layers that a program about this scalar has. */
export function describeLayers(model: Model, target?: Losses): readonly LayerShape[] {
  return layerGraph(model, 2, { target, question: () => ({}) }).layers;
}

function layerGraph(
  model: Model,
  rows: number,
  { target = model.losses, only, question }: Omit<LayerRequest, 'rows'>,
): { readonly graph: Graph; readonly layers: readonly LayerShape[] } {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const x = g.input('x', [rows, ...model.inputShape]);
  const targets = g.input('targets', [rows, ...model.targetShape]);
  const present = g.input('present', [rows]);
  const parameters = unpackParameters(g, model, flat);
  const losses = target(g, model.forward(g, parameters, x), targets);
  const terms = capture(g, { losses, batch: [x, targets], parameters });
  const named = terms.map(({ parameter, term }) => ({ parameter: model.parameters[parameter].name, term }));
  const layers = unique(layersOf(g, named)).filter((layer) => only?.has(layer.parameters[0]) ?? true);
  return { graph: g.build(question(g, layers, present)), layers: layers.map(shapeOf) };
}

/** A parameter that is used in parts has a layer for each; they are told apart by their place. */
function unique(layers: readonly Layer[]): Layer[] {
  const seen = new Map<string, number>();
  return layers.map((layer) => {
    const [first, ...rest] = layer.parameters;
    const place = seen.get(first) ?? 0;
    seen.set(first, place + 1);
    return place === 0 ? layer : { ...layer, parameters: [`${first}[${place}]`, ...rest] };
  });
}
