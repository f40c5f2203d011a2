/**
 * The matrix of inner products of per-sample gradients, from their factors, block by block on the engine, added to a
 * running weighted sum so that an integral over training states is one accumulation. The trap: a product's last bits
 * depend on its shape, so the blocks' extents follow from the model alone, never from how much is asked for at once.
 */
import type { Engine, Program, Tensor } from '../engine/index.js';
import { type Graph, GraphBuilder, multiply, sizeOf, termOfParts } from '../graph/index.js';
import { blockProducts, sumBlocks, writesOut } from './blockProducts.js';
import type { Block, Factors } from './factors.js';

export interface GradientKernel {
  /** total + weight · K, K[i, j] = ⟨∇_i, ∇_j⟩ for i of `left` and j of `right`. */
  accumulate(total: Tensor, weight: number, left: Factors, right: Factors): Promise<Tensor>;
  dispose(): Promise<void>;
}

/** Outputs and samples of one product, unless their factors are so wide that fewer fit. */
export const MOST_ROWS = { outputs: 64, samples: 512 } as const;
/** Numbers that one operand of a product may hold: 64 MB. */
const LARGEST = 1 << 24;

export function openKernel(engine: Engine): GradientKernel {
  const programs = new Map<string, Promise<Program>>();
  const programFor = (left: Factors, right: Factors): Promise<Program> => {
    const key = JSON.stringify([left, right].map(({ blocks }) => blocks.map(({ parts }) => parts.map((t) => t.shape))));
    let program = programs.get(key);
    if (!program) {
      program = engine.compile(kernelGraph(left, right));
      programs.set(key, program);
    }
    return program;
  };
  return {
    async accumulate(total, weight, left, right) {
      const [m, n] = total.shape;
      const result = new Float32Array(m * n);
      const scale = { shape: [1], data: Float32Array.of(weight) };
      const outputs = Math.min(MOST_ROWS.outputs, rowsOf(left.blocks));
      const samples = Math.min(MOST_ROWS.samples, rowsOf(right.blocks));
      for (let i = 0; i < m; i += outputs) {
        const a = padRows(left, i, outputs);
        for (let j = 0; j < n; j += samples) {
          const b = padRows(right, j, samples);
          const { k } = await (await programFor(a, b)).run({ weight: scale, ...feedsOf('l', a), ...feedsOf('r', b) });
          addBlock(result, total, k, i, j);
        }
      }
      return { shape: [m, n], data: result };
    },
    async dispose() {
      for (const program of programs.values()) await (await program).dispose();
      programs.clear();
    },
  };
}

/** A power of two of rows, from the model's shapes alone, so that no operand of any product exceeds the limit. */
function rowsOf(blocks: readonly Block[]): number {
  return Math.min(...blocks.map((block) => Math.max(1, 2 ** Math.floor(Math.log2(LARGEST / numbersPerRow(block))))));
}

function numbersPerRow({ term, parts }: Block): number {
  const widest = Math.max(...parts.map(({ shape }) => sizeOf(shape.slice(1))));
  if (term.kind === 'direct') return widest;
  const [left, right] = parts.map(({ shape }) => shape);
  if (term.kind === 'outer' && writesOut(left, right)) return Math.max(widest, left[1] * left[3] * right[3]);
  // pairs of positions: [rows · T, rows · T]
  const positions = term.kind === 'outer' ? left[1] * left[2] : left[1];
  return Math.max(widest, positions * Math.sqrt(LARGEST));
}

function feedsOf(side: 'l' | 'r', { blocks }: Factors): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  for (const [b, { parts }] of blocks.entries())
    for (const [p, part] of parts.entries()) feeds[`${side}${b}.${p}`] = part;
  return feeds;
}

function addBlock(result: Float32Array, total: Tensor, block: Tensor, top: number, left: number): void {
  const [m, n] = total.shape;
  const height = Math.min(block.shape[0], m - top);
  const width = Math.min(block.shape[1], n - left);
  for (let r = 0; r < height; r++) {
    const to = (top + r) * n + left;
    const from = r * block.shape[1];
    for (let c = 0; c < width; c++) result[to + c] = total.data[to + c] + block.data[from + c];
  }
}

/** Rows [start, start + count), padded with zeros to a full block. */
function padRows(factors: Factors, start: number, count: number): Factors {
  const cut = ({ shape: [rows, ...rest], data }: Tensor): Tensor => {
    const width = sizeOf(rest);
    const end = Math.min(rows, start + count);
    const view = data.subarray(start * width, end * width);
    if (end - start === count) return { shape: [count, ...rest], data: view };
    const padded = new Float32Array(count * width);
    padded.set(view);
    return { shape: [count, ...rest], data: padded };
  };
  const blocks = factors.blocks.map(({ parameter, term, parts }) => ({ parameter, term, parts: parts.map(cut) }));
  return { rows: count, blocks, losses: factors.losses };
}

function kernelGraph(left: Factors, right: Factors): Graph {
  const g = new GraphBuilder();
  const terms = (side: 'l' | 'r', { blocks }: Factors) =>
    blocks.map(({ term, parts }, b) =>
      termOfParts(
        term,
        parts.map(({ shape }, p) => g.input(`${side}${b}.${p}`, shape)),
      ),
    );
  const rights = terms('r', right);
  const products = terms('l', left).map((term, b) => blockProducts(g, term, rights[b]));
  return g.build({ k: multiply(g, sumBlocks(g, products), g.input('weight', [1])) });
}
