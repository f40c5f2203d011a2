export { BatchHasher, openBatchHasher, readIntegers, writeIntegers } from './batchHasher.js';
export { BASE_FIELD, ELEMENT_BYTES, type Field, type Kernel, SCALAR_FIELD } from './fieldKernel.js';
export { Arithmetic, type ArithmeticOptions, openArithmetic } from './fieldThreads.js';
export { MultiScalar, type MultiScalarSizes } from './msm.js';
export { openProver, type ProofOptions, type Prover, type ProverOptions, type Stage } from './prover.js';
