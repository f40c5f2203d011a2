/**
 * A chain on which auditors judge, equivocations are shown and openings are demanded, and indexes whose every commitment is
 * opened. Keys of the disputes are of no circuit: nothing is disputed by a proof here.
 */
import {
  approveBonds,
  approveStake,
  type DeployOptions,
  mintTokens,
  openStaking,
  registerIndex,
  registerValidator,
  WHOLE_SHARE,
} from '../../src/chain/index.js';
import type { OpenedIndex } from '../../src/prover/index.js';
import type { Instance } from '../../src/prover/reference/index.js';
import { forgeableKey } from './forge.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  elementOf,
  hashOf,
  newDataset,
  OWNER,
  openWorld,
  runsOf,
  type World,
} from './world.js';

export const WINDOW = 2000;
export const INDEX_BOND = 1001n;
export const SLASH_SHARE = WHOLE_SHARE / 5n;
export const JUDGES = {
  committee: {
    memberBond: 1000n,
    caseBond: 301n,
    commitPeriod: 300,
    revealPeriod: 200,
    appealPeriod: 400,
    executionPeriod: 300,
    leaveDelay: 1300,
    quorumShare: WHOLE_SHARE / 2n,
    absenceShare: WHOLE_SHARE / 100n,
    dissentShare: WHOLE_SHARE / 5n,
  },
  equivocationShare: WHOLE_SHARE / 4n,
  requests: { responseWindow: 400, refutationWindow: 300, openMax: 3, answerPrice: 50n, deposit: 61n },
};
const STAKING = {
  minimumOwnStake: 1000n,
  periodSeconds: 120,
  evidencePeriods: 30,
  unbondingPeriods: 40,
  freezePeriods: 2,
  slashShare: SLASH_SHARE,
};

export function openJudgesWorld(
  instance: Instance,
  levels: number,
  changes: Partial<DeployOptions> = {},
): Promise<World> {
  const key = (signals: number): bigint[] => forgeableKey('development', signals).words;
  return openWorld(instance, {
    challengeWindow: WINDOW,
    indexBond: INDEX_BOND,
    staking: STAKING,
    disputes: { sumStep: key(5), rowRange: key(4), slotIsPrefix: key(7), levels },
    judges: JUDGES,
    ...changes,
  });
}

/** Registers an index of the owner, in slots of so many rows at most. */
export async function registerOpened(world: World, { tree }: OpenedIndex, rows: number, slotRows = 1): Promise<string> {
  const owner = await world.as(OWNER);
  const count = Math.ceil(rows / slotRows);
  const slots = runsOf(count, CONTRIBUTORS).map((contributor, k) => ({
    end: Math.min((k + 1) * slotRows, rows),
    contributor,
  }));
  const datasetId = await newDataset(world, rows, CONTRIBUTORS);
  await mintTokens(await world.as(DEPLOYER), owner.account.address, INDEX_BOND);
  await approveBonds(owner, INDEX_BOND);
  const { index } = await registerIndex(owner, {
    datasetId,
    indexId: elementOf(`index of ${datasetId}`),
    modelId: hashOf('model'),
    encoderHash: hashOf('encoder'),
    indexRoot: tree.root,
    rows,
    slots,
    shardCommitments: Array.from({ length: Math.ceil(slots.length / world.instance.slots) }, (_, shard) =>
      elementOf(`${datasetId} shard ${shard}`),
    ),
  });
  return index;
}

/** Makes the owner of the indexes a validator with this stake, active when this is over. */
export async function stakeOwner(world: World, amount: bigint): Promise<void> {
  const owner = await world.as(OWNER);
  const { staking } = world.deployed.deployment;
  if (staking === undefined) throw new Error('no staking was deployed');
  const client = await openStaking(owner.account, staking);
  await mintTokens(await world.as(DEPLOYER), owner.account.address, amount);
  await approveStake(client, amount);
  await registerValidator(client, amount);
  await world.later(2 * STAKING.periodSeconds);
}
