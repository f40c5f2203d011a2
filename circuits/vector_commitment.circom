pragma circom 2.1.0;
include "chain.circom";

/*
 * Relation   commitment = chain(salt, words), word_j = sum over t < 15 of entries[15 j + t] * 2^(16 t), and every entry
 *            is an integer of 16 bits (the protocol's entry + 32768).
 * Signals    input entries[d], salt (any field element; the protocol draws it below 2^248); output commitment.
 * Cost       16 d for the bits, and the chain over ceil(d / 15) words.
 * Sound      every bit is 0 or 1, an entry is the sum of its bits, so it lies in [0, 65535]; a word is below 2^240 and
 *            thus below the modulus, so entries -> words is one-to-one and the hash binds the entries, not merely the
 *            words. `<--` only proposes the bits; the two constraints below decide.
 */
template VectorCommitment(d) {
    signal input entries[d];
    signal input salt;
    signal output commitment;

    signal bits[d][16];
    var words = (d + 14) \ 15;
    component hash = Chain(words);
    hash.start <== salt;
    for (var w = 0; w < words; w++) {
        var word = 0;
        for (var j = 15 * w; j < d && j < 15 * w + 15; j++) {
            var entry = 0;
            for (var b = 0; b < 16; b++) {
                bits[j][b] <-- (entries[j] >> b) & 1;
                bits[j][b] * bits[j][b] === bits[j][b];
                entry += bits[j][b] * (1 << b);
            }
            entries[j] === entry;
            word += entry * (1 << (16 * (j - 15 * w)));
        }
        hash.elements[w] <== word;
    }
    commitment <== hash.out;
}
