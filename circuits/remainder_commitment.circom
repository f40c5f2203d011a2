pragma circom 2.1.0;
include "bits.circom";
include "chain.circom";

/*
 * Relation   commitment = chain(tag(4, 0, d), salt, words), word_w = sum over t < 5 of remainders[5 w + t] * 2^(45 t), and
 *            every remainder is an integer of 45 bits.
 * Signals    input remainders[d], salt; output commitment.
 * Cost       45 d for the bits, one chain over 1 + ceil(d / 5) elements.
 * Sound      a word is below 2^225, so remainders -> words is one-to-one, and the chain binds the words.
 */
template RemainderCommitment(d) {
    signal input remainders[d];
    signal input salt;
    signal output commitment;

    var words = (d + 4) \ 5;
    component bits[d];
    component hash = Chain(1 + words);
    hash.start <== (4 << 64) + d;
    hash.elements[0] <== salt;
    for (var w = 0; w < words; w++) {
        var word = 0;
        for (var j = 5 * w; j < d && j < 5 * w + 5; j++) {
            bits[j] = Bits(45);
            bits[j].value <== remainders[j];
            word += remainders[j] * (1 << (45 * (j - 5 * w)));
        }
        hash.elements[1 + w] <== word;
    }
    commitment <== hash.out;
}
