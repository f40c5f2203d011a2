pragma circom 2.1.0;

/* Number of words of a vector with d entries: 15 entries a word. */
function wordCount(d) {
    return (d + 14) \ 15;
}

/* Number of entries in word w of a vector with d entries. */
function wordEntries(d, w) {
    return d - 15 * w < 15 ? d - 15 * w : 15;
}

/* Word w of the zero vector with d entries: what the offset of 32768 alone packs to. */
function zeroWord(d, w) {
    var word = 0;
    for (var t = 0; t < wordEntries(d, w); t++) word += 32768 * (1 << (16 * t));
    return word;
}
