/**
 * The three judges on a real chain, from deployment to the last unit: a case, an appeal, an equivocation, a demanded opening
 * that is true, false or missing. Their rules one by one: test/forge/judges.
 */
import { randomBytes } from 'node:crypto';
import { Contract, keccak256, toUtf8Bytes } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContract } from '../../src/chain/deploy.js';
import {
  accountMember,
  announceEvidence,
  answerRow,
  approveCommittee,
  approveRequests,
  balanceOf,
  type ChainClient,
  claimReward,
  closeRequest,
  compileContracts,
  decideCase,
  deployGovernance,
  deploymentJson,
  indexSubject,
  joinCommittee,
  leaveCommittee,
  memberBond,
  mintTokens,
  newVoteSalt,
  openCase,
  openStaking,
  parseDeployment,
  readAnswer,
  readCase,
  readEvents,
  refuteAnswer,
  releaseBond,
  requestRow,
  requireFresh,
  requireGoverned,
  revealVote,
  ruleCase,
  scoresSubject,
  sealVote,
  showEquivocation,
  signStatement,
  totalStake,
  withdrawMemberBond,
} from '../../src/chain/index.js';
import { judgeAt } from '../../src/chain/judges.js';
import { deployPoseidon } from '../../src/chain/poseidonTables.js';
import { answeredRow, type RowAnswer, rowAnswer, wrongStep } from '../../src/prover/index.js';
import { FIELD_MODULUS, type Hasher, loadHasher, openedLeaf, rootOfPath } from '../../src/prover/reference/index.js';
import { type HonestIndex, honestIndex } from '../prover/support/indexes.js';
import { INDEX_BOND, JUDGES, openJudgesWorld, registerOpened, stakeOwner, WINDOW } from './judgesWorld.js';
import { DEPLOYER, hashOf, OWNER, openWorld, STRANGER, type World } from './world.js';

const COLUMNS = 16;
const ROWS = 6;
const INSTANCE = { slots: 3, queries: 2, columns: COLUMNS };
const EVIDENCE = keccak256(toUtf8Bytes('the sketches are not those of the encoder'));
const { caseBond, commitPeriod, revealPeriod, appealPeriod, leaveDelay } = JUDGES.committee;
const { responseWindow, refutationWindow, deposit, answerPrice } = JUDGES.requests;
const MEMBERS = [4, 5, 6];

let world: World;
let hasher: Hasher;
let honest: HonestIndex;
let owner: ChainClient;
let challenger: ChainClient;
let deployer: ChainClient;

beforeAll(async () => {
  hasher = await loadHasher();
  honest = honestIndex(hasher, COLUMNS, [3, 1, 2], 7);
  world = await openJudgesWorld(INSTANCE, 3);
  [owner, challenger, deployer] = await Promise.all([OWNER, STRANGER, DEPLOYER].map(world.as));
  await stakeOwner(world, 10_000n);
  for (const member of MEMBERS) {
    const client = await world.as(member);
    await mintTokens(deployer, client.account.address, JUDGES.committee.memberBond);
    await approveCommittee(client, JUDGES.committee.memberBond);
    await joinCommittee(client);
  }
  await world.later(1); // members of a second vote on the cases of the next
}, 240_000);
afterAll(async () => world?.stop());

const register = (): Promise<string> => registerOpened(world, honest.index, ROWS);

async function isDisabled(index: string): Promise<boolean> {
  const { IndexDisabled } = await readEvents(owner.account.provider, world.deployed.deployment);
  return IndexDisabled.some((event) => event.index === index);
}

async function gained(who: ChainClient, act: () => Promise<unknown>): Promise<bigint> {
  const before = await balanceOf(who, who.account.address);
  await act();
  return (await balanceOf(who, who.account.address)) - before;
}

const stakedInAll = async (): Promise<bigint> => totalStake(await stakingOf(owner));
const stakingOf = (client: ChainClient) => {
  const { staking } = world.deployed.deployment;
  if (staking === undefined) throw new Error('no staking was deployed');
  return openStaking(client.account, staking);
};

