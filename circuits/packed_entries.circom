pragma circom 2.1.0;

/*
 * Relation   word_j = sum over t < 15 of entries[15 j + t] * 2^(16 t), and every entry is an integer of 16 bits (the
 *            protocol's entry + 32768).
 * Signals    input entries[d]; output words[ceil(d / 15)].
 * Cost       16 d for the bits; the sums are linear. No fewer constraints can do: m quadratic equations have at most 2^m
 *            isolated solutions (Bezout), and 2^(16 d) vectors must be told apart from all others.
 * Sound      every bit is 0 or 1, an entry is the sum of its bits, so it lies in [0, 65535]; a word is below 2^240 and
 *            thus below the modulus, so entries -> words is one-to-one: a hash of the words binds the entries. `<--`
 *            only proposes the bits; the two constraints below decide.
 */
template PackedEntries(d) {
    signal input entries[d];
    signal output words[(d + 14) \ 15];

    signal bits[d][16];
    for (var w = 0; w < (d + 14) \ 15; w++) {
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
        words[w] <== word;
    }
}
