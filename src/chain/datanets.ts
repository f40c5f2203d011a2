/**
 * Datanets from the client's side: a family of data sets whose versions name the contributions in them, the decisions
 * about contributions, the withdrawal of consent, and the wallet that acts for a contributor.
 * The traps: a version has to be put together from the state that it is published with, so publishVersion takes the
 * datanet as it was read *before* the contributions were chosen, and the registry refuses it when a consent was withdrawn
 * since. And a content hash that does not name its contributor can be copied from the transaction that proposes it, so
 * contributionRoot puts the address in the first leaf.
 */
import { getBytes } from 'ethers';
import { hashTree, inclusionProof } from '../data/index.js';
import { MeedError } from '../foundation/index.js';
import type { Sent } from './account.js';
import { type ChainClient, call, send, sendFor } from './client.js';
import { address, bytes32, count, integer, listOf } from './values.js';

const REGISTRY = 'DatanetRegistry';
const CONTENT_DOMAIN = new TextEncoder().encode('meed/contribution/v1');
const ZERO_WORD = `0x${'0'.repeat(64)}`;

export interface Datanet {
  readonly datanetId: string;
  readonly owner: string;
  readonly versions: number;
  /** Approved contributions whose consent was withdrawn. */
  readonly withdrawals: number;
  /** The zero address while nothing is offered. */
  readonly pendingOwner: string;
  /** Id of the newest version; zero before the first. */
  readonly latest: string;
}

/** Creates a datanet of the account's. @param salt 32 bytes, 0x hex, that tell the account's datanets apart */
export async function createDatanet(client: ChainClient, salt: string): Promise<Sent & { readonly datanetId: string }> {
  const { sent, value } = await sendFor(
    client,
    'createDatanet',
    REGISTRY,
    'createDatanet',
    [salt],
    'DatanetCreated',
    'datanetId',
  );
  return { ...sent, datanetId: bytes32(value, 'datanetId') };
}

/** Offers the datanet to a new owner, which has to accept. */
export function transferDatanet(client: ChainClient, datanetId: string, newOwner: string): Promise<Sent> {
  return send(client, 'transfer', REGISTRY, 'transferDatanet', [datanetId, newOwner]);
}

export function acceptDatanet(client: ChainClient, datanetId: string): Promise<Sent> {
  return send(client, 'accept', REGISTRY, 'acceptDatanet', [datanetId]);
}

/** Reviewers decide about contributions for as long as the account owns the datanet. */
export function appointReviewers(client: ChainClient, datanetId: string, reviewers: readonly string[]): Promise<Sent> {
  return send(client, 'appoint', REGISTRY, 'appointReviewers', [datanetId, reviewers]);
}

export function dismissReviewers(client: ChainClient, datanetId: string, reviewers: readonly string[]): Promise<Sent> {
  return send(client, 'dismiss', REGISTRY, 'dismissReviewers', [datanetId, reviewers]);
}

export async function datanetOf(client: ChainClient, datanetId: string): Promise<Datanet> {
  const [owner, versions, withdrawals, pendingOwner, latest] = await words(client, 'datanetOf', [datanetId]);
  return {
    datanetId,
    owner: address(owner, 'owner'),
    versions: count(versions, 'versions'),
    withdrawals: count(withdrawals, 'withdrawals'),
    pendingOwner: address(pendingOwner, 'pendingOwner'),
    latest: bytes32(latest, 'latest'),
  };
}

// ---- contributions ----

/** In the order of the registry's Status. */
export const CONTRIBUTION_STATUSES = [
  'none',
  'proposed',
  'approved',
  'rejected',
  'appealed',
  'refused',
  'withdrawn',
] as const;
export type ContributionStatus = (typeof CONTRIBUTION_STATUSES)[number];

export interface ContributionState {
  readonly contributor: string;
  /** Unix seconds. */
  readonly proposedAt: number;
  readonly status: ContributionStatus;
}

export interface Tombstone {
  /** 0x hex; zero if no reason was given. */
  readonly reasonHash: string;
  /** Unix seconds. */
  readonly withdrawnAt: number;
  /** Place among the datanet's withdrawals of approved contributions, from 1; 0 if it had not been approved. */
  readonly ordinal: number;
}

/**
 * Hash of some rows as their contributor proposes them, 0x hex: the RFC 6962 root over "meed/contribution/v1" with the
 * contributor's address, and then the bytes of each row.
 */
