export {
  type Claim,
  claimOf,
  type ExplainedRow,
  type ExplanationSources,
  explainOutput,
  type OutputExplanation,
} from './explanation.js';
export { explanationJson } from './json.js';
export { explanationPage } from './page.js';
export { explanationText } from './text.js';
