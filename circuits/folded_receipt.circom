pragma circom 2.1.0;
include "bits.circom";
include "chain.circom";
include "horner.circom";
include "limbs.circom";
include "norm_bound.circom";
include "packed_entries.circom";

/*
 * One receipt of a host's chain and its share of the weighted sum: docs/protocol.md, "Folded queries".
 *
 * Relation   active = 1: next = chain(link, salt, fee, outputHash, words of the entries), and
 *            weighted = fee * sum over l of limb_l * gamma^l, limbs of the signed entries.
 *            active = 0: next = link, fee = 0, outputHash = 0, weighted = 0.
 *            Either way: active is 0 or 1, 0 <= fee < 2^30, entries of 16 bits with offset 32768, squared norm of the
 *            signed entries at most normMax(d).
 * Signals    input link, gamma, active, fee, outputHash, salt (any field elements), entries[d]; output next, weighted.
 * Cost       17 d + ceil(d / 4) + one chain over 3 + ceil(d / 15) elements (543 at d = 128) + 65: 2,816 at d = 128.
 * Sound      the parts are determined: words one-to-one with entries (PackedEntries), the link by Poseidon. A receipt
 *            that is skipped has neither fee nor output hash, so one that was paid or is booked cannot be skipped.
 *            Entries are bounded one by one and by their norm, so a receipt moves the sum by at most fee * sqrt(normMax).
 */
template FoldedReceipt(d) {
    signal input link;
    signal input gamma;
    signal input active;
    signal input fee;
    signal input outputHash;
    signal input salt;
    signal input entries[d];
    signal output next;
    signal output weighted;

    active * (active - 1) === 0;
    fee * (1 - active) === 0;
    outputHash * (1 - active) === 0;
    component feeBits = Bits(30);
    feeBits.value <== fee;

    var words = (d + 14) \ 15;
    component packed = PackedEntries(d);
    packed.entries <== entries;
    component hash = Chain(3 + words);
    hash.start <== link;
    hash.elements[0] <== salt;
    hash.elements[1] <== fee;
    hash.elements[2] <== outputHash;
    for (var w = 0; w < words; w++) hash.elements[3 + w] <== packed.words[w];
    next <== active * (hash.out - link) + link;

    component norm = NormBound(d);
    component limbs = Limbs(d);
    for (var j = 0; j < d; j++) {
        norm.values[j] <== entries[j] - 32768;
        limbs.values[j] <== entries[j] - 32768;
    }
    component value = Horner((d + 3) \ 4);
    value.point <== gamma;
    value.coefficients <== limbs.limbs;
    weighted <== fee * value.out;
}
