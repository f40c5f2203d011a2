/**
 * Exact products of per-sample gradients from their factors (design.md section 4): for linear layers
 * ⟨∇_i, ∇_j⟩ = Σ_layers (δ_i·δ_j)(a_i·a_j + 1), the 1 being the bias. Two matrix products a layer, on the engine, added to
 * a running weighted sum so that an integral over training states is one accumulation.
 */
import type { Engine, Program, Tensor } from '../engine/index.js';
import { add, GraphBuilder, matmul, multiply, transpose, type Value } from '../graph/index.js';
import type { Factors } from './factors.js';

export interface GradientKernel {
  /** total + weight · K, K[i, j] = ⟨∇_i, ∇_j⟩ for i of `left` and j of `right`. */
  accumulate(total: Tensor, weight: number, left: Factors, right: Factors): Promise<Tensor>;
  dispose(): Promise<void>;
}

/** Rows and columns of one block: fixed, so that a score's last bits do not depend on how much is asked for at once. */
export const KERNEL_BLOCK = { outputs: 64, samples: 512 } as const;

export function openKernel(engine: Engine): GradientKernel {
  const programs = new Map<string, Promise<Program>>();
  const programFor = (left: Factors, right: Factors): Promise<Program> => {
    const key = [...left.activations, ...left.deltas, ...right.activations].map((tensor) => tensor.shape).join(' ');
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
      for (let i = 0; i < m; i += KERNEL_BLOCK.outputs) {
        const a = padRows(left, i, KERNEL_BLOCK.outputs);
        for (let j = 0; j < n; j += KERNEL_BLOCK.samples) {
          const b = padRows(right, j, KERNEL_BLOCK.samples);
          const feeds: Record<string, Tensor> = { weight: scale };
          for (const l of a.activations.keys()) {
            feeds[`la${l}`] = a.activations[l];
            feeds[`ld${l}`] = a.deltas[l];
            feeds[`ra${l}`] = b.activations[l];
            feeds[`rd${l}`] = b.deltas[l];
          }
          const { k } = await (await programFor(a, b)).run(feeds);
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

function addBlock(result: Float32Array, total: Tensor, block: Tensor, top: number, left: number): void {
  const [m, n] = total.shape;
  const height = Math.min(KERNEL_BLOCK.outputs, m - top);
  const width = Math.min(KERNEL_BLOCK.samples, n - left);
  for (let r = 0; r < height; r++) {
    const to = (top + r) * n + left;
    const from = r * block.shape[1];
    for (let c = 0; c < width; c++) result[to + c] = total.data[to + c] + block.data[from + c];
  }
}

/** Rows [start, start + block), padded with zeros to a full block. */
function padRows(factors: Factors, start: number, block: number): Factors {
  const cut = ({ shape: [rows, width], data }: Tensor): Tensor => {
    const end = Math.min(rows, start + block);
    const view = data.subarray(start * width, end * width);
    if (end - start === block) return { shape: [block, width], data: view };
    const padded = new Float32Array(block * width);
    padded.set(view);
    return { shape: [block, width], data: padded };
  };
  return { activations: factors.activations.map(cut), deltas: factors.deltas.map(cut), losses: factors.losses };
}

function kernelGraph(left: Factors, right: Factors) {
  const g = new GraphBuilder();
  const one = g.constant([1], [1]);
  let sum: Value | undefined;
  for (const l of left.activations.keys()) {
    const la = g.input(`la${l}`, left.activations[l].shape);
    const ld = g.input(`ld${l}`, left.deltas[l].shape);
    const ra = g.input(`ra${l}`, right.activations[l].shape);
    const rd = g.input(`rd${l}`, right.deltas[l].shape);
    const inner = add(g, matmul(g, la, transpose(g, ra)), one);
    const layer = multiply(g, matmul(g, ld, transpose(g, rd)), inner);
    sum = sum ? add(g, sum, layer) : layer;
  }
  if (!sum) throw new Error('a model without layers has no gradient kernel');
  return g.build({ k: multiply(g, sum, g.input('weight', [1])) });
}
