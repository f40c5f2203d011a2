/**
 * Factors of per-sample gradients for many samples, as the model's graph captures them: any model, no per-sample gradient
 * materialised. Chunks follow from the model alone, so a row's factors do not depend on which rows were asked for
 * together, nor on the machine's memory.
 */
import type { Engine, Program, Tensor } from '../engine/index.js';
import { type FactorTerm, type Graph, type Shape, sizeOf } from '../graph/index.js';
import {
  type BlockOutputs,
  batchTensors,
  factorGraph,
  INPUT,
  type Losses,
  type Model,
  type Samples,
} from '../models/index.js';
import { productForm } from './blockProducts.js';

/** Rows of one run, unless the model is so wide that fewer fit. */
export const FACTOR_CHUNK = 256;
/** Numbers that all values of one run may hold: 512 MB, were none freed before the end. */
const MOST_NUMBERS = 2 ** 27;
/** What differs between samples cannot be seen in fewer. */
const LEAST_ROWS = 2;

/** One block of every sample's gradient; blocks are orthogonal to each other. */
export interface Block extends BlockForm {
  /** The term's parts, each [rows, ...]: left and right, indices and right, or the gradient. Some share their numbers. */
  readonly parts: readonly Tensor[];
}

export interface BlockForm {
  readonly parameter: string;
  /** What the gradient is made of; see graph/factorTerm.ts. */
  readonly kind: FactorTerm['kind'];
  /** Rows of the embedding, 0 of other kinds. */
  readonly embeddingRows: number;
}

export interface Factors {
  readonly rows: number;
  readonly blocks: readonly Block[];
  /** [rows]: the sample's loss, or what the target says instead. */
  readonly losses: Float32Array;
}

export interface FactorSource {
  /** Bytes of one sample's factors. */
  readonly bytesPerRow: number;
  /** Rows of one run of the engine. */
  readonly chunk: number;
  factors(parameters: Float32Array, samples: Samples): Promise<Factors>;
  dispose(): Promise<void>;
}

/** What must be known beside the program to read its outputs: structured data, the same for every run. */
export interface FactorLayout {
  readonly chunk: number;
  readonly inputShape: Shape;
  readonly targetShape: Shape;
  readonly parameterCount: number;
  readonly blocks: readonly (BlockForm & Pick<BlockOutputs, 'parts'>)[];
  /** Of all outputs, for `chunk` rows. */
  readonly shapes: readonly { readonly name: string; readonly shape: Shape }[];
}

/**
 * @param target the scalar of a sample that is differentiated; the model's loss unless told
 * @throws MeedError when the model has no per-sample gradients, naming the operator
 */
export function describeFactors(model: Model, target?: Losses): { graph: Graph; layout: FactorLayout } {
  const whole = factorGraph(model, FACTOR_CHUNK, target, productForm);
  const chunk = rowsThatFit(whole.graph, FACTOR_CHUNK);
  const { graph, blocks } = chunk === FACTOR_CHUNK ? whole : factorGraph(model, chunk, target, productForm);
  return {
    graph,
    layout: {
      chunk,
      inputShape: model.inputShape,
      targetShape: model.targetShape,
      parameterCount: model.parameterCount,
      blocks: blocks.map(({ parameter, term, parts }) => ({
        parameter,
        kind: term.kind,
        embeddingRows: term.kind === 'rows' ? term.rows : 0,
        parts,
      })),
      shapes: [...graph.outputs].map(([name, { shape }]) => ({ name, shape })),
    },
  };
}

/** From the shapes alone: `atMost`, a power of two and what the graph was built for, or as often halved as it takes. */
export function rowsThatFit({ nodes }: Graph, atMost: number): number {
  const numbers = nodes.reduce((sum, { output }) => sum + sizeOf(output.shape), 0);
  let rows = atMost;
  while (rows > LEAST_ROWS && (numbers * rows) / atMost > MOST_NUMBERS) rows /= 2;
  return rows;
}

/** @param target the scalar of a sample that is differentiated; the model's loss unless told */
export async function openFactors(engine: Engine, model: Model, target?: Losses): Promise<FactorSource> {
  const { graph, layout } = describeFactors(model, target);
  return factorSource(await engine.compile(graph), layout);
}

/** @param program of the graph that the layout describes; it is disposed of with the source */
export function factorSource(program: Program, layout: FactorLayout): FactorSource {
  return {
    bytesPerRow: layout.shapes.reduce((sum, { shape }) => sum + 4 * sizeOf(shape.slice(1)), 0),
    chunk: layout.chunk,
    factors: (parameters, samples) => collect(program, layout, parameters, samples),
    dispose: () => program.dispose(),
  };
}

async function collect(
  program: Program,
  layout: FactorLayout,
  parameters: Float32Array,
  samples: Samples,
): Promise<Factors> {
  const { chunk, blocks, shapes, parameterCount } = layout;
  const collected = new Map<string, Tensor>();
  for (const { name, shape } of shapes) {
    const whole = [samples.rows, ...shape.slice(1)];
    collected.set(name, { shape: whole, data: new Float32Array(sizeOf(whole)) });
  }
  const flat = { shape: [parameterCount], data: parameters };
  for (let start = 0; start < samples.rows; start += chunk) {
    const rows = Math.min(chunk, samples.rows - start);
    const result = await program.run({ parameters: flat, ...batchTensors(samples, start, chunk, layout) });
    for (const [name, { shape, data }] of collected) {
      const width = sizeOf(shape.slice(1));
      data.set(result[name].data.subarray(0, rows * width), start * width);
    }
  }
  const inputs = samples.features.subarray(0, samples.rows * samples.width);
  const numbersOf = (output: string): Float32Array =>
    output === INPUT ? inputs : (collected.get(output)?.data ?? new Float32Array());
  return {
    rows: samples.rows,
    blocks: blocks.map(({ parameter, kind, embeddingRows, parts }) => ({
      parameter,
      kind,
      embeddingRows,
      parts: parts.map(({ output, shape }) => ({
        shape: [samples.rows, ...shape.slice(1)],
        data: numbersOf(output),
      })),
    })),
    losses: numbersOf('losses'),
  };
}
