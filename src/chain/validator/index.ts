export {
  CEREMONY_FILE,
  DEFAULT_DEPLOYMENT,
  DEFAULT_POLICY,
  type Registration,
  readRegistration,
  registerOnChain,
  registrationRecipe,
} from './registration.js';
export { type ChainLocation, FIRST_CONTRIBUTOR_ACCOUNT, ROLE_ACCOUNT, STATE_FILE, withSession } from './session.js';
export { payoutRecipe, settlementRecipe, settleOnChain, withdrawCredits } from './settlement.js';
export { readTransactions, type Transaction } from './transactions.js';
