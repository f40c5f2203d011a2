export { orthonormalise } from './orthonormal.js';
export { openProducts, type ProductForm, type Products } from './product.js';
export { type SingularTriples, topSingular } from './topSingular.js';
