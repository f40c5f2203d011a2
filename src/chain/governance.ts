/**
 * Governance: deploys the timelock, the governor and the router of verifiers, hands everything over to the timelock and
 * keeps nothing; then the steps of a proposal, one typed function each.
 * The trap: a timelock does not list its roles, so one more proposer, granted in the same minute as the governor, stays
 * unseen and can do everything. So requireGoverned replays every grant and revocation since the timelock began and
 * compares who is left with the one account that may be; a log that begins too late lacks the timelock's own role, and
 * fails as well.
 */
import { Contract, Interface, id } from 'ethers';
import { MeedError } from '../foundation/index.js';
import type { Account, Mined, Sent } from './account.js';
import { type CompiledName, compileContracts } from './compile.js';
import { type Created, createContract } from './deploy.js';
import { explainRefusal } from './refusals.js';
import { address, bytes32, count, integer } from './values.js';

/** Seconds between the queueing of a proposal and its execution. */
export const TIMELOCK_DELAY = 7 * 24 * 3600;

/** As GovernorCountingSimple numbers them. */
const VOTES = { against: 0, for: 1, abstain: 2 } as const;
export type Vote = keyof typeof VOTES;

/** In the order of IGovernor.ProposalState. */
export const PROPOSAL_STATES = [
  'pending',
  'active',
  'canceled',
  'defeated',
  'succeeded',
  'queued',
  'expired',
  'executed',
] as const;
export type ProposalState = (typeof PROPOSAL_STATES)[number];

export interface GovernanceOptions {
  /** The attribution token; the deployer owns it. */
  readonly token: string;
  /** Further Ownable contracts of the deployer, to hand over as well. */
  readonly owned?: readonly string[];
  /** Seconds from the announcement of a verifier to its activation. */
  readonly activationDelay: number;
  /** Seconds between queueing and execution; a week unless told. */
  readonly timelockDelay?: number;
}

/** Where governance lies; plain JSON. */
export interface Governance {
  /** Block of the timelock: no role is older. */
  readonly fromBlock: number;
  readonly token: string;
  readonly timelock: string;
  readonly governor: string;
  readonly router: string;
}

/** What a vote decides, read from the chain. */
export interface GovernanceFigures {
  /** Seconds from a proposal to the count of its votes. */
  readonly votingDelay: number;
  /** Seconds of voting. */
  readonly votingPeriod: number;
  /** Token units. */
  readonly proposalThreshold: bigint;
  /** Percent of the supply. */
  readonly quorumPercent: number;
  /** Seconds of voting that a quorum leaves at least. */
  readonly lateQuorumExtension: number;
  /** Seconds. */
  readonly timelockDelay: number;
  /** Seconds. */
  readonly activationDelay: number;
}

/** One call that the timelock is to make. */
export interface Action {
  readonly target: string;
  /** Call data, 0x hex. */
  readonly data: string;
}

export interface Proposal {
  readonly id: bigint;
  readonly actions: readonly Action[];
  /** With the proposer at its end, so that nobody else can propose the same first and cancel it. */
  readonly description: string;
}

// ---- deployment ----

/**
 * Deploys governance over a token that the deployer owns, hands the token and the other contracts to the timelock, and
 * renounces; nothing is left to the deployer.
 * @throws MeedError when a step is refused, or when anybody but the governor could still act
 */
export async function deployGovernance(
  deployer: Account,
  { token, owned = [], activationDelay, timelockDelay = TIMELOCK_DELAY }: GovernanceOptions,
): Promise<{ readonly governance: Governance; readonly gas: Readonly<Record<string, bigint>> }> {
  const timelock = await createContract(deployer, 'TimelockController', [timelockDelay, [], [], deployer.address]);
  const governor = await createContract(deployer, 'MeedGovernor', [token, timelock.address]);
  const router = await createContract(deployer, 'VerifierRouter', [timelock.address, activationDelay]);
  const governance: Governance = {
    fromBlock: timelock.blockNumber,
    token: address(token, 'token'),
    timelock: address(timelock.address, 'timelock'),
    governor: address(governor.address, 'governor'),
    router: address(router.address, 'router'),
  };
  const at = await contractOf(deployer, 'TimelockController', governance.timelock);
  const roles = await readRoleIds(deployer, at);
  for (const role of [roles.proposer, roles.canceller, roles.executor]) {
    await deployer.send('the grant of a role', at, 'grantRole', [role, governance.governor]);
  }
  for (const target of [token, ...owned]) {
    const ownable = await contractOf(deployer, 'AttributionToken', target);
    await deployer.send('the hand-over', ownable, 'transferOwnership', [governance.timelock]);
  }
  await deployer.send('the renunciation', at, 'renounceRole', [roles.admin, deployer.address]);
  await requireGoverned(deployer, governance, owned);
  return { governance, gas: gasOf([timelock, governor, router]) };
}

/**
 * Checks that the timelock owns everything, that it is its own administrator, and that only the governor proposes,
 * cancels and executes.
 * @param owned further Ownable contracts
 * @throws MeedError that names the account which could act
 */
