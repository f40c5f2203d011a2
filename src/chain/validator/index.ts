export {
  CEREMONY_FILE,
  DEFAULT_POLICY,
  DEVELOPMENT_OPTIONS,
  type Registration,
  readRegistration,
  registerOnChain,
  registrationRecipe,
} from './registration.js';
export { type ChainLocation, FIRST_CONTRIBUTOR_ACCOUNT, ROLE_ACCOUNT, STATE_FILE, withSession } from './session.js';
export { payoutRecipe, settlementRecipe, settleOnChain, withdrawCredits } from './settlement.js';
export { readTransactions, type Transaction } from './transactions.js';
