export { type Basis, type BasisForm, basisFeeds, inBasis, OWN_COORDINATES, widthIn } from './bases.js';
export { byPosition, combined, dots, squaredNorms, written } from './layerProducts.js';
export { describeLayers, type LayerProgram, openLayerProgram } from './layerProgram.js';
export { type LayerShape, widthOf } from './layers.js';
export {
  type Detail,
  type LayerGradients,
  type LayerVectors,
  openLayerGradients,
  wholeScores,
} from './layerVectors.js';
export { pathPlan } from './pathPlan.js';
export { openVectorScorer, scoreBlocks, type VectorPlan, type VectorSource, type VectorTerm, wholeOf } from './plan.js';
export { scaledVectors } from './scaled.js';
