pragma circom 2.1.0;
include "chain.circom";
include "packing.circom";
include "registered_row.circom";
include "small_entries.circom";
include "unary.circom";

/* log2 of the number of rows of a segment, which is a power of two. */
function segmentLevels(R) {
    var levels = 0;
    while ((1 << levels) < R) levels++;
    return levels;
}

/*
 * Validity instead of a window: one segment of R consecutive rows of an index (leaves [segment R, segment R + R) of its
 * tree) is what an honest owner registers. docs/protocol.md, "RowsToSlot".
 *
 * Relation   the subtree over the R leaves stands at position `segment` below indexRoot; its first `count` leaves hold rows
 *            of int8 entries and prefixes that are the running sums of these rows, beginning anew after every row whose bit
 *            is set in `ends` (and at the first row if `begins`, else going on from the opening of prefixBefore); the other
 *            leaves are 0; prefixAfter is the last leaf's prefix commitment; slotsAfter absorbs the prefix commitments of
 *            the rows in `ends`, in order, into slotsBefore: h <- Poseidon(h, commitment).
 * Public     indexRoot, segment, depth, count, begins, ends, prefixBefore, prefixAfter, slotsBefore, slotsAfter: in this
 *            order, all inputs; depth in [log2 R, D], count in [0, R], ends in [0, 2^count).
 * Private    rows[R][d] in [32768 - 127, 32768 + 127], rowSalts, prefixSalts, dataSetLeaves, contributors (R each),
 *            siblings, wordsBefore, saltBefore: any field elements.
 * Cost       per row 9 d + 2 chains over the words + words + 318 + 240 + 240 + 4; 244 (D - log2 R) for the path.
 *            Prefixes need no range: their words are linear in the rows' words.
 * Sound      commitments are computed from the entries, never taken. With the flags that the contract knows (where slots
 *            end, how many rows there are), each proof's prefixBefore the last one's prefixAfter and slotsBefore the last
 *            one's slotsAfter, induction gives every prefix; sums of at most 256 rows stay in 16 bits, so words do not
 *            carry. Of `begins` proofs prefixBefore is free and means nothing, of proofs with count < R prefixAfter.
 */
template RowsToSlot(R, d, D) {
    var words = wordCount(d);
    var levels = segmentLevels(R);
    signal input indexRoot;
    signal input segment;
    signal input depth;
    signal input count;
    signal input begins;
    signal input ends;
    signal input prefixBefore;
    signal input prefixAfter;
    signal input slotsBefore;
    signal input slotsAfter;
    signal input rows[R][d];
    signal input rowSalts[R];
    signal input prefixSalts[R];
    signal input dataSetLeaves[R];
    signal input contributors[R];
    signal input siblings[D - levels];
    signal input wordsBefore[words];
    signal input saltBefore;

    begins * (begins - 1) === 0;
    component present = Unary(R);
    present.value <== count;
    signal last[R];
    var mask = 0;
    for (var i = 0; i < R; i++) {
        last[i] <-- (ends >> i) & 1;
        last[i] * (last[i] - present.flags[i]) === 0;
        mask += last[i] * (1 << i);
    }
    ends === mask;

    component opened = Chain(words);
    opened.start <== saltBefore;
    opened.elements <== wordsBefore;
    prefixBefore === opened.out;

    component rowWords[R];
    component rowHash[R];
    component prefixHash[R];
    component leaf[R];
    component slotHash[R];
    signal before[R][words];
    signal slotsHash[R];
    signal node[2 * R - 1];
    var running[words];
    for (var w = 0; w < words; w++) running[w] = wordsBefore[w];
    var first = begins;
    var slots = slotsBefore;
    for (var i = 0; i < R; i++) {
        rowWords[i] = SmallEntries(d);
        rowWords[i].entries <== rows[i];
        rowHash[i] = Chain(words);
        rowHash[i].start <== rowSalts[i];
        prefixHash[i] = Chain(words);
        prefixHash[i].start <== prefixSalts[i];
        for (var w = 0; w < words; w++) {
            rowHash[i].elements[w] <== rowWords[i].words[w];
            before[i][w] <== running[w] + first * (zeroWord(d, w) - running[w]);
            running[w] = before[i][w] + rowWords[i].words[w] - zeroWord(d, w);
            prefixHash[i].elements[w] <== running[w];
        }
        first = last[i];

        leaf[i] = Poseidon(5);
        leaf[i].inputs[0] <== (3 << 64) + d;
        leaf[i].inputs[1] <== dataSetLeaves[i];
        leaf[i].inputs[2] <== contributors[i];
        leaf[i].inputs[3] <== rowHash[i].out;
        leaf[i].inputs[4] <== prefixHash[i].out;
        node[R + i - 1] <== present.flags[i] * leaf[i].out;

        slotHash[i] = Poseidon(2);
        slotHash[i].inputs[0] <== slots;
        slotHash[i].inputs[1] <== prefixHash[i].out;
        slotsHash[i] <== slots + last[i] * (slotHash[i].out - slots);
        slots = slotsHash[i];
    }
    prefixAfter === prefixHash[R - 1].out;
    slotsAfter === slots;

    // The subtree as a heap: node 0 is its root, node n has the children 2 n + 1 and 2 n + 2.
    component inner[R - 1];
    for (var n = R - 2; n >= 0; n--) {
        inner[n] = Poseidon(2);
        inner[n].inputs[0] <== node[2 * n + 1];
        inner[n].inputs[1] <== node[2 * n + 2];
        node[n] <== inner[n].out;
    }
    component above = Unary(D - levels);
    above.value <== depth - levels;
    component path = MerklePath(D - levels);
    path.leaf <== node[0];
    path.index <== segment;
    path.siblings <== siblings;
    path.active <== above.flags;
    indexRoot === path.root;
}
