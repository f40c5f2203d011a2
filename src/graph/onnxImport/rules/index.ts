/** All operators that can be read, by their ONNX name. */
import type { Rules } from '../rule.js';
import { convolutionRules } from './convolution.js';
import { einsumRules } from './einsum.js';
import { elementwiseRules } from './elementwise.js';
import { gatherRules } from './gather.js';
import { linearRules } from './linear.js';
import { normaliseRules } from './normalise.js';
import { reduceRules } from './reduce.js';
import { shapeRules } from './shape.js';

export const allRules: Rules = {
  ...convolutionRules,
  ...einsumRules,
  ...elementwiseRules,
  ...gatherRules,
  ...linearRules,
  ...normaliseRules,
  ...reduceRules,
  ...shapeRules,
};
