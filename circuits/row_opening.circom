pragma circom 2.1.0;
include "chain.circom";
include "one_hot.circom";
include "packed_entries.circom";
include "packing.circom";
include "registered_row.circom";
include "select.circom";
include "small_entries.circom";
include "unary.circom";

/*
 * The exact score of one registered row against one query of a posted batch. docs/protocol.md, "RowOpening".
 *
 * Relation   row `index` stands in the index tree with this data-set leaf and contributor and opens to int8 entries;
 *            queryBatchCommitment opens to the queries of index `indexId`; score = <row, query number `query`> + 2^30.
 * Public     indexRoot, index, depth, dataSetLeaf, contributor, indexId, queryBatchCommitment, query, score: in this
 *            order, all inputs; score in (0, 2^31).
 * Private    row[d] in [32768 - 127, 32768 + 127], rowSalt, prefixCommitment, siblings; batchSalt, batchWords[Q][words]
 *            (any field elements), queryEntries[d] in [0, 65535].
 * Cost       9 d and a chain for the row, 318 + 243 D for its leaf, a chain over 2 + Q words for the batch, (words + 1) Q
 *            for the choice, 16 d for the query's range, d products.
 * Sound      the row's and the batch's words have one opening, and ranged entries are the only ones that pack to them; of
 *            the batch only the chosen query's entries matter, so only they are ranged. |score| <= 256 * 127 * 2^15 <
 *            2^30, so the public number is positive and no residue. An index with an entry out of range has no proof here;
 *            RowRange has.
 */
template RowOpening(Q, d, D) {
    signal input indexRoot;
    signal input index;
    signal input depth;
    signal input dataSetLeaf;
    signal input contributor;
    signal input indexId;
    signal input queryBatchCommitment;
    signal input query;
    signal input score;
    var words = wordCount(d);
    signal input row[d];
    signal input rowSalt;
    signal input prefixCommitment;
    signal input siblings[D];
    signal input batchSalt;
    signal input batchWords[Q][words];
    signal input queryEntries[d];

    component rowWords = SmallEntries(d);
    rowWords.entries <== row;
    component rowHash = Chain(words);
    rowHash.start <== rowSalt;
    rowHash.elements <== rowWords.words;
    component levels = Unary(D);
    levels.value <== depth;
    component registered = RegisteredRow(d, D);
    registered.root <== indexRoot;
    registered.index <== index;
    registered.active <== levels.flags;
    registered.siblings <== siblings;
    registered.dataSetLeaf <== dataSetLeaf;
    registered.contributor <== contributor;
    registered.rowCommitment <== rowHash.out;
    registered.prefixCommitment <== prefixCommitment;

    component batch = Chain(2 + Q * words);
    batch.start <== (2 << 64) + (Q << 32) + d;
    batch.elements[0] <== indexId;
    batch.elements[1] <== batchSalt;
    component at = OneHot(Q);
    at.index <== query;
    component queryWords = PackedEntries(d);
    queryWords.entries <== queryEntries;
    component chosen[words];
    for (var w = 0; w < words; w++) {
        chosen[w] = Select(Q);
        for (var q = 0; q < Q; q++) {
            batch.elements[2 + q * words + w] <== batchWords[q][w];
            chosen[w].flags[q] <== at.flags[q];
            chosen[w].values[q] <== batchWords[q][w];
        }
        queryWords.words[w] === chosen[w].out;
    }
    queryBatchCommitment === batch.out;

    signal product[d];
    var total = 1 << 30;
    for (var j = 0; j < d; j++) {
        product[j] <== (row[j] - 32768) * (queryEntries[j] - 32768);
        total += product[j];
    }
    score === total;
}
