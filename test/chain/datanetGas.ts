/**
 * Gas of every operation of the registry, as transactions on a node, in the order in which a datanet lives: each is a
 * step of one story, so the state that it meets is the usual one. Batches are of `batch` contributions.
 */
import { randomBytes } from 'node:crypto';
import { hexlify } from 'ethers';
import {
  acceptDatanet,
  acceptWallet,
  appealRejection,
  appointReviewers,
  approveContributions,
  cancelWalletChange,
  contributionId,
  createDatanet,
  datanetOf,
  proposeContributions,
  publishDataset,
  publishVersion,
  rejectContributions,
  requestWalletChange,
  type Sent,
  showViolation,
  signWalletChange,
  transferDatanet,
  withdrawConsent,
} from '../../src/chain/index.js';
import { CONTRIBUTORS, hashOf, OWNER, PAYER, STRANGER, type World } from './world.js';

/** Gas of a transaction by what it does. */
export type DatanetGas = Record<string, number>;

const CONTRIBUTOR = 4;
const DAY_SECONDS = 86_400;

/** @param batch contributions that are proposed, approved, published and withdrawn together */
export async function datanetGas(world: World, batch: number): Promise<DatanetGas> {
  const [owner, reviewer, contributor, next] = await Promise.all([OWNER, STRANGER, CONTRIBUTOR, PAYER].map(world.as));
  const gas: DatanetGas = {};
  const record = <T extends Sent>(what: string, sent: T): T => {
    gas[what] = Number(sent.gasUsed);
    return sent;
  };
  const created = record('create a datanet', await createDatanet(owner, hexlify(randomBytes(32))));
  const { datanetId } = created;
  record('appoint a reviewer', await appointReviewers(owner, datanetId, [reviewer.account.address]));
  const contents = Array.from({ length: batch }, (_, i) => hashOf(`content ${i}`));
  const idOf = (contentHash: string): Promise<string> =>
    contributionId(owner, { datanetId, contributor: contributor.account.address, contentHash });
  record('propose one', await proposeContributions(contributor, datanetId, [hashOf('rejected')]));
  record(`propose ${batch}`, await proposeContributions(contributor, datanetId, contents));
  const ids = await Promise.all(contents.map(idOf));
  const rejected = await idOf(hashOf('rejected'));
  record(`approve ${batch}`, await approveContributions(reviewer, datanetId, ids));
  record('reject one', await rejectContributions(reviewer, datanetId, [rejected], hashOf('reason')));
  record('appeal', await appealRejection(contributor, datanetId, rejected, hashOf('grounds')));
  record('approve one', await approveContributions(owner, datanetId, [rejected]));
  const version = async (what: string, contributors: readonly string[]): Promise<string> => {
    const publication = {
      basis: await datanetOf(owner, datanetId),
      root: hashOf(what),
      manifestHash: hashOf(`${what} manifest`),
      rows: 1000,
      licence: 'CC-BY-4.0',
      policyHash: hashOf('policy'),
      contributions: ids,
      contributors,
    };
    return record(what, await publishVersion(owner, publication)).datasetId;
  };
  await version('publish a first version', []);
  record('withdraw one', await withdrawConsent(contributor, datanetId, ids.slice(0, 1), hashOf('why')));
  record(`withdraw ${batch - 1}`, await withdrawConsent(contributor, datanetId, ids.slice(1), hashOf('why')));
  const second = await version('publish a second version, four contributors', CONTRIBUTORS);
  record(`show a violation among ${batch}`, await showViolation(next, second, ids[0], ids));
  const alone = { root: hashOf('alone'), manifestHash: hashOf('alone'), rows: 10, licence: 'MIT', contributors: [] };
  record('publish a data set alone', (await publishDataset(owner, alone)).sent[0]);
  record('offer a datanet', await transferDatanet(owner, datanetId, next.account.address));
  record('accept a datanet', await acceptDatanet(next, datanetId));
  const signed = async () => {
    const head = await owner.account.provider.getBlock('latest');
    const deadline = (head?.timestamp ?? 0) + DAY_SECONDS;
    return signWalletChange(contributor, {
      contributor: contributor.account.address,
      newWallet: next.account.address,
      deadline,
    });
  };
  record('request a wallet change', await requestWalletChange(next, await signed()));
  record('cancel a wallet change', await cancelWalletChange(contributor, contributor.account.address));
  await requestWalletChange(next, await signed());
  await world.later(7 * DAY_SECONDS);
  record('accept a wallet', await acceptWallet(next, contributor.account.address));
  return gas;
}
