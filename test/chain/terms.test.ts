/**
 * Terms under governance: who may change them, what a change leaves alone, and payout policies behind their interface,
 * those that pay and those that cheat.
 */
import { AbiCoder, concat, getBytes, toBeHex, ZeroAddress } from 'ethers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createContract } from '../../src/chain/deploy.js';
import {
  approveBonds,
  type ChainClient,
  closeEpoch,
  epochTerms,
  mintTokens,
  type ProtocolTerms,
  readEvents,
  refundBatch,
  setTerms,
  settle,
} from '../../src/chain/index.js';
import { splitFee, splitPooled } from '../../src/prover/reference/index.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  expectedCredits,
  newEpoch,
  newIndex,
  type OpenEpoch,
  OWNER,
  openWorld,
  POLICY,
  payEpoch,
  REFUND_TIMEOUT,
  STAKERS,
  STRANGER,
  settlementOf,
  someScores,
  TREASURY,
  type World,
} from './world.js';

let world: World;
let owner: ChainClient;
let governor: ChainClient;
let first: ProtocolTerms;
const OWNERS = CONTRIBUTORS.slice(0, 2);
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
  owner = await world.as(OWNER);
  governor = await world.as(DEPLOYER);
  const { epoch } = await newEpoch(world, await newIndex(world, OWNERS), []);
  first = await epochTerms(owner.account.provider, world.deployed.deployment, epoch);
}, 120_000);
afterAll(async () => world?.stop());

/** Settles, makes final and splits the only batch. */
async function pay(epoch: OpenEpoch, scores: BigInt64Array): Promise<Record<string, bigint>> {
  await payEpoch(world, epoch, () => scores);
  const { Credited } = await readEvents(owner.account.provider, world.deployed.deployment);
  const own = Credited.filter((event) => event.epoch === epoch.epoch);
  return Object.fromEntries(own.map(({ role, account, amount }) => [`${role} ${account}`, amount]));
}

describe('the terms', () => {
  it('are those of the deployment', () => {
    expect(first).toMatchObject({ ...POLICY, treasury: TREASURY, stakers: STAKERS, refundTimeout: REFUND_TIMEOUT });
    expect(first.policy).toBe(world.deployed.deployment.addresses.PositivePart);
  });

  it('are set by their owner only, and whole', async () => {
    await expect(setTerms(await world.as(STRANGER), first)).rejects.toThrow('OwnableUnauthorizedAccount');
    const refused = (change: Partial<ProtocolTerms>, error: string) =>
      expect(setTerms(governor, { ...first, ...change })).rejects.toThrow(error);
    await refused({ deltaBps: first.deltaBps - 1 }, 'PartsNotWhole(9999)');
    await refused({ platformBps: 10_001 }, 'PartsNotWhole(10001)');
    await refused({ treasury: ZeroAddress }, 'ZeroAddress');
    await refused({ stakers: ZeroAddress }, 'ZeroAddress');
    await refused({ policy: CONTRIBUTORS[0] }, 'NotAPolicy');
  });

  it('change what comes, and nothing that was agreed', async () => {
    const index = await newIndex(world, OWNERS);
    const before = await newEpoch(world, index, [[1_000n, 999n]]);
    const next = {
      ...first,
      platformBps: 0,
      betaBps: 0,
      gammaBps: 0,
      deltaBps: 10_000,
      refundTimeout: 7,
      treasury: CONTRIBUTORS[3],
    };
    await setTerms(governor, next);
    try {
      const after = await newEpoch(world, index, [[1_000n, 999n]]);
      const scores = someScores(world, index, 0, 3);
      expect(await pay(before, scores)).toEqual(expectedCredits(world, before, 0, () => scores));
      const { platformBps, betaBps, gammaBps, deltaBps } = next;
      const expected = expectedCredits(world, after, 0, () => scores, { platformBps, betaBps, gammaBps, deltaBps });
      const moved = Object.entries(expected).map(([to, amount]) => [to.replace(TREASURY, CONTRIBUTORS[3]), amount]);
      expect(await pay(after, scores)).toEqual(Object.fromEntries(moved));
      const late = await newEpoch(world, index, [[5n]]);
      await closeEpoch(owner, late.epoch);
      await world.later(8);
      await refundBatch(owner, late.epoch, 0n);
    } finally {
      await setTerms(governor, first);
    }
  });

  it('say the bond and the window of what is registered from then on', async () => {
    await setTerms(governor, { ...first, indexBond: 500n, challengeWindow: 50 });
    try {
      await expect(newIndex(world, OWNERS)).rejects.toThrow(/ERC20InsufficientAllowance/);
      await mintTokens(governor, owner.account.address, 500n);
      await approveBonds(owner, 500n);
      const epoch = await newEpoch(world, await newIndex(world, OWNERS), [[9n]]);
      await closeEpoch(owner, epoch.epoch);
      const request = settlementOf(world, epoch, { shard: 0, batch: 0 }, someScores(world, epoch, 0, 0));
      await expect(settle(owner, request)).rejects.toThrow('IndexNotPayable');
      await world.later(51);
      await settle(owner, request);
    } finally {
      await setTerms(governor, first);
    }
  });
});

