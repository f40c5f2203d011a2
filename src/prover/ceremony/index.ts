export { PHASE1_FILES, type Phase1File, phase1FileFor } from './phase1.js';
export { fetchPhase1, type Phase1Source } from './phase1Fetch.js';
export { ceremonyKey, type PublishedCeremony, publishCeremony, readPublished } from './publish.js';
export {
  type Announcement,
  announceBeacon,
  applyBeacon,
  contribute,
  type StepOptions,
  type Stepped,
  startCeremony,
} from './steps.js';
export {
  type BeaconRecord,
  type CeremonyRecord,
  ITERATIONS,
  LEAST_CONTRIBUTIONS,
  parseTranscript,
  readTranscript,
  type Transcript,
} from './transcript.js';
export { findVerified, sameSeal } from './verified.js';
export {
  requireStatedKey,
  sealOf,
  type VerifiedCeremony,
  type VerifyOptions,
  verifyCeremony,
} from './verifyCeremony.js';
