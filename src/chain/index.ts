export { Account, type Credentials, developmentAddress, openProvider, type Sent } from './account.js';
export { accumulate, receiptsHash } from './accumulator.js';
export {
  BUNDLE_FORMAT,
  type BundleSource,
  epochBundle,
  type SettledProof,
  type SettlementPolicy,
  settlementPolicy,
} from './bundle.js';
export {
  admitPayers,
  approveBonds,
  approveContributors,
  approveFees,
  balanceOf,
  type ChainClient,
  closeEpoch,
  creditOf,
  type DatasetPublication,
  disableIndex,
  distribute,
  finalizeEpoch,
  type IndexRegistration,
  mintTokens,
  openClient,
  openEpoch,
  type ProvenScores,
  postBatch,
  publishDataset,
  type Receipts,
  refundBatch,
  registerIndex,
  releaseBond,
  type SettleRequest,
  type ShardSums,
  settle,
  settleMany,
  withdraw,
  withdrawTo,
} from './client.js';
export { compileContracts } from './compile.js';
export {
  type Deployed,
  type Deployment,
  type DeployOptions,
  deploy,
  deploymentJson,
  parseDeployment,
} from './deploy.js';
export {
  type DisputeCircuits,
  type DisputesDeployment,
  disputeRow,
  disputeSlot,
  disputeSum,
  judgeIndex,
} from './disputes.js';
export { type ChainEvent, type ChainEvents, type EventName, ROLES, type Role, readEvents } from './events.js';
export { type ChainNode, DEVELOPMENT_CHAIN_ID, type NodeOptions, startNode } from './node.js';
export { type KeyWords, requireUnforgeable } from './verifyingKey.js';