describe('a payout policy', () => {
  it('that pools a batch pays as the reference does', { timeout: 120_000 }, async () => {
    const { address: policy } = await createContract(governor.account, 'PooledPerBatch', []);
    await setTerms(governor, { ...first, policy });
    try {
      const index = await newIndex(world, OWNERS);
      const fee = fc.oneof(fc.bigInt(0n, 10n ** 24n), fc.bigInt(0n, 100n));
      const score = fc.oneof(fc.bigInt(-(1n << 39n), (1n << 39n) - 1n), fc.bigInt(-2n, 2n));
      const scores = fc.array(score, { minLength: 4, maxLength: 4 }).map((list) => BigInt64Array.from(list));
      await fc.assert(
        fc.asyncProperty(scores, fc.tuple(fee, fee), async (given, fees) => {
          const epoch = await newEpoch(world, index, [fees]);
          const paid = await pay(epoch, given);
          const pools = fees.map((amount) => splitFee(amount, POLICY).pool);
          const { shares, dust } = splitPooled(pools, Array.from(given));
          for (const [c, share] of shares.entries()) expect(paid[`contributor ${OWNERS[c]}`] ?? 0n).toBe(share);
          const platform = fees.reduce((sum, amount) => sum + splitFee(amount, POLICY).platform, 0n);
          expect(paid[`treasury ${TREASURY}`] ?? 0n).toBe(platform + dust);
          expect(Object.values(paid).reduce((sum, amount) => sum + amount, 0n)).toBe(fees[0] + fees[1]);
        }),
        { numRuns: 12 },
      );
    } finally {
      await setTerms(governor, first);
    }
  });

  it('that gives out more than there is, or to another number of accounts, pays nothing', async () => {
    // 950 + 950 of the two fees; the pools are 570 each
    const answers = [[1140n, 1n], [1141n, 0n], [1140n, 2n ** 256n - 1n], [1140n], [1000n, 100n, 0n], []];
    const index = await newIndex(world, OWNERS);
    try {
      for (const answer of answers) {
        await setTerms(governor, { ...first, policy: await answeringContract(listOf(answer)) });
        const epoch = await newEpoch(world, index, [[1000n, 1000n]]);
        await expect(pay(epoch, someScores(world, index, 0, 1))).rejects.toThrow('PolicyOutOfBounds');
      }
      // within the bounds: what is refused above is the sum and the number, and what is left is the treasury's
      await setTerms(governor, { ...first, policy: await answeringContract(listOf([1000n, 100n])) });
      const paid = await pay(await newEpoch(world, index, [[1000n, 1000n]]), someScores(world, index, 0, 1));
      expect(OWNERS.map((owner) => paid[`contributor ${owner}`])).toEqual([1000n, 100n]);
      expect(paid[`treasury ${TREASURY}`]).toBe(100n + 40n);
    } finally {
      await setTerms(governor, first);
    }
  });

  it('cannot write or call back: what it does is undone, and the batch is not paid', async () => {
    const index = await newIndex(world, OWNERS);
    try {
      // PUSH1 1, PUSH1 0, SSTORE before the answer
      const writing = await answeringContract(listOf([0n, 0n]), '0x6001600055');
      await setTerms(governor, { ...first, policy: writing });
      const epoch = await newEpoch(world, index, [[1000n, 1000n]]);
      await expect(pay(epoch, someScores(world, index, 0, 1))).rejects.toThrow('The chain refused distribute');
      const { Credited } = await readEvents(owner.account.provider, world.deployed.deployment);
      expect(Credited.filter((event) => event.epoch === epoch.epoch)).toEqual([]);
    } finally {
      await setTerms(governor, first);
    }
  });
});

const listOf = (amounts: readonly bigint[]): string => AbiCoder.defaultAbiCoder().encode(['uint256[]'], [amounts]);

/** A contract that answers every call with these bytes, and does something before. */
async function answeringContract(answer: string, before = '0x'): Promise<string> {
  // PUSH2 size, DUP1, PUSH1 offset, PUSH1 0, CODECOPY, PUSH1 0, RETURN: returns what follows it
  const returning = (content: string, first: string): string => {
    const offset = toBeHex(getBytes(first).length + 12, 1);
    return concat([first, '0x61', toBeHex(getBytes(content).length, 2), '0x8060', offset, '0x6000396000f3', content]);
  };
  const data = returning(returning(answer, before), '0x');
  const mined = await governor.account.transact('an answering contract', { data });
  return String(mined.receipt.contractAddress);
}
