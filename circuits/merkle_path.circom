pragma circom 2.1.0;
include "poseidon.circom";

/*
 * The root above a leaf of a binary Poseidon(2) tree of at most D levels; how many there are is data, so that one circuit
 * (and one key) serves every tree up to that size.
 *
 * Relation   index < 2^depth, and root is the hash of leaf and siblings[0 .. depth) along the bits of index, lowest first:
 *            bit 0 has the sibling on the right, bit 1 on the left.
 * Signals    input leaf, index, siblings[D], active[D] (Unary(D) of the depth); output root.
 * Cost       243 D: a Poseidon(2) of 240, one for the bit, one for the order, one for passing an inactive level by.
 * Sound      a bit is 0 or, at an active level, 1, so index is its bits and has none at or above the depth; D <= 32, so
 *            the sum cannot wrap. Whoever checks the proof must know the depth: at another depth the same index is
 *            another node. `<--` only proposes the bits.
 */
template MerklePath(D) {
    signal input leaf;
    signal input index;
    signal input siblings[D];
    signal input active[D];
    signal output root;

    assert(D <= 32);
    signal bits[D];
    signal left[D];
    signal node[D];
    component hash[D];
    var below = leaf;
    var total = 0;
    for (var l = 0; l < D; l++) {
        bits[l] <-- (index >> l) & 1;
        bits[l] * (bits[l] - active[l]) === 0;
        total += bits[l] * (1 << l);
        left[l] <== below + bits[l] * (siblings[l] - below);
        hash[l] = Poseidon(2);
        hash[l].inputs[0] <== left[l];
        hash[l].inputs[1] <== below + siblings[l] - left[l];
        node[l] <== below + active[l] * (hash[l].out - below);
        below = node[l];
    }
    index === total;
    root <== below;
}
