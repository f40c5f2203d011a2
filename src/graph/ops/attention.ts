/**
 * Scaled dot-product attention (Vaswani et al. 2017, equation 1). Forbidden places get −1e30 and not −∞, so that a row
 * with nothing to attend to is uniform and not NaN. The queries are scaled, not the scores, which are more.
 */
import { MeedError } from '../../foundation/index.js';
import type { GraphBuilder, Value } from '../graph.js';
import { and } from './compare.js';
import { add, multiply } from './elementwise.js';
import { matmul } from './matmul.js';
import { transpose } from './shape.js';
import { scalar, sharedConstant } from './sharedConstant.js';
import { softmax } from './softmax.js';
import { where } from './where.js';

const FORBIDDEN = -1e30;

export interface AttentionOptions {
  /** `causal`: query i sees keys up to i; with more keys than queries, the queries are the last ones. */
  readonly causal: 'causal' | 'full';
  /** Broadcasts against [.., queries, keys]: 0 forbids a place. */
  readonly mask?: Value;
  /** 1/√d unless told. */
  readonly scale?: number;
}

/** Queries [.., Tq, d], keys [.., Tk, d], values [.., Tk, e] → [.., Tq, e]; the axes in front broadcast. */
export function scaledDotProduct(
  g: GraphBuilder,
  q: Value,
  k: Value,
  v: Value,
  { causal, mask, scale }: AttentionOptions,
): Value {
  const [queries, width] = q.shape.slice(-2);
  const [keys] = k.shape.slice(-2);
  if (q.shape.length < 2 || k.shape.length < 2 || (causal === 'causal' && queries > keys)) {
    throw new MeedError(
      `Queries [${q.shape}] do not attend to keys [${k.shape}]`,
      'Give both as [.., T, d], and to causal attention at least as many keys as queries',
    );
  }
  let scores = matmul(g, multiply(g, q, scalar(g, scale ?? 1 / Math.sqrt(width))), transpose(g, k));
  const ahead = (position: number): boolean => (position % keys) - Math.floor(position / keys) > keys - queries;
  if (mask) {
    const seen = sharedConstant(g, 'causal places', [queries, keys], (position) => (ahead(position) ? 0 : 1));
    scores = where(g, causal === 'causal' ? and(g, mask, seen) : mask, scores, scalar(g, FORBIDDEN));
  } else if (causal === 'causal') {
    const added = sharedConstant(g, 'causal mask', [queries, keys], (position) => (ahead(position) ? FORBIDDEN : 0));
    scores = add(g, scores, added);
  }
  return matmul(g, softmax(g, scores), v);
}
