pragma circom 2.1.0;

/* Number of multiplications of square-and-multiply: bits below the leading one, plus the ones among them. */
function powerSteps(exponent) {
    var steps = 0;
    for (var e = exponent; e > 1; e = e >> 1) steps += 1 + (e & 1);
    return steps;
}

/*
 * Relation   out = base^exponent, by square-and-multiply from the leading bit.
 * Signals    input base; output out; the exponent is a parameter, at least 1.
 * Cost       powerSteps(exponent): 4 at 16, 5 at 24.
 * Sound      every step is one product of determined signals.
 */
template Power(exponent) {
    signal input base;
    signal output out;

    var steps = powerSteps(exponent);
    signal step[steps];
    var top = 0;
    while ((exponent >> (top + 1)) > 0) top++;
    var value = base;
    var done = 0;
    for (var b = top - 1; b >= 0; b--) {
        step[done] <== value * value;
        value = step[done];
        done++;
        if (((exponent >> b) & 1) == 1) {
            step[done] <== value * base;
            value = step[done];
            done++;
        }
    }
    out <== value;
}
