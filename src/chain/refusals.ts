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
  BatchesPosted: 'Set the rates of an epoch before its first batch',
  EpochNotMetered: 'Set the rates of the epoch first, or post agreed fees',
  FeeTooLarge: 'Post fewer tokens at once, or take lower rates: a fee is below 2^30 quanta',
  NotSignedByPayer: 'Let the payer sign exactly this batch, with its next nonce, for this book and chain',
  NotSignedByAccount: 'Let the account sign exactly this withdrawal, with its next nonce, for this contract and chain',
  SignatureExpired: 'Sign again with a later deadline',
  NothingPrepaid: 'Prepay the host first',
  PrepaymentTooSmall: 'Let the payer prepay more, or post fewer receipts',
  ReclaimNotDue: 'Announce it with announceReclaim, and wait for the notice to pass',
  NotAPolicy: 'Name a deployed contract that shares pools',
  PolicyNotWhole: 'Let governance name a policy that gives out exactly what there is',
  UnknownVersion: 'Ask for a version of the terms that was set',
  AlreadyDisabled: 'Nothing: the index pays no more',
  ChallengeWindowOpen: 'Wait until the challenge window of the index has passed',
  NoBond: 'Nothing: the bond was released or forfeited',
  SlotsMismatch: 'Give the slots exactly as in the SlotsRegistered event of the index',
  UnknownRow: 'Name a row of the index',
  UnusedSlot: 'Name a slot that the index has',
  TreeTooDeep: 'Deploy the dispute circuits with more levels',
  WrongSlotsForCircuit: 'Deploy SlotIsPrefix for the slots a shard of the index',
  DisputeRejected: 'Prove exactly what the registration says, for the account that files the dispute',
  NotCommittee: 'Let the committee of the deployment judge',
  NotSignals: 'Give the verifier of the circuit that the place names',
  WrongKeyLength: 'Export the verification key again',
  KeyNotStored: 'Deploy with more gas',
  AlreadyActive: 'Ask for it with unbond, and withdraw it when its unbonding is over',
  AlreadyAppointed: 'Nothing: slasher and lockers are named for good',
  AlreadyRegistered: 'Add own stake with stake',
  AlreadyUnbonding: 'Wait, and withdraw the request',
  AmountExceedsStake: 'Ask for at most what the position holds after slashes',
  BondExists: 'Name each bond differently',
  BondNeedsStake: 'Let the validator add own stake, or unlock another bond of it first',
  FreezeTooLong: 'Freeze for at most the freeze span',
  FutureLookup: 'Ask for a time that has passed',
  NoYield: 'Give the positions that earned, and wait until a whole unit is owed',
  NotAppointed: 'Let the timelock appoint slasher and lockers first',
  NotAppointer: 'Only the timelock named at deployment can do this',
  NotLocker: 'Only a contract appointed as locker can do this',
  NotPositionOwner: 'Send it from the account that staked the position',
  NotSlasher: 'Only the contract appointed as slasher can do this',
  NotTreasury: 'Only the treasury named at deployment can do this',
  NotUnbonding: 'Ask for the position with unbond first',
  NothingToBurn: 'Nothing: all that was slashed is burned',
  NothingToClaim: 'Nothing: no reward is owed to this account',
  OffenceAlreadySlashed: 'Nothing: an offence is punished once',
  OffenceOutOfReach: 'Slash for offences of the evidence span only',
  OwnStakeTooSmall: 'Stake at least the minimum of own stake',
  ShareOutOfRange: 'Give a share above 0 and at most 1e18, and at most half of it to the challenger',
  StakeLocked: 'Wait until the bonds that this stake stands behind are unlocked',
  StreamTooShort: 'End the stream no earlier than was promised',
  StreamTooThin: 'Add tokens, or shorten the stream: the promised rate is kept',
  TermsOutOfRange:
    'Give periods of a minute or more, and unbonding no shorter than evidence, at most 100 periods together',
  TransferFellShort: 'Use a token that delivers all that is sent',
  UnbondableFrom: 'Wait until the position was active for the evidence span',
  UnknownBond: 'Check the id of the bond',
  UnknownPosition: 'Check the number of the position',
  UnknownValidator: 'Let the validator register first',
  ValidatorNotBonded: 'Choose a validator with the minimum of own stake',
  WithdrawableFrom: 'Wait until the time given: unbonding, or a freeze, is not over',
  ZeroAmount: 'Give an amount above zero',
  AlreadyDistributed: 'Nothing: its credits can be withdrawn',
  AlreadyRefunded: 'Nothing: its payer can withdraw the refund',
  AlreadySettled: 'Go on with the next shard or batch',
  CapExceedsFeeType: 'Choose a cap below 2^96 units',
  ChallengeWindowOver: 'Raise disputes while the window of an index is open',
  ContributorNotApproved: "Let the data set's owner approve the address first",
  ContributorsMismatch: 'Give the addresses of the shard in the order of registration, padded with the zero address',
  DatasetAlreadyPublished: 'Use the id that exists, or publish a changed version',
  DevelopmentKeyOnPublicChain: 'Run a ceremony and deploy its key; a development key lets anybody forge proofs',
  ECDSAInvalidSignature: 'Sign again with the account that owns the tokens',
  ERC20InsufficientAllowance: 'Approve the fees first with approveFees',
  ERC20InsufficientBalance: 'Send tokens to the payer first',
  ERC20ExceededCap: 'Mint no more than the cap leaves',
  EmptyDataset: 'Give a root, a manifest hash and at least one row',
  EmptyInstance: 'Give the shape (S, Q, d) of the compiled circuit',
  TooManyColumns: 'Take a circuit of at most 512 columns, whose scores fit five bytes',
  EpochAlreadyClosed: 'Open another epoch',
  EpochIncomplete: 'Settle every shard of every batch first',
  EpochNotFinal: 'Finalize the epoch first',
  EpochNotSettling: 'Look at the stage of the epoch: it is final already, or its fees are being refunded',
  EpochStillOpen: 'Close the epoch first',
  FeeWithoutReceipt: 'Set the fee of an unused position to zero',
  GammaEqualsDelta: 'Contribute to phase 2 of the ceremony and export the key again',
  IndexAlreadyRegistered: 'Use the registration that exists, or another index id',
  IndexNotPayable: 'Wait until the challenge window of the index has passed; a disabled index never pays',
  KeyPointNotOnCurve: 'Export the verification key again',
  NotAFieldElement: 'Reduce the value modulo the order of BN254',
  NotArbiter: 'Only the arbiter can do this',
  NotDatasetOwner: "Send it from the data set's owner",
  NotEpochOwner: "Send it from the epoch's owner, or wait until anyone may close it",
  NotIndexOwner: "Send it from the index's owner",
  NothingToWithdraw: 'Wait until an epoch is distributed',
  OwnableUnauthorizedAccount: "Send it from the contract's owner",
  PartsNotWhole: 'Choose beta, gamma and delta that sum to 10000, and a platform part of at most 10000',
  PayerNotAdmitted: "Let the epoch's owner admit the payer",
  ProofRejected: 'Prove again for exactly these scores, this place and this contract',
  ProofsRejected: 'Settle one by one to find the proof that does not hold, and prove that again',
  ReceiptsMismatch: 'Give fees and output hashes exactly as they were posted',
  RefundNotDue: 'Wait until the refund timeout has passed',
  SafeCastOverflowedUintDowncast: 'Post smaller fees',
  SettledElsewhere: 'Send it to the settlement contract that the epoch names',
  SlotCountOutOfRange: 'Register at least one slot and at most 256',
  SlotsDoNotTile: 'Cut the slots again so that they tile the rows, 1 to 256 rows each',
  SumsMismatch: "Give contributors and sums as in the shard's ShardSettled event",
  TooManyRows: 'Index at most the rows of the data set',
  UnknownBatch: 'Check the batch number',
  UnknownDataset: 'Publish the data set first',
  UnknownEpoch: 'Open the epoch first',
  UnknownIndex: 'Register the index first',
  UnknownShard: 'Check the shard number',
  UnusedSlotScored: 'Leave the scores of unused slots at zero',
  WrongReceiptCount: 'Pad the batch with zero hashes and zero fees',
  WrongScoreBytes: 'Give exactly S · Q scores of five bytes each',
  WrongShardCount: 'Give one entry for every shard',
  WrongSlotCount: 'Give exactly S addresses',
  WrongSlotsPerShard: "Register the index with the S of the settlement contract's circuit",
  ZeroAddress: 'Give a real address for every role: the zero address is nobody',
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
