export { FLOOR, type IdentityCurve, type IdentityPoint, identityCurve } from './identities.js';
export { PLANTS, type Plant, type PlantedDataset, plant } from './planted.js';
export { POLICIES } from './policies/index.js';
export type { Policy, PolicyCard } from './policy.js';
export { LIMITS, type Recommendation, recommend } from './recommend.js';
export type { IncentiveRow } from './row.js';
export {
  type ContributorFigures,
  type IncentiveOptions,
  type IncentiveResult,
  type NamedCurve,
  runIncentives,
  type ValueFigures,
} from './runIncentives.js';
export { ReceiptScores, ScoredBatch } from './scoredBatch.js';
export { type ScoreMethod, type Subject, scoreMethod } from './subject.js';
export { type FlatRow, flatRow, writeIncentives } from './table.js';
