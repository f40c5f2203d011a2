export { Account, type Credentials, developmentAddress, openProvider, type Sent } from './account.js';
export { accumulate, receiptsHash } from './accumulator.js';
export {
  BUNDLE_FORMAT,
  type BundleSource,
  epochBundle,
  type SettledProof,
  type SettlementPolicy,
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
export {
  type Action,
  actionOn,
  activateVerifier,
  cancelProposal,
  castVote,
  delegateVotes,
  deployGovernance,
  executeProposal,
  type Governance,
  type GovernanceFigures,
  type GovernanceOptions,
  PROPOSAL_STATES,
  type Proposal,
  type ProposalState,
  proposalState,
  propose,
  queueProposal,
  readFigures,
  requireGoverned,
  TIMELOCK_DELAY,
  type Vote,
  verifierOf,
} from './governance.js';
export { type ChainNode, DEVELOPMENT_CHAIN_ID, type NodeOptions, startNode } from './node.js';
export {
  announceReclaim,
  type BatchPost,
  postMetered,
  postPrepaid,
  postSigned,
  prepay,
  reclaim,
  type SignedPost,
  type SignedWithdrawal,
  setRates,
  signPost,
  signWithdrawal,
  type TokenUsage,
  withdrawSigned,
} from './posting.js';
export { epochTerms, type ProtocolTerms, setTerms } from './terms.js';
export { type DeploymentCheck, verifyDeployment } from './verifyDeployment.js';
export { type KeyWords, requireUnforgeable } from './verifyingKey.js';
