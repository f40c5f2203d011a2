/**
 * Datanets on a node, through the client: contributions from proposal to tombstone, versions that the index registry and
 * the auditor read as before, violations shown with the trees of src/data, and wallets moved by signatures of ethers.
 */
import { concat, getAddress, sha256, toUtf8Bytes, ZeroAddress } from 'ethers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  acceptDatanet,
  acceptWallet,
  appealRejection,
  appointReviewers,
  approveContributions,
  approveContributors,
  type ChainClient,
  cancelWalletChange,
  contributionId,
  contributionOf,
  contributionRoot,
  createDatanet,
  datanetOf,
  dismissReviewers,
  payoutOf,
  proposeContributions,
  publishDataset,
  publishVersion,
  readEvents,
  registerIndex,
  rejectContributions,
  requestWalletChange,
  showViolation,
  signWalletChange,
  tombstoneOf,
  transferDatanet,
  violationsOf,
  withdrawConsent,
} from '../../src/chain/index.js';
import { datanetGas } from './datanetGas.js';
import { CONTRIBUTORS, hashOf, OWNER, openWorld, PAYER, registrationOf, STRANGER, type World } from './world.js';

const SHAPE = { slots: 2, queries: 2, columns: 4 };
const WEEK_SECONDS = 7 * 86_400;
const [ALICE, BOB] = CONTRIBUTORS;

let world: World;
let owner: ChainClient;
let reviewer: ChainClient;
let stranger: ChainClient;
let alice: ChainClient;
let bob: ChainClient;
let datanetId: string;
let name = 0;

beforeAll(async () => {
  world = await openWorld(SHAPE);
  [owner, reviewer, stranger, alice, bob] = await Promise.all([OWNER, PAYER, STRANGER, 4, 5].map(world.as));
  ({ datanetId } = await createDatanet(owner, hashOf('weather')));
  await appointReviewers(owner, datanetId, [reviewer.account.address]);
}, 120_000);
afterAll(async () => world?.stop());

async function proposed(client: ChainClient, rows: number): Promise<string[]> {
  const { address } = client.account;
  const contents = Array.from({ length: rows }, () => contributionRoot(address, [toUtf8Bytes(`row ${name++}`)]));
  await proposeContributions(client, datanetId, contents);
  return Promise.all(
    contents.map((contentHash) => contributionId(owner, { datanetId, contributor: address, contentHash })),
  );
}

async function approved(client: ChainClient, rows: number): Promise<string[]> {
  const ids = await proposed(client, rows);
  await approveContributions(reviewer, datanetId, ids);
  return ids;
}

async function draft(contributions: readonly string[]) {
  return {
    basis: await datanetOf(owner, datanetId),
    root: hashOf(`root ${name++}`),
    manifestHash: hashOf('manifest'),
    rows: 5,
    licence: 'CC-BY-4.0',
    policyHash: hashOf('policy'),
    contributions,
    contributors: [ALICE, BOB],
  };
}

const inAnHour = async (): Promise<number> =>
  ((await owner.account.provider.getBlock('latest'))?.timestamp ?? 0) + 3600;

describe('a contribution', () => {
  it('is proposed, rejected for a reason, appealed, and taken by the owner', async () => {
    const [id] = await proposed(alice, 1);
    expect(await contributionOf(owner, datanetId, id)).toMatchObject({ contributor: ALICE, status: 'proposed' });
    await expect(approveContributions(stranger, datanetId, [id])).rejects.toThrow(/NotReviewer.*appointed/);
    await rejectContributions(reviewer, datanetId, [id], hashOf('blurred'));
    await expect(appealRejection(stranger, datanetId, id, hashOf('no'))).rejects.toThrow('NotContributorWallet');
    await appealRejection(alice, datanetId, id, hashOf('they are sharp'));
    expect((await contributionOf(owner, datanetId, id)).status).toBe('appealed');
    await expect(approveContributions(reviewer, datanetId, [id])).rejects.toThrow('NotDatanetOwner');
    await approveContributions(owner, datanetId, [id]);
    expect((await contributionOf(owner, datanetId, id)).status).toBe('approved');
  });

  it('has a content hash that names its contributor, so a copied one opens to the original', () => {
    const rows = [toUtf8Bytes('row')];
    expect(contributionRoot(ALICE, rows)).not.toBe(contributionRoot(BOB, rows));
    // RFC 6962 written out for two leaves
    const leaf = (content: string | Uint8Array): string => sha256(concat(['0x00', content]));
    const named = leaf(concat([toUtf8Bytes('meed/contribution/v1'), ALICE]));
    expect(contributionRoot(ALICE, rows)).toBe(sha256(concat(['0x01', named, leaf(rows[0])])));
  });

  it('front-running: whoever proposes the same hash first has another id', async () => {
    const contentHash = contributionRoot(ALICE, [toUtf8Bytes(`row ${name++}`)]);
    await proposeContributions(stranger, datanetId, [contentHash]);
    await proposeContributions(alice, datanetId, [contentHash]);
    const [hers, theirs] = await Promise.all(
      [ALICE, stranger.account.address].map((contributor) =>
        contributionId(owner, { datanetId, contributor, contentHash }),
      ),
    );
    expect(hers).not.toBe(theirs);
    expect((await contributionOf(owner, datanetId, hers)).contributor).toBe(ALICE);
  });

  it('leaves a tombstone when its consent is withdrawn, and never comes back', async () => {
    const [id] = await approved(alice, 1);
    expect(await tombstoneOf(owner, datanetId, id)).toBeUndefined();
    const { withdrawals } = await datanetOf(owner, datanetId);
    await expect(withdrawConsent(owner, datanetId, [id])).rejects.toThrow('NotContributorWallet');
    await withdrawConsent(alice, datanetId, [id], hashOf('moved away'));
    const stone = await tombstoneOf(owner, datanetId, id);
    expect(stone).toMatchObject({ reasonHash: hashOf('moved away'), ordinal: withdrawals + 1 });
    await expect(withdrawConsent(alice, datanetId, [id])).rejects.toThrow('AlreadyWithdrawn');
    await approveContributions(owner, datanetId, [id]); // passes over it
    expect((await contributionOf(owner, datanetId, id)).status).toBe('withdrawn');
    expect(await tombstoneOf(owner, datanetId, id)).toEqual(stone);
  });
});

