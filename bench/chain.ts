/**
 * What the chain charges and how fast we follow it: gas of every operation on a real node with the real contracts, beside
 * the anchors' figures, and the seconds in which an auditor derives an epoch again (bench/audit.ts).
 *
 *   npx tsx bench/chain.ts [--json FILE]
 *
 * Proofs are forged with a key whose secrets are known, since their values change no cost. "With a balance" and "fresh"
 * say whether the storage that is written held something before: a fresh slot costs 17,100 more, whoever writes it.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Contract } from 'ethers';
import {
  announceReclaim,
  approveFees,
  type ChainClient,
  compileContracts,
  mintTokens,
  openEpoch,
  postMetered,
  postPrepaid,
  postSigned,
  prepay,
  type Sent,
  setRates,
  signPost,
  signWithdrawal,
  withdraw,
  withdrawSigned,
  withdrawTo,
} from '../src/chain/index.js';
import { epochGas } from '../test/chain/epochGas.js';
import { type FoldGas, foldGas } from '../test/chain/foldGas.js';
import { judgesGas } from '../test/chain/judgesGas.js';
import {
  CONTRIBUTORS,
  DEPLOYER,
  elementOf,
  hashOf,
  manyAccounts,
  newEpoch,
  newIndex,
  OWNER,
  openWorld,
  PAYER,
  payEpoch,
  runsOf,
  STRANGER,
  someScores,
  type World,
} from '../test/chain/world.js';
import { auditText, auditTimes } from './audit.js';
import { gasText, proofGas } from './proving/gas.js';

const { values } = parseArgs({ options: { json: { type: 'string' } } });

const SHAPE = { slots: 24, queries: 24, columns: 128 };
/** Receipts of a step of the largest measured QuerySum. */
const RECEIPTS_PER_STEP = 46;
const FAR = 2n ** 40n;
/** A fee of 5 tokens a receipt. */
const FEE = 5n * 10n ** 18n;

/** Merkle claims at depth 17 with OpenZeppelin's contracts on anvil, as the field reports them: not measured here. */
const ANCHORS: Readonly<Record<string, string>> = {
  'withdraw, receiver with a balance': 'repeat claim of a Merkle distributor 61.7k',
  'withdraw, fresh receiver': 'first claim of a Merkle distributor 96k',
};

type Gas = Record<string, number>;
const gasOf = ({ gasUsed }: Sent): number => Number(gasUsed);
const fullBatch = (tag: string, queries = SHAPE.queries): { outputHashes: string[]; fees: bigint[] } => ({
  outputHashes: Array.from({ length: queries }, (_, q) => hashOf(`${tag} ${q}`)),
  fees: Array.from({ length: queries }, () => FEE),
});

async function freshEpoch(world: World): Promise<bigint> {
  const { index } = await newIndex(world, CONTRIBUTORS);
  const payers = [(await world.as(PAYER)).account.address];
  return (await openEpoch(await world.as(OWNER), { index, payers })).epoch;
}

/** Each way to post a full batch, in an epoch that has one already. */
async function postingGas(world: World): Promise<Gas> {
  const [payer, host, owner] = [await world.as(PAYER), await world.as(STRANGER), await world.as(OWNER)];
  const total = FEE * BigInt(SHAPE.queries);
  await mintTokens(await world.as(DEPLOYER), payer.account.address, 20n * total);
  await approveFees(payer, 20n * total);
  const gas: Gas = {};
  const epoch = await freshEpoch(world);
  await setRates(owner, epoch, { input: 1_000_000n, output: 3_000_000n, platform: 1_000_000n });
  const usage = Array.from({ length: SHAPE.queries }, (_, q) => ({ tokensIn: 700 + q, tokensOut: 300 - q }));
  const post = { epoch, commitment: elementOf('a batch'), ...fullBatch('posted') };
  await postMetered(payer, { ...post, usage });
  gas['post a batch by tokens'] = gasOf(await postMetered(payer, { ...post, usage }));
  await postSigned(host, post, await signPost(payer, post, FAR));
  gas['post a batch, signed'] = gasOf(await postSigned(host, post, await signPost(payer, post, FAR)));
  gas.prepay = gasOf(await prepay(payer, host.account.address, 4n * total));
  gas['post a batch, prepaid'] = gasOf(await postPrepaid(host, post, payer.account.address));
  gas['announce a reclaim'] = gasOf(await announceReclaim(payer, host.account.address));
  return gas;
}

/** An epoch of one batch with one shard a contributor list, from posting to its distribution. */
async function paidEpoch(world: World, owners: readonly string[]): Promise<number> {
  const epoch = await newEpoch(world, await newIndex(world, owners), [fullBatch('paid', world.instance.queries).fees]);
  const scoresOf = (shard: number): BigInt64Array =>
    someScores(world, epoch, shard, 1).map((score) => (score < 0n ? -score : score));
  const [distributed] = await payEpoch(world, epoch, scoresOf);
  return gasOf(distributed);
}

