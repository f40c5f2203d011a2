export { type AuditResult, audit, DEFAULT_AUDIT } from './audit.js';
export type { AuditCheck } from './check.js';
export {
  auditEpoch,
  type EpochAudit,
  type EpochFinding,
  type EpochSource,
  type OpenedIntegers,
} from './epochAudit.js';
export { type AuditOptions, FOLDERS } from './evidence.js';
export {
  type IndexFinding,
  type Inspection,
  type IntegerOpening,
  inspectIndex,
  type WordOpening,
} from './indexFindings.js';
export { type RegisteredIndex, registeredIndex } from './registered.js';
