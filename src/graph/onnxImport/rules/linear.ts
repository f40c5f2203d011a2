/** Products: MatMul with NumPy's rules for vectors, Gemm, and Microsoft's fused forms of both. */
import { sameShape, type Value } from '../../graph.js';
import { add, multiply } from '../../ops/elementwise.js';
import { matmul } from '../../ops/matmul.js';
import { reshape, transpose } from '../../ops/shape.js';
import type { Call } from '../call.js';
import { type Rules, rules } from '../rule.js';
import { activated } from './activated.js';

export const linearRules: Rules = rules({
  MatMul: (call) => product(call, call.value(0), call.value(1)),
  Gemm: gemm,
  'com.microsoft.FusedGemm': (call) => activated(call, gemm(call)),
  'com.microsoft.FusedMatMul': (call) => {
    if (call.int('transBatchA', 0) !== 0 || call.int('transBatchB', 0) !== 0) call.refuse('transposes the batch');
    const turn = (position: number, attribute: string): Value =>
      call.int(attribute, 0) === 0 ? call.value(position) : transpose(call.g, call.value(position));
    return scaled(call, product(call, turn(0, 'transA'), turn(1, 'transB')), call.real('alpha', 1));
  },
});

function gemm(call: Call): Value {
  const [a, b] = [call.value(0), call.value(1)];
  if (a.shape.length !== 2 || b.shape.length !== 2) call.refuse(`multiplies [${a.shape}] and [${b.shape}]`);
  const left = call.int('transA', 0) === 0 ? a : transpose(call.g, a);
  const right = call.int('transB', 0) === 0 ? b : transpose(call.g, b);
  const result = scaled(call, matmul(call.g, left, right), call.real('alpha', 1));
  if (!call.has(2)) return result;
  const sum = add(call.g, result, scaled(call, call.unexpanded(2), call.real('beta', 1)));
  return sameShape(sum.shape, result.shape) ? sum : call.refuse(`adds [${call.shape(2)}] to [${result.shape}]`);
}

function scaled(call: Call, x: Value, factor: number): Value {
  return factor === 1 ? x : multiply(call.g, x, call.g.constant([factor], []));
}

/** A vector on the left is a row, on the right a column; the axis it lent is taken back. */
function product(call: Call, a: Value, b: Value): Value {
  const { g } = call;
  const left = a.shape.length === 1 ? reshape(g, a, [1, ...a.shape]) : a;
  const right = b.shape.length === 1 ? reshape(g, b, [...b.shape, 1]) : b;
  const result = matmul(g, left, right);
  const rank = result.shape.length;
  const lent = new Set([a.shape.length === 1 ? rank - 2 : -1, b.shape.length === 1 ? rank - 1 : -1]);
  return reshape(
    g,
    result,
    result.shape.filter((_, axis) => !lent.has(axis)),
  );
}
