export { type CurvatureKind, curvatureGraph } from './curvatureGraph.js';
export { type CurvatureOptions, type CurvatureProducts, openCurvature } from './curvatureProducts.js';