export async function requireGoverned(
  account: Account,
  governance: Governance,
  owned: readonly string[] = [],
): Promise<void> {
  const token = address(governance.token, 'token');
  const timelock = address(governance.timelock, 'timelock');
  const governor = address(governance.governor, 'governor');
  const router = address(governance.router, 'router');
  const at = await contractOf(account, 'TimelockController', timelock);
  const { admin, proposer, canceller, executor } = await readRoleIds(account, at);
  const holders = await readRoleHolders(account, governance);
  requireOnly(holders, admin, timelock, 'administers the timelock');
  requireOnly(holders, proposer, governor, 'proposes to the timelock');
  requireOnly(holders, canceller, governor, 'cancels in the timelock');
  requireOnly(holders, executor, governor, 'executes in the timelock');
  for (const role of holders.keys()) {
    if (![admin, proposer, canceller, executor].includes(role)) {
      throw new MeedError(`The timelock knows a role ${role}`, 'Deploy governance again');
    }
  }
  for (const target of [token, ...owned]) {
    const owner = await readAddress(account, 'AttributionToken', target, 'owner');
    requireSame(owner, timelock, `${target} is owned by`);
  }
  requireSame(await readAddress(account, 'MeedGovernor', governor, 'timelock'), timelock, 'The governor acts through');
  requireSame(await readAddress(account, 'MeedGovernor', governor, 'token'), token, 'The governor counts the votes of');
  requireSame(await readAddress(account, 'VerifierRouter', router, 'timelock'), timelock, 'The router listens to');
}

export async function readFigures(account: Account, governance: Governance): Promise<GovernanceFigures> {
  const { governor, timelock, router } = governance;
  const figure = async (name: CompiledName, target: string, method: string): Promise<bigint> =>
    integer(await read(account, await contractOf(account, name, target), method, []), method);
  return {
    votingDelay: count(await figure('MeedGovernor', governor, 'votingDelay'), 'votingDelay'),
    votingPeriod: count(await figure('MeedGovernor', governor, 'votingPeriod'), 'votingPeriod'),
    proposalThreshold: await figure('MeedGovernor', governor, 'proposalThreshold'),
    quorumPercent: count(await figure('MeedGovernor', governor, 'quorumNumerator()'), 'quorumNumerator'),
    lateQuorumExtension: count(await figure('MeedGovernor', governor, 'lateQuorumVoteExtension'), 'extension'),
    timelockDelay: count(await figure('TimelockController', timelock, 'getMinDelay'), 'getMinDelay'),
    activationDelay: count(await figure('VerifierRouter', router, 'activationDelay'), 'activationDelay'),
  };
}

// ---- proposals ----

/** Encodes a call of one of our contracts for a proposal. */
export async function actionOn(
  name: CompiledName,
  target: string,
  method: string,
  args: readonly unknown[],
): Promise<Action> {
  const { abi } = (await compileContracts())[name];
  return { target, data: new Interface(abi).encodeFunctionData(method, [...args]) };
}

/** Lets `delegatee` vote with the account's tokens from the next second on; nobody votes without this. */
export async function delegateVotes(account: Account, governance: Governance, delegatee: string): Promise<Sent> {
  const token = await contractOf(account, 'AttributionToken', governance.token);
  return summary(await account.send('delegate', token, 'delegate', [delegatee]));
}

/** @throws MeedError when the account had too few votes a second ago */
export async function propose(
  account: Account,
  governance: Governance,
  actions: readonly Action[],
  description: string,
): Promise<Sent & { readonly proposal: Proposal }> {
  const governor = await contractOf(account, 'MeedGovernor', governance.governor);
  const signed = `${description}\n#proposer=${account.address}`;
  const mined = await account.send('propose', governor, 'propose', [...listsOf(actions), signed]);
  for (const log of mined.receipt.logs) {
    const parsed = log.address === governor.target ? governor.interface.parseLog(log) : null;
    if (parsed?.name !== 'ProposalCreated') continue;
    const proposalId = integer(parsed.args.getValue('proposalId'), 'proposalId');
    return { ...summary(mined), proposal: { id: proposalId, actions, description: signed } };
  }
  throw new MeedError(`propose was mined in ${mined.hash} without its ProposalCreated event`, 'Use another node');
}

export async function castVote(
  account: Account,
  governance: Governance,
  proposal: Proposal,
  vote: Vote,
): Promise<Sent> {
  const governor = await contractOf(account, 'MeedGovernor', governance.governor);
  return summary(await account.send('vote', governor, 'castVote', [proposal.id, VOTES[vote]]));
}

/** Hands a proposal that succeeded to the timelock; anyone may. */
export function queueProposal(account: Account, governance: Governance, proposal: Proposal): Promise<Sent> {
  return step(account, governance, proposal, 'queue');
}

/** Lets the timelock do what was voted, once its delay has passed; anyone may. */
export function executeProposal(account: Account, governance: Governance, proposal: Proposal): Promise<Sent> {
  return step(account, governance, proposal, 'execute');
}

