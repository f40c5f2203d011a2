/**
 * Staking, one typed function each: a validator registers, others delegate, a position is asked for and withdrawn, yield of two
 * kinds is claimed. All amounts are token units, all times seconds.
 * The trap: everything is about positions, and a position is one stake of one account. Asking for a part of it makes a further one, the
 * request; both have to be remembered (the events name them), because a claim pays only for the positions it is given.
 */
import { Contract } from 'ethers';
import { MeedError } from '../foundation/index.js';
import type { Account, Mined, Sent } from './account.js';
import { compileContracts } from './compile.js';
import { createContract } from './deploy.js';
import { explainRefusal } from './refusals.js';
import { address, count, integer, listOf, record } from './values.js';

/** Shares in the contract have 18 decimals. */
export const WHOLE_SHARE = 10n ** 18n;

export interface StakingTerms {
  /** Own stake below which a validator gets no delegations and no bonds, in token units. */
  readonly minimumOwnStake: bigint;
  /** Seconds of a period, at least 60: stake is active from the period after it came. */
  readonly periodSeconds: number;
  /** Periods in which an offence can be slashed, and which a position stays active at least. */
  readonly evidencePeriods: number;
  /** Periods from a request to its withdrawal, no fewer than `evidencePeriods`. */
  readonly unbondingPeriods: number;
  /** Most periods that a freeze holds a withdrawal back. */
  readonly freezePeriods: number;
}

export interface StakingOptions extends StakingTerms {
  readonly token: string;
  /** May fund the stream of treasury-funded yield, and nothing else. */
  readonly treasury: string;
  /** The timelock: appoints slasher and lockers, once. */
  readonly appointer: string;
}

/** Where the contract lies: plain JSON. */
export interface StakingDeployment {
  readonly chainId: number;
  readonly fromBlock: number;
  readonly address: string;
  readonly token: string;
}

export interface StakingClient {
  readonly account: Account;
  readonly deployment: StakingDeployment;
  readonly contract: Contract;
  readonly token: Contract;
}

/** @throws MeedError when the terms are out of range */
export async function deployStaking(deployer: Account, options: StakingOptions): Promise<StakingDeployment> {
  const { token, treasury, appointer, minimumOwnStake } = options;
  const clock = [options.periodSeconds, options.evidencePeriods, options.unbondingPeriods, options.freezePeriods];
  const made = await createContract(deployer, 'ValidatorStaking', [token, treasury, appointer, minimumOwnStake, clock]);
  return { chainId: deployer.chainId, fromBlock: made.blockNumber, address: made.address, token };
}

/** @throws MeedError when a field is missing or of the wrong kind */
export function parseStaking(value: unknown): StakingDeployment {
  const whole = record(value, 'staking');
  return {
    chainId: count(whole.chainId, 'staking.chainId'),
    fromBlock: count(whole.fromBlock, 'staking.fromBlock'),
    address: address(whole.address, 'staking.address'),
    token: address(whole.token, 'staking.token'),
  };
}

/** @throws MeedError when the account is on another chain than the deployment */
export async function openStaking(account: Account, deployment: StakingDeployment): Promise<StakingClient> {
  if (account.chainId !== deployment.chainId) {
    throw new MeedError(
      `The account is on chain ${account.chainId}, the staking contract on chain ${deployment.chainId}`,
      'Connect to the chain of the deployment',
    );
  }
  const { ValidatorStaking, AttributionToken } = await compileContracts();
  return {
    account,
    deployment,
    contract: new Contract(deployment.address, ValidatorStaking.abi, account.provider),
    token: new Contract(deployment.token, AttributionToken.abi, account.provider),
  };
}

/** Names who slashes and who may lock own stake, for ever; only the appointer may. Nobody can stake before. */
export function appointRoles(
  client: StakingClient,
  { slasher, lockers }: { readonly slasher: string; readonly lockers: readonly string[] },
): Promise<Sent> {
  return send(client, 'appoint', 'appoint', [slasher, lockers]);
}

// ---- stake ----

