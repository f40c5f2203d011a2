pragma circom 2.1.0;
include "bits.circom";

/*
 * Any field element as 16 limbs of 16 bits, the one way that is below the modulus r.
 *
 * Relation   value = sum of limbs[t] * 2^(16 t) as integers, 0 <= value < r.
 * Signals    input value (any field element); output limbs[16]: 15 in [0, 65535] and the top one in [0, 12388].
 * Cost       512: 240 + 14 bits, 14 for the top limb's bound, 3 for its equality with the bound, 240 + 1 for the rest's bound.
 * Sound      r = 12388 * 2^240 + rest. The top limb is at most 12388 (it and its distance have 14 bits); where it equals
 *            12388 the lower limbs must be at most rest - 1, shown by 240 bits of the difference, which is above -2^240
 *            and so cannot wrap into them. Without this, value + r would be a second decomposition of small values.
 *            `equal` is determined: distance * inverse = 1 - equal and distance * equal = 0; and so is the inverse, which
 *            must be 0 where the distance has none.
 */
template CanonicalLimbs() {
    signal input value;
    signal output limbs[16];

    component low[15];
    var lower = 0;
    for (var t = 0; t < 15; t++) {
        low[t] = Bits(16);
        limbs[t] <-- (value >> (16 * t)) & 65535;
        low[t].value <== limbs[t];
        lower += limbs[t] * (1 << (16 * t));
    }
    limbs[15] <-- value >> 240;
    value === lower + limbs[15] * (1 << 240);

    component top[2];
    top[0] = Bits(14);
    top[0].value <== limbs[15];
    top[1] = Bits(14);
    top[1].value <== 12388 - limbs[15];

    signal inverse;
    signal equal;
    inverse <-- limbs[15] != 12388 ? 1 / (12388 - limbs[15]) : 0;
    equal <== 1 - (12388 - limbs[15]) * inverse;
    (12388 - limbs[15]) * equal === 0;
    inverse * equal === 0;

    // rest - 1 = r - 1 - 12388 * 2^240, and r is 0 here.
    component rest = Bits(240);
    rest.value <== equal * (-1 - 12388 * (1 << 240) - lower);
}
