export { type AuditResult, audit, DEFAULT_AUDIT } from './audit.js';
export type { AuditCheck } from './check.js';
export { type AuditOptions, FOLDERS } from './evidence.js';