export function contributionRoot(contributor: string, rows: readonly Uint8Array[]): string {
  const named = Uint8Array.of(...CONTENT_DOMAIN, ...getBytes(contributor));
  return `0x${hashTree([named, ...rows]).root}`;
}

/** Proposes contributions of the account's own, at most 256 at a time. */
export function proposeContributions(
  client: ChainClient,
  datanetId: string,
  contentHashes: readonly string[],
): Promise<Sent> {
  return send(client, 'propose', REGISTRY, 'propose', [datanetId, contentHashes]);
}

export async function contributionId(
  client: ChainClient,
  { datanetId, contributor, contentHash }: Readonly<Record<'datanetId' | 'contributor' | 'contentHash', string>>,
): Promise<string> {
  const id = await call(client, REGISTRY, 'contributionIdOf', [datanetId, contributor, contentHash]);
  return bytes32(id, 'contributionId');
}

/** Only the datanet's owner and its reviewers may; withdrawn ones are passed over. */
export function approveContributions(client: ChainClient, datanetId: string, ids: readonly string[]): Promise<Sent> {
  return send(client, 'approve', REGISTRY, 'approveContributions', [datanetId, ids]);
}

/** By the owner it is final. @param reasonHash 32 bytes, 0x hex, never zero */
export function rejectContributions(
  client: ChainClient,
  datanetId: string,
  ids: readonly string[],
  reasonHash: string,
): Promise<Sent> {
  return send(client, 'reject', REGISTRY, 'rejectContributions', [datanetId, ids, reasonHash]);
}

/** Asks the owner to decide about a reviewer's rejection. @param groundsHash 32 bytes, 0x hex, never zero */
export function appealRejection(
  client: ChainClient,
  datanetId: string,
  id: string,
  groundsHash: string,
): Promise<Sent> {
  return send(client, 'appeal', REGISTRY, 'appeal', [datanetId, id, groundsHash]);
}

/** Withdraws the contributor's consent for good. @param reasonHash 32 bytes, 0x hex; no reason need be given */
export function withdrawConsent(
  client: ChainClient,
  datanetId: string,
  ids: readonly string[],
  reasonHash = ZERO_WORD,
): Promise<Sent> {
  return send(client, 'withdraw consent', REGISTRY, 'withdrawConsent', [datanetId, ids, reasonHash]);
}

export async function contributionOf(client: ChainClient, datanetId: string, id: string): Promise<ContributionState> {
  const [contributor, proposedAt, state] = await words(client, 'contributionOf', [datanetId, id]);
  const status = CONTRIBUTION_STATUSES[count(state, 'status')];
  if (status === undefined) {
    throw new MeedError(`The node answered with the unknown status ${String(state)}`, 'Use another node');
  }
  return { contributor: address(contributor, 'contributor'), proposedAt: count(proposedAt, 'proposedAt'), status };
}

/** Nothing while consent stands. */
export async function tombstoneOf(client: ChainClient, datanetId: string, id: string): Promise<Tombstone | undefined> {
  const [reasonHash, withdrawnAt, ordinal] = await words(client, 'tombstoneOf', [datanetId, id]);
  const tombstone = {
    reasonHash: bytes32(reasonHash, 'reasonHash'),
    withdrawnAt: count(withdrawnAt, 'withdrawnAt'),
    ordinal: count(ordinal, 'ordinal'),
  };
  return tombstone.withdrawnAt === 0 ? undefined : tombstone;
}

// ---- versions ----

export interface VersionPublication {
  /** The datanet as it was read before the contributions were chosen. */
  readonly basis: Datanet;
  /** RFC 6962 tree hash over the row hashes, 0x hex. */
  readonly root: string;
  /** Id of the data-set artefact, 0x hex. */
  readonly manifestHash: string;
  readonly rows: number;
  /** SPDX expression. */
  readonly licence: string;
  /** Hash of the terms that contributors and users agreed to, 0x hex. */
  readonly policyHash: string;
  /** Ids of the contributions in it, in the order of the tree. */
  readonly contributions: readonly string[];
  /** Addresses that indexes of this version may name. */
  readonly contributors: readonly string[];
}

