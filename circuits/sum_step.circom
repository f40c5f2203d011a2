pragma circom 2.1.0;
include "bound.circom";
include "chain.circom";
include "non_zero.circom";
include "one_hot.circom";
include "packing.circom";
include "registered_row.circom";
include "select.circom";
include "unary.circom";

/*
 * Dispute: at one row of an index the running sum is wrong. docs/protocol.md, "Disputes".
 *
 * Relation   the rows index - 1 and index stand in the index tree; prefix index - 1, row index and prefix index open to
 *            their registered commitments as words; and word `position` of (before + row - zero vector) is not that word of
 *            prefix index, where `before` is prefix index - 1, or the zero vector if `first`.
 * Public     indexRoot, index, depth, first (1: the row begins a slot), claimant: in this order, all inputs.
 * Private    position < words; for the row before [0] and the row [1]: dataSetLeaf, contributor, siblings; the row before's
 *            rowCommitment, prefix words and salt; the row's words and salt, its prefix's words and salt. With `first` the
 *            "row before" is the row itself, opened a second time. All are any field elements.
 * Cost       2 (318 + 243 D) for the two leaves, 3 chains over the words, D for the depth, 3 words + 5 or so.
 * Sound      an honest index cannot be disputed: collision resistance leaves one opening of each commitment, and honest
 *            words add up, for a word is linear in its entries. No range is needed for that, nor for the other side: if
 *            every row's words are in range (RowRange disputes the others) and no step can be disputed, then by induction
 *            from the slot's zero start every prefix has exactly the words of the true sum: a prefix out of range, or one
 *            whose words are no packed entries at all, differs in some word and is disputed here.
 *            index - 1 cannot wrap: MerklePath admits positions of the tree only, so index 0 needs `first`.
 *            The contract knows where slots begin and how deep the tree is; a verifier that takes `first` or `depth` from
 *            the claimant proves nothing. `claimant` is bound so that a proof seen in transit serves nobody else.
 */
template SumStep(d, D) {
    signal input indexRoot;
    signal input index;
    signal input depth;
    signal input first;
    signal input claimant;
    var words = wordCount(d);
    signal input position;
    signal input dataSetLeaf[2];
    signal input contributor[2];
    signal input siblings[2][D];
    signal input rowCommitmentBefore;
    signal input prefixWordsBefore[words];
    signal input prefixSaltBefore;
    signal input rowWords[words];
    signal input rowSalt;
    signal input prefixWords[words];
    signal input prefixSalt;

    component bound = Bound();
    bound.value <== claimant;
    first * (first - 1) === 0;

    component row = Chain(words);
    row.start <== rowSalt;
    row.elements <== rowWords;
    component prefix[2];
    prefix[0] = Chain(words);
    prefix[0].start <== prefixSaltBefore;
    prefix[0].elements <== prefixWordsBefore;
    prefix[1] = Chain(words);
    prefix[1].start <== prefixSalt;
    prefix[1].elements <== prefixWords;

    component levels = Unary(D);
    levels.value <== depth;
    component registered[2];
    for (var i = 0; i < 2; i++) {
        registered[i] = RegisteredRow(d, D);
        registered[i].root <== indexRoot;
        if (i == 0) {
            registered[i].index <== index - 1 + first;
            registered[i].rowCommitment <== rowCommitmentBefore;
        } else {
            registered[i].index <== index;
            registered[i].rowCommitment <== row.out;
        }
        registered[i].active <== levels.flags;
        registered[i].siblings <== siblings[i];
        registered[i].dataSetLeaf <== dataSetLeaf[i];
        registered[i].contributor <== contributor[i];
        registered[i].prefixCommitment <== prefix[i].out;
    }

    signal before[words];
    component at = OneHot(words);
    at.index <== position;
    component wrong = Select(words);
    for (var w = 0; w < words; w++) {
        before[w] <== prefixWordsBefore[w] + first * (zeroWord(d, w) - prefixWordsBefore[w]);
        wrong.flags[w] <== at.flags[w];
        wrong.values[w] <== before[w] + rowWords[w] - zeroWord(d, w) - prefixWords[w];
    }
    component differs = NonZero();
    differs.value <== wrong.out;
}
