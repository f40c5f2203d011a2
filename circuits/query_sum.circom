pragma circom 2.1.0;
include "folded_receipt.circom";

/*
 * A step of folding: up to n receipts of one host, by their place in the host's chain of receipts, and what they add to
 * the fee-weighted sum of its query vectors, at the point gamma: docs/protocol.md, "Folded queries".
 *
 * Relation   linkOut follows linkIn by the active receipts in order (FoldedReceipt says by which hash, and bounds every
 *            fee, entry and norm), and
 *            receiptsEvaluation = sum over i < n of fee_i gamma^(2 i) + outputHash_i gamma^(2 i + 1),
 *            sumEvaluation = sum over l of gamma^l * limb_l of sum over i of fee_i * vector_i.
 * Public     linkIn, linkOut, gamma, receiptsEvaluation, sumEvaluation: in this order, all inputs, no outputs.
 * Private    active[n] in {0, 1}, fees[n] in [0, 2^30), outputHashes[n], salts[n], vectors[n][d] in [0, 65535].
 * Cost       n FoldedReceipts and 2 n - 1 products: 2,818 a receipt at d = 128, 90,175 at (32, 128).
 * Sound      links that were posted before gamma exists fix every receipt between them, as they are a hash chain. Fees and
 *            output hashes are compared at gamma with the book's own list, which is older than gamma too: two different
 *            lists agree with probability at most 2 n / r. The step keeps no vector: sums of steps are added up by the
 *            contract as field elements, and QueryMean compares the total with the folded query at the same gamma.
 *            Nothing is decided by gamma that was not fixed before it; a verifier that does not derive gamma from the last
 *            link, the book's lists and the folded query proves nothing.
 */
template QuerySum(n, d) {
    signal input linkIn;
    signal input linkOut;
    signal input gamma;
    signal input receiptsEvaluation;
    signal input sumEvaluation;
    signal input active[n];
    signal input fees[n];
    signal input outputHashes[n];
    signal input salts[n];
    signal input vectors[n][d];

    component receipt[n];
    component booked = Horner(2 * n);
    booked.point <== gamma;
    var total = 0;
    for (var i = 0; i < n; i++) {
        receipt[i] = FoldedReceipt(d);
        if (i == 0) {
            receipt[i].link <== linkIn;
        } else {
            receipt[i].link <== receipt[i - 1].next;
        }
        receipt[i].gamma <== gamma;
        receipt[i].active <== active[i];
        receipt[i].fee <== fees[i];
        receipt[i].outputHash <== outputHashes[i];
        receipt[i].salt <== salts[i];
        receipt[i].entries <== vectors[i];
        booked.coefficients[2 * i] <== fees[i];
        booked.coefficients[2 * i + 1] <== outputHashes[i];
        total += receipt[i].weighted;
    }
    linkOut === receipt[n - 1].next;
    receiptsEvaluation === booked.out;
    sumEvaluation === total;
}
