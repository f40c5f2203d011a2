/**
 * The matrix of inner products of per-sample gradients, from their factors, block by block on the engine, added to a
 * running weighted sum so that an integral over training states is one accumulation. The trap: a product's last bits
 * depend on its shape, so the blocks' extents follow from the model alone, never from how much is asked for at once.
 */
import type { Engine, Program, Tensor } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';
import {
  type FactorTerm,
  type Graph,
  GraphBuilder,
  multiply,
  reshape,
  type Shape,
  sizeOf,
  type Value,
} from '../graph/index.js';
import { blockProducts, sumBlocks, writesOut } from './blockProducts.js';
import type { Block, BlockForm, Factors } from './factors.js';

export interface GradientKernel {
  /** total + weight · K, K[i, j] = ⟨∇_i, ∇_j⟩ for i of `left` and j of `right`. */
  accumulate(total: Tensor, weight: number, left: Factors, right: Factors): Promise<Tensor>;
  /**
   * Adds weight · K to the entries of `total` from (row, column) on, in place.
   * @throws MeedError when the two sides' gradients are made of different things
   */
  addTo(total: Tensor, at: Corner, weight: number, left: Factors, right: Factors): Promise<void>;
  dispose(): Promise<void>;
}

export interface Corner {
  readonly row: number;
  readonly column: number;
}

/** Outputs and samples of one product, unless their factors are so wide that fewer fit. */
export const MOST_ROWS = { outputs: 256, samples: 512 } as const;
/** Numbers that one operand of a product may hold: 64 MB. */
const LARGEST = 1 << 24;

export function openKernel(engine: Pick<Engine, 'compile'>): GradientKernel {
  const programs = new Map<string, Promise<Program>>();
  const programFor = (left: readonly Block[], right: readonly Block[]): Promise<Program> => {
    const key = JSON.stringify([left, right].map(sharedParts));
    let program = programs.get(key);
    if (!program) {
      program = engine.compile(kernelGraph(left, right));
      programs.set(key, program);
      // what did not compile is not there to be disposed of
      program.catch(() => programs.delete(key));
    }
    return program;
  };
  const addTo: GradientKernel['addTo'] = async (total, at, weight, left, right) => {
    const sides = commonBlocks(left, right);
    if (sides.left.length === 0) return;
    const scale = { shape: [1], data: Float32Array.of(weight) };
    const outputs = Math.min(MOST_ROWS.outputs, rowsOf(sides.left));
    const samples = Math.min(MOST_ROWS.samples, rowsOf(sides.right));
    // the larger side outside: what has to be copied of it to be padded is copied once
    for (let j = 0; j < right.rows; j += samples) {
      const b = padRows(sides.right, j, samples);
      for (let i = 0; i < left.rows; i += outputs) {
        const a = padRows(sides.left, i, outputs);
        const { k } = await (await programFor(a, b)).run({ weight: scale, ...feedsOf('l', a), ...feedsOf('r', b) });
        const extent = { height: Math.min(outputs, left.rows - i), width: Math.min(samples, right.rows - j) };
        addBlock(total, k, { row: at.row + i, column: at.column + j }, extent);
      }
    }
  };
  return {
    addTo,
    async accumulate({ shape, data }, weight, left, right) {
      const total = { shape, data: data.slice() };
      await addTo(total, { row: 0, column: 0 }, weight, left, right);
      return total;
    },
    async dispose() {
      for (const program of programs.values()) await (await program).dispose();
      programs.clear();
    },
  };
}

/**
 * The blocks that both sides have, in one order: a parameter on which one side's scalar does not depend adds nothing.
 * The blocks of a parameter that is used in parts stand in the order of its uses, on both sides.
 */
function commonBlocks(left: Factors, right: Factors): { left: readonly Block[]; right: readonly Block[] } {
  const names = [...new Set(left.blocks.map(({ parameter }) => parameter))];
  const of = ({ blocks }: Factors, name: string): readonly Block[] =>
    blocks.filter(({ parameter }) => parameter === name);
  const shared = names.filter((name) => of(right, name).length > 0);
  for (const name of shared) {
    const [a, b] = [of(left, name), of(right, name)];
    if (a.length !== b.length || a.some(({ kind }, i) => kind !== b[i].kind)) {
      throw new MeedError(
        `The parameter "${name}" is used otherwise by the outputs' target than by the loss`,
        'Choose a target that is computed from the whole output of the model',
      );
    }
  }
  return { left: shared.flatMap((name) => of(left, name)), right: shared.flatMap((name) => of(right, name)) };
}

