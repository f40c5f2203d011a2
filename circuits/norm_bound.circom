pragma circom 2.1.0;
include "bits.circom";

/*
 * Largest squared norm of a rounded query: a vector of norm 32767 is moved by at most half a unit an entry, so its norm is
 * at most 32767 + sqrt(d) / 2, and 32767^2 + 32767 sqrt(d) + d / 4 is its square. Rounded up; below 2^31 for d <= 256.
 */
function normMax(d) {
    var square = 32767 * 32767 * d;
    var root = 0;
    for (var b = 20; b >= 0; b--) {
        if ((root + (1 << b)) * (root + (1 << b)) <= square) root += 1 << b;
    }
    return 32767 * 32767 + root + 1 + (d + 3) \ 4;
}

/*
 * Relation   sum over j of values[j]^2 <= normMax(d).
 * Signals    input values[d]: signed, of 16 bits (the caller's to prove).
 * Cost       d squares and 31 bits.
 * Sound      values of 16 bits have a sum of squares below 2^38, so it does not wrap; what it leaves of normMax has 31 bits
 *            only if it is not negative.
 */
template NormBound(d) {
    signal input values[d];

    assert(d <= 256);
    signal square[d];
    var norm = 0;
    for (var j = 0; j < d; j++) {
        square[j] <== values[j] * values[j];
        norm += square[j];
    }
    component slack = Bits(31);
    slack.value <== normMax(d) - norm;
}
