pragma circom 2.1.0;

/*
 * Relation   value is not 0.
 * Signals    input value.
 * Cost       1.
 * Sound      0 times anything is not 1. `<--` only proposes the inverse.
 */
template NonZero() {
    signal input value;

    signal inverse;
    inverse <-- value != 0 ? 1 / value : 0;
    value * inverse === 1;
}
