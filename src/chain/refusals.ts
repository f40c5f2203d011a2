/**
 * Why a contract refused, as a sentence. A revert carries four bytes and its arguments; all our contracts' errors are
 * gathered into one table, so that an error raised three calls deep is still named. The remedies live here and not in
 * the contracts, because only the person who sent the transaction needs them.
 */
import { Interface, isError } from 'ethers';
import { MeedError, messageOf } from '../foundation/index.js';
import type { CompiledContracts } from './compile.js';

/** What to do about each custom error. */
const REMEDIES: Readonly<Record<string, string>> = {
  AccessControlUnauthorizedAccount: 'Propose it: the timelock does only what was voted',
  ActivationTooEarly: 'Wait until the announcement is old enough',
  AlreadyActive: 'Ask for it with unbond, and withdraw it when its unbonding is over',
  AlreadyAnnounced: 'Activate the pending announcement, or let a vote cancel it first',
  AlreadyAppointed: 'Nothing: slasher and lockers are named for good',
  AlreadyDisabled: 'Nothing: the index pays no more',
  AlreadyDistributed: 'Nothing: its credits can be withdrawn',
  AlreadyRefunded: 'Nothing: its payer can withdraw the refund',
  AlreadyRegistered: 'Add own stake with stake',
  AlreadySettled: 'Go on with the next shard or batch',
  AlreadyUnbonding: 'Wait, and withdraw the request',
  AlreadyWithdrawn: 'Nothing: consent for it was withdrawn before',
  AmountExceedsStake: 'Ask for at most what the position holds after slashes',
  BatchesPosted: 'Set the rates of an epoch before its first batch',
  BatchSizeOutOfRange: 'Send between 1 and 256 entries at a time',
  BondExists: 'Name each bond differently',
  BondNeedsStake: 'Let the validator add own stake, or unlock another bond of it first',
  CapExceedsFeeType: 'Choose a cap below 2^96 units',
  ChallengeWindowOpen: 'Wait until the challenge window of the index has passed',
  ChallengeWindowOver: 'Raise disputes while the window of an index is open',
  CircuitAlreadyRouted: 'Give the new circuit an id of its own: a route is for ever',
  ConsentStood: 'Name a contribution whose consent was withdrawn before the version was published',
  ConsentViolated: 'Index a version without the contributions whose consent was withdrawn',
  ContributionDecided: 'Leave it out: it was decided before',
  ContributionExists: 'Propose changed content: the same content is proposed once, also after it was withdrawn',
  ContributionsRootMismatch: 'Give the root over the contribution ids with their number, or zero for both',
  ContributorNotApproved: "Let the data set's owner approve the address first",
  ContributorOutOfOrder: 'Order the slots by contributor, as the data set approved them: one run of slots each',
  ContributorsMismatch: 'Give the addresses of the shard in the order of registration, padded with the zero address',
  DatanetAlreadyCreated: 'Use the datanet that exists, or another salt',
  DatasetAlreadyPublished: 'Use the id that exists, or publish a changed version',
  DevelopmentKeyOnPublicChain: 'Run a ceremony and deploy its key; a development key lets anybody forge proofs',
  DisputeRejected: 'Prove exactly what the registration says, for the account that files the dispute',
  DistributionBegun: 'Go on with distributePart, from the last DistributionAdvanced event of the batch',
  DistributionMismatch: 'Go on from the last DistributionAdvanced event of the batch; a first part begins with nothing',
  ECDSAInvalidSignature: 'Sign again with the account that owns the tokens',
  EmptyContribution: 'Give the hash of the content',
  EmptyDataset: 'Give a root, a manifest hash and at least one row',
  EmptyInstance: 'Give the shape (S, Q, d) of the compiled circuit',
  EpochAlreadyClosed: 'Open another epoch',
  EpochIncomplete: 'Settle every shard of every batch first',
  EpochNotFinal: 'Finalize the epoch first',
  EpochNotMetered: 'Set the rates of the epoch first, or post agreed fees',
  EpochNotSettling: 'Look at the stage of the epoch: it is final already, or its fees are being refunded',
  EpochStillOpen: 'Close the epoch first',
  ERC20ExceededCap: 'Mint no more than the cap leaves',
  ERC20InsufficientAllowance: 'Approve the fees first with approveFees',
  ERC20InsufficientBalance: 'Send tokens to the payer first',
  FeeTooLarge: 'Post fewer tokens at once, or take lower rates: a fee is below 2^30 quanta',
  FeeWithoutReceipt: 'Set the fee of an unused position to zero',
  FreezeTooLong: 'Freeze for at most the freeze span',
  FutureLookup: 'Ask for a time that has passed',
  GammaEqualsDelta: 'Contribute to phase 2 of the ceremony and export the key again',
  GovernorInsufficientProposerVotes: 'Hold and delegate enough votes a second before proposing',
  GovernorOnlyExecutor: 'Propose it: the governor is changed by a vote only',
  GovernorUnexpectedProposalState: 'Look at the state of the proposal and wait for its next step',
  IndexAlreadyRegistered: 'Use the registration that exists, or another index id',
  IndexComplete: 'Nothing: the index is registered whole',
  IndexNotPayable: 'Wait until the challenge window of the index has passed; a disabled index never pays',
  IndexUnfinished: 'Add the missing shards first',
  InvalidWalletSignature:
    "Sign again with the contributor's present wallet, for this chain and registry and the next nonce",
  KeyHashMismatch: 'Announce the key hash that the verifier states of its own key',
  KeyNotStored: 'Deploy with more gas',
  KeyPointNotOnCurve: 'Export the verification key again',
  NoActivationDelay: 'Give the router a delay of at least a second; days are usual',
  NoBond: 'Nothing: the bond was released or forfeited',
  NotAContract: 'Give the address of a deployed contract',
  NotAFieldElement: 'Reduce the value modulo the order of BN254',
  NotAnnounced: 'Let a vote announce a verifier for the circuit first',
  NotAPolicy: 'Name a deployed contract that shares pools',
  NotAppealable: "Appeal only what a reviewer rejected: the owner's decision is final",
  NotAppointed: 'Let the timelock appoint slasher and lockers first',
  NotAppointer: 'Only the timelock named at deployment can do this',
  NotArbiter: 'Only the arbiter can do this',
  NotCommittee: 'Let the committee of the deployment judge',
  NotContained: "Show the path from the contribution id to the version's contributions root",
  NotContributorWallet: "Send it from the contributor's present wallet",
  NotDatanetOwner: "Send it from the datanet's owner",
  NotDatasetOwner: "Send it from the data set's owner",
  NotEpochOwner: "Send it from the epoch's owner, or wait until anyone may close it",
  NothingPrepaid: 'Prepay the host first',
  NothingToBurn: 'Nothing: all that was slashed is burned',
  NothingToClaim: 'Nothing: no reward is owed to this account',
  NothingToWithdraw: 'Wait until an epoch is distributed',
  NotIndexOwner: "Send it from the index's owner",
  NotLatestVersion: 'Name the newest version of the datanet as predecessor',
  NotLocker: 'Only a contract appointed as locker can do this',
  NotPendingOwner: 'Let the owner offer the datanet to this account first',
  NotPendingWallet: 'Accept with the wallet that the pending change names',
  NotPositionOwner: 'Send it from the account that staked the position',
  NotReviewer: "Send it from the datanet's owner or a reviewer that the owner appointed",
  NotSignals: 'Give the verifier of the circuit that the place names',
  NotSignedByAccount: 'Let the account sign exactly this withdrawal, with its next nonce, for this contract and chain',
  NotSignedByPayer: 'Let the payer sign exactly this batch, with its next nonce, for this book and chain',
  NotSlasher: 'Only the contract appointed as slasher can do this',
  NotTimelock: 'Propose it: only the timelock may, after a vote',
  NotTreasury: 'Only the treasury named at deployment can do this',
  NotUnbonding: 'Ask for the position with unbond first',
  NoYield: 'Give the positions that earned, and wait until a whole unit is owed',
  OffenceAlreadySlashed: 'Nothing: an offence is punished once',
  OffenceOutOfReach: 'Slash for offences of the evidence span only',
  OwnableUnauthorizedAccount: "Send it from the contract's owner",
  OwnStakeTooSmall: 'Stake at least the minimum of own stake',
  PartsNotWhole: 'Choose beta, gamma and delta that sum to 10000, and a platform part of at most 10000',
  PayerNotAdmitted: "Let the epoch's owner admit the payer",
  PolicyOutOfBounds: 'Let governance name a policy that gives each account an amount, and no more than there is',
  PrepaymentTooSmall: 'Let the payer prepay more, or post fewer receipts',
  ProofRejected: 'Prove again for exactly these scores, this place and this contract',
  ProofsRejected: 'Settle one by one to find the proof that does not hold, and prove that again',
  ReasonMissing: 'Give the hash of a reason',
  ReceiptsMismatch: 'Give fees and output hashes exactly as they were posted',
  ReclaimNotDue: 'Announce it with announceReclaim, and wait for the notice to pass',
  RefundNotDue: 'Wait until the refund timeout has passed',
  SafeCastOverflowedUintDowncast: 'Post smaller fees',
  SameWallet: 'Name another wallet: this one receives the pay already',
  SelfReview: "Let another reviewer or the datanet's owner decide",
  SettledElsewhere: 'Send it to the settlement contract that the epoch names',
  ShardNotFilled: 'Fill every shard but the last of the index',
  ShareOutOfRange: 'Give a share above 0 and at most 1e18, and at most half of it to the challenger',
  SignatureExpired: 'Sign again with a later deadline',
  SlashWithoutGas: 'Send the dispute with more gas, so that the stake can be slashed as well',
  SlotCountOutOfRange: 'Register at least one slot, at most 256 a shard and 2^24 in all',
  SlotsDoNotTile: 'Cut the slots again so that they tile the rows, 1 to 256 rows each',
  SlotsMismatch: 'Give the slots of that one shard, and where they begin, exactly as in the SlotsRegistered event',
  StakeLocked: 'Wait until the bonds that this stake stands behind are unlocked',
  StreamTooShort: 'End the stream no earlier than was promised',
  StreamTooThin: 'Add tokens, or shorten the stream: the promised rate is kept',
  SumsMismatch: "Give contributors and sums as in the shard's ShardSettled event",
  TermsMissing: 'Give a licence and the hash of the policy',
  TermsOutOfRange:
    'Give periods of a minute or more, and unbonding no shorter than evidence, at most 100 periods together',
  TimelockUnexpectedOperationState: 'Wait until the delay of the timelock has passed',
  TooManyColumns: 'Take a circuit of at most 512 columns, whose scores fit five bytes',
  TooManyRows: 'Index at most the rows of the data set',
  TransferFellShort: 'Use a token that delivers all that is sent',
  TreeTooDeep: 'Deploy the dispute circuits with more levels',
  UnbondableFrom: 'Wait until the position was active for the evidence span',
  UnknownBatch: 'Check the batch number',
  UnknownBond: 'Check the id of the bond',
  UnknownCircuit: 'Use the id of a circuit whose verifier was activated',
  UnknownContribution: 'Check the datanet and the contribution id',
  UnknownDatanet: 'Create the datanet first',
  UnknownDataset: 'Publish the data set first',
  UnknownEpoch: 'Open the epoch first',
  UnknownIndex: 'Register the index first',
  UnknownPosition: 'Check the number of the position',
  UnknownRow: 'Name a row of the index',
  UnknownShard: 'Check the shard number',
  UnknownValidator: 'Let the validator register first',
  UnknownVersion: 'Ask for a version of the terms that was set',
  UnusedSlot: 'Name a slot that the index has',
  UnusedSlotScored: 'Leave the scores of unused slots at zero',
  ValidatorNotBonded: 'Choose a validator with the minimum of own stake',
  VerifierCodeChanged: 'Let a vote cancel the announcement: the code is no longer what was announced',
  ViolationKnown: 'Nothing: it is on record',
  WalletChangeLapsed: 'Sign a new change and accept it within 30 days after its delay',
  WalletChangeNotDue: 'Wait until seven days have passed since the request',
  WithdrawableFrom: 'Wait until the time given: unbonding, or a freeze, is not over',
  WithdrawalsNotSeen: 'Leave out what was withdrawn meanwhile and publish with the present number of withdrawals',
  WrongKeyLength: 'Export the verification key again',
  WrongReceiptCount: 'Pad the batch with zero hashes and zero fees',
  WrongScoreBytes: 'Give exactly S · Q scores of five bytes each',
  WrongShardCount: 'Give one entry for every shard',
  WrongSlotCount: 'Give exactly S addresses',
  WrongSlotsForCircuit: 'Deploy SlotIsPrefix for the slots a shard of the index',
  WrongSlotsPerShard: "Register the index with the S of the settlement contract's circuit",
  ZeroAddress: 'Name a treasury and a pool for stakers',
  ZeroAmount: 'Give an amount above zero',
  ZeroCircuitId: 'Give the id of the circuit',
  ZeroContributor: 'Leave the zero address out: it marks unused slots',
  ZeroFieldElement: 'Give the real commitment: zero is never one',
  ZeroKeyPoint: 'Export the verification key again',
};