/** Lets the staking contract take `amount` of the account's tokens; replaces an earlier approval. */
export async function approveStake(client: StakingClient, amount: bigint): Promise<Sent> {
  return summary(await client.account.send('approve', client.token, 'approve', [client.deployment.address, amount]));
}

/** Makes the account a validator with an own stake from what approveStake allowed. */
export function registerValidator(client: StakingClient, amount: bigint): Promise<Sent & { position: bigint }> {
  return sendForPosition(client, 'register', 'register', [amount], 'Staked', 'position');
}

/** Stakes with a validator: own stake if that is the account itself, else a delegation. */
export function stake(client: StakingClient, validator: string, amount: bigint): Promise<Sent & { position: bigint }> {
  return sendForPosition(client, 'stake', 'stake', [validator, amount], 'Staked', 'position');
}

/** Takes a position back that is not active yet. */
export function cancelStake(client: StakingClient, position: bigint): Promise<Sent> {
  return send(client, 'cancel', 'cancel', [position]);
}

/** Asks for a part of a position, or all of it. The position given back is the request to be withdrawn. */
export function unbond(client: StakingClient, position: bigint, amount: bigint): Promise<Sent & { position: bigint }> {
  return sendForPosition(client, 'unbond', 'unbond', [position, amount], 'UnbondingRequested', 'request');
}

/** Pays out a request whose unbonding is over, to the account unless told. */
export function withdrawStake(client: StakingClient, request: bigint, to = client.account.address): Promise<Sent> {
  return send(client, 'withdraw', 'withdrawTo', [request, to]);
}

// ---- yield ----

export interface Yield {
  /** Of fees that inferences paid. */
  readonly fees: bigint;
  /** Of the stream that the treasury paid for. */
  readonly treasury: bigint;
}

/** Pays the account's yield, credited for these positions first, to the account unless told. */
export async function claimYield(
  client: StakingClient,
  positions: readonly bigint[],
  to = client.account.address,
): Promise<Sent & { readonly paid: Yield }> {
  const mined = await client.account.send('claim', client.contract, 'claimYieldTo', [positions, to]);
  const paid = {
    fees: eventField(client, mined, 'FeeYieldClaimed', 'amount'),
    treasury: eventField(client, mined, 'TreasuryYieldClaimed', 'amount'),
  };
  return { ...summary(mined), paid: { fees: paid.fees ?? 0n, treasury: paid.treasury ?? 0n } };
}

/** What an account has earned and not claimed: credited, and by these positions of it since. */
export async function yieldOf(client: StakingClient, account: string, positions: readonly bigint[]): Promise<Yield> {
  return {
    fees: integer(await call(client, 'feesEarned', [account, positions]), 'feesEarned'),
    treasury: integer(await call(client, 'treasuryEarned', [account, positions]), 'treasuryEarned'),
  };
}

/** Pays fees to all stakers from what approveStake allowed. */
export function payStakers(client: StakingClient, amount: bigint): Promise<Sent> {
  return send(client, 'pay', 'payFees', [amount]);
}

/** Fetches what a settlement contract has credited to the stakers; anyone may. */
export function collectFees(client: StakingClient, settlement: string): Promise<Sent> {
  return send(client, 'collect', 'collectFees', [settlement]);
}

/** Pays in advance for a stream that ends `seconds` from now; only the treasury may. */
export function fundStream(client: StakingClient, amount: bigint, seconds: number): Promise<Sent> {
  return send(client, 'fund', 'fundStream', [amount, seconds]);
}

// ---- slashing ----

export interface Offence {
  readonly validator: string;
  /** 32 bytes, 0x hex: each is punished once. */
  readonly id: string;
  /** Seconds. */
  readonly at: number;
  /** Of all stake exposed then; WHOLE_SHARE is all. */
  readonly share: bigint;
  readonly challenger: string;
  /** Of what is taken of the validator's own stake; at most half of WHOLE_SHARE. */
  readonly rewardShare: bigint;
}

/** Only the slasher may: the contract of disputes. */
export function slash(client: StakingClient, offence: Offence): Promise<Sent> {
  const { validator, id, at, share, challenger, rewardShare } = offence;
  return send(client, 'slash', 'slash', [validator, id, at, share, challenger, rewardShare]);
}

