/** Staking through its client on a node: a life, refusals as sentences, yield against exact rationals, fees of a real epoch. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContract } from '../../src/chain/deploy.js';
import {
  Account,
  appointRoles,
  approveStake,
  type ChainNode,
  cancelStake,
  claimReward,
  claimYield,
  collectFees,
  creditOf,
  deployStaking,
  developmentAddress,
  distribute,
  exposedStake,
  finalizeEpoch,
  freezeValidator,
  fundStream,
  openStaking,
  payStakers,
  positionOf,
  registerValidator,
  type Sent,
  type StakingClient,
  type StakingDeployment,
  setTerms,
  slash,
  stake,
  stakeAt,
  startNode,
  totalStake,
  unbond,
  WHOLE_SHARE,
  withdrawStake,
  yieldOf,
} from '../../src/chain/index.js';
import { ExactYield } from './exactYield.js';
import {
  expectedCredits,
  hashOf,
  newEpoch,
  newIndex,
  OWNER,
  openWorld,
  POLICY,
  REFUND_TIMEOUT,
  STAKERS,
  settleAll,
  shardSums,
  someScores,
  TREASURY as WORLD_TREASURY,
} from './world.js';

const [DEPLOYER, VALIDATOR, ALICE, BOB, SLASHER, TREASURY] = [0, 1, 2, 3, 4, 5];
const CHAIN_ID = 31337;
const UNIT = 10n ** 18n;
const TERMS = {
  minimumOwnStake: 1000n * UNIT,
  periodSeconds: 60,
  evidencePeriods: 3,
  unbondingPeriods: 5,
  freezePeriods: 2,
};
const HALF = WHOLE_SHARE / 2n;

let node: ChainNode;
let deployer: Account;
let token: string;
beforeAll(async () => {
  node = await startNode({ chainId: CHAIN_ID });
  deployer = await Account.connect(node.url, CHAIN_ID, { development: DEPLOYER });
  ({ address: token } = await createContract(deployer, 'AttributionToken', [10n ** 28n, deployer.address]));
}, 120_000);
afterAll(async () => {
  deployer?.close();
  await node?.stop();
});

/** A staking contract with roles, and funded clients of the people above by their numbers. */
async function newStaking(): Promise<StakingClient[]> {
  const deployment = await deployStaking(deployer, {
    ...TERMS,
    token,
    treasury: developmentAddress(TREASURY),
    appointer: deployer.address,
  });
  return Promise.all([DEPLOYER, VALIDATOR, ALICE, BOB, SLASHER, TREASURY].map((who) => clientOf(deployment, who)));
}

async function clientOf(deployment: StakingDeployment, development: number): Promise<StakingClient> {
  const client = await openStaking(await deployer.as({ development }), deployment);
  await approveStake(client, 10n ** 27n);
  await deployer.send('mint', client.token, 'mint', [client.account.address, 10n ** 25n]);
  return client;
}

const appoint = (client: StakingClient): Promise<Sent> =>
  appointRoles(client, { slasher: developmentAddress(SLASHER), lockers: [] });

async function later(seconds: number): Promise<void> {
  await deployer.provider.send('evm_increaseTime', [seconds]);
  await deployer.provider.send('evm_mine', []);
}

async function timeOf(sent: Sent): Promise<number> {
  return blockTime(sent.blockNumber);
}

async function blockTime(block: number | 'latest'): Promise<number> {
  const found = await deployer.provider.getBlock(block);
  if (!found) throw new Error(`block ${block} is gone`);
  return found.timestamp;
}

async function balance(client: StakingClient): Promise<bigint> {
  const value: unknown = await client.token.getFunction('balanceOf').staticCall(client.account.address);
  if (typeof value === 'bigint') return value;
  throw new Error('balanceOf gave no number');
}

