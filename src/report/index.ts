export { chooseReceipts, collectOutputs, type OutputSources } from './collect.js';
export {
  type ExplainedOutput,
  type HashLink,
  type InfluentialRow,
  LINK_PLACES,
  type LinkPlace,
  type Payee,
  type PayoutChain,
  type ReportData,
} from './data.js';
export * from './explanation/index.js';
export { html, Markup } from './markup.js';
export { collectChain, type PayoutEvents, type PayoutSources } from './payoutChain.js';
export { type Picture, pictureOf, pngDataUri } from './picture.js';
export { renderReport } from './render.js';
export { type FinishedRun, summarise } from './summarise.js';
export type { AuditCheck, Completeness, IdentityCurve, Payout, StageTime, Summary } from './summary.js';