describe('a case before the committee', () => {
  async function opened(index: string, votes: readonly ('upheld' | 'rejected')[]): Promise<bigint> {
    await mintTokens(deployer, challenger.account.address, caseBond);
    await approveCommittee(challenger, caseBond);
    const { caseId } = await openCase(challenger, index, EVIDENCE);
    const sealed = votes.map((vote) => ({ vote, salt: newVoteSalt() }));
    for (const [i, vote] of sealed.entries()) await sealVote(await world.as(MEMBERS[i]), caseId, vote);
    await world.later(commitPeriod);
    for (const [i, vote] of sealed.entries()) await revealVote(await world.as(MEMBERS[i]), caseId, vote);
    await world.later(revealPeriod);
    return caseId;
  }

  it('disables an index that members find wrong, and slashes nobody', { timeout: 60_000 }, async () => {
    const index = await register();
    const staked = await stakedInAll();
    const caseId = await opened(index, ['upheld', 'rejected', 'upheld']);
    await expect(decideCase(challenger, caseId)).rejects.toThrow('NotInPeriod');
    await world.later(appealPeriod);
    expect(await gained(challenger, () => decideCase(owner, caseId))).toBe(caseBond + INDEX_BOND / 2n);
    expect(await isDisabled(index)).toBe(true);
    expect(await stakedInAll()).toBe(staked);
    expect(await readCase(owner, caseId)).toMatchObject({ index, verdict: 'upheld', members: 3, upholding: 2 });
    await expect(decideCase(challenger, caseId)).rejects.toThrow('CaseOver');
  });

  it('can be overturned on appeal, and then costs those who voted otherwise', { timeout: 60_000 }, async () => {
    const index = await register();
    const caseId = await opened(index, ['upheld', 'upheld']);
    await expect(ruleCase(challenger, caseId, 'rejected')).rejects.toThrow('OwnableUnauthorizedAccount');
    await ruleCase(deployer, caseId, 'rejected');
    await world.later(appealPeriod);
    expect(await gained(owner, () => decideCase(challenger, caseId))).toBe(caseBond / 2n);
    expect(await isDisabled(index)).toBe(false);
    const bonds: bigint[] = [];
    for (const member of MEMBERS) {
      const { address } = (await world.as(member)).account;
      await accountMember(owner, address, 10);
      bonds.push(await memberBond(owner, address));
    }
    expect(bonds).toEqual([800n, 800n, 990n]);
    await world.later(WINDOW);
    expect(await gained(owner, () => releaseBond(challenger, index))).toBe(INDEX_BOND);
  });

  it('a member that leaves gets the rest of its bond after the delay', { timeout: 60_000 }, async () => {
    const member = await world.as(MEMBERS[2]);
    await leaveCommittee(member);
    await expect(withdrawMemberBond(member)).rejects.toThrow('BondWithheld');
    await world.later(leaveDelay);
    expect(await gained(member, () => withdrawMemberBond(member))).toBe(990n);
  });
});

describe('an equivocation', () => {
  it('slashes its validator at once; half of what is taken of its own goes to the challenger', async () => {
    const at = (await owner.account.provider.getBlock('latest'))?.timestamp ?? 0;
    const subject = indexSubject(owner.account.address, hashOf('data set'), hashOf('model'));
    const first = await signStatement(owner, { subject, value: hashOf('one root'), at });
    const second = await signStatement(owner, { subject, value: hashOf('another root'), at });
    await expect(showEquivocation(challenger, first, second)).rejects.toThrow('EvidenceNotAnnounced');
    await announceEvidence(challenger, first, second);
    await world.later(1);
    await expect(showEquivocation(await world.as(4), first, second)).rejects.toThrow('EvidenceNotAnnounced');
    const staked = await stakedInAll();
    await showEquivocation(challenger, first, second);
    const taken = staked / 4n;
    expect(await stakedInAll()).toBe(staked - taken);
    const stranger = await stakingOf(challenger);
    expect(await gained(challenger, () => claimReward(stranger))).toBe(taken / 2n);
    await expect(showEquivocation(challenger, first, second)).rejects.toThrow('OffenceAlreadySlashed');
  });

  it('names subjects as the contract does', async () => {
    const contract = await judgeAt(owner, 'Equivocation');
    const { address } = owner.account;
    const index = [address, hashOf('data set'), hashOf('model')] as const;
    expect(await contract.getFunction('indexSubject').staticCall(...index)).toBe(indexSubject(...index));
    const place = { settlement: address, epoch: 1n, shard: 2n, batch: 3n };
    expect(await contract.getFunction('scoresSubject').staticCall(address, 1n, 2n, 3n)).toBe(scoresSubject(place));
  });

  it('a statement of another time is for nobody to rely on', () => {
    const statement = { subject: hashOf('subject'), value: hashOf('value'), at: 1000 };
    requireFresh(statement, 1060, 60);
    expect(() => requireFresh(statement, 1061, 60)).toThrow('61 seconds from now');
    expect(() => requireFresh(statement, 900, 60)).toThrow('100 seconds from now');
  });
});

