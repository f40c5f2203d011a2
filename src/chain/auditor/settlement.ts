/** The settlement: scores, challenges and sums as settled, proofs verified again, and every fee's split. */
import { getBytes, Interface, Result } from 'ethers';
import { challengeInput, circuitId, keyWords, verify } from '../../prover/index.js';
import {
  challenge,
  evaluateScores,
  splitFee,
  splitPool,
  sumByContributor,
  unpackScores,
} from '../../prover/reference/index.js';
import { compileContracts } from '../compile.js';
import type { ChainEvent } from '../events.js';
import { epochTerms } from '../terms.js';
import { type Check, differs, only, requireEqual, requireEqualLists } from './check.js';
import type { Evidence } from './evidence.js';
import { settlementKey } from './key.js';

export const scoreCheck: Check = {
  name: 'scores on chain',
  async run(evidence) {
    const { addresses } = await evidence.dataset();
    const { options } = await evidence.index();
    const epoch = await evidence.epoch();
    const { target } = await evidence.registration();
    const events = await evidence.events();
    const settled = events.ShardSettled.filter((event) => event.epoch === target.epoch);
    requireEqual(
      'the number of settled (shard, batch) pairs',
      settled.length,
      epoch.shards.length * epoch.batches.length,
    );
    for (const shard of epoch.shards.keys()) {
      for (const batch of epoch.batches.keys()) {
        const place = `shard ${shard}, batch ${batch}`;
        const event = only(
          `settlements of ${place}`,
          settled.filter((e) => e.shard === BigInt(shard) && e.batch === BigInt(batch)),
        );
        const rho = challenge(challengeInput(epoch, addresses, target, shard, batch));
        requireEqual(`ρ of ${place}`, event.rho, rho);
        const { owners } = epoch.shards[shard];
        const present = [...new Set(owners.filter((owner) => owner >= 0))];
        const sums = sumByContributor(epoch.scores[shard][batch], owners, addresses.length, options.instance.queries);
        requireEqualLists(
          `the contributors of ${place},`,
          event.contributors,
          present.map((owner) => addresses[owner]),
        );
        requireEqualLists(
          `the sums of ${place},`,
          event.sums,
          present.flatMap((owner) =>
            Array.from(sums.subarray(owner * options.instance.queries, (owner + 1) * options.instance.queries)),
          ),
        );
        requireEqualLists(`the score on chain of ${place},`, await settledScores(evidence, event), [
          ...epoch.scores[shard][batch],
        ]);
      }
    }
    only(
      'finalizations',
      events.EpochFinalized.filter((event) => event.epoch === target.epoch),
    );
    const count = options.instance.slots * options.instance.queries;
    return `${settled.length} × ${count} scores, their challenges and the contributors' sums equal the integers of index and receipts`;
  },
};

export const proofCheck: Check = {
  name: 'proofs verified again',
  async run(evidence) {
    const { addresses } = await evidence.dataset();
    const index = await evidence.index();
    const epoch = await evidence.epoch();
    const { target } = await evidence.registration();
    const { proofs, artefact } = await evidence.proofs();
    const { verificationKey, origin } = await settlementKey(evidence);
    const published = artefact.manifest.facts.keyWords;
    requireEqualLists(
      'the word of the verification key',
      Array.isArray(published) ? published : [],
      keyWords(verificationKey).map(String),
    );
    requireEqual('the circuit id on chain', target.circuitId, circuitId(index.options.instance, verificationKey));
    requireEqual('the number of proofs', proofs.length, epoch.shards.length * epoch.batches.length);
    for (const shard of epoch.shards.keys()) {
      for (const batch of epoch.batches.keys()) {
        const name = `shard ${shard}, batch ${batch}`;
        const proof = only(
          `proofs of ${name}`,
          proofs.filter((p) => p.shard === shard && p.batch === batch),
        );
        const place = challengeInput(epoch, addresses, target, shard, batch);
        const rho = challenge(place);
        const evaluation = evaluateScores(place.scores, rho);
        requireEqual(`ρ of the proof of ${name}`, proof.rho, rho);
        requireEqual(`the evaluation of the proof of ${name}`, proof.evaluation, evaluation);
        const signals = [place.shardCommitment, place.queryBatchCommitment, rho, evaluation];
        if (!(await verify(verificationKey, signals, proof.words))) {
          throw differs(`the proof of ${name}`, 'not valid', 'a valid one');
        }
      }
    }
    return `${proofs.length} proofs valid for ${origin}`;
  },
};

