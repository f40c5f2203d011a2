pragma circom 2.1.0;
include "power.circom";
include "vector_commitment.circom";

/*
 * All S * Q scores of a shard of S slots and a batch of Q queries at once: docs/protocol.md, "ScoreMatrix(S, Q, d)".
 *
 * Relation   shardCommitment and queryBatchCommitment are the commitments to (indexId, slots, slotSalts) and
 *            (indexId, batchSalt, queries), every entry is an integer of 16 bits with offset 32768, and
 *            sum over k, q of rho^(k Q + q) * <slot_k, query_q> = evaluation (signed entries, in the field).
 * Public     shardCommitment, queryBatchCommitment, rho, evaluation: in this order, all inputs, no outputs.
 * Private    indexId, slots[S][d], slotSalts[S], queries[Q][d], batchSalt; slots and queries in [0, 65535].
 * Cost       16 (S + Q) d for ranges, (S + Q - 1) d for the sum, one chain over ceil(d / 15) words a slot (459 at
 *            d = 128), one over the S + 1 elements of the shard, one over the 2 + Q ceil(d / 15) of the batch, 4 or so
 *            for rho^Q: 83,701 at (16, 16, 128). A slot has a hash of its own, for it must be opened alone (it is the
 *            prefix commitment of its last row); queries share one, as whoever opens a batch has all of it.
 * Sound      the commitments fix slots and queries before rho exists (the contract hashes both, and the claimed scores,
 *            into rho), so equality of two polynomials of degree below S Q at rho means equality of all coefficients but
 *            for S Q / r. The circuit takes rho as an input: a verifier that does not derive rho itself proves nothing.
 *            Scores are below d * 2^30 <= 2^38 in magnitude, far from the modulus, so they are integers, not residues.
 *            The range is 16 bits, which admits -32768 where the protocol's honest parties stop at -32767: harmless,
 *            as the bounds on scores above already count it.
 */
template ScoreMatrix(S, Q, d) {
    signal input shardCommitment;
    signal input queryBatchCommitment;
    signal input rho;
    signal input evaluation;
    signal input indexId;
    signal input slots[S][d];
    signal input slotSalts[S];
    signal input queries[Q][d];
    signal input batchSalt;

    component slot[S];
    component shard = Chain(S + 1);
    shard.start <== (1 << 64) + (S << 32) + d;
    shard.elements[0] <== indexId;
    for (var k = 0; k < S; k++) {
        slot[k] = VectorCommitment(d);
        slot[k].entries <== slots[k];
        slot[k].salt <== slotSalts[k];
        shard.elements[1 + k] <== slot[k].commitment;
    }
    shardCommitment === shard.out;

    var words = (d + 14) \ 15;
    component query[Q];
    component batch = Chain(2 + Q * words);
    batch.start <== (2 << 64) + (Q << 32) + d;
    batch.elements[0] <== indexId;
    batch.elements[1] <== batchSalt;
    for (var q = 0; q < Q; q++) {
        query[q] = PackedEntries(d);
        query[q].entries <== queries[q];
        for (var w = 0; w < words; w++) batch.elements[2 + q * words + w] <== query[q].words[w];
    }
    queryBatchCommitment === batch.out;

    // Horner in rho over the queries and in rho^Q over the slots, a column at a time, then one product a column.
    component power = Power(Q);
    power.base <== rho;
    signal slotSum[S - 1][d];
    signal querySum[Q - 1][d];
    signal product[d];
    var total = 0;
    for (var j = 0; j < d; j++) {
        var u = slots[S - 1][j] - 32768;
        for (var k = S - 2; k >= 0; k--) {
            slotSum[k][j] <== u * power.out + slots[k][j] - 32768;
            u = slotSum[k][j];
        }
        var v = queries[Q - 1][j] - 32768;
        for (var q = Q - 2; q >= 0; q--) {
            querySum[q][j] <== v * rho + queries[q][j] - 32768;
            v = querySum[q][j];
        }
        product[j] <== u * v;
        total += product[j];
    }
    evaluation === total;
}