describe('a demanded opening', () => {
  async function demanded(index: string, row: number): Promise<void> {
    await mintTokens(deployer, challenger.account.address, deposit);
    await approveRequests(challenger, deposit);
    await requestRow(challenger, { index, row });
  }

  it('that is true can be checked by anybody and refuted by nobody, and is paid for', { timeout: 60_000 }, async () => {
    const place = { index: await register(), row: 4 };
    await demanded(place.index, place.row);
    expect(await readAnswer(challenger, place)).toBeUndefined();
    await expect(answerRow(challenger, place, rowAnswer(hasher, honest.index, 4))).rejects.toThrow('NotIndexOwner');
    await answerRow(owner, place, rowAnswer(hasher, honest.index, 4));
    const answer = await readAnswer(challenger, place);
    if (answer === undefined) throw new Error('the answer is not on chain');
    expect(wrongStep(hasher, COLUMNS, place.row, answer)).toBeUndefined();
    // by the reference, from what was produced alone
    expect(answeredRow(answer)).toEqual(honest.index.rows[4]);
    const leaf = openedLeaf(hasher, COLUMNS, answeredRow(answer));
    expect(rootOfPath(hasher, leaf, 4, answer.siblings)).toBe(honest.index.tree.root);
    for (const step of answer.hashes.keys()) {
      await expect(refuteAnswer(challenger, { ...place, step }, answer)).rejects.toThrow('HashHolds');
    }
    await world.later(refutationWindow + 1);
    expect(await gained(owner, () => closeRequest(challenger, place))).toBe(answerPrice);
    expect(await isDisabled(place.index)).toBe(false);
  });

  it('that is false falls by one hash, whichever value was changed', { timeout: 120_000 }, async () => {
    const truth = rowAnswer(hasher, honest.index, 2);
    const changed = (list: readonly bigint[], at: number): bigint[] => list.with(at, (list[at] + 1n) % FIELD_MODULUS);
    const lies: RowAnswer[] = [
      { ...truth, row: changed(truth.row, 2) },
      { ...truth, prefix: changed(truth.prefix, 0) },
      { ...truth, contributor: truth.contributor + 1n },
      { ...truth, siblings: changed(truth.siblings, 2) },
      { ...truth, hashes: changed(truth.hashes, 1) },
    ];
    for (const lie of lies) {
      const place = { index: await register(), row: 2 };
      await demanded(place.index, place.row);
      await answerRow(owner, place, lie);
      const read = await readAnswer(challenger, place);
      const step = read && wrongStep(hasher, COLUMNS, place.row, read);
      if (read === undefined || step === undefined) throw new Error('the lie was not seen');
      const staked = await stakedInAll();
      const got = await gained(challenger, () => refuteAnswer(challenger, { ...place, step }, read));
      expect(got).toBe(deposit + INDEX_BOND / 2n);
      expect(await isDisabled(place.index)).toBe(true);
      expect(await stakedInAll()).toBe(staked - staked / 5n);
    }
  });

  it('that does not come disables the index and slashes its owner', { timeout: 60_000 }, async () => {
    const place = { index: await register(), row: 0 };
    await demanded(place.index, place.row);
    await expect(closeRequest(challenger, place)).rejects.toThrow('DeadlineNotPassed');
    await world.later(responseWindow + 1);
    await expect(answerRow(owner, place, rowAnswer(hasher, honest.index, 0))).rejects.toThrow('DeadlinePassed');
    const staked = await stakedInAll();
    expect(await gained(challenger, () => closeRequest(owner, place))).toBe(deposit + INDEX_BOND / 2n);
    expect(await isDisabled(place.index)).toBe(true);
    expect(await stakedInAll()).toBe(staked - staked / 5n);
  });

  it('is hashed on chain as by the reference, for every number of inputs', { timeout: 120_000 }, async () => {
    const { abi } = (await compileContracts()).PoseidonHash;
    for (const inputs of [1, 2, 5, 10, 13, 16]) {
      const at = await deployPoseidon(deployer.account, inputs, createContract);
      const contract = new Contract(at, abi, owner.account.provider);
      for (const top of [0n, FIELD_MODULUS - 1n]) {
        const values = Array.from({ length: inputs }, (_, i) =>
          i === 0 ? top : BigInt(`0x${randomBytes(31).toString('hex')}`),
        );
        expect(await contract.getFunction('hash').staticCall(values)).toBe(hasher.hash(values));
      }
    }
  });
});

describe('the deployment', () => {
  it('is plain JSON that says where the judges lie, and hands appeals over to governance', async () => {
    const { deployment } = world.deployed;
    expect(parseDeployment(JSON.parse(JSON.stringify(deploymentJson(deployment))))).toEqual(deployment);
    const owned = [deployment.judges?.Committee ?? ''];
    const { governance } = await deployGovernance(deployer.account, {
      token: deployment.addresses.AttributionToken,
      owned,
      activationDelay: 1,
    });
    await requireGoverned(deployer.account, governance, owned);
    await expect(ruleCase(deployer, 0n, 'rejected')).rejects.toThrow('OwnableUnauthorizedAccount');
  });

  it('needs disputes and staking, and evidence that reaches back as far as an index is held', async () => {
    await expect(openWorld(INSTANCE, { judges: JUDGES })).rejects.toThrow('nothing to decide with');
    const longer = openJudgesWorld(INSTANCE, 3, { challengeWindow: 2401 }); // with a case of 1200, a second too long
    await expect(longer).rejects.toThrow('Evidence reaches back 3600 seconds');
  });
});
