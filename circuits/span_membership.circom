pragma circom 2.1.0;
include "bits.circom";
include "chain.circom";
include "merkle_path.circom";
include "shift.circom";
include "unary.circom";

/* Number of bits of the integers below n. */
function bitsBelow(n) {
    var bits = 0;
    while ((1 << bits) < n) bits++;
    return bits;
}

/*
 * A span of a committed text: docs/protocol.md, "Documents". Symbols are unsigned numbers of `width` bits (8: bytes, 16 or
 * 32: tokens), floor(240 / width) a word, `words` words a block of B symbols; a span has at most B symbols, so it lies in
 * one block or in two neighbours.
 *
 * Relation   symbols [start, start + length) of the document behind documentCommitment are the symbols behind
 *            spanCommitment, and all of them are symbols of the document, not its padding.
 * Public     documentCommitment, start, length, spanCommitment: in this order, all inputs; length in [1, B].
 * Private    documentSalt, documentLength, depth; block, last (1: the span ends in its first block, which is
 *            then opened twice); blocks[2][B] in [0, 2^width), siblings[2][D]; spanSalt.
 * Cost       2 B width for ranges, about B log2 B + 2 B for the shift, B for the mask, 2 (Poseidon(words + 1) + 243 D), a
 *            chain over 2 + words elements, 321 and less than 100 for the rest.
 * Sound      the commitment binds length, depth and tree; a block takes words + 1 inputs, at least 3, and a node two, so
 *            no node passes for a block and a position has one block. Ranged symbols are the only ones that pack to a
 *            block's words. offset = start - block B has as many bits as B - 1 and so has B - 1 - offset, so start
 *            determines block and offset; start, length and the distance to the end are below 2^46, far from wrapping. The shift moves symbol
 *            `offset` of the window to the front, the mask is 1 for the first `length` symbols.
 */
template SpanMembership(width, words, D) {
    var perWord = 240 \ width;
    var B = words * perWord;
    var stages = bitsBelow(B);
    signal input documentCommitment;
    signal input start;
    signal input length;
    signal input spanCommitment;
    signal input documentSalt;
    signal input documentLength;
    signal input depth;
    signal input block;
    signal input last;
    signal input blocks[2][B];
    signal input siblings[2][D];
    signal input spanSalt;

    last * (last - 1) === 0;
    component levels = Unary(D);
    levels.value <== depth;
    component ranged[2][B];
    component leaf[2];
    component path[2];
    for (var i = 0; i < 2; i++) {
        leaf[i] = Poseidon(words + 1);
        leaf[i].inputs[0] <== (18 << 64) + (words << 32) + width;
        for (var w = 0; w < words; w++) {
            var word = 0;
            for (var t = 0; t < perWord; t++) {
                ranged[i][w * perWord + t] = Bits(width);
                ranged[i][w * perWord + t].value <== blocks[i][w * perWord + t];
                word += blocks[i][w * perWord + t] * (1 << (width * t));
            }
            leaf[i].inputs[1 + w] <== word;
        }
        path[i] = MerklePath(D);
        path[i].leaf <== leaf[i].out;
        if (i == 0) {
            path[i].index <== block;
        } else {
            path[i].index <== block + 1 - last;
        }
        path[i].siblings <== siblings[i];
        path[i].active <== levels.flags;
    }
    path[0].root === path[1].root;
    component document = Poseidon(5);
    document.inputs[0] <== (17 << 64) + (words << 32) + width;
    document.inputs[1] <== documentSalt;
    document.inputs[2] <== documentLength;
    document.inputs[3] <== depth;
    document.inputs[4] <== path[0].root;
    documentCommitment === document.out;

    var offset = start - block * B;
    component shifted = Bits(stages);
    shifted.value <== offset;
    component offsetBound = Bits(stages);
    offsetBound.value <== B - 1 - offset;
    component mask = Unary(B);
    mask.value <== length;
    mask.flags[0] === 1;
    component inDocument = Bits(32);
    inDocument.value <== documentLength - start - length;
    component inBlocks = Bits(stages + 1);
    inBlocks.value <== 2 * B - last * B - offset - length;

    component stage[stages];
    for (var k = stages - 1; k >= 0; k--) {
        var n = B + (1 << k) - 1;
        stage[k] = Shift(n, 1 << k);
        stage[k].bit <== shifted.bits[k];
        for (var i = 0; i < n + (1 << k); i++) {
            if (k < stages - 1) {
                stage[k].values[i] <== stage[k + 1].out[i];
            } else if (i < B) {
                stage[k].values[i] <== blocks[0][i];
            } else if (i < 2 * B) {
                stage[k].values[i] <== blocks[1][i - B];
            } else {
                stage[k].values[i] <== 0;
            }
        }
    }

    signal symbol[B];
    component span = Chain(2 + words);
    span.start <== (19 << 64) + (words << 32) + width;
    span.elements[0] <== spanSalt;
    span.elements[1] <== length;
    for (var w = 0; w < words; w++) {
        var word = 0;
        for (var t = 0; t < perWord; t++) {
            symbol[w * perWord + t] <== mask.flags[w * perWord + t] * stage[0].out[w * perWord + t];
            word += symbol[w * perWord + t] * (1 << (width * t));
        }
        span.elements[2 + w] <== word;
    }
    spanCommitment === span.out;
}