describe('a stake', () => {
  it('waits, is active, is slashed while it unbonds, and is withdrawn', { timeout: 120_000 }, async () => {
    const [owner, validator, alice, bob, slasher] = await newStaking();
    await expect(registerValidator(validator, TERMS.minimumOwnStake)).rejects.toThrow(/NotAppointed.*timelock/);
    await expect(appoint(alice)).rejects.toThrow(/NotAppointer/);
    await appoint(owner);
    const before = await balance(alice);
    await expect(registerValidator(validator, 1n)).rejects.toThrow(/OwnStakeTooSmall.*minimum of own stake/);
    const own = await registerValidator(validator, 2n * TERMS.minimumOwnStake);
    const delegated = await stake(alice, validator.account.address, 100n * UNIT);
    const regretted = await stake(alice, validator.account.address, 7n);
    await cancelStake(alice, regretted.position);
    const { activeFrom, amount } = await positionOf(alice, delegated.position);
    expect(amount).toBe(100n * UNIT);
    expect(activeFrom).toBe((Math.floor((await timeOf(delegated)) / 60) + 1) * 60);
    await expect(unbond(alice, delegated.position, 1n)).rejects.toThrow(/UnbondableFrom.*evidence span/);

    await later(60 * (1 + TERMS.evidencePeriods));
    const asked = await unbond(alice, delegated.position, 40n * UNIT);
    const { withdrawableFrom } = await positionOf(alice, asked.position);
    expect(withdrawableFrom).toBe((Math.floor((await timeOf(asked)) / 60) + 1 + TERMS.unbondingPeriods) * 60);
    const offenceAt = await timeOf(asked);
    const late = await stake(bob, validator.account.address, 50n * UNIT);
    await later(60);
    expect(await exposedStake(bob, validator.account.address, offenceAt)).toEqual({
      own: 2n * TERMS.minimumOwnStake,
      delegated: 100n * UNIT,
    });
    const offence = {
      validator: validator.account.address,
      id: hashOf('offence'),
      at: offenceAt,
      share: WHOLE_SHARE / 4n,
      challenger: bob.account.address,
      rewardShare: HALF,
    };
    await expect(slash(bob, offence)).rejects.toThrow(/NotSlasher/);
    await slash(slasher, offence);
    await expect(slash(slasher, offence)).rejects.toThrow(/OffenceAlreadySlashed.*once/);
    const amounts = await Promise.all(
      [own, delegated, asked, late].map(async ({ position }) => (await positionOf(bob, position)).amount / UNIT),
    );
    expect(amounts).toEqual([1500n, 45n, 30n, 50n]);
    expect(await stakeAt(bob, validator.account.address, activeFrom)).toEqual({
      own: 2n * TERMS.minimumOwnStake,
      delegated: 100n * UNIT,
    });
    expect(await totalStake(bob)).toBe(1595n * UNIT);

    const bobs = await balance(bob);
    await claimReward(bob);
    expect((await balance(bob)) - bobs).toBe(250n * UNIT); // half of what was taken of the validator's own stake
    await expect(withdrawStake(alice, asked.position)).rejects.toThrow(/WithdrawableFrom/);
    await freezeValidator(slasher, validator.account.address, (await blockTime('latest')) + 30);
    await later(60 * (1 + TERMS.unbondingPeriods));
    await expect(withdrawStake(bob, asked.position)).rejects.toThrow(/NotPositionOwner/);
    await withdrawStake(alice, asked.position);
    expect(before - (await balance(alice))).toBe(70n * UNIT);
  });
});

