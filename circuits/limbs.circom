pragma circom 2.1.0;

/*
 * Relation   limbs[l] = sum over t < 4 of values[4 l + t] * 2^(62 t); the last limb has fewer terms.
 * Signals    input values[d], signed; output limbs[ceil(d / 4)].
 * Cost       0: linear.
 * Sound      for integers below 2^61 in magnitude a limb is below 2^248, so it is an integer, no residue; and two vectors
 *            whose entries differ by less than 2^62 have the same limbs only if they are the same (the lowest entries
 *            agree modulo 2^62, hence are equal, and so on upwards). Four entries are thus compared at the price of one.
 */
template Limbs(d) {
    signal input values[d];
    signal output limbs[(d + 3) \ 4];

    for (var l = 0; l < (d + 3) \ 4; l++) {
        var limb = 0;
        for (var j = 4 * l; j < d && j < 4 * l + 4; j++) limb += values[j] * (1 << (62 * (j - 4 * l)));
        limbs[l] <== limb;
    }
}
