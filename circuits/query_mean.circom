pragma circom 2.1.0;
include "bits.circom";
include "chain.circom";
include "horner.circom";
include "limbs.circom";
include "one_hot.circom";
include "packed_entries.circom";
include "remainder_commitment.circom";
include "select.circom";

/*
 * The end of folding: one query of a batch is the rounded mean of a host's receipts: docs/protocol.md, "Folded queries".
 *
 * Relation   queryBatchCommitment = chain(tag(2, Q, d), indexId, batchSalt, words), the words at `position` are those of
 *            the entries, remainderCommitment is that of (remainderSalt, remainders), 0 < divisor < 2^44, and with signed
 *            entries q_j: b_j = 2 divisor q_j + remainder_j - divisor, 0 <= remainder_j < 2 divisor,
 *            sum over l of gamma^l * limb_l of b = 2 sumEvaluation.
 * Public     queryBatchCommitment, position, remainderCommitment, divisor, gamma, sumEvaluation: in this order, all inputs.
 * Private    indexId, batchSalt, words[Q][ceil(d / 15)], entries[d] in [0, 65535], remainders[d] in [0, 2^45),
 *            remainderSalt.
 * Cost       106 d + 44 for ranges, the batch's chain over 2 + Q ceil(d / 15) elements, the remainders' over
 *            1 + ceil(d / 5), Q + Q ceil(d / 15) to select, 2 ceil(d / 4) - 1 for the evaluation.
 * Sound      both commitments, hence every q_j and remainder_j, are older than gamma, as are the receipts whose sum S is
 *            evaluated. Both sides are polynomials in gamma with limbs as coefficients; equal at gamma they are equal but
 *            for d / (4 r). |2 S_j| < 2^60 for a total weight below 2^44, |b_j| < 2^61, so equal limbs mean 2 S_j = b_j:
 *            q_j = floor((2 S_j + divisor) / (2 divisor)), the quotient rounded to the nearest integer, ties upwards, and
 *            no other. Remainders must be committed: chosen after gamma they could balance any q.
 *            Words at other positions are whatever the chain binds; they are proven by their own QueryMean.
 */
template QueryMean(Q, d) {
    signal input queryBatchCommitment;
    signal input position;
    signal input remainderCommitment;
    signal input divisor;
    signal input gamma;
    signal input sumEvaluation;
    signal input indexId;
    signal input batchSalt;
    signal input words[Q][(d + 14) \ 15];
    signal input entries[d];
    signal input remainders[d];
    signal input remainderSalt;

    var width = (d + 14) \ 15;
    component batch = Chain(2 + Q * width);
    batch.start <== (2 << 64) + (Q << 32) + d;
    batch.elements[0] <== indexId;
    batch.elements[1] <== batchSalt;
    for (var q = 0; q < Q; q++) {
        for (var w = 0; w < width; w++) batch.elements[2 + q * width + w] <== words[q][w];
    }
    queryBatchCommitment === batch.out;

    component chosen = OneHot(Q);
    chosen.index <== position;
    component packed = PackedEntries(d);
    packed.entries <== entries;
    component word[width];
    for (var w = 0; w < width; w++) {
        word[w] = Select(Q);
        word[w].flags <== chosen.flags;
        for (var q = 0; q < Q; q++) word[w].values[q] <== words[q][w];
        word[w].out === packed.words[w];
    }

    component rest = RemainderCommitment(d);
    rest.remainders <== remainders;
    rest.salt <== remainderSalt;
    remainderCommitment === rest.commitment;
    component divisorBits = Bits(44);
    divisorBits.value <== divisor;
    component below[d];
    component quotient = Limbs(d);
    component remainder = Limbs(d);
    component one = Limbs(d);
    for (var j = 0; j < d; j++) {
        below[j] = Bits(45);
        below[j].value <== 2 * divisor - 1 - remainders[j];
        quotient.values[j] <== 2 * (entries[j] - 32768);
        remainder.values[j] <== remainders[j];
        one.values[j] <== 1;
    }

    component sum = Horner((d + 3) \ 4);
    sum.point <== gamma;
    signal scaled[(d + 3) \ 4];
    for (var l = 0; l < (d + 3) \ 4; l++) {
        scaled[l] <== divisor * (quotient.limbs[l] - one.limbs[l]);
        sum.coefficients[l] <== scaled[l] + remainder.limbs[l];
    }
    2 * sumEvaluation === sum.out;
}