/** Publishes the next version; only the datanet's owner may. */
export async function publishVersion(
  client: ChainClient,
  { basis, contributions, contributors, ...content }: VersionPublication,
): Promise<Sent & { readonly datasetId: string }> {
  const draft = {
    ...content,
    datanetId: basis.datanetId,
    predecessor: basis.latest,
    contributionsRoot: contributions.length === 0 ? ZERO_WORD : `0x${contributionTree(contributions).root}`,
    contributions: contributions.length,
    withdrawalsSeen: basis.withdrawals,
  };
  const { sent, value } = await sendFor(
    client,
    'publishVersion',
    REGISTRY,
    'publishVersion',
    [draft, contributors],
    'VersionPublished',
    'datasetId',
  );
  return { ...sent, datasetId: bytes32(value, 'datasetId') };
}

/**
 * Puts on record that a version contains a contribution whose consent had been withdrawn; anyone may.
 * @param contributions the ids in the version, in the order of the tree
 * @throws MeedError when the contribution is not among them
 */
export async function showViolation(
  client: ChainClient,
  datasetId: string,
  contribution: string,
  contributions: readonly string[],
): Promise<Sent> {
  const index = contributions.findIndex((id) => id.toLowerCase() === contribution.toLowerCase());
  if (index < 0) {
    throw new MeedError(`${contribution} is not among the version's contributions`, 'Give the list it was made from');
  }
  const path = inclusionProof(contributionTree(contributions), index).map((sibling) => `0x${sibling}`);
  return send(client, 'showViolation', REGISTRY, 'showViolation', [datasetId, contribution, index, path]);
}

/** How many withdrawn contributions were shown to be in the version. */
export async function violationsOf(client: ChainClient, datasetId: string): Promise<number> {
  return count(await call(client, REGISTRY, 'violationsOf', [datasetId]), 'violations');
}

// ---- wallets ----

/** A change of wallet as the present wallet signed it; anyone may bring it to the registry. */
export interface SignedWalletChange {
  readonly contributor: string;
  readonly newWallet: string;
  /** Unix seconds after which the signature is worth nothing. */
  readonly deadline: number;
  /** 0x hex. */
  readonly signature: string;
}

const WALLET_CHANGE = {
  WalletChange: [
    { name: 'contributor', type: 'address' },
    { name: 'newWallet', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
};

/** Signs, sends nothing. The account has to be the contributor's present wallet. */
export async function signWalletChange(
  client: ChainClient,
  { contributor, newWallet, deadline }: Omit<SignedWalletChange, 'signature'>,
): Promise<SignedWalletChange> {
  const { chainId, addresses } = client.deployment;
  const domain = { name: 'Meed DatanetRegistry', version: '1', chainId, verifyingContract: addresses[REGISTRY] };
  const nonce = integer(await call(client, REGISTRY, 'nonces', [contributor]), 'nonce');
  const message = { contributor, newWallet, nonce, deadline };
  return {
    contributor,
    newWallet,
    deadline,
    signature: await client.account.signTyped(domain, WALLET_CHANGE, message),
  };
}

/** Brings a signed change; the new wallet may accept it after seven days. */
export function requestWalletChange(client: ChainClient, change: SignedWalletChange): Promise<Sent> {
  const { contributor, newWallet, deadline, signature } = change;
  const args = [contributor, newWallet, deadline, signature];
  return send(client, 'requestWalletChange', REGISTRY, 'requestWalletChange', args);
}

/** Stops the pending change and voids every signature given so far; only the present wallet may. */
export function cancelWalletChange(client: ChainClient, contributor: string): Promise<Sent> {
  return send(client, 'cancelWalletChange', REGISTRY, 'cancelWalletChange', [contributor]);
}

/** The account takes over as the contributor's wallet. */
export function acceptWallet(client: ChainClient, contributor: string): Promise<Sent> {
  return send(client, 'acceptWallet', REGISTRY, 'acceptWallet', [contributor]);
}

/** Where a contributor's pay goes: itself until its wallet was moved. */
export async function payoutOf(client: ChainClient, contributor: string): Promise<string> {
  return address(await call(client, REGISTRY, 'payoutOf', [contributor]), 'wallet');
}

function contributionTree(contributions: readonly string[]) {
  return hashTree(contributions.map((id) => getBytes(id)));
}

/** The fields of a struct, in its order. */
async function words(client: ChainClient, method: string, args: readonly unknown[]): Promise<unknown[]> {
  return listOf(await call(client, REGISTRY, method, args), method, (field) => field);
}
