pragma circom 2.1.0;
include "chain.circom";
include "packed_entries.circom";

/*
 * Relation   commitment = chain(salt, words), words the packed entries, every entry an integer of 16 bits.
 * Signals    input entries[d], salt (any field element; the protocol draws it below 2^248); output commitment.
 * Cost       16 d for the bits, and the chain over ceil(d / 15) words.
 * Sound      words are one-to-one with entries (PackedEntries), and the chain binds the words.
 */
template VectorCommitment(d) {
    signal input entries[d];
    signal input salt;
    signal output commitment;

    component packed = PackedEntries(d);
    packed.entries <== entries;
    component hash = Chain((d + 14) \ 15);
    hash.start <== salt;
    hash.elements <== packed.words;
    commitment <== hash.out;
}
