pragma circom 2.1.0;

/*
 * Relation   out = sum over l of coefficients[l] * point^l, by Horner's rule from the last coefficient down.
 * Signals    input point, coefficients[m]; output out.
 * Cost       m - 1.
 * Sound      every step is one product of determined signals.
 */
template Horner(m) {
    signal input point;
    signal input coefficients[m];
    signal output out;

    signal sum[m];
    sum[m - 1] <== coefficients[m - 1];
    for (var l = m - 2; l >= 0; l--) sum[l] <== sum[l + 1] * point + coefficients[l];
    out <== sum[0];
}
