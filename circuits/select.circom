pragma circom 2.1.0;

/*
 * Relation   out = sum of flags[i] * values[i]: the chosen value where the flags are OneHot's.
 * Signals    input flags[n], values[n]; output out.
 * Cost       n.
 * Sound      every product is determined; what the flags may be is the caller's to constrain.
 */
template Select(n) {
    signal input flags[n];
    signal input values[n];
    signal output out;

    signal chosen[n];
    var total = 0;
    for (var i = 0; i < n; i++) {
        chosen[i] <== flags[i] * values[i];
        total += chosen[i];
    }
    out <== total;
}
