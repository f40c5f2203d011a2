export { type CholeskyFactor, cholesky } from './cholesky.js';
export { orthonormalise } from './orthonormal.js';
export { openProducts, type ProductForm, type Products } from './product.js';
export { type SymmetricEigen, symmetricEigen } from './symmetricEigen.js';
export { type TopEigen, type TopEigenOptions, topEigen } from './topEigen.js';
export { type SingularTriples, topSingular } from './topSingular.js';
export { choleskySolve, solveLower, solveUpper } from './triangularSolve.js';