export const splitCheck: Check = {
  name: 'split, credits and withdrawals',
  async run(evidence) {
    const { addresses } = await evidence.dataset();
    const { options } = await evidence.index();
    const epoch = await evidence.epoch();
    const registration = await evidence.registration();
    const policy = await epochTerms(evidence.provider, registration.deployment, registration.epoch);
    const { treasury, stakers } = policy;
    requireEqual('the payout policy', policy.policy, registration.deployment.addresses.PositivePart);
    const events = await evidence.events();
    const Q = options.instance.queries;
    const owner = only(
      'registrations',
      events.IndexRegistered.filter((e) => e.index === registration.index),
    ).owner;
    const expected = new Map<string, bigint>();
    const credit = (batch: number, role: string, account: string, amount: bigint): void => {
      const id = `${batch} ${role} ${account}`;
      expected.set(id, (expected.get(id) ?? 0n) + amount);
    };
    let fees = 0n;
    for (const [b, batch] of epoch.batches.entries()) {
      const sums = totalSums(
        epoch.shards.map((shard, s) => sumByContributor(epoch.scores[s][b], shard.owners, addresses.length, Q)),
      );
      let left = 0n;
      for (const [q, fee] of batch.fees.entries()) {
        if (fee === 0n) continue;
        const parts = splitFee(fee, policy);
        const { shares, dust } = splitPool(
          parts.pool,
          addresses.map((_, c) => sums[c * Q + q]),
        );
        for (const [c, share] of shares.entries()) credit(b, 'contributor', addresses[c], share);
        credit(b, 'modelOwner', owner, parts.modelOwner);
        credit(b, 'stakers', stakers, parts.stakers);
        credit(b, 'treasury', treasury, parts.platform + dust);
        const paid = only(
          `payments of receipt ${q} of batch ${b}`,
          events.ReceiptPaid.filter((e) => e.epoch === registration.epoch && e.batch === BigInt(b) && e.receipt === q),
        );
        requireEqual(`the pool of receipt ${q}`, paid.pool, parts.pool);
        requireEqual(`the fee of receipt ${q}`, paid.fee, fee);
        fees += fee;
        left += dust;
      }
      const whole = only(
        `payments of batch ${b}`,
        events.BatchPaid.filter((e) => e.epoch === registration.epoch && e.batch === BigInt(b)),
      );
      requireEqual(`the dust of batch ${b}`, whole.dust, left);
    }
    const credited = new Map<string, bigint>();
    for (const { batch, role, account, amount, epoch: of } of events.Credited) {
      if (of !== registration.epoch) continue;
      const id = `${batch} ${role} ${account}`;
      credited.set(id, (credited.get(id) ?? 0n) + amount);
    }
    for (const id of new Set([...expected.keys(), ...credited.keys()])) {
      requireEqual(`the credit "${id}"`, credited.get(id) ?? 0n, expected.get(id) ?? 0n);
    }
    const total = [...credited.values()].reduce((sum, amount) => sum + amount, 0n);
    requireEqual('Σ credits', total, fees);
    const withdrawn = new Map<string, bigint>();
    for (const { account, amount } of events.Withdrawn) withdrawn.set(account, (withdrawn.get(account) ?? 0n) + amount);
    for (const [account, amount] of withdrawn) {
      const held = events.Credited.filter((e) => e.account === account).reduce((sum, e) => sum + e.amount, 0n);
      if (amount > held) throw differs(`what ${account} withdrew`, amount, `at most ${held}`);
    }
    for (const [account, amount] of Object.entries((await evidence.payout())?.manifest.facts.withdrawn ?? {})) {
      if (!events.Withdrawn.some((event) => event.account === account && String(event.amount) === amount))
        throw differs(`what ${account} withdrew by the manifest`, amount, withdrawn.get(account) ?? 0n);
    }
    return `Σ credits = Σ fees = ${fees} units, to the last unit; ${withdrawn.size} accounts withdrew what they were credited`;
  },
};

function totalSums(shards: readonly BigInt64Array[]): BigInt64Array {
  const total = new BigInt64Array(shards[0].length);
  for (const sums of shards) for (const [i, sum] of sums.entries()) total[i] += sum;
  return total;
}

/** The scores in the calldata of a settlement, of one place or of several. */
async function settledScores(
  evidence: Evidence,
  { transactionHash: hash, shard, batch }: Pick<ChainEvent<'ShardSettled'>, 'transactionHash' | 'shard' | 'batch'>,
): Promise<readonly unknown[]> {
  const transaction = await evidence.provider.getTransaction(hash);
  if (!transaction) throw differs(`the transaction ${hash}`, 'missing', 'present');
  const abi = new Interface((await compileContracts()).EpochSettlement.abi);
  const call = abi.parseTransaction({ data: transaction.data });
  const { deployment } = await evidence.registration();
  requireEqual('the receiver of the settlement', transaction.to, deployment.addresses.EpochSettlement);
  if (call?.name !== 'settle' && call?.name !== 'settleMany') {
    throw differs(`the call of ${hash}`, call?.name, 'settle or settleMany');
  }
  const proven: unknown = call.args.getValue('proven');
  const places = call.name === 'settle' ? [proven] : Array.from(listed(proven));
  const place = places.find((one) => one instanceof Result && one.shard === shard && one.batch === batch);
  if (!(place instanceof Result)) throw differs(`the place settled by ${hash}`, 'another', `${shard}, ${batch}`);
  return Array.from(unpackScores(getBytes(place.getValue('packedScores'))));
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
