/** The data set: every row hash and the root again, and the version that was published on chain. */
import { rowTree } from '../../data/index.js';
import { type Check, only, requireEqual, requireEqualLists } from './check.js';

export const datasetCheck: Check = {
  name: 'row hashes and data-set root',
  async run(evidence) {
    const { artefact, rowHashes, addresses } = await evidence.dataset();
    const { root } = rowTree(rowHashes);
    const { datasetId } = await evidence.registration();
    const { DatasetPublished, ContributorApproved } = await evidence.events();
    const published = only(
      'publications',
      DatasetPublished.filter((event) => event.datasetId === datasetId),
    );
    requireEqual('the root on chain', published.root, `0x${root}`);
    requireEqual('the manifest on chain', published.manifestHash, `0x${artefact.manifest.id}`);
    requireEqual('the number of rows on chain', published.rows, rowHashes.length);
    const approved = ContributorApproved.filter((event) => event.datasetId === datasetId).map((e) => e.contributor);
    requireEqualLists('approved contributor', approved.toSorted(), addresses.toSorted());
    return `${rowHashes.length} rows hashed, root ${root.slice(0, 12)}… is the one on chain`;
  },
};

/** Each artefact names the ids of those it was made from; together they must form one chain. */
export const lineageCheck: Check = {
  name: 'lineage of the artefacts',
  async run(evidence) {
    const dataset = (await evidence.dataset()).artefact.manifest.id;
    const model = (await evidence.model()).artefact.manifest;
    const index = (await evidence.index()).artefact.manifest;
    const receipts = (await evidence.receipts()).artefact.manifest;
    const epoch = (await evidence.epoch()).artefact.manifest;
    const proofs = (await evidence.proofs()).artefact.manifest;
    const chain = (await evidence.registration()).artefact.manifest;
    requireEqual("the model's data set", model.inputs.dataset, dataset);
    requireEqual("the index's data set", index.inputs.dataset, dataset);
    requireEqual("the index's model", index.inputs.model, model.id);
    requireEqual("the receipts' index", receipts.inputs.index, index.id);
    requireEqual("the epoch's receipts", epoch.inputs.receipts, receipts.id);
    requireEqual("the epoch's index", epoch.inputs.index, index.id);
    requireEqual("the registration's epoch", chain.inputs.epoch, epoch.id);
    requireEqual("the proofs' epoch", proofs.inputs.epoch, epoch.id);
    const settlement = (await evidence.settlement())?.manifest;
    const payout = (await evidence.payout())?.manifest;
    if (settlement) {
      requireEqual("the settlement's registration", settlement.inputs.chain, chain.id);
      requireEqual("the settlement's proofs", settlement.inputs.proofs, proofs.id);
    }
    if (payout) requireEqual("the payout's settlement", payout.inputs.settlement, settlement?.id ?? 'none');
    return 'data set, model, index, receipts, epoch, chain, proofs and what was made of them name one another';
  },
};
