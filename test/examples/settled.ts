/** A chain with credits to withdraw, and the file that `meed chain up` would write about it. */
import { type ChainClient, creditOf, deploymentManifest } from '../../src/chain/index.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  newEpoch,
  newIndex,
  openWorld,
  payEpoch,
  someScores,
  type World,
} from '../chain/world.js';

export interface SettledWorld {
  readonly world: World;
  readonly client: ChainClient;
  readonly manifest: Awaited<ReturnType<typeof deploymentManifest>>;
}

/** An epoch of two receipts, paid; every score is positive, so every contributor has a credit. */
export async function openSettledWorld(): Promise<SettledWorld> {
  const world = await openWorld({ slots: 2, queries: 2, columns: 4 });
  const epoch = await newEpoch(world, await newIndex(world, CONTRIBUTORS.slice(0, 3)), [
    [1_500_000_000_000_000_003n, 77_000_000n],
  ]);
  const scores = (shard: number): BigInt64Array => someScores(world, epoch, shard, 1).map((x) => (x < 0n ? -x : x));
  await payEpoch(world, epoch, scores);
  const client = await world.as(DEPLOYER);
  const manifest = await deploymentManifest(client.account.provider, world.node.url, world.deployed.deployment);
  return { world, client, manifest };
}

/** Credits as the contract has them. */
export function creditsOf({ client }: SettledWorld, accounts: readonly string[]): Promise<bigint[]> {
  return Promise.all(accounts.map((account) => creditOf(client, account)));
}
