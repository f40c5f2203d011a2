/** Governance on a real node: everything is handed over, a vote changes what only a vote may, and nothing else does. */
import { Contract } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Account } from '../../src/chain/account.js';
import { compileContracts } from '../../src/chain/compile.js';
import { createContract } from '../../src/chain/deploy.js';
import {
  type Action,
  actionOn,
  activateVerifier,
  balanceOf,
  cancelProposal,
  castVote,
  delegateVotes,
  deployGovernance,
  epochTerms,
  executeProposal,
  type Governance,
  mintTokens,
  type Proposal,
  proposalState,
  propose,
  queueProposal,
  readFigures,
  requireGoverned,
  setTerms,
  verifierOf,
} from '../../src/chain/index.js';
import { keyWordsHash } from '../../src/prover/index.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  hashOf,
  newEpoch,
  newIndex,
  OWNER,
  openWorld,
  PAYER,
  STRANGER,
  type World,
} from './world.js';

const DAY = 24 * 3600;
const WEEK = 7 * DAY;
const ACTIVATION_DELAY = 2 * DAY;
const TOKEN = 10n ** 18n;

let world: World;
let governance: Governance;
let deployer: Account;
let voter: Account;
let stranger: Account;

/** From a proposal to its execution, by the votes of `voter`. */
async function carry(action: Action, description: string): Promise<Proposal> {
  const { proposal } = await propose(voter, governance, [action], description);
  await world.later(DAY + 1);
  await castVote(voter, governance, proposal, 'for');
  await world.later(WEEK);
  await queueProposal(stranger, governance, proposal);
  await world.later(WEEK);
  await executeProposal(stranger, governance, proposal);
  return proposal;
}

beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
  deployer = (await world.as(DEPLOYER)).account;
  voter = (await world.as(OWNER)).account;
  stranger = (await world.as(STRANGER)).account;
  await mintTokens(await world.as(DEPLOYER), voter.address, 60_000n * TOKEN);
  await mintTokens(await world.as(DEPLOYER), (await world.as(PAYER)).account.address, 940_000n * TOKEN);
  const { AttributionToken: token, ProtocolTerms } = world.deployed.deployment.addresses;
  const options = { token, owned: [ProtocolTerms], activationDelay: ACTIVATION_DELAY };
  ({ governance } = await deployGovernance(deployer, options));
  await delegateVotes(voter, governance, voter.address);
  await world.later(1);
}, 120_000);
afterAll(async () => world?.stop());

