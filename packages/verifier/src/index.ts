export { FORMAT, type Role } from './bundle.js';
export type { Progress } from './proofs.js';
export { type Anchors, type Check, type EpochVerdict, type VerifyOptions, verifyEpoch } from './verifyEpoch.js';
