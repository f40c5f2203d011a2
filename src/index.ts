/** Meed as a library: each folder's public face. */
export * as datasets from '../datasets/index.js';
export * as artefact from './artefact/index.js';
export * as auditor from './chain/auditor/index.js';
export * as chain from './chain/index.js';
export * as validator from './chain/validator/index.js';
export * as data from './data/index.js';
export * as engine from './engine/index.js';
export * as foundation from './foundation/index.js';
export * as graph from './graph/index.js';
export * as influence from './influence/index.js';
export * as linalg from './linalg/index.js';
export * as models from './models/index.js';
export * as prover from './prover/index.js';
export * as reference from './prover/reference/index.js';
export * as report from './report/index.js';
export * as work from './work/index.js';
