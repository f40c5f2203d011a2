pragma circom 2.1.0;

/*
 * Relation   out[i] = values[i + by] if bit is 1, values[i] if it is 0.
 * Signals    input bit (the caller constrains it to 0 or 1), values[n + by]; output out[n].
 * Cost       n.
 * Sound      every output is one product of determined signals.
 */
template Shift(n, by) {
    signal input bit;
    signal input values[n + by];
    signal output out[n];

    for (var i = 0; i < n; i++) out[i] <== values[i] + bit * (values[i + by] - values[i]);
}
