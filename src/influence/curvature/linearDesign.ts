/**
 * Whether a classifier is linear in its parameters, logits_ic = Σ_j design_ij · θ_jc, and with which design: found from
 * its own gradients, so that imported models count too. The gradient of Σ_c u_c · logit_c is then design ⊗ u in every
 * parameter. The trap: a hidden layer before an identity has such gradients as well; so the logits must also be what the
 * design says, which they are not when a product of parameters makes them.
 */
import type { Engine } from '../../engine/index.js';
import { type GraphBuilder, multiply, reduceSum, type Value } from '../../graph/index.js';
import { type Model, predict, type Samples } from '../../models/index.js';
import { type Block, openFactors } from '../factors.js';

export interface LinearDesign {
  /** [n, columns] row-major; a bias is a column of ones. */
  readonly design: Float32Array;
  readonly columns: number;
  /** Place of θ_jc in the flat vector: [columns, classes]. */
  readonly places: Uint32Array;
  /** [n, classes] */
  readonly logits: Float32Array;
}

/** Of logits and of factors, relative to the largest. */
const TOLERANCE = 1e-4;

/** @returns `undefined` when the model is not linear in its parameters, or not told apart from one that is not */
export async function linearDesign(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  samples: Samples,
): Promise<LinearDesign | undefined> {
  const { classes } = model;
  if (model.objective !== 'class' || classes < 1) return undefined;
  const u = Float32Array.from({ length: classes }, (_, c) => 1 + c / classes);
  const source = await openFactors(engine, model, (g, output) => along(g, output, u));
  try {
    const { blocks } = await source.factors(parameters, samples);
    const found = model.parameters.map(({ name, offset, shape }) => {
      const own = blocks.filter(({ parameter }) => parameter === name);
      return own.length === 1 ? partOf(own[0], offset, shape, u, samples.rows) : undefined;
    });
    const parts = found.flatMap((part) => (part ? [part] : []));
    if (parts.length < found.length) return undefined;
    const logits = await predict(engine, model, parameters, samples);
    const design = joined(parts, samples.rows, classes, logits);
    return reproduces(design, parameters, classes) ? design : undefined;
  } finally {
    await source.dispose();
  }
}

function along(g: GraphBuilder, output: Value, u: Float32Array): Value {
  return reduceSum(g, multiply(g, output, g.constant(u, [1, u.length])), [1]);
}

interface Part {
  readonly width: number;
  /** [n, width] */
  readonly values: Float32Array;
  /** Place of (column, class) in the flat vector. */
  place(column: number, c: number): number;
}

function partOf(
  { kind, parts }: Block,
  offset: number,
  shape: readonly number[],
  u: Float32Array,
  rows: number,
): Part | undefined {
  const classes = u.length;
  if (kind === 'direct') {
    if (shape.length !== 1 || shape[0] !== classes || !repeats(parts[0].data, u)) return undefined;
    return { width: 1, values: new Float32Array(rows).fill(1), place: (_, c) => offset + c };
  }
  if (kind !== 'outer' || shape.length !== 2) return undefined;
  const [left, right] = parts;
  if (left.shape[1] !== 1 || left.shape[2] !== 1) return undefined;
  const [a, b] = [left.shape[3], right.shape[3]];
  if (a !== shape[0] || b !== shape[1]) return undefined;
  if (b === classes && repeats(right.data, u)) {
    return { width: a, values: left.data, place: (column, c) => offset + column * classes + c };
  }
  if (a === classes && repeats(left.data, u)) {
    return { width: b, values: right.data, place: (column, c) => offset + c * b + column };
  }
  return undefined;
}

/** Whether every row is u. */
function repeats(data: Float32Array, u: Float32Array): boolean {
  return data.every((value, i) => Math.abs(value - u[i % u.length]) <= TOLERANCE * u[i % u.length]);
}

function joined(parts: readonly Part[], rows: number, classes: number, logits: Float32Array): LinearDesign {
  const columns = parts.reduce((sum, { width }) => sum + width, 0);
  const design = new Float32Array(rows * columns);
  const places = new Uint32Array(columns * classes);
  let before = 0;
  for (const { width, values, place } of parts) {
    for (let i = 0; i < rows; i++) design.set(values.subarray(i * width, (i + 1) * width), i * columns + before);
    for (let j = 0; j < width; j++) for (let c = 0; c < classes; c++) places[(before + j) * classes + c] = place(j, c);
    before += width;
  }
  return { design, columns, places, logits };
}

function reproduces({ design, columns, places, logits }: LinearDesign, parameters: Float32Array, classes: number) {
  let largest = 0;
  for (const logit of logits) largest = Math.max(largest, Math.abs(logit));
  for (let i = 0; i < logits.length / classes; i++) {
    for (let c = 0; c < classes; c++) {
      let sum = 0;
      let size = 0;
      for (let j = 0; j < columns; j++) {
        const term = design[i * columns + j] * parameters[places[j * classes + c]];
        sum += term;
        size += Math.abs(term);
      }
      if (!(Math.abs(sum - logits[i * classes + c]) <= TOLERANCE * Math.max(size, largest))) return false;
    }
  }
  return true;
}