/** A power of two of rows, from the model's shapes alone, so that no operand of any product exceeds the limit. */
function rowsOf(blocks: readonly Block[]): number {
  return Math.min(...blocks.map((block) => Math.max(1, 2 ** Math.floor(Math.log2(LARGEST / numbersPerRow(block))))));
}

function numbersPerRow({ kind, parts }: Block): number {
  const widest = Math.max(...parts.map(({ shape }) => sizeOf(shape.slice(1))));
  if (kind === 'direct') return widest;
  const [left, right] = parts.map(({ shape }) => shape);
  if (kind === 'outer' && writesOut(left, right)) return Math.max(widest, left[1] * left[3] * right[3]);
  // pairs of positions: [rows · T, rows · T]
  const positions = kind === 'outer' ? left[1] * left[2] : left[1];
  return Math.max(widest, positions * Math.sqrt(LARGEST));
}

/** For each part of each block its shape and its numbers' place among the distinct ones: equal patterns, equal graphs. */
function sharedParts(blocks: readonly Block[]): { readonly shape: Shape; readonly place: number }[][] {
  const places = new Map<Float32Array, number>();
  return blocks.map(({ parts }) =>
    parts.map(({ shape, data }) => {
      const place = places.get(data) ?? places.size;
      places.set(data, place);
      return { shape, place };
    }),
  );
}

function feedsOf(side: 'l' | 'r', blocks: readonly Block[]): Record<string, Tensor> {
  const distinct = new Map<Float32Array, Tensor>();
  for (const part of blocks.flatMap(({ parts }) => parts)) if (!distinct.has(part.data)) distinct.set(part.data, part);
  return Object.fromEntries([...distinct.values()].map((part, place) => [`${side}${place}`, part]));
}

function addBlock(
  total: Tensor,
  block: Tensor,
  { row, column }: Corner,
  { height, width }: { readonly height: number; readonly width: number },
): void {
  const [sums, numbers] = [total.data, block.data];
  const [step, across] = [total.shape[1], block.shape[1]];
  for (let r = 0; r < height; r++) {
    const [to, from] = [(row + r) * step + column, r * across];
    for (let c = 0; c < width; c++) sums[to + c] += numbers[from + c];
  }
}

/** Rows [start, start + count), padded with zeros to a full block; what shared its numbers still does. */
function padRows(blocks: readonly Block[], start: number, count: number): Block[] {
  const cuts = new Map<Float32Array, Float32Array>();
  const cut = ({ shape: [rows, ...rest], data }: Tensor): Tensor => {
    const width = sizeOf(rest);
    const end = Math.min(rows, start + count);
    let numbers = cuts.get(data);
    if (!numbers) {
      numbers = data.subarray(start * width, end * width);
      if (end - start < count) {
        const padded = new Float32Array(count * width);
        padded.set(numbers);
        numbers = padded;
      }
      cuts.set(data, numbers);
    }
    return { shape: [count, ...rest], data: numbers };
  };
  return blocks.map((block) => ({ ...block, parts: block.parts.map(cut) }));
}

function kernelGraph(left: readonly Block[], right: readonly Block[]): Graph {
  const g = new GraphBuilder();
  const terms = (side: 'l' | 'r', blocks: readonly Block[]) => {
    const inputs: Value[] = [];
    return sharedParts(blocks).map((parts, b) =>
      termOf(
        blocks[b],
        parts.map(({ shape, place }) => {
          inputs[place] ??= g.input(`${side}${place}`, shape);
          return reshape(g, inputs[place], shape);
        }),
      ),
    );
  };
  const rights = terms('r', right);
  const products = terms('l', left).map((term, b) => blockProducts(g, term, rights[b]));
  return g.build({ k: multiply(g, sumBlocks(g, products), g.input('weight', [1])) });
}

/** @param parts in the order of `termParts` */
function termOf({ kind, embeddingRows }: BlockForm, parts: readonly Value[]): FactorTerm {
  if (kind === 'direct') return { kind, gradient: parts[0] };
  if (kind === 'rows') return { kind, indices: parts[0], right: parts[1], rows: embeddingRows };
  return { kind, left: parts[0], right: parts[1] };
}
