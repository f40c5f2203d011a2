pragma circom 2.1.0;
include "bound.circom";
include "chain.circom";
include "non_zero.circom";
include "one_hot.circom";
include "registered_row.circom";
include "select.circom";
include "unary.circom";

/*
 * Dispute: a shard commitment holds another slot than the index tree. docs/protocol.md, "Disputes".
 *
 * Relation   shardCommitment opens to a list (index id, c_1 .. c_S); row `index` stands in the index tree with
 *            prefixCommitment; and element `position` of the list is not what was registered: at position 0 the index's id,
 *            at position k in 1 .. S the prefix commitment of the row, which the contract chose as the last of slot k.
 * Public     shardCommitment, position, indexId, indexRoot, index, depth, claimant: in this order, all inputs.
 * Private    committedIndexId, slotCommitments[S]; dataSetLeaf, contributor, rowCommitment, prefixCommitment, siblings.
 * Cost       a chain over S + 1 elements less 3, 318 + 243 D for the leaf, 2 (S + 1) + D + 4.
 * Sound      collision resistance leaves one opening of the shard and of the leaf, and in an honest index the slot's
 *            commitment and its last row's prefix commitment are the same number, so their difference has no inverse. Any
 *            other number at the position is disputed here, whether or not anybody can open it.
 */
template SlotIsPrefix(S, d, D) {
    signal input shardCommitment;
    signal input position;
    signal input indexId;
    signal input indexRoot;
    signal input index;
    signal input depth;
    signal input claimant;
    signal input committedIndexId;
    signal input slotCommitments[S];
    signal input dataSetLeaf;
    signal input contributor;
    signal input rowCommitment;
    signal input prefixCommitment;
    signal input siblings[D];

    component bound = Bound();
    bound.value <== claimant;

    component at = OneHot(S + 1);
    at.index <== position;
    component shard = Chain(S + 1);
    shard.start <== (1 << 64) + (S << 32) + d;
    component found = Select(S + 1);
    found.flags <== at.flags;
    for (var k = 0; k <= S; k++) {
        var element = committedIndexId;
        if (k > 0) element = slotCommitments[k - 1];
        shard.elements[k] <== element;
        found.values[k] <== element;
    }
    shardCommitment === shard.out;

    component levels = Unary(D);
    levels.value <== depth;
    component registered = RegisteredRow(d, D);
    registered.root <== indexRoot;
    registered.index <== index;
    registered.active <== levels.flags;
    registered.siblings <== siblings;
    registered.dataSetLeaf <== dataSetLeaf;
    registered.contributor <== contributor;
    registered.rowCommitment <== rowCommitment;
    registered.prefixCommitment <== prefixCommitment;

    signal expected <== prefixCommitment + at.flags[0] * (indexId - prefixCommitment);
    component differs = NonZero();
    differs.value <== found.out - expected;
}