/** Takes a proposal back; only its proposer may, and only before the vote begins. */
export function cancelProposal(account: Account, governance: Governance, proposal: Proposal): Promise<Sent> {
  return step(account, governance, proposal, 'cancel');
}

export async function proposalState(account: Account, governance: Governance, id: bigint): Promise<ProposalState> {
  const governor = await contractOf(account, 'MeedGovernor', governance.governor);
  const state = count(await read(account, governor, 'state', [id]), 'state');
  if (state < PROPOSAL_STATES.length) return PROPOSAL_STATES[state];
  throw new MeedError(`The governor names a state ${state}`, 'Use another node');
}

// ---- verifiers ----

/** Makes an announced verifier its circuit's own for ever; anyone may, once the delay has passed. */
export async function activateVerifier(account: Account, governance: Governance, circuitId: string): Promise<Sent> {
  const router = await contractOf(account, 'VerifierRouter', governance.router);
  return summary(await account.send('activate', router, 'activate', [circuitId]));
}

/** @throws MeedError when the circuit has no verifier */
export async function verifierOf(account: Account, governance: Governance, circuitId: string): Promise<string> {
  const router = await contractOf(account, 'VerifierRouter', governance.router);
  return address(await read(account, router, 'verifierOf', [circuitId]), 'verifier');
}

// ---- shared ----

interface RoleIds {
  readonly admin: string;
  readonly proposer: string;
  readonly canceller: string;
  readonly executor: string;
}

async function readRoleIds(account: Account, timelock: Contract): Promise<RoleIds> {
  const roleId = async (method: string): Promise<string> => bytes32(await read(account, timelock, method, []), method);
  return {
    admin: await roleId('DEFAULT_ADMIN_ROLE'),
    proposer: await roleId('PROPOSER_ROLE'),
    canceller: await roleId('CANCELLER_ROLE'),
    executor: await roleId('EXECUTOR_ROLE'),
  };
}

/** Who holds each role of the timelock, by replaying its whole log. */
async function readRoleHolders(account: Account, governance: Governance): Promise<Map<string, Set<string>>> {
  const timelock = await contractOf(account, 'TimelockController', governance.timelock);
  const logs = await account.provider.getLogs({ address: governance.timelock, fromBlock: governance.fromBlock });
  const holders = new Map<string, Set<string>>();
  for (const log of logs) {
    const event = timelock.interface.parseLog(log);
    if (event?.name === 'RoleAdminChanged') {
      throw new MeedError('The timelock changed who administers a role', 'Deploy governance again');
    }
    if (event?.name !== 'RoleGranted' && event?.name !== 'RoleRevoked') continue;
    const role = bytes32(event.args.getValue('role'), 'role');
    const holder = address(event.args.getValue('account'), 'account');
    const ofRole = holders.get(role) ?? new Set();
    if (event.name === 'RoleGranted') ofRole.add(holder);
    else ofRole.delete(holder);
    holders.set(role, ofRole);
  }
  return holders;
}

function requireOnly(holders: Map<string, Set<string>>, role: string, only: string, does: string): void {
  const found = holders.get(role) ?? new Set();
  for (const holder of found) {
    if (holder !== only) throw new MeedError(`${holder} ${does}, besides ${only}`, 'Deploy governance again');
  }
  if (!found.has(only)) {
    throw new MeedError(`${only} never came to be who ${does}`, 'Give the block of the timelock, or deploy again');
  }
}

function requireSame(actual: string, expected: string, what: string): void {
  if (actual !== expected) throw new MeedError(`${what} ${actual}, not ${expected}`, 'Hand it over, or deploy again');
}

async function contractOf(account: Account, name: CompiledName, target: string): Promise<Contract> {
  return new Contract(target, (await compileContracts())[name].abi, account.provider);
}

async function readAddress(account: Account, name: CompiledName, target: string, method: string): Promise<string> {
  return address(await read(account, await contractOf(account, name, target), method, []), method);
}

async function read(account: Account, contract: Contract, method: string, args: readonly unknown[]): Promise<unknown> {
  try {
    return await contract.getFunction(method).staticCall(...args);
  } catch (error) {
    throw explainRefusal(method, error, account.errors);
  }
}

/** queue, execute and cancel take a proposal in the same words. */
async function step(
  account: Account,
  governance: Governance,
  { actions, description }: Proposal,
  method: 'queue' | 'execute' | 'cancel',
): Promise<Sent> {
  const governor = await contractOf(account, 'MeedGovernor', governance.governor);
  return summary(await account.send(method, governor, method, [...listsOf(actions), id(description)]));
}

/** Targets, values and calls, as the governor takes them. */
function listsOf(actions: readonly Action[]): [string[], bigint[], string[]] {
  return [actions.map(({ target }) => target), actions.map(() => 0n), actions.map(({ data }) => data)];
}

function gasOf(steps: readonly Created[]): Record<string, bigint> {
  return Object.fromEntries(steps.map(({ name, gasUsed }) => [name, gasUsed]));
}

function summary({ hash, gasUsed, blockNumber }: Mined): Sent {
  return { hash, gasUsed, blockNumber };
}
