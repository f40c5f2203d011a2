/**
 * Receipts by signature, out of prepayments and by tokens, and credits withdrawn by signature: each is paid exactly once
 * and by whom it says, and nobody else can use it, again, elsewhere, changed or late.
 */

import { ZeroHash } from 'ethers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  announceReclaim,
  approveFees,
  type BatchPost,
  balanceOf,
  type ChainClient,
  creditOf,
  mintTokens,
  openClient,
  openEpoch,
  postBatch,
  postMetered,
  postPrepaid,
  postSigned,
  prepay,
  readEvents,
  reclaim,
  setRates,
  signPost,
  signWithdrawal,
  withdrawSigned,
} from '../../src/chain/index.js';
import { FEE_QUANTUM, tokenFee } from '../../src/prover/reference/index.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  elementOf,
  hashOf,
  newEpoch,
  newIndex,
  OWNER,
  openWorld,
  PAYER,
  payEpoch,
  STRANGER,
  someScores,
  type World,
} from './world.js';

const FAR = 2n ** 40n;
const DAY = 86_400;
let world: World;
let owner: ChainClient;
let payer: ChainClient;
let host: ChainClient;
beforeAll(async () => {
  world = await openWorld({ slots: 2, queries: 2, columns: 4 });
  owner = await world.as(OWNER);
  payer = await world.as(PAYER);
  host = await world.as(STRANGER);
  await mintTokens(await world.as(DEPLOYER), payer.account.address, 10n ** 24n);
}, 120_000);
afterAll(async () => world?.stop());

async function freshEpoch(): Promise<bigint> {
  const { index } = await newIndex(world, CONTRIBUTORS.slice(0, 2));
  return (await openEpoch(owner, { index, payers: [payer.account.address] })).epoch;
}

function postOf(epoch: bigint, fees: readonly bigint[] = [70n, 5n]): BatchPost {
  return { epoch, commitment: elementOf(`batch ${epoch}`), outputHashes: fees.map((_, q) => hashOf(`${q}`)), fees };
}

/** What the account pays while `act` runs. */
async function paidBy(client: ChainClient, act: () => Promise<unknown>): Promise<bigint> {
  const before = await balanceOf(owner, client.account.address);
  await act();
  return before - (await balanceOf(owner, client.account.address));
}

describe('a signed batch', () => {
  it('is posted by anyone, and paid by who signed it, once', async () => {
    const post = postOf(await freshEpoch());
    await approveFees(payer, 1000n);
    const signed = await signPost(payer, post, FAR);
    expect(await paidBy(payer, () => postSigned(host, post, signed))).toBe(75n);
    await expect(postSigned(host, post, signed)).rejects.toThrow(/NotSignedByPayer.*next nonce/);
    const { BatchPosted } = await readEvents(owner.account.provider, world.deployed.deployment);
    expect(BatchPosted.at(-1)).toMatchObject({ payer: payer.account.address, fees: post.fees });
  });

  it('cannot be changed, sent to another epoch, by another payer, or after its deadline', async () => {
    const [epoch, other] = [await freshEpoch(), await freshEpoch()];
    const post = postOf(epoch);
    await approveFees(payer, 1000n);
    const signed = await signPost(payer, post, FAR);
    for (const changed of [
      { ...post, fees: [71n, 5n] },
      { ...post, fees: [5n, 70n] },
      { ...post, commitment: post.commitment + 1n },
      { ...post, outputHashes: post.outputHashes.toReversed() },
      { ...post, epoch: other },
    ]) {
      await expect(postSigned(host, changed, signed)).rejects.toThrow('NotSignedByPayer');
    }
    await expect(postSigned(host, post, { ...signed, deadline: FAR + 1n })).rejects.toThrow('NotSignedByPayer');
    await expect(postSigned(host, post, { ...signed, payer: owner.account.address })).rejects.toThrow(
      'NotSignedByPayer',
    );
    await expect(postSigned(host, post, { ...signed, signature: `0x${'00'.repeat(65)}` })).rejects.toThrow(
      'NotSignedByPayer',
    );
    await expect(postSigned(host, post, await signPost(payer, post, 1n))).rejects.toThrow('SignatureExpired(1)');
    await postSigned(host, post, signed);
  });

  it('does not count on another chain or for another book', async () => {
    const post = postOf(await freshEpoch());
    const { deployment } = world.deployed;
    const elsewhere = async (change: Partial<typeof deployment>): Promise<ChainClient> => {
      const client = await openClient(payer.account, deployment);
      return { ...client, deployment: { ...deployment, ...change } };
    };
    for (const client of [
      await elsewhere({ chainId: 1 }),
      await elsewhere({ addresses: { ...deployment.addresses, ReceiptBook: CONTRIBUTORS[0] } }),
    ]) {
      await expect(postSigned(host, post, await signPost(client, post, FAR))).rejects.toThrow('NotSignedByPayer');
    }
  });

  it('does not let a payer who is not admitted in', async () => {
    const { index } = await newIndex(world, CONTRIBUTORS.slice(0, 2));
    const { epoch } = await openEpoch(owner, { index, payers: [] });
    await expect(postSigned(host, postOf(epoch), await signPost(payer, postOf(epoch), FAR))).rejects.toThrow(
      'PayerNotAdmitted',
    );
  });
});

