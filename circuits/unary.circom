pragma circom 2.1.0;

/*
 * A number as flags: the first `value` of n are 1, the others 0.
 *
 * Relation   flags[i] = 1 for i < value, 0 for value <= i < n; there is a solution only for 0 <= value <= n.
 * Signals    input value; output flags[n].
 * Cost       n.
 * Sound      the first flag is 0 or 1, each later one is 0 or the flag before it, so the ones come first; their number,
 *            at most n, is the value. `<--` only proposes them.
 */
template Unary(n) {
    signal input value;
    signal output flags[n];

    var total = 0;
    var before = 1;
    for (var i = 0; i < n; i++) {
        flags[i] <-- i < value ? 1 : 0;
        flags[i] * (flags[i] - before) === 0;
        before = flags[i];
        total += flags[i];
    }
    value === total;
}