describe('yield', () => {
  it('is what exact rationals say, of both kinds, through joins, leaves and slashes', {
    timeout: 240_000,
  }, async () => {
    const [owner, validator, alice, bob, slasher, treasury] = await newStaking();
    await appoint(owner);
    const exact = new ExactYield(TERMS.periodSeconds, await blockTime('latest'));
    const held: { client: StakingClient; position: bigint; exact: number }[] = [];
    const left = new Set<(typeof held)[number]>();
    const join = async (client: StakingClient, sent: Sent & { position: bigint }, amount: bigint) =>
      held.push({ client, position: sent.position, exact: exact.join(amount, await timeOf(sent)) });
    // multiples of 4^6, so that no slash by a quarter leaves anything to round
    const drawn = draws(20261122n);
    const amountOf = (): bigint => 4096n * (1n + (drawn() % (UNIT / 4n)));
    const first = 4096n * UNIT;
    await join(validator, await registerValidator(validator, first), first);
    await later(60);
    let rate = 0n;
    for (let step = 0; step < 40; step++) {
      await later(Number(drawn() % 50n));
      const action = drawn() % 8n;
      const client = [alice, bob][Number(drawn() % 2n)];
      if (action <= 1n) {
        const amount = amountOf();
        await join(client, await stake(client, validator.account.address, amount), amount);
      } else if (action <= 4n) {
        const amount = 1n + (drawn() % (1000n * UNIT));
        exact.payFees(amount, await timeOf(await payStakers(bob, amount)));
      } else if (action === 5n && step % 3 === 0) {
        const at = (await blockTime('latest')) - Number(drawn() % 100n);
        const id = hashOf(`offence ${step}`);
        const offence = { validator: validator.account.address, id, at, challenger: bob.account.address };
        const sent = await slash(slasher, { ...offence, share: WHOLE_SHARE / 4n, rewardShare: 0n });
        exact.slash(4n, at, await timeOf(sent));
      } else if (action === 6n) {
        rate += UNIT / 10n + (drawn() % UNIT); // a promise is never lowered
        const sent = await fundStream(treasury, rate * 10_000n, 10_000);
        exact.fund(await rateOf(treasury), (await timeOf(sent)) + 10_000, await timeOf(sent));
      } else {
        const old = held.slice(1).find((entry) => !left.has(entry));
        if (!old || left.size > held.length / 3) continue;
        await later(60 * (1 + TERMS.evidencePeriods));
        const { amount } = await positionOf(old.client, old.position);
        const time = await timeOf(await unbond(old.client, old.position, amount));
        exact.leave(old.exact, time, (Math.floor(time / 60) + 1 + TERMS.unbondingPeriods) * 60);
        left.add(old);
      }
    }
    expect(left.size).toBeGreaterThan(1);
    expect(held.length).toBeGreaterThan(4);
    for (const { client, position, exact: stake } of held) {
      expect((await positionOf(client, position)).amount).toBe(exact.amountOf(stake));
    }
    for (const client of [validator, alice, bob]) {
      const mine = held.filter((entry) => entry.client === client);
      const sent = await claimYield(
        client,
        mine.map(({ position }) => position),
      );
      exact.advance(await timeOf(sent));
      const earned = mine.map((entry) => exact.earned(entry.exact));
      const sum = (kind: 'fees' | 'treasury') => earned.reduce((total, entry) => total + entry[kind], 0n);
      for (const kind of ['fees', 'treasury'] as const) {
        expect(sum(kind)).toBeGreaterThan(0n);
        // each position's part is rounded down here, the account's sum there
        expect(sent.paid[kind]).toBeGreaterThanOrEqual(sum(kind) - 1n);
        expect(sent.paid[kind]).toBeLessThanOrEqual(sum(kind) + BigInt(mine.length));
      }
    }
  });

  it("of a real epoch: the stakers' part of every fee reaches those who staked", { timeout: 120_000 }, async () => {
    const creator = developmentAddress(DEPLOYER);
    const world = await openWorld({ slots: 2, queries: 2, columns: 4 });
    try {
      const chain = await world.as(DEPLOYER);
      const { addresses } = world.deployed.deployment;
      const deployment = await deployStaking(chain.account, {
        ...TERMS,
        token: addresses.AttributionToken,
        treasury: creator,
        appointer: creator,
      });
      await setTerms(chain, {
        ...POLICY,
        treasury: WORLD_TREASURY,
        stakers: deployment.address,
        policy: addresses.PositivePart,
        indexBond: 0n,
        challengeWindow: 0,
        refundTimeout: REFUND_TIMEOUT,
        longestOpen: 10_000,
      });
      const staking = await openStaking(chain.account, deployment);
      await appointRoles(staking, { slasher: creator, lockers: [] });
      await chain.account.send('mint', staking.token, 'mint', [creator, TERMS.minimumOwnStake]);
      await approveStake(staking, TERMS.minimumOwnStake);
      const { position } = await registerValidator(staking, TERMS.minimumOwnStake);
      const epoch = await newEpoch(world, await newIndex(world, [4, 5].map(developmentAddress)), [[10n ** 9n, 777n]]);
      const scoresOf = (shard: number) => someScores(world, epoch, shard, 3);
      await settleAll(world, epoch, scoresOf);
      const owner = await world.as(OWNER);
      await finalizeEpoch(owner, epoch.epoch);
      const { fees, outputHashes, batch } = epoch.batches[0];
      await distribute(owner, {
        epoch: epoch.epoch,
        batch,
        fees,
        outputHashes,
        shards: shardSums(world, epoch, scoresOf),
      });
      const part = expectedCredits(world, epoch, 0, scoresOf)[`stakers ${STAKERS}`];
      expect(part).toBeGreaterThan(0n);
      expect(await creditOf(owner, deployment.address)).toBe(part);
      await world.later(60);
      await collectFees(staking, addresses.EpochSettlement);
      expect(await creditOf(owner, deployment.address)).toBe(0n);
      const { fees: earned, treasury } = await yieldOf(staking, creator, [position]);
      expect(part - earned).toBeLessThanOrEqual(1n);
      expect(treasury).toBe(0n);
      const { paid } = await claimYield(staking, [position]);
      expect(paid).toEqual({ fees: earned, treasury: 0n });
      await expect(claimYield(staking, [position])).rejects.toThrow(/NoYield/);
    } finally {
      await world.stop();
    }
  });
});

async function rateOf(client: StakingClient): Promise<bigint> {
  const [rate]: readonly unknown[] = await client.contract.getFunction('stream').staticCall();
  if (typeof rate === 'bigint') return rate;
  throw new Error('stream gave no rate');
}

/** Numbers that are the same every time: a linear congruence modulo 2^64, its upper bits. */
function draws(seed: bigint): () => bigint {
  let state = seed;
  return () => {
    let value = 0n;
    for (let word = 0; word < 3; word++) {
      state = (state * 6364136223846793005n + 1442695040888963407n) % 2n ** 64n;
      value = (value << 32n) | (state >> 32n);
    }
    return value;
  };
}
