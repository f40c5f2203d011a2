pragma circom 2.1.0;

/*
 * Relation   value = sum of bits[b] * 2^b, so that 0 <= value < 2^n.
 * Signals    input value; output bits[n]; n <= 253.
 * Cost       n, the sum being linear.
 * Sound      every bit is 0 or 1 and 2^n is below the modulus, so the sum cannot wrap. `<--` only proposes the bits.
 */
template Bits(n) {
    signal input value;
    signal output bits[n];

    assert(n <= 253);
    var total = 0;
    for (var b = 0; b < n; b++) {
        bits[b] <-- (value >> b) & 1;
        bits[b] * (bits[b] - 1) === 0;
        total += bits[b] * (1 << b);
    }
    value === total;
}
