/**
 * A batch that pays a thousand contributors: gas of its registration and of its distribution, in as many transactions as they
 * take, with contributors who were never paid before and with the same again. Proofs are forged and not counted.
 *
 *   npx tsx bench/manyContributors.ts [--contributors 1000] [--slots-each 1] [--receipts 2,24]
 */
import { parseArgs } from 'node:util';
import {
  closeEpoch,
  type Distribution,
  distribute,
  distributeWhole,
  finalizeEpoch,
  registerIndex,
  type Sent,
  settleMany,
} from '../src/chain/index.js';
import {
  manyAccounts,
  newDataset,
  newEpoch,
  type OpenIndex,
  OWNER,
  openIndexOf,
  openWorld,
  registrationOf,
  runsOf,
  settlementOf,
  shardSums,
  someScores,
  type World,
} from '../test/chain/world.js';

const { values } = parseArgs({
  options: {
    contributors: { type: 'string', default: '1000' },
    'slots-each': { type: 'string', default: '1' },
    receipts: { type: 'string', default: '2,24' },
  },
});
const CONTRIBUTORS = Number(values.contributors);
const SLOTS = CONTRIBUTORS * Number(values['slots-each']);
const FEE = 5n * 10n ** 18n;
const TOGETHER = 8;

/** An epoch of one full batch, ready to be distributed; every contributor earns something. */
async function finalBatch(world: World, index: OpenIndex): Promise<Distribution> {
  const owner = await world.as(OWNER);
  const epoch = await newEpoch(world, index, [Array<bigint>(world.instance.queries).fill(FEE)]);
  await closeEpoch(owner, epoch.epoch);
  const scores = epoch.shardOwners.map((_, shard) =>
    someScores(world, epoch, shard, 1).map((score) => (score < 0n ? -score : score)),
  );
  for (let first = 0; first < scores.length; first += TOGETHER) {
    const places = scores.slice(first, first + TOGETHER);
    const proven = places.map((matrix, i) => settlementOf(world, epoch, { shard: first + i, batch: 0 }, matrix));
    await settleMany(owner, epoch.epoch, proven);
  }
  await finalizeEpoch(owner, epoch.epoch);
  const [{ batch, outputHashes, fees }] = epoch.batches;
  return { epoch: epoch.epoch, batch, outputHashes, fees, shards: shardSums(world, epoch, (shard) => scores[shard]) };
}

function row(what: string, sent: readonly Sent[]): string {
  const gas = sent.map(({ gasUsed }) => Number(gasUsed));
  const total = gas.reduce((sum, one) => sum + one, 0);
  const cells = [what, gas.length, total, Math.max(...gas), Math.round(total / CONTRIBUTORS)];
  return `| ${cells.map((cell) => cell.toLocaleString('en')).join(' | ')} |`;
}

for (const receipts of values.receipts.split(',').map(Number)) {
  const world = await openWorld({ slots: 24, queries: receipts, columns: 128 });
  try {
    const owner = await world.as(OWNER);
    const accounts = manyAccounts(CONTRIBUTORS);
    const slotOwners = runsOf(SLOTS, accounts);
    const registration = registrationOf(world, await newDataset(world, SLOTS, accounts), slotOwners);
    const { index, sent } = await registerIndex(owner, registration);
    const opened = openIndexOf(world, index, registration, slotOwners);
    console.log(`\n${CONTRIBUTORS} contributors, ${SLOTS} slots of 24 a shard, ${receipts} receipts a batch\n`);
    console.log('| what | transactions | gas | largest | a contributor |\n| --- | --: | --: | --: | --: |');
    console.log(row('register', sent));
    console.log(row('distribute, never paid before', await distribute(owner, await finalBatch(world, opened))));
    console.log(row('distribute, with balances', await distribute(owner, await finalBatch(world, opened))));
    const atOnce = await distributeWhole(owner, await finalBatch(world, opened));
    console.log(row('distribute, with balances, at once', [atOnce]));
  } finally {
    await world.stop();
  }
}
