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
  openManifest,
  type Recipe,
  readArtefact,
  readManifest,
  writeArtefact,
} from './artefact.js';
export { readJson, writeJson } from './jsonFile.js';
export { ArtefactLibrary, type Published } from './library.js';
export { type ParquetColumns, type ParquetRow, writeParquetTable } from './parquetTable.js';
