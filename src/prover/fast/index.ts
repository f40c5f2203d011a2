export { BASE_FIELD, ELEMENT_BYTES, type Field, type Kernel, SCALAR_FIELD } from './fieldKernel.js';
export { Arithmetic, type ArithmeticOptions, openArithmetic } from './fieldThreads.js';
