export {
  type Column,
  type MatrixColumn,
  matrix,
  type Numbers,
  numbers,
  readTable,
  strings,
  writeTable,
} from './arrow.js';
export {
  type Artefact,
  type ArtefactFile,
  factNumber,
  factString,
  findCurrent,
  type Manifest,
  makeFolder,
  type Recipe,
  readArtefact,
  readManifest,
  writeArtefact,
} from './artefact.js';
export { readJson, writeJson } from './jsonFile.js';
export { type ParquetColumns, type ParquetRow, writeParquetTable } from './parquetTable.js';