describe('a prepayment', () => {
  it('is spent by its host on that payer’s receipts only, never beyond its balance', async () => {
    const epoch = await freshEpoch();
    await approveFees(payer, 100n);
    expect(await paidBy(payer, () => prepay(payer, host.account.address, 100n))).toBe(100n);
    await expect(postPrepaid(owner, postOf(epoch), payer.account.address)).rejects.toThrow('PrepaymentTooSmall');
    const settlement = world.deployed.deployment.addresses.EpochSettlement;
    const before = await balanceOf(owner, settlement);
    expect(await paidBy(payer, () => postPrepaid(host, postOf(epoch), payer.account.address))).toBe(0n);
    expect((await balanceOf(owner, settlement)) - before).toBe(75n);
    await expect(postPrepaid(host, postOf(epoch), payer.account.address)).rejects.toThrow('PrepaymentTooSmall');
    await postPrepaid(host, postOf(epoch, [25n]), payer.account.address);
    expect(await balanceOf(owner, world.deployed.deployment.addresses.ReceiptBook)).toBe(0n);
  });

  it('comes back after a notice, and a new payment takes the notice back', async () => {
    await expect(announceReclaim(payer, host.account.address)).rejects.toThrow('NothingPrepaid');
    await approveFees(payer, 60n);
    await prepay(payer, host.account.address, 40n);
    await expect(reclaim(payer, host.account.address)).rejects.toThrow('ReclaimNotDue');
    await announceReclaim(payer, host.account.address);
    await expect(reclaim(payer, host.account.address)).rejects.toThrow('ReclaimNotDue');
    await prepay(payer, host.account.address, 20n);
    await world.later(DAY + 1);
    await expect(reclaim(payer, host.account.address)).rejects.toThrow('ReclaimNotDue');
    await announceReclaim(payer, host.account.address);
    await world.later(DAY + 1);
    expect(await paidBy(payer, () => reclaim(payer, host.account.address))).toBe(-60n);
    await expect(reclaim(payer, host.account.address)).rejects.toThrow('NothingPrepaid');
  });
});

