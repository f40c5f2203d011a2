pragma circom 2.1.0;

/*
 * A public signal that only names whom or what a proof serves: it stands in constraints, so that a proof with one value is
 * none with another.
 *
 * Relation   none: any field element.
 * Signals    input value.
 * Cost       2.
 * Sound      the square alone would be the same for -value; square and cube together are of one value.
 */
template Bound() {
    signal input value;

    signal square <== value * value;
    signal cube <== square * value;
}
