pragma circom 2.1.0;

/*
 * A position as flags: flag `index` of n is 1, the others 0.
 *
 * Relation   flags[i] = 1 if i = index, else 0; there is a solution only for 0 <= index < n.
 * Signals    input index; output flags[n].
 * Cost       n, the two sums being linear.
 * Sound      flags are 0 or 1 and their sum, at most n, is 1, so exactly one is set; the second sum says which.
 *            `<--` only proposes them.
 */
template OneHot(n) {
    signal input index;
    signal output flags[n];

    var total = 0;
    var position = 0;
    for (var i = 0; i < n; i++) {
        flags[i] <-- i == index ? 1 : 0;
        flags[i] * (flags[i] - 1) === 0;
        total += flags[i];
        position += i * flags[i];
    }
    total === 1;
    position === index;
}
