export {
  type Contributor,
  type Dataset,
  type DatasetCard,
  type DatasetFile,
  type DatasetSource,
  type LoadOptions,
  type Planted,
  rowsPerContributor,
  type Split,
  type TrainSplit,
} from './dataset.js';
export { type HashTree, hashTree, type InclusionClaim, inclusionProof, verifyInclusion } from './merkle.js';
export { type Row, rowBytes, rowHash, rowHashes, rowTree } from './rows.js';
export { imputeMedians, median, standardise } from './scale.js';
export {
  gatherRows,
  gatherTrainRows,
  HELD_OUT_FRACTION,
  type RowTable,
  type SplitRows,
  stratifiedSplit,
} from './split.js';
export { validateDataset } from './validate.js';
