/**
 * What the chain charges for a proven epoch, at the shape that Meed proves by default: a real node, the real contracts, one
 * shard of full slots against one batch of receipts. Proofs are forged with a key whose secrets are known, since their
 * values change no cost; scores are of both signs, since a negative one has the dearer calldata.
 *
 *   npx tsx bench/proving/gas.ts
 */
import { fileURLToPath } from 'node:url';
import { Contract } from 'ethers';
import { closeEpoch, compileContracts, settleMany } from '../../src/chain/index.js';
import { SLOT_ROWS_MAX } from '../../src/prover/reference/index.js';
import { epochGas } from '../../test/chain/epochGas.js';
import { verificationGas } from '../../test/chain/verificationGas.js';
import {
  CONTRIBUTORS,
  manyAccounts,
  newEpoch,
  newIndex,
  OWNER,
  openWorld,
  runsOf,
  settlementOf,
  someScores,
  type World,
} from '../../test/chain/world.js';

export interface ProofGas {
  readonly instance: string;
  /** Of one proof, of eight together for each, and the share that is saved. */
  readonly verification: { readonly single: number; readonly ofEight: number; readonly saved: number };
  /** Of the transaction that settles one shard against one batch. */
  readonly settle: number;
  readonly perScore: number;
  /** Without the verification. */
  readonly perScoreBesides: number;
  /** Of one transaction that settles eight shards against a batch, for each score: all in, and without the verification. */
  readonly together: { readonly settle: number; readonly perScore: number; readonly perScoreBesides: number };
  readonly perSlot: number;
  /** A slot being full. */
  readonly perSample: number;
  /** Posting, settling and distributing, for each receipt of a full batch. */
  readonly perReceipt: number;
  readonly register: number;
}

const FULL = { slots: 24, queries: 24, columns: 128 };
const TOGETHER = 8;

export async function proofGas(shape = FULL): Promise<ProofGas> {
  const world = await openWorld(shape);
  try {
    const owner = await world.as(OWNER);
    const slotOwners = runsOf(shape.slots, CONTRIBUTORS);
    const { settle, distribute, BatchPosted, IndexRegistered } = await epochGas(world, slotOwners);
    const { Groth16Verifier } = await compileContracts();
    const contract = new Contract(
      world.deployed.deployment.addresses.Groth16Verifier,
      Groth16Verifier.abi,
      owner.account.provider,
    );
    const { single, batches } = await verificationGas(owner.account, contract, world.key, [TOGETHER]);
    const count = shape.slots * shape.queries;
    const together = await settledTogether(world, TOGETHER);
    return {
      instance: `ScoreMatrix ${shape.slots}x${shape.queries}x${shape.columns}`,
      verification: { single, ofEight: batches[0].gas / TOGETHER, saved: batches[0].saved },
      settle,
      perScore: settle / count,
      perScoreBesides: (settle - single) / count,
      together: {
        settle: together,
        perScore: together / TOGETHER / count,
        perScoreBesides: (together - batches[0].gas) / TOGETHER / count,
      },
      perSlot: settle / shape.slots,
      perSample: settle / (shape.slots * SLOT_ROWS_MAX),
      perReceipt: (BatchPosted + settle + distribute) / shape.queries,
      register: IndexRegistered,
    };
  } finally {
    await world.stop();
  }
}

/** Gas of one transaction that settles so many shards of full slots against one batch; four contributors a shard. */
async function settledTogether(world: World, shards: number): Promise<number> {
  const owner = await world.as(OWNER);
  const { slots, queries } = world.instance;
  const slotOwners = runsOf(shards * slots, manyAccounts(4 * shards));
  const fees = Array.from({ length: queries }, () => 10n ** 18n);
  const epoch = await newEpoch(world, await newIndex(world, slotOwners), [fees]);
  await closeEpoch(owner, epoch.epoch);
  const proven = epoch.shardOwners.map((_, shard) =>
    settlementOf(world, epoch, { shard, batch: 0 }, someScores(world, epoch, shard, 1)),
  );
  return Number((await settleMany(owner, epoch.epoch, proven)).gasUsed);
}

export function gasText({ instance, verification, settle, register, together, ...per }: ProofGas): string {
  const whole = (value: number): string => Math.round(value).toLocaleString('en');
  return [
    `Gas at ${instance}: a proof's verification ${whole(verification.single)}, of eight together ${whole(verification.ofEight)} each (${(100 * verification.saved).toFixed(0)}% saved);`,
    `a shard against a batch settled ${whole(settle)}: ${whole(per.perScore)} a score, ${whole(per.perScoreBesides)} without the verification;`,
    `${TOGETHER} shards in one transaction ${whole(together.settle)}: ${whole(together.perScore)} a score, ${whole(together.perScoreBesides)} without the verification;`,
    `${whole(per.perSlot)} a slot, ${whole(per.perSample)} a sample; posted, settled and distributed ${whole(per.perReceipt)} a receipt; registered ${whole(register)}.`,
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${gasText(await proofGas())}\n`);