describe('governance', () => {
  it('has the figures that it was meant to have', async () => {
    expect(await readFigures(stranger, governance)).toEqual({
      votingDelay: DAY,
      votingPeriod: WEEK,
      proposalThreshold: 10_000n * TOKEN,
      quorumPercent: 5,
      lateQuorumExtension: 2 * DAY,
      timelockDelay: WEEK,
      activationDelay: ACTIVATION_DELAY,
    });
  });

  it('goes propose, vote, queue, execute, each in its time', async () => {
    const client = await world.as(STRANGER);
    const before = await balanceOf(client, stranger.address);
    const mint = await actionOn('AttributionToken', governance.token, 'mint', [stranger.address, 7n]);
    const { proposal } = await propose(voter, governance, [mint], 'Seven units for a stranger');
    const state = () => proposalState(stranger, governance, proposal.id);
    expect(await state()).toBe('pending');
    await expect(castVote(voter, governance, proposal, 'for')).rejects.toThrow('GovernorUnexpectedProposalState');
    await world.later(DAY + 1);
    expect(await state()).toBe('active');
    await castVote(voter, governance, proposal, 'for');
    await expect(queueProposal(stranger, governance, proposal)).rejects.toThrow('GovernorUnexpectedProposalState');
    await world.later(WEEK);
    expect(await state()).toBe('succeeded');
    await queueProposal(stranger, governance, proposal);
    expect(await state()).toBe('queued');
    await expect(executeProposal(stranger, governance, proposal)).rejects.toThrow('TimelockUnexpectedOperationState');
    await world.later(WEEK);
    expect(await balanceOf(client, stranger.address)).toBe(before);
    await executeProposal(stranger, governance, proposal);
    expect(await state()).toBe('executed');
    expect(await balanceOf(client, stranger.address)).toBe(before + 7n);
  }, 60_000);

  it('is refused below the threshold, and defeated without a quorum', async () => {
    const mint = await actionOn('AttributionToken', governance.token, 'mint', [stranger.address, 1n]);
    await expect(propose(stranger, governance, [mint], 'Loot')).rejects.toThrow('GovernorInsufficientProposerVotes');
    const { proposal } = await propose(voter, governance, [mint], 'Nobody votes for this');
    await world.later(DAY + 1);
    await castVote(stranger, governance, proposal, 'for');
    await world.later(WEEK);
    expect(await proposalState(stranger, governance, proposal.id)).toBe('defeated');
  });

  it('routes a circuit: announced by a vote, activated by anyone after the delay', async () => {
    const { addresses, circuitId } = world.deployed.deployment;
    const keyHash = keyWordsHash(world.key.words);
    const args = [circuitId, addresses.Groth16Verifier, keyHash];
    await expect(verifierOf(stranger, governance, circuitId)).rejects.toThrow('UnknownCircuit');
    await carry(await actionOn('VerifierRouter', governance.router, 'announce', args), 'The first verifier');
    await expect(activateVerifier(stranger, governance, circuitId)).rejects.toThrow('ActivationTooEarly');
    await world.later(ACTIVATION_DELAY);
    await activateVerifier(stranger, governance, circuitId);
    expect(await verifierOf(stranger, governance, circuitId)).toBe(addresses.Groth16Verifier);
  }, 60_000);

  it('changes the terms of what comes by a vote, and by nothing else', async () => {
    const { deployment } = world.deployed;
    const terms = deployment.addresses.ProtocolTerms;
    await requireGoverned(stranger, governance, [terms]);
    const opened = async () => {
      const { epoch } = await newEpoch(world, await newIndex(world, CONTRIBUTORS.slice(0, 2)), []);
      return epoch;
    };
    const before = await opened();
    const first = await epochTerms(stranger.provider, deployment, before);
    const next = { ...first, betaBps: first.betaBps - 500, deltaBps: first.deltaBps + 500 };
    await expect(setTerms(await world.as(DEPLOYER), next)).rejects.toThrow('OwnableUnauthorizedAccount');
    await carry(await actionOn('ProtocolTerms', terms, 'set', [next]), 'Five parts in a hundred more to contributors');
    expect(await epochTerms(stranger.provider, deployment, await opened())).toEqual(next);
    expect(await epochTerms(stranger.provider, deployment, before)).toEqual(first);
  }, 60_000);

  it('lets only the proposer take a proposal back', async () => {
    const mint = await actionOn('AttributionToken', governance.token, 'mint', [stranger.address, 1n]);
    const { proposal } = await propose(voter, governance, [mint], 'Second thoughts');
    await expect(cancelProposal(stranger, governance, proposal)).rejects.toThrow('GovernorUnableToCancel');
    await cancelProposal(voter, governance, proposal);
    expect(await proposalState(stranger, governance, proposal.id)).toBe('canceled');
  });
});

