export { type Checked, checkStore } from './check.js';
export { exportIndex } from './export.js';
export {
  type Balance,
  balanceOfAccount,
  type Inference,
  inferencesOf,
  type Payout,
  payoutsTo,
  type RowRange,
} from './payouts.js';
export { IndexStore } from './store.js';
export { followChain, type Health, type SyncOptions, syncIndex } from './sync.js';
