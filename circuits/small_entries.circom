pragma circom 2.1.0;
include "bits.circom";
include "non_zero.circom";
include "packing.circom";

/*
 * Rows of int8 entries as the words that they are committed by.
 *
 * Relation   every entry is in [32768 - 127, 32768 + 127], and words are the packed entries, 15 a word.
 * Signals    input entries[d]; output words[ceil(d / 15)].
 * Cost       9 d: 8 bits an entry, and one product an entry for excluding -128.
 * Sound      entry - 32640 has 8 bits and is not 0: the product of all of them has an inverse, and a field has no divisors
 *            of zero. A word of ranged entries is below 2^240, so words and entries are one-to-one.
 */
template SmallEntries(d) {
    signal input entries[d];
    signal output words[wordCount(d)];

    component raised[d];
    signal product[d];
    for (var j = 0; j < d; j++) {
        raised[j] = Bits(8);
        raised[j].value <== entries[j] - 32640;
        if (j == 0) {
            product[j] <== entries[j] - 32640;
        } else {
            product[j] <== product[j - 1] * (entries[j] - 32640);
        }
    }
    component noneIsZero = NonZero();
    noneIsZero.value <== product[d - 1];

    for (var w = 0; w < wordCount(d); w++) {
        var word = 0;
        for (var t = 0; t < wordEntries(d, w); t++) word += entries[15 * w + t] * (1 << (16 * t));
        words[w] <== word;
    }
}