describe('a version', () => {
  it('is read by the index registry and the auditor like any data set', async () => {
    const version = await publishVersion(owner, await draft(await approved(alice, 3)));
    await registerIndex(owner, registrationOf(world, version.datasetId, [ALICE, BOB]));
    await expect(approveContributors(stranger, version.datasetId, [ALICE])).rejects.toThrow('NotDatasetOwner');
    const { DatasetPublished, ContributorApproved } = await readEvents(
      owner.account.provider,
      world.deployed.deployment,
    );
    expect(DatasetPublished.at(-1)).toMatchObject({ datasetId: version.datasetId, owner: owner.account.address });
    expect(ContributorApproved.slice(-2).map(({ contributor }) => contributor)).toEqual([ALICE, BOB]);
    expect((await datanetOf(owner, datanetId)).latest).toBe(version.datasetId);
  });

  it('is refused when a consent was withdrawn after its contributions were chosen', async () => {
    const ids = await approved(alice, 2);
    const stale = await draft(ids);
    await withdrawConsent(alice, datanetId, ids.slice(0, 1));
    await expect(publishVersion(owner, stale)).rejects.toThrow(/WithdrawalsNotSeen.*withdrawn meanwhile/);
    await publishVersion(owner, await draft(ids.slice(1)));
    await expect(publishVersion(owner, { ...(await draft([])), basis: stale.basis })).rejects.toThrow(
      'NotLatestVersion',
    );
  });

  it('with withdrawn contributions is shown to violate, at every place of its tree; without them it is not', async () => {
    const ids = await approved(bob, 7);
    const before = await publishVersion(owner, await draft(ids));
    const gone = [0, 3, 6].map((i) => ids[i]);
    await withdrawConsent(bob, datanetId, gone);
    const clean = await publishVersion(owner, await draft(ids.filter((id) => !gone.includes(id))));
    const tainted = await publishVersion(owner, await draft(ids));
    for (const [shown, id] of gone.entries()) {
      await expect(showViolation(stranger, before.datasetId, id, ids)).rejects.toThrow('ConsentStood');
      await expect(showViolation(stranger, clean.datasetId, id, ids)).rejects.toThrow('NotContained');
      await showViolation(stranger, tainted.datasetId, id, ids);
      expect(await violationsOf(owner, tainted.datasetId)).toBe(shown + 1);
      await expect(showViolation(stranger, tainted.datasetId, id, ids)).rejects.toThrow('ViolationKnown');
    }
    await expect(showViolation(stranger, tainted.datasetId, ids[1], ids)).rejects.toThrow('ConsentStood');
    const registration = registrationOf(world, tainted.datasetId, [ALICE, BOB]);
    await expect(registerIndex(owner, registration)).rejects.toThrow('ConsentViolated');
    await expect(showViolation(stranger, clean.datasetId, gone[0], ids.slice(1))).rejects.toThrow('is not among');
    expect(await violationsOf(owner, before.datasetId)).toBe(0);
    expect(await violationsOf(owner, clean.datasetId)).toBe(0);
  });

  it('passes to the next owner with its datanet, and reviewers do not', async () => {
    const alone = { root: hashOf('r'), manifestHash: hashOf('m'), rows: 3, licence: 'MIT', contributors: [ALICE] };
    const { datasetId } = await publishDataset(owner, alone);
    const { datanetId: own } = await createDatanet(owner, hashOf('handed over'));
    await appointReviewers(owner, own, [reviewer.account.address]);
    await dismissReviewers(owner, own, [reviewer.account.address]);
    await transferDatanet(owner, own, bob.account.address);
    expect((await datanetOf(owner, own)).pendingOwner).toBe(BOB);
    await expect(acceptDatanet(stranger, own)).rejects.toThrow('NotPendingOwner');
    await acceptDatanet(bob, own);
    expect(await datanetOf(owner, own)).toMatchObject({ owner: BOB, pendingOwner: ZeroAddress });
    const basis = await datanetOf(owner, own);
    await expect(publishVersion(owner, { ...(await draft([])), basis })).rejects.toThrow('NotDatanetOwner');
    await publishVersion(bob, { ...(await draft([])), basis });
    await approveContributors(owner, datasetId, [BOB]); // its own datanet is untouched
  });
});

