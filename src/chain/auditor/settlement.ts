/** The settlement: scores, challenges and sums as settled, proofs verified again, and every fee's split. */
import { circuitId, type Groth16Proof, keyWords } from '../../prover/index.js';
import { epochTerms } from '../terms.js';
import { type Check, differs, only, requireEqual, requireEqualLists } from './check.js';
import { requireCredits } from './credits.js';
import type { Evidence } from './evidence.js';
import { settlementKey } from './key.js';
import { settledPlaces } from './settledPlaces.js';
import { byPlace, type EpochOnChain, placeName, placeStatements, requireProofs, requireSettled } from './statements.js';

export const scoreCheck: Check = {
  name: 'scores on chain',
  async run(evidence) {
    const epoch = await evidence.epoch();
    const onChain = await epochOnChain(evidence);
    const { target, instance, events } = onChain;
    const settled = events.ShardSettled.filter((event) => event.epoch === target.epoch);
    requireEqual(
      'the number of settled (shard, batch) pairs',
      settled.length,
      epoch.shards.length * epoch.batches.length,
    );
    const { deployment } = await evidence.registration();
    const places = await settledPlaces(evidence.provider, deployment, settled);
    requireSettled(epoch, onChain, placeStatements(epoch, onChain), places);
    only(
      'finalizations',
      events.EpochFinalized.filter((event) => event.epoch === target.epoch),
    );
    return `${settled.length} × ${instance.slots * instance.queries} scores, their challenges and the contributors' sums equal the integers of index and receipts`;
  },
};

export const proofCheck: Check = {
  name: 'proofs verified again',
  async run(evidence) {
    const epoch = await evidence.epoch();
    const onChain = await epochOnChain(evidence);
    const { target, instance } = onChain;
    const { proofs, artefact } = await evidence.proofs();
    const { verificationKey, origin } = await settlementKey(evidence);
    const published = artefact.manifest.facts.keyWords;
    requireEqualLists(
      'the word of the verification key',
      Array.isArray(published) ? published : [],
      keyWords(verificationKey).map(String),
    );
    requireEqual('the circuit id on chain', target.circuitId, circuitId(instance, verificationKey));
    requireEqual('the number of proofs', proofs.length, epoch.shards.length * epoch.batches.length);
    const ofPlace = byPlace(
      proofs.map((proof) => ({ ...proof, shard: BigInt(proof.shard), batch: BigInt(proof.batch) })),
    );
    const statements = placeStatements(epoch, onChain);
    const given = statements.map((statement): Groth16Proof => {
      const name = placeName(statement);
      const proof = only(`proofs of ${name}`, ofPlace(statement));
      const [, , rho, evaluation] = statement.publicSignals;
      requireEqual(`ρ of the proof of ${name}`, proof.rho, rho);
      requireEqual(`the evaluation of the proof of ${name}`, proof.evaluation, evaluation);
      return { publicSignals: statement.publicSignals, words: proof.words };
    });
    await requireProofs(verificationKey, statements, given);
    return `${proofs.length} proofs valid for ${origin}`;
  },
};

export const splitCheck: Check = {
  name: 'split, credits and withdrawals',
  async run(evidence) {
    const epoch = await evidence.epoch();
    const registration = await evidence.registration();
    const terms = await epochTerms(evidence.provider, registration.deployment, registration.epoch);
    requireEqual('the payout policy', terms.policy, registration.deployment.addresses.PositivePart);
    const onChain = await epochOnChain(evidence);
    const { events } = onChain;
    const { owner } = only(
      'registrations',
      events.IndexRegistered.filter((e) => e.index === registration.index),
    );
    const fees = requireCredits(epoch, onChain, owner, terms);
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

async function epochOnChain(evidence: Evidence): Promise<EpochOnChain> {
  const { addresses } = await evidence.dataset();
  const { instance } = (await evidence.index()).options;
  const { target } = await evidence.registration();
  return { instance, target, addresses, events: await evidence.events() };
}
