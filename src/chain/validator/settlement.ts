/**
 * The settlement stage: every (shard, batch) with its scores and proof, then the epoch is made final and every batch is
 * split. The payout stage: contributors, model owner, stakers and treasury pull their credits.
 */
import { type Artefact, type Recipe, writeArtefact } from '../../artefact/index.js';
import type { StoredDataset } from '../../data/index.js';
import { MeedError, type Progress, silent } from '../../foundation/index.js';
import { type Epoch, type Proofs, slotAddresses } from '../../prover/index.js';
import type { Sent } from '../account.js';
import { balanceOf, creditOf, finalizeEpoch, openClient, settleMany, withdraw } from '../client.js';
import { distribute } from '../distribution.js';
import { readEvents } from '../events.js';
import { DEVELOPMENT_CHAIN_ID } from '../node.js';
import type { Registration } from './registration.js';
import { type ChainLocation, FIRST_CONTRIBUTOR_ACCOUNT, ROLE_ACCOUNT, withSession } from './session.js';
import { type Transaction, writeTransactions } from './transactions.js';

/** Proofs settled by one transaction: eight share most of a verification's cost, and stay far below a block's gas. */
const TOGETHER = 8;

export function settlementRecipe(registration: Registration, proofs: Proofs): Recipe {
  return {
    kind: 'settlement',
    inputs: { chain: registration.artefact.manifest.id, proofs: proofs.artefact.manifest.id },
    parameters: {},
  };
}

export async function settleOnChain(
  folder: string,
  stored: StoredDataset,
  epoch: Epoch,
  registration: Registration,
  proofs: Proofs,
  location: Omit<ChainLocation, 'from'>,
  progress: Progress = silent,
): Promise<Artefact> {
  return withSession(stateOf(location, registration.artefact), async (session) => {
    const transactions: Transaction[] = [];
    const total = Math.ceil(proofs.proofs.length / TOGETHER) + 1 + epoch.batches.length;
    const record = (what: string, sent: Sent): void => {
      transactions.push({ what, hash: sent.hash, gas: Number(sent.gasUsed) });
      progress(transactions.length, Math.max(total, transactions.length), what);
    };
    const client = await openClient(await session.account('validator'), registration.deployment);
    const number = registration.epoch;
    for (let first = 0; first < proofs.proofs.length; first += TOGETHER) {
      const proven = proofs.proofs.slice(first, first + TOGETHER).map(({ shard, batch, words }) => ({
        shard: BigInt(shard),
        batch: BigInt(batch),
        scores: epoch.scores[shard][batch],
        slotContributors: slotAddresses(epoch.shards[shard].owners, stored.addresses),
        proof: words,
      }));
      record('settle', await settleMany(client, number, proven));
    }
    record('finalize epoch', await finalizeEpoch(client, number));
    const { ShardSettled } = await readEvents(client.account.provider, registration.deployment);
    for (const [b, batch] of epoch.batches.entries()) {
      const shards = ShardSettled.filter((event) => event.epoch === number && event.batch === BigInt(b)).toSorted(
        (x, y) => Number(x.shard - y.shard),
      );
      const sent = await distribute(client, {
        epoch: number,
        batch: BigInt(b),
        fees: batch.fees,
        outputHashes: batch.outputHashes.map((hash) => `0x${hash}`),
        shards,
      });
      for (const one of sent) record('distribute', one);
    }
    return writeArtefact(folder, settlementRecipe(registration, proofs), async (staging) => {
      await session.save(staging);
      await writeTransactions(staging, transactions);
      return { epoch: String(number) };
    });
  });
}

export function payoutRecipe(settlement: Artefact): Recipe {
  return { kind: 'payout', inputs: { settlement: settlement.manifest.id }, parameters: {} };
}

/** Withdraws every credit that the development accounts hold; on another chain each owner withdraws alone. */
export async function withdrawCredits(
  folder: string,
  stored: StoredDataset,
  registration: Registration,
  settlement: Artefact,
  location: Omit<ChainLocation, 'from'>,
  progress: Progress = silent,
): Promise<Artefact> {
  return withSession(stateOf(location, settlement), async (session) => {
    const development = session.chainId === DEVELOPMENT_CHAIN_ID;
    const owners: (keyof typeof ROLE_ACCOUNT | number)[] = development
      ? [...stored.addresses.keys()]
          .map((i) => FIRST_CONTRIBUTOR_ACCOUNT + i)
          .concat(ROLE_ACCOUNT.host, ROLE_ACCOUNT.stakers, ROLE_ACCOUNT.treasury)
      : ['host'];
    const transactions: Transaction[] = [];
    const withdrawn: Record<string, string> = {};
    for (const [i, owner] of owners.entries()) {
      const account = await session.account(owner);
      if (typeof owner === 'number' && i < stored.addresses.length && account.address !== stored.addresses[i]) continue;
      const client = await openClient(account, registration.deployment);
      const credit = await creditOf(client, account.address);
      if (credit > 0n) {
        const before = await balanceOf(client, account.address);
        const sent = await withdraw(client);
        const received = (await balanceOf(client, account.address)) - before;
        if (received !== credit) {
          throw new MeedError(
            `${account.address} received ${received} of a credit of ${credit}`,
            'Audit the settlement contract',
          );
        }
        withdrawn[account.address] = String(credit);
        transactions.push({ what: 'withdraw', hash: sent.hash, gas: Number(sent.gasUsed) });
      }
      progress(i + 1, owners.length, 'withdrawals');
    }
    return writeArtefact(folder, payoutRecipe(settlement), async (staging) => {
      await session.save(staging);
      await writeTransactions(staging, transactions);
      return { withdrawn };
    });
  });
}

function stateOf(location: Omit<ChainLocation, 'from'>, artefact: Artefact): ChainLocation {
  return location.rpc === undefined ? { ...location, from: artefact.folder } : location;
}
