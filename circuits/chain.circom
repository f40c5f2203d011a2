pragma circom 2.1.0;
include "poseidon.circom";

/* Number of elements that the permutation at `position` of a chain over `count` elements absorbs. */
function chainBlock(count, position) {
    return count - position < 15 ? count - position : 15;
}

/*
 * Relation   out = chain(start, elements): h <- start; for each block of at most 15 elements, h <- Poseidon(h, block).
 * Signals    input start, elements[count] (any field elements); output out.
 * Cost       one Poseidon of (block length + 1) inputs per block: 609 for a full block of 15.
 * Sound      the number of elements is a parameter of the template, never data, so blocks cannot be shifted; the domain
 *            (kind, count, columns, index) is in what the caller passes as start or as the first element.
 */
template Chain(count) {
    signal input start;
    signal input elements[count];
    signal output out;

    var blocks = (count + 14) \ 15;
    component hash[blocks];
    for (var b = 0; b < blocks; b++) {
        var length = chainBlock(count, 15 * b);
        hash[b] = Poseidon(length + 1);
        if (b == 0) {
            hash[b].inputs[0] <== start;
        } else {
            hash[b].inputs[0] <== hash[b - 1].out;
        }
        for (var i = 0; i < length; i++) hash[b].inputs[1 + i] <== elements[15 * b + i];
    }
    out <== hash[blocks - 1].out;
}