describe('fees by tokens', () => {
  const rates = { input: 1500n, output: 4000n, platform: 7n };

  it('are what the formula says, in the contract and in the reference', async () => {
    const epoch = await freshEpoch();
    await setRates(owner, epoch, rates);
    await approveFees(payer, 10n ** 20n);
    const usage = [
      { tokensIn: 1234, tokensOut: 567 },
      { tokensIn: 1, tokensOut: 0 },
    ];
    const fees = usage.map(({ tokensIn, tokensOut }) => tokenFee(rates, BigInt(tokensIn), BigInt(tokensOut)));
    // (1234 · 1500 + 567 · 4000) / 1000 = 4119; 1500 / 1000 rounded down = 1
    expect(fees).toEqual([4126n * FEE_QUANTUM, 8n * FEE_QUANTUM]);
    const post = { epoch, commitment: 5n, outputHashes: [hashOf('a'), hashOf('b')], usage };
    expect(await paidBy(payer, () => postMetered(payer, post))).toBe(fees[0] + fees[1]);
    const { BatchPosted } = await readEvents(owner.account.provider, world.deployed.deployment);
    expect(BatchPosted.at(-1)?.fees).toEqual(fees);
    // an unused position costs nothing
    const single = { ...post, commitment: 6n, outputHashes: [hashOf('a')], usage: [usage[0]] };
    expect(await paidBy(payer, () => postMetered(payer, single))).toBe(fees[0]);
    const stray = { ...single, outputHashes: [ZeroHash], usage: [usage[0]] };
    await expect(postMetered(payer, stray)).rejects.toThrow('FeeWithoutReceipt');
  });

  it('never charge a payer more than the exact formula, and a quantum less at most', () => {
    const tokens = fc.bigInt(0n, 2n ** 20n);
    const rate = fc.bigInt(0n, 2n ** 15n);
    fc.assert(
      fc.property(tokens, tokens, fc.record({ input: rate, output: rate, platform: rate }), (tIn, tOut, r) => {
        const exact = (tIn * r.input + tOut * r.output) * FEE_QUANTUM + 1000n * r.platform * FEE_QUANTUM;
        const left = exact - 1000n * tokenFee(r, tIn, tOut);
        expect(left >= 0n && left < 1000n * FEE_QUANTUM).toBe(true);
      }),
    );
  });

  it('are refused without rates, beyond 2^30 quanta, and rates after the first batch or by a stranger', async () => {
    const epoch = await freshEpoch();
    const usage = [{ tokensIn: 2 ** 32 - 1, tokensOut: 2 ** 32 - 1 }];
    const post = { epoch, commitment: 5n, outputHashes: [hashOf('a')], usage };
    await expect(postMetered(payer, post)).rejects.toThrow('EpochNotMetered');
    await expect(setRates(payer, epoch, rates)).rejects.toThrow('NotEpochOwner');
    await setRates(owner, epoch, { input: 2n ** 64n - 1n, output: 2n ** 64n - 1n, platform: 2n ** 64n - 1n });
    await expect(postMetered(payer, post)).rejects.toThrow('FeeTooLarge');
    expect(() => tokenFee({ input: 0n, output: 0n, platform: 2n ** 30n }, 0n, 0n)).toThrow('not below 2^30');
    await approveFees(payer, 10n);
    await postBatch(payer, { ...postOf(epoch, [3n]) });
    await expect(setRates(owner, epoch, rates)).rejects.toThrow('BatchesPosted');
  });
});

describe('a signed withdrawal', () => {
  it('pays the account’s credit where it said, once, on this chain, before its deadline', async () => {
    const epoch = await newEpoch(world, await newIndex(world, CONTRIBUTORS.slice(0, 2)), [[1000n]]);
    const scores = someScores(world, epoch, 0, 0).map((score) => (score < 0n ? -score : score));
    await payEpoch(world, epoch, () => scores);
    const alice = await world.as(4);
    const credit = await creditOf(owner, alice.account.address);
    expect(credit).toBeGreaterThan(0n);
    const to = CONTRIBUTORS[3];
    const signed = await signWithdrawal(alice, to, FAR);
    await expect(withdrawSigned(host, { ...signed, to: host.account.address })).rejects.toThrow('NotSignedByAccount');
    await expect(withdrawSigned(host, { ...signed, account: CONTRIBUTORS[1] })).rejects.toThrow('NotSignedByAccount');
    await expect(withdrawSigned(host, await signWithdrawal(alice, to, 1n))).rejects.toThrow('SignatureExpired');
    const foreign = { ...alice, deployment: { ...alice.deployment, chainId: 10 } };
    await expect(withdrawSigned(host, await signWithdrawal(foreign, to, FAR))).rejects.toThrow('NotSignedByAccount');
    const before = await balanceOf(owner, to);
    await withdrawSigned(host, signed);
    expect((await balanceOf(owner, to)) - before).toBe(credit);
    await expect(withdrawSigned(host, signed)).rejects.toThrow('NotSignedByAccount');
    await expect(withdrawSigned(host, await signWithdrawal(alice, to, FAR))).rejects.toThrow('NothingToWithdraw');
  });
});
