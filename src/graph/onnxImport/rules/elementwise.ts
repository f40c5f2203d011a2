/**
 * Elementwise operators. They broadcast, so an operand that an exporter stretched by Expand is used as it was before:
 * a bias stays a bias, whose per-sample gradient is known.
 * The trap: Div on integers truncates, and so does a Cast to integers.
 */
import type { GraphBuilder, Value } from '../../graph.js';
import { elu, gelu, hardSigmoid, hardSwish, leakyRelu, silu } from '../../ops/activation.js';
import { and, equal, greater, greaterOrEqual, less, lessOrEqual, not, or, xor } from '../../ops/compare.js';
import { add, divide, exp, log, multiply, negate, relu, subtract } from '../../ops/elementwise.js';
import { clip, maximum, minimum } from '../../ops/extremum.js';
import { scalar } from '../../ops/sharedConstant.js';
import { abs, ceil, floor, round, sign } from '../../ops/stepwise.js';
import { cos, erf, power, reciprocal, sigmoid, sin, softplus, sqrt, tanh } from '../../ops/transcendental.js';
import { where } from '../../ops/where.js';
import type { Call } from '../call.js';
import { elementOfCast } from '../cast.js';
import type { Element, Traced } from '../operand.js';
import { giving, type Rules, rules } from '../rule.js';

type Unary = (g: GraphBuilder, x: Value) => Value;
type Binary = (g: GraphBuilder, a: Value, b: Value) => Value;

const unary =
  (operator: Unary) =>
  (call: Call): Traced =>
    call.broadcast(operator(call.g, call.unexpanded(0)));

const binary =
  (operator: Binary, element?: Element) =>
  (call: Call): Traced =>
    call.broadcast(operator(call.g, call.unexpanded(0), call.unexpanded(1)), element);

/** Any number of operands, from the left. */
const variadic =
  (operator: Binary) =>
  (call: Call): Traced =>
    call.broadcast(
      call.operands.slice(1).reduce((a, _, i) => operator(call.g, a, call.unexpanded(i + 1)), call.unexpanded(0)),
    );

const truncate = (g: GraphBuilder, x: Value): Value => multiply(g, sign(g, x), floor(g, abs(g, x)));

const isNonZero = (g: GraphBuilder, x: Value): Value => not(g, equal(g, x, scalar(g, 0)));

export const elementwiseRules: Rules = {
  ...rules({
    Add: binary(add),
    Sub: binary(subtract),
    Mul: binary(multiply),
    Div: (call) => {
      const ratio = divide(call.g, call.unexpanded(0), call.unexpanded(1));
      return call.broadcast(call.element(0) === 'float' ? ratio : truncate(call.g, ratio));
    },
    Mod: (call) => {
      const [a, b] = [call.unexpanded(0), call.unexpanded(1)];
      const ratio = divide(call.g, a, b);
      const whole = call.int('fmod', 0) === 0 ? floor(call.g, ratio) : truncate(call.g, ratio);
      return call.broadcast(subtract(call.g, a, multiply(call.g, whole, b)));
    },
    Pow: binary(power),
    Sum: variadic(add),
    Min: variadic(minimum),
    Max: variadic(maximum),
    Mean: (call) => {
      const { value } = variadic(add)(call);
      return call.broadcast(divide(call.g, value, scalar(call.g, call.operands.length)));
    },
    Neg: unary(negate),
    Exp: unary(exp),
    Log: unary(log),
    Sqrt: unary(sqrt),
    Abs: unary(abs),
    Sign: unary(sign),
    Floor: unary(floor),
    Ceil: unary(ceil),
    Round: unary(round),
    Reciprocal: unary(reciprocal),
    Erf: unary(erf),
    Sin: unary(sin),
    Cos: unary(cos),
    Relu: unary(relu),
    Sigmoid: unary(sigmoid),
    Tanh: unary(tanh),
    Softplus: unary(softplus),
    HardSwish: unary(hardSwish),
    Softsign: unary((g, x) => divide(g, x, add(g, scalar(g, 1), abs(g, x)))),
    Mish: unary((g, x) => multiply(g, x, tanh(g, softplus(g, x)))),
    Swish: (call) => {
      const alpha = call.real('alpha', 1);
      return unary((g, x) => (alpha === 1 ? silu(g, x) : multiply(g, x, sigmoid(g, multiply(g, x, scalar(g, alpha))))))(
        call,
      );
    },
    Gelu: (call) => unary((g, x) => gelu(g, x, call.text('approximate', 'none') === 'tanh' ? 'tanh' : 'exact'))(call),
    LeakyRelu: (call) => unary((g, x) => leakyRelu(g, x, call.real('alpha', 0.01)))(call),
    Elu: (call) => unary((g, x) => elu(g, x, call.real('alpha', 1)))(call),
    Selu: (call) => {
      const alpha = call.real('alpha', 1.6732631921768188);
      const gamma = call.real('gamma', 1.0507010221481323);
      return unary((g, x) => multiply(g, elu(g, x, alpha), scalar(g, gamma)))(call);
    },
    HardSigmoid: (call) => unary((g, x) => hardSigmoid(g, x, call.real('alpha', 0.2), call.real('beta', 0.5)))(call),
    PRelu: binary((g, x, slope) => add(g, relu(g, x), multiply(g, slope, minimum(g, x, scalar(g, 0))))),
    Clip: (call) => {
      const x = call.unexpanded(0);
      return { ...call.broadcast(clip(call.g, x, call.number(1), call.number(2))), shape: call.shape(0) };
    },
    Where: (call) =>
      call.broadcast(where(call.g, call.unexpanded(0), call.unexpanded(1), call.unexpanded(2)), call.element(1)),
    Cast: (call) => cast(call, elementOfCast(call)),
    CastLike: (call) => cast(call, call.element(1)),
    Dropout: (call) => {
      if (call.has(2) && call.number(2) !== 0) call.refuse('is in training mode');
      return call.operand(0);
    },
    'com.microsoft.Gelu': unary((g, x) => gelu(g, x, 'exact')),
    'com.microsoft.QuickGelu': (call) =>
      unary((g, x) => multiply(g, x, sigmoid(g, multiply(g, x, scalar(g, call.real('alpha', 1.702))))))(call),
    'com.microsoft.BiasGelu': binary((g, x, bias) => gelu(g, add(g, x, bias), 'exact')),
    'com.microsoft.FastGelu': (call) =>
      call.has(1)
        ? binary((g, x, bias) => gelu(g, add(g, x, bias), 'tanh'))(call)
        : unary((g, x) => gelu(g, x, 'tanh'))(call),
  }),
  ...giving('bool', {
    Equal: binary(equal, 'bool'),
    Less: binary(less, 'bool'),
    LessOrEqual: binary(lessOrEqual, 'bool'),
    Greater: binary(greater, 'bool'),
    GreaterOrEqual: binary(greaterOrEqual, 'bool'),
    And: binary(and, 'bool'),
    Or: binary(or, 'bool'),
    Xor: binary(xor, 'bool'),
    Not: unary(not),
    IsNaN: (call) => {
      const x = call.unexpanded(0);
      return call.broadcast(not(call.g, equal(call.g, x, x)), 'bool');
    },
  }),
};

function cast(call: Call, element: Element): Traced {
  const from = call.element(0);
  const x = call.unexpanded(0);
  const value =
    element === 'bool' && from !== 'bool'
      ? isNonZero(call.g, x)
      : element === 'int' && from === 'float'
        ? truncate(call.g, x)
        : x;
  return { kind: 'traced', element, shape: call.shape(0), value };
}