describe('a wallet', () => {
  const change = async (contributor: string, newWallet: string) => ({
    contributor,
    newWallet,
    deadline: await inAnHour(),
  });

  it('is moved by its signature, seven days and the acceptance of the new one', async () => {
    const [id] = await approved(alice, 1);
    const signed = await signWalletChange(alice, await change(ALICE, BOB));
    await requestWalletChange(stranger, signed);
    await expect(acceptWallet(bob, ALICE)).rejects.toThrow(/WalletChangeNotDue.*seven days/);
    await world.later(WEEK_SECONDS);
    await expect(acceptWallet(stranger, ALICE)).rejects.toThrow('NotPendingWallet');
    await acceptWallet(bob, ALICE);
    expect(await payoutOf(owner, ALICE)).toBe(getAddress(BOB));
    await expect(withdrawConsent(alice, datanetId, [id])).rejects.toThrow('NotContributorWallet');
    await withdrawConsent(bob, datanetId, [id]);
    const back = await signWalletChange(bob, await change(ALICE, ALICE));
    await requestWalletChange(bob, back);
    await world.later(WEEK_SECONDS);
    await acceptWallet(alice, ALICE);
    expect(await payoutOf(owner, ALICE)).toBe(getAddress(ALICE));
  });

  it('a stolen signature is stopped by its owner, before and after it was brought', async () => {
    const stolen = await signWalletChange(alice, await change(ALICE, stranger.account.address));
    await requestWalletChange(stranger, stolen);
    await cancelWalletChange(alice, ALICE);
    await world.later(WEEK_SECONDS);
    await expect(acceptWallet(stranger, ALICE)).rejects.toThrow('NotPendingWallet');
    const another = await signWalletChange(alice, await change(ALICE, stranger.account.address));
    await cancelWalletChange(alice, ALICE);
    await expect(requestWalletChange(stranger, another)).rejects.toThrow(/InvalidWalletSignature.*next nonce/);
    const late = await signWalletChange(alice, { ...(await change(ALICE, BOB)), deadline: 1 });
    await expect(requestWalletChange(stranger, late)).rejects.toThrow('SignatureExpired');
  });

  it('a signature is worth nothing on another chain, at the same address', { timeout: 120_000 }, async () => {
    const elsewhere = await openWorld(SHAPE, {}, 31338);
    try {
      const there = await elsewhere.as(STRANGER);
      expect(there.deployment.addresses.DatanetRegistry).toBe(owner.deployment.addresses.DatanetRegistry);
      const fresh = await world.as(6); // nonce 0 on both chains
      const signed = await signWalletChange(fresh, await change(fresh.account.address, stranger.account.address));
      await expect(requestWalletChange(there, signed)).rejects.toThrow('InvalidWalletSignature');
      await requestWalletChange(stranger, signed);
    } finally {
      await elsewhere.stop();
    }
  });
});

/** Gas of each operation with batches of 100; a change of a tenth either way fails. `npx tsx bench/datanets.ts` prints it. */
const MEASURED = {
  'create a datanet': 46_500,
  'appoint a reviewer': 49_500,
  'propose one': 51_000,
  'propose 100': 2_601_000,
  'approve 100': 959_000,
  'reject one': 40_000,
  appeal: 33_000,
  'approve one': 34_000,
  'publish a first version': 221_000,
  'withdraw one': 84_500,
  'withdraw 99': 5_409_000,
  'publish a second version, four contributors': 323_000,
  'show a violation among 100': 93_000,
  'publish a data set alone': 197_000,
  'offer a datanet': 49_000,
  'accept a datanet': 29_500,
  'request a wallet change': 80_000,
  'cancel a wallet change': 31_000,
  'accept a wallet': 46_500,
};

it('gas of each operation', { timeout: 120_000 }, async () => {
  const fresh = await openWorld(SHAPE);
  const gas = await datanetGas(fresh, 100).finally(() => fresh.stop());
  expect(Object.keys(gas)).toEqual(Object.keys(MEASURED));
  for (const [what, measured] of Object.entries(MEASURED)) {
    expect(gas[what], what).toBeLessThan(measured * 1.1);
    expect(gas[what], what).toBeGreaterThan(measured * 0.9); // an improvement is written down here
  }
});