/** Names of the errors that have a remedy; a test holds them against the contracts' own. */
export const explainedErrors: readonly string[] = Object.keys(REMEDIES);

/** All custom errors of the contracts and of the libraries they use, by selector. */
export function errorInterface(contracts: CompiledContracts): Interface {
  const fragments = Object.values(contracts).flatMap(({ abi }) =>
    new Interface(abi).fragments.filter((fragment) => fragment.type === 'error').map((f) => f.format('full')),
  );
  return new Interface([...new Set(fragments)]);
}

/**
 * The sentence for whatever went wrong with a transaction or call.
 * @param what the action, as in "settle"
 */
export function explainRefusal(what: string, thrown: unknown, errors: Interface): MeedError {
  if (thrown instanceof MeedError) return thrown;
  const data = isError(thrown, 'CALL_EXCEPTION') ? thrown.data : null;
  const parsed = data ? errors.parseError(data) : null;
  if (parsed) {
    const remedy = REMEDIES[parsed.name] ?? 'Check the arguments';
    return new MeedError(`The contract refused ${what}: ${parsed.name}(${parsed.args.join(', ')})`, remedy, {
      cause: thrown,
    });
  }
  if (isError(thrown, 'CALL_EXCEPTION')) {
    const reason = thrown.reason ?? (data && data !== '0x' ? `data ${data}` : 'no reason given');
    return new MeedError(`The chain refused ${what}: ${reason}`, 'Check the arguments and the deployment', {
      cause: thrown,
    });
  }
  if (isError(thrown, 'INVALID_ARGUMENT')) {
    return new MeedError(`${what} was given a value it cannot take: ${thrown.shortMessage}`, 'Correct the value', {
      cause: thrown,
    });
  }
  return new MeedError(
    `${what} could not be sent: ${messageOf(thrown)}`,
    'Check that the node answers and the account has ether',
    {
      cause: thrown,
    },
  );
}
