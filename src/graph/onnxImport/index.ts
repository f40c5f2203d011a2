export {
  type BuildOptions,
  type ImportedInput,
  type ImportedLayer,
  type ImportedModel,
  type ImportedParameter,
  type ReadOptions,
  readOnnx,
} from './readOnnx.js';