/** Withdrawals of each kind, and what a contributor adds to a distribution. */
async function payingGas(world: World): Promise<Gas> {
  const owners = [...CONTRIBUTORS, ...manyAccounts(20)];
  const gas: Gas = {};
  gas['distribute to 24 contributors without a balance'] = await paidEpoch(world, owners);
  const many = await paidEpoch(world, owners);
  const few = await paidEpoch(world, owners.slice(0, 4));
  gas['distribute to 24 contributors with balances'] = many;
  gas['each contributor of it, all told'] = (many - few) / 20;
  const [a, b, c, d] = await Promise.all([4, 5, 6, 7].map((development) => world.as(development)));
  gas['withdraw, fresh receiver'] = gasOf(await withdraw(a));
  await paidEpoch(world, owners);
  gas['withdraw, receiver with a balance'] = gasOf(await withdraw(a));
  gas['withdraw, to another with a balance'] = gasOf(await withdrawTo(b, a.account.address));
  await delegateToItself(a);
  await paidEpoch(world, owners);
  await world.later(10); // votes are checkpointed by time: within a second the last checkpoint would be rewritten
  gas['withdraw, receiver with checkpointed votes'] = gasOf(await withdraw(a));
  const signed = await signWithdrawal(c, a.account.address, FAR);
  await world.later(10);
  gas['withdraw, signed, fresh nonce, receiver with votes'] = gasOf(await withdrawSigned(d, signed));
  return gas;
}

/** What a receipt adds to a batch, and a contributor to a distribution of two receipts: by difference. */
async function slopes(): Promise<Gas> {
  const narrow = await openWorld({ ...SHAPE, queries: 2 });
  try {
    const { BatchPosted } = await epochGas(narrow, CONTRIBUTORS);
    const others = manyAccounts(20);
    const owners = [...CONTRIBUTORS, ...others];
    await paidEpoch(narrow, owners);
    const credited = ((await paidEpoch(narrow, owners)) - (await paidEpoch(narrow, CONTRIBUTORS))) / others.length;
    return { 'post a batch of 2': BatchPosted, 'a contributor with a balance, 2 receipts': credited };
  } finally {
    await narrow.stop();
  }
}

function foldText(fold: FoldGas): string {
  const whole = (value: number): string => Math.round(value).toLocaleString('en');
  const n = fold.receiptsPerStep;
  const rows: readonly (readonly [string, number])[] = [
    [`a host posts ${n} receipts`, fold.post],
    [`a host posts ${10 * n} receipts`, fold.postTen],
    [`the first step of a fold, ${n} receipts`, fold.firstStep],
    ['a later step, alone', fold.laterStep],
    ['ten steps together', fold.tenSteps],
    ['the end of a fold', fold.finish],
    ['QuerySum verified', fold.verifySum],
    ['QueryMean verified', fold.verifyMean],
  ];
  return [
    `\nFolding, QuerySum(${n}, ${SHAPE.columns}) and QueryMean(${SHAPE.queries}, ${SHAPE.columns}):\n`,
    '| operation | gas |\n| --- | --: |',
    ...rows.map(([name, gas]) => `| ${name} | ${whole(gas)} |`),
    `\nA receipt, posted and folded ${10 * n} at a time: ${whole(fold.receipt - fold.foldReceipt)} to post, ${whole(fold.foldReceipt)} to fold, ${whole(fold.receiptProof)} of verification.`,
  ].join('\n');
}

async function delegateToItself({ account, deployment }: ChainClient): Promise<void> {
  const { abi } = (await compileContracts()).AttributionToken;
  const token = new Contract(deployment.addresses.AttributionToken, abi, account.provider);
  await account.send('delegate', token, 'delegate', [account.address]);
}

const world = await openWorld(SHAPE);
const gas: Gas = {};
let folding: FoldGas;
try {
  const epoch = await epochGas(world, runsOf(SHAPE.slots, CONTRIBUTORS));
  gas['publish a data set of 4 contributors'] = epoch.DatasetPublished;
  gas['register an index of 24 slots'] = epoch.IndexRegistered;
  gas['open an epoch'] = epoch.EpochOpened;
  gas['post a batch of 24'] = epoch.BatchPosted;
  gas['close an epoch'] = epoch.closeEpoch;
  gas['settle a shard against a batch'] = epoch.settle;
  gas['finalize an epoch'] = epoch.finalizeEpoch;
  Object.assign(gas, await postingGas(world), await payingGas(world));
  folding = await foldGas(world, RECEIPTS_PER_STEP);
} finally {
  await world.stop();
}
const proof = await proofGas(SHAPE);
Object.assign(gas, await slopes(), await judgesGas());
const perReceipt = (gas['post a batch of 24'] - gas['post a batch of 2']) / (SHAPE.queries - 2);
const perSample = proof.perSample;

console.log(gasText(proof));
console.log(`\n| operation | gas | beside it |\n| --- | --: | --- |`);
for (const [name, amount] of Object.entries(gas)) {
  console.log(`| ${name} | ${Math.round(amount).toLocaleString('en')} | ${ANCHORS[name] ?? ''} |`);
}
console.log(`\nA receipt adds ${Math.round(perReceipt).toLocaleString('en')} gas to the batch in which it is posted.`);
console.log(foldText(folding));
const audit = await auditTimes();
console.log(`\n${auditText(audit)}`);
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    `${JSON.stringify({ gas, perSample, perReceipt, proof, folding, auditSeconds: audit.auditSeconds, audit }, null, 1)}\n`,
  );
}
