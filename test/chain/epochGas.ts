/**
 * Gas of every transaction of an epoch with one full batch, from the publication of the data set to its distribution. Scores
 * are of both signs; of several shards the last one's settlement counts, as the first pays for the epoch's storage.
 */
import { closeEpoch, distribute, finalizeEpoch, readEvents, type Sent, settle } from '../../src/chain/index.js';
import { newEpoch, newIndex, OWNER, settlementOf, shardSums, someScores, type World } from './world.js';

const EVENTS = ['DatasetPublished', 'IndexRegistered', 'EpochOpened', 'BatchPosted'] as const;
const CALLS = ['closeEpoch', 'settle', 'finalizeEpoch', 'distribute'] as const;
export type EpochGas = Record<(typeof EVENTS)[number] | (typeof CALLS)[number], number>;

/** @param slotOwners a slot's contributor, one row each; few enough for one distribution */
export async function epochGas(world: World, slotOwners: readonly string[]): Promise<EpochGas> {
  const owner = await world.as(OWNER);
  const gasOf = ({ gasUsed }: Sent): number => Number(gasUsed);
  const index = await newIndex(world, slotOwners);
  const fees = Array.from({ length: world.instance.queries }, (_, q) => 10n ** 18n + BigInt(q));
  const epoch = await newEpoch(world, index, [fees]);
  const closed = gasOf(await closeEpoch(owner, epoch.epoch));
  const scoresOf = (shard: number) => someScores(world, epoch, shard, 1);
  let settled = 0;
  for (const shard of epoch.shardOwners.keys()) {
    settled = gasOf(await settle(owner, settlementOf(world, epoch, { shard, batch: 0 }, scoresOf(shard))));
  }
  const finalized = gasOf(await finalizeEpoch(owner, epoch.epoch));
  const [{ batch, outputHashes }] = epoch.batches;
  const shards = shardSums(world, epoch, scoresOf);
  const [distributed] = await distribute(owner, { epoch: epoch.epoch, batch, outputHashes, fees, shards });
  const events = await readEvents(owner.account.provider, world.deployed.deployment);
  const gasOfEvent = async (name: (typeof EVENTS)[number]): Promise<number> => {
    const hash = events[name].at(-1)?.transactionHash;
    const receipt = hash === undefined ? null : await owner.account.provider.getTransactionReceipt(hash);
    if (!receipt) throw new Error(`the transaction of ${name} has no receipt`);
    return Number(receipt.gasUsed);
  };
  return {
    DatasetPublished: await gasOfEvent('DatasetPublished'),
    IndexRegistered: await gasOfEvent('IndexRegistered'),
    EpochOpened: await gasOfEvent('EpochOpened'),
    BatchPosted: await gasOfEvent('BatchPosted'),
    closeEpoch: closed,
    settle: settled,
    finalizeEpoch: finalized,
    distribute: gasOf(distributed),
  };
}
