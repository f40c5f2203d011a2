/**
 * Gradients times a random matrix of signs, Φ = G·R/√k with R [P, k] of ±1 (Johnson–Lindenstrauss with Rademacher entries,
 * Achlioptas 2003), as TRAK projects. R is never held: its rows are drawn a slice of parameters at a time from the seed and
 * the slice's number, and all samples that the memory holds go through a slice before the next is drawn.
 * The trap: 2·n·P·k operations and nothing saves them, since signs have no structure; this is the cost that the dual of
 * TRAK and projections of factors avoid.
 */
import type { Engine, Program, Tensor } from '../../engine/index.js';
import { Random } from '../../foundation/index.js';
import { add, type Graph, GraphBuilder, matmul } from '../../graph/index.js';
import type { Model, Samples } from '../../models/index.js';
import type { GradientRows } from '../gradients/index.js';
import type { WorkWatch } from '../watch.js';

/** Parameters of one slice of R. */
const SLICE = 2048;
/** Part of the memory for gradients that wait for their next slice. */
const SHARE = 1 / 8;

export interface Projected {
  /** [samples, k] */
  readonly sketches: Tensor;
  /** [samples]: the scalar whose gradient was projected. */
  readonly losses: Float32Array;
}

export interface RandomProjection {
  project(gradients: GradientRows, parameters: Float32Array, samples: Samples, watch: WorkWatch): Promise<Projected>;
  dispose(): Promise<void>;
}

export interface ProjectionOptions {
  /** Columns k. */
  readonly columns: number;
  readonly seed: number;
  readonly memoryBytes: number;
}

export function openRandomProjection(
  engine: Engine,
  { parameterCount }: Model,
  { columns, seed, memoryBytes }: ProjectionOptions,
): RandomProjection {
  const opened = new Map<string, Promise<Program>>();
  const program = (rows: number): Promise<Program> => {
    const key = `${rows}`;
    const known = opened.get(key);
    if (known) return known;
    const made = engine.compile(sliceGraph(rows, columns));
    opened.set(key, made);
    // what did not compile is not there to be disposed of
    made.catch(() => opened.delete(key));
    return made;
  };
  return {
    async project(gradients, parameters, samples, watch) {
      const { chunk } = gradients;
      const held = Math.max(1, Math.floor((memoryBytes * SHARE) / (4 * parameterCount * chunk)));
      const sketches: Tensor = { shape: [samples.rows, columns], data: new Float32Array(samples.rows * columns) };
      const losses = new Float32Array(samples.rows);
      let waiting: { start: number; rows: number; numbers: Float32Array }[] = [];
      const flush = async (): Promise<void> => {
        if (waiting.length === 0) return;
        const sums: Float32Array[] = waiting.map(() => new Float32Array(chunk * columns));
        for (let from = 0; from < parameterCount; from += SLICE) {
          watch.throwIfCancelled();
          const signs = { shape: [SLICE, columns], data: randomSigns(columns, seed, from / SLICE) };
          for (const [w, { rows, numbers }] of waiting.entries()) {
            const slice = columnsOf(numbers, rows, parameterCount, from, chunk);
            const result = await (await program(chunk)).run({
              slice: { shape: [chunk, SLICE], data: slice },
              signs,
              sum: { shape: [chunk, columns], data: sums[w] },
            });
            sums[w] = result.next.data;
          }
        }
        const scale = 1 / Math.sqrt(columns);
        for (const [w, { start, rows }] of waiting.entries()) {
          for (let i = 0; i < rows * columns; i++) sketches.data[start * columns + i] = sums[w][i] * scale;
        }
        const last = waiting[waiting.length - 1];
        watch.progress(last.start + last.rows, samples.rows, 'projected samples');
        waiting = [];
      };
      for await (const { start, gradients: written, losses: own } of gradients.chunks(parameters, samples)) {
        losses.set(own, start);
        waiting.push({ start, rows: own.length, numbers: written.data.slice() });
        if (waiting.length === held) await flush();
      }
      await flush();
      return { sketches, losses };
    },
    async dispose() {
      for (const made of opened.values()) await (await made).dispose();
      opened.clear();
    },
  };
}

/** ±1 [SLICE, columns]: row r is drawn for parameter slice · SLICE + r, 32 signs a draw. */
export function randomSigns(columns: number, seed: number, slice: number): Float32Array {
  const random = Random.named(seed, `trak/${slice}`);
  const signs = new Float32Array(SLICE * columns);
  for (let i = 0; i < signs.length; i += 32) {
    const bits = random.uint32();
    const end = Math.min(32, signs.length - i);
    for (let b = 0; b < end; b++) signs[i + b] = 1 - 2 * ((bits >>> b) & 1);
  }
  return signs;
}

/** Columns [from, from + SLICE) of [rows, P], padded with zeros to [chunk, SLICE]. */
function columnsOf(numbers: Float32Array, rows: number, width: number, from: number, chunk: number): Float32Array {
  const part = new Float32Array(chunk * SLICE);
  const end = Math.min(width, from + SLICE);
  for (let i = 0; i < rows; i++) part.set(numbers.subarray(i * width + from, i * width + end), i * SLICE);
  return part;
}

function sliceGraph(rows: number, columns: number): Graph {
  const g = new GraphBuilder();
  const product = matmul(g, g.input('slice', [rows, SLICE]), g.input('signs', [SLICE, columns]));
  return g.build({ next: add(g, g.input('sum', [rows, columns]), product) });
}
