pragma circom 2.1.0;
include "chain.circom";
include "packing.circom";
include "unary.circom";

/*
 * Validity instead of a window: a shard commitment holds the slots that RowsToSlot absorbed, in order.
 *
 * Relation   shardCommitment opens to (indexId, c_1 .. c_S); slotsAfter absorbs c_1 .. c_count into slotsBefore
 *            (h <- Poseidon(h, c)); the other c are commitments to zero vectors.
 * Public     shardCommitment, indexId, count, slotsBefore, slotsAfter: in this order, all inputs; count in [0, S].
 * Private    slotCommitments[S], paddingSalts[S]: any field elements.
 * Cost       a chain over S + 1 elements less 3; per slot a Poseidon(2) of 240, a chain over the words less 3 a word
 *            (they are constants), 3.
 * Sound      the lists behind shardCommitment and behind slotsAfter have one opening each (the number of elements of the
 *            second is the contract's: slots in all), and both are made of the same numbers here.
 */
template SlotsToShard(S, d) {
    signal input shardCommitment;
    signal input indexId;
    signal input count;
    signal input slotsBefore;
    signal input slotsAfter;
    signal input slotCommitments[S];
    signal input paddingSalts[S];

    component shard = Chain(S + 1);
    shard.start <== (1 << 64) + (S << 32) + d;
    shard.elements[0] <== indexId;
    component used = Unary(S);
    used.value <== count;
    component hash[S];
    component zero[S];
    signal slots[S];
    var before = slotsBefore;
    for (var k = 0; k < S; k++) {
        shard.elements[1 + k] <== slotCommitments[k];
        hash[k] = Poseidon(2);
        hash[k].inputs[0] <== before;
        hash[k].inputs[1] <== slotCommitments[k];
        slots[k] <== before + used.flags[k] * (hash[k].out - before);
        before = slots[k];
        zero[k] = Chain(wordCount(d));
        zero[k].start <== paddingSalts[k];
        for (var w = 0; w < wordCount(d); w++) zero[k].elements[w] <== zeroWord(d, w);
        (1 - used.flags[k]) * (slotCommitments[k] - zero[k].out) === 0;
    }
    shardCommitment === shard.out;
    slotsAfter === before;
}