describe('attacks on governance', () => {
  it('front-running a proposal under its own words to cancel it: refused, it names its proposer', async () => {
    const mint = await actionOn('AttributionToken', governance.token, 'mint', [stranger.address, 1n]);
    const { proposal } = await propose(voter, governance, [mint], 'Mine');
    const { abi } = (await compileContracts()).MeedGovernor;
    const governor = new Contract(governance.governor, abi, stranger.provider);
    const same = [[mint.target], [0n], [mint.data], proposal.description];
    await expect(stranger.send('propose', governor, 'propose', same)).rejects.toThrow('GovernorRestrictedProposer');
  });

  it('the deployer after the hand-over: can do nothing', async () => {
    await requireGoverned(stranger, governance);
    const compiled = await compileContracts();
    const token = new Contract(governance.token, compiled.AttributionToken.abi, deployer.provider);
    const timelock = new Contract(governance.timelock, compiled.TimelockController.abi, deployer.provider);
    const governor = new Contract(governance.governor, compiled.MeedGovernor.abi, deployer.provider);
    const router = new Contract(governance.router, compiled.VerifierRouter.abi, deployer.provider);
    const { address } = deployer;
    const refused = async (contract: Contract, method: string, args: readonly unknown[], error: string) =>
      expect(deployer.send(method, contract, method, args)).rejects.toThrow(error);
    await refused(token, 'mint', [address, 1n], 'OwnableUnauthorizedAccount');
    await refused(token, 'transferOwnership', [address], 'OwnableUnauthorizedAccount');
    await refused(timelock, 'grantRole', [hashOf('PROPOSER_ROLE'), address], 'AccessControlUnauthorizedAccount');
    const call = [governance.token, 0n, '0x', hashOf('none'), hashOf('salt')];
    await refused(timelock, 'schedule', [...call, WEEK], 'AccessControlUnauthorizedAccount');
    await refused(timelock, 'execute', call, 'AccessControlUnauthorizedAccount');
    await refused(timelock, 'updateDelay', [0], 'TimelockUnauthorizedCaller');
    await refused(governor, 'setVotingPeriod', [1], 'GovernorOnlyExecutor');
    await refused(router, 'cancel', [world.deployed.deployment.circuitId], 'NotTimelock');
  });

  it('an extra proposer, granted before the renunciation: found, and named', async () => {
    const compiled = await compileContracts();
    const { address: token } = await createContract(deployer, 'AttributionToken', [TOKEN, deployer.address]);
    const begun = await createContract(deployer, 'TimelockController', [WEEK, [], [], deployer.address]);
    const { address: governor } = await createContract(deployer, 'MeedGovernor', [token, begun.address]);
    const { address: router } = await createContract(deployer, 'VerifierRouter', [begun.address, DAY]);
    const planted: Governance = { fromBlock: begun.blockNumber, token, timelock: begun.address, governor, router };
    const timelock = new Contract(begun.address, compiled.TimelockController.abi, deployer.provider);
    const owned = new Contract(token, compiled.AttributionToken.abi, deployer.provider);
    const admin = `0x${'0'.repeat(64)}`;
    const roles = ['PROPOSER_ROLE', 'CANCELLER_ROLE', 'EXECUTOR_ROLE'].map(hashOf);
    for (const role of roles) await deployer.send('grant', timelock, 'grantRole', [role, governor]);

    await expect(requireGoverned(stranger, planted)).rejects.toThrow(`${deployer.address} administers the timelock`);
    await deployer.send('grant', timelock, 'grantRole', [roles[0], stranger.address]);
    await deployer.send('renounce', timelock, 'renounceRole', [admin, deployer.address]);
    await expect(requireGoverned(voter, planted)).rejects.toThrow(`${stranger.address} proposes to the timelock`);
    await stranger.send('renounce', timelock, 'renounceRole', [roles[0], stranger.address]);
    await expect(requireGoverned(voter, planted)).rejects.toThrow(`${token} is owned by ${deployer.address}`);
    await deployer.send('hand over', owned, 'transferOwnership', [begun.address]);
    await requireGoverned(voter, planted);
    const late = { ...planted, fromBlock: begun.blockNumber + 1 };
    await expect(requireGoverned(voter, late)).rejects.toThrow('never came to be');
    await expect(requireGoverned(voter, { ...planted, router: governance.router })).rejects.toThrow('listens to');
    await expect(requireGoverned(voter, { ...planted, governor: governance.governor })).rejects.toThrow('proposes to');
  });

  it('a token that its deployer does not own cannot be handed over, and the deployment says so', async () => {
    const { address: token } = await createContract(deployer, 'AttributionToken', [TOKEN, stranger.address]);
    await expect(deployGovernance(deployer, { token, activationDelay: DAY })).rejects.toThrow(
      'OwnableUnauthorizedAccount',
    );
  });
});