/** Holds back withdrawals of a validator's stake until a time; only the slasher may. */
export function freezeValidator(client: StakingClient, validator: string, until: number): Promise<Sent> {
  return send(client, 'freeze', 'freeze', [validator, until]);
}

/** Burns what slashes left to burn; anyone may. */
export function burnSlashed(client: StakingClient): Promise<Sent> {
  return send(client, 'burn', 'burnSlashed', []);
}

/** Pays what the account is owed for its challenges, to the account unless told. */
export function claimReward(client: StakingClient, to = client.account.address): Promise<Sent> {
  return send(client, 'claim', 'claimReward', [to]);
}

// ---- what is there ----

export interface StakePosition {
  readonly owner: string;
  readonly validator: string;
  /** After every slash so far. */
  readonly amount: bigint;
  /** Seconds; from then on it earns and can be slashed. */
  readonly activeFrom: number;
  /** Seconds; undefined before it was asked for. */
  readonly withdrawableFrom?: number;
}

export async function positionOf(client: StakingClient, position: bigint): Promise<StakePosition> {
  const [owner, activeFrom, requestedIn, , validator, amount] = listOf(
    await call(client, 'positionOf', [position]),
    'position',
    (value) => value,
  );
  const length = count(await call(client, 'periodLength', []), 'periodLength');
  const requested = integer(requestedIn, 'requestedIn') > 0n;
  return {
    owner: address(owner, 'owner'),
    validator: address(validator, 'validator'),
    amount: integer(amount, 'amount'),
    activeFrom: count(activeFrom, 'activeFrom') * length,
    ...(requested && {
      withdrawableFrom: count(await call(client, 'withdrawableFrom', [position]), 'withdrawableFrom'),
    }),
  };
}

export interface ValidatorStake {
  readonly own: bigint;
  readonly delegated: bigint;
}

/** Active stake of a validator at the end of a past second. */
export async function stakeAt(client: StakingClient, validator: string, timestamp: number): Promise<ValidatorStake> {
  return stakePair(await call(client, 'stakeAt', [validator, timestamp]));
}

/** What a slash of the whole for an offence at that time would take now. */
export async function exposedStake(
  client: StakingClient,
  validator: string,
  offenceAt: number,
): Promise<ValidatorStake> {
  return stakePair(await call(client, 'exposedStake', [validator, offenceAt]));
}

/** Active stake of all validators, by which yield is shared. */
export async function totalStake(client: StakingClient): Promise<bigint> {
  return integer(await call(client, 'totalStake', []), 'totalStake');
}

// ---- shared ----

function stakePair(value: unknown): ValidatorStake {
  const [own, delegated] = listOf(value, 'stake', integer);
  return { own, delegated };
}

async function call(client: StakingClient, method: string, args: readonly unknown[]): Promise<unknown> {
  try {
    return await client.contract.getFunction(method).staticCall(...args);
  } catch (error) {
    throw explainRefusal(method, error, client.account.errors);
  }
}

async function send(client: StakingClient, what: string, method: string, args: readonly unknown[]): Promise<Sent> {
  return summary(await client.account.send(what, client.contract, method, args));
}

async function sendForPosition(
  client: StakingClient,
  what: string,
  method: string,
  args: readonly unknown[],
  event: string,
  field: string,
): Promise<Sent & { position: bigint }> {
  const mined = await client.account.send(what, client.contract, method, args);
  const position = eventField(client, mined, event, field);
  if (position !== undefined) return { ...summary(mined), position };
  throw new MeedError(`${what} was mined in ${mined.hash} without its ${event} event`, 'Use another node');
}

function eventField(client: StakingClient, mined: Mined, event: string, field: string): bigint | undefined {
  for (const log of mined.receipt.logs) {
    if (log.address !== client.contract.target) continue;
    const parsed = client.contract.interface.parseLog(log);
    if (parsed?.name === event) return integer(parsed.args.getValue(field), field);
  }
  return undefined;
}

function summary({ hash, gasUsed, blockNumber }: Mined): Sent {
  return { hash, gasUsed, blockNumber };
}
