export { checkAddresses } from './addresses.js';
export {
  DATASET_KIND,
  type DatasetChoices,
  datasetRecipe,
  readDataset,
  readEvaluation,
  type StoredDataset,
  writeDataset,
} from './artefact.js';
export { type CsvOptions, type ListedContributor, readContributorList, readCsvDataset } from './csv.js';
export {
  type Contributor,
  type Dataset,
  type DatasetCard,
  type DatasetFile,
  type DatasetSource,
  type FeatureScale,
  type LoadOptions,
  PLANTED,
  type Planted,
  rowsPerContributor,
  type Split,
  type TrainSplit,
} from './dataset.js';
export { fetchDatasetFile } from './fetch.js';
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
export {
  encodeTexts,
  fitTextRule,
  LONGEST_TEXT,
  type TextFeatureOptions,
  type TextRule,
  termsOf,
} from './textFeatures.js';
export { validateDataset } from './validate.js';
