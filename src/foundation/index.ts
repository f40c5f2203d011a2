export { type ExitCode, explainFileError, MeedError, messageOf, systemCode } from './errors.js';
export { sha256, sha256Bytes, sha256File, sha256Json } from './hash.js';
export { canonicalJson, type Json, type JsonObject } from './json.js';
export { cacheFolder, packageRoot, resourcePath } from './paths.js';
export { formatRate, formatSeconds, Pace, type Progress, silent } from './progress.js';
export { columnScales, ENTRY_MAX, quantiseQuery, quantiseRow, ROW_ENTRY_MAX, roundHalfEven } from './quantise.js';
export { Random, type RandomState } from './random.js';
