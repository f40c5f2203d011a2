pragma circom 2.1.0;
include "bound.circom";
include "canonical_limbs.circom";
include "chain.circom";
include "non_zero.circom";
include "one_hot.circom";
include "packing.circom";
include "registered_row.circom";
include "select.circom";
include "unary.circom";

/*
 * Dispute: a committed row is not a row of int8 entries. docs/protocol.md, "Disputes".
 *
 * Relation   row `index` stands in the index tree; its row commitment opens to words; and limb `limb` of word `word` is not
 *            what a row of d entries in [-127, 127] can have there: an entry's limb outside [32641, 32895], or a limb
 *            beyond the entries (above 15 a word, or behind entry d) other than 0.
 * Public     indexRoot, index, depth, claimant: in this order, all inputs.
 * Private    word < words, limb < 16, above (1: too large, 0: too small); dataSetLeaf, contributor, siblings,
 *            prefixCommitment; rowWords, rowSalt: any field elements.
 * Cost       318 + 243 D for the leaf, one chain over the words, 512 for the limbs, 2 words + D + 53.
 * Sound      an honest row has one opening and its words one decomposition below the modulus (CanonicalLimbs), in which
 *            every limb is in its range, so the margin is negative on either side, which is no number of 16 bits. And every
 *            opening that is no packed row of int8 entries has a limb that is not: words are the sums of their limbs.
 */
template RowRange(d, D) {
    signal input indexRoot;
    signal input index;
    signal input depth;
    signal input claimant;
    var words = wordCount(d);
    signal input word;
    signal input limb;
    signal input above;
    signal input dataSetLeaf;
    signal input contributor;
    signal input siblings[D];
    signal input prefixCommitment;
    signal input rowWords[words];
    signal input rowSalt;

    component bound = Bound();
    bound.value <== claimant;
    above * (above - 1) === 0;

    component row = Chain(words);
    row.start <== rowSalt;
    row.elements <== rowWords;
    component levels = Unary(D);
    levels.value <== depth;
    component registered = RegisteredRow(d, D);
    registered.root <== indexRoot;
    registered.index <== index;
    registered.active <== levels.flags;
    registered.siblings <== siblings;
    registered.dataSetLeaf <== dataSetLeaf;
    registered.contributor <== contributor;
    registered.rowCommitment <== row.out;
    registered.prefixCommitment <== prefixCommitment;

    component atWord = OneHot(words);
    atWord.index <== word;
    component chosenWord = Select(words);
    chosenWord.flags <== atWord.flags;
    chosenWord.values <== rowWords;
    component limbs = CanonicalLimbs();
    limbs.value <== chosenWord.out;
    component atLimb = OneHot(16);
    atLimb.index <== limb;
    component chosen = Select(16);
    chosen.flags <== atLimb.flags;
    chosen.values <== limbs.limbs;

    // Limbs 15 of any word, and those of the last word that hold no entry.
    var behind = 0;
    for (var t = wordEntries(d, words - 1); t < 15; t++) behind += atLimb.flags[t];
    signal behindLast <== atWord.flags[words - 1] * behind;
    var entry = 1 - atLimb.flags[15] - behindLast;
    var low = (32768 - 127) * entry;
    var high = (32768 + 127) * entry;
    component margin = Bits(16);
    margin.value <== low - 1 - chosen.out + above * (2 * chosen.out - low - high);
}
