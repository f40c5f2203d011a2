export { type BitSum, type Determination, determine, type Step } from './determination.js';
export { inverse, modulo } from './field.js';
export { type Findings, findingsOf, type Range } from './findings.js';
export { freeWiresAt } from './jacobian.js';
export { A, B, C, CONSTANT, type Part, SparseSystem } from './sparseSystem.js';
