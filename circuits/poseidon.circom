pragma circom 2.1.0;
include "circomlib/poseidon_constants.circom";

/*
 * Poseidon(n) of circomlib, 1 <= n <= 16: the same permutation, constants and result, with every linear step kept in
 * `var` expressions, so that only S-boxes become signals.
 *
 * Why not circomlib's own template: its round constants and matrix products are signals (thousands of linear
 * constraints a hash) which the compiler has to eliminate again. And in the partial rounds the signal kept here is the
 * next S-box input, not the S-box output: dense linear combinations then stand only on the right side of constraints,
 * which the prover never multiplies, so its work on a ScoreMatrix halves.
 *
 * Relation   out = Poseidon(inputs), for any field elements.
 * Signals    input inputs[n], output out.
 * Cost       3 (8 t + R_P) - 3 constraints with t = n + 1 (the first S-box acts on a constant): 459 at n = 10, 609 at n = 16.
 * Sound      a full round's S-box is x2 = x*x, x4 = x2*x2, y = x4*x. In a partial round y is (first - rest) / S[row], and
 *            S[row] is a constant other than 0, so x4*x = y determines `first`; `<--` only proposes its value.
 */
template Poseidon(n) {
    signal input inputs[n];
    signal output out;

    var PARTIAL[16] = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];
    var t = n + 1;
    var partial = PARTIAL[n - 1];
    var C[t * 8 + partial] = POSEIDON_C(t);
    var S[partial * (2 * t - 1)] = POSEIDON_S(t);
    var M[t][t] = POSEIDON_M(t);
    var P[t][t] = POSEIDON_P(t);

    signal fullSquare[8][t];
    signal fullFourth[8][t];
    signal fullFifth[8][t];
    signal square[partial];
    signal fourth[partial];
    signal first[partial];

    var state[t];
    var mixed[t];
    state[0] = C[0];
    for (var i = 1; i < t; i++) state[i] = inputs[i - 1] + C[i];

    for (var r = 0; r < 8; r++) {
        // Where the constants added after this round's S-boxes begin; the last round adds none.
        var offset = (r + 1) * t;
        if (r >= 4) offset = 5 * t + partial + (r - 4) * t;
        for (var i = 0; i < t; i++) {
            fullSquare[r][i] <== state[i] * state[i];
            fullFourth[r][i] <== fullSquare[r][i] * fullSquare[r][i];
            fullFifth[r][i] <== fullFourth[r][i] * state[i];
        }
        for (var i = 0; i < t; i++) {
            mixed[i] = 0;
            for (var j = 0; j < t; j++) {
                var factor = M[j][i];
                if (r == 3) factor = P[j][i];
                mixed[i] += factor * fullFifth[r][j];
                if (r < 7) mixed[i] += factor * C[offset + j];
            }
        }
        for (var i = 0; i < t; i++) state[i] = mixed[i];

        if (r == 3) {
            for (var p = 0; p < partial; p++) {
                var row = (2 * t - 1) * p;
                square[p] <== state[0] * state[0];
                fourth[p] <== square[p] * square[p];
                var rest = 0;
                for (var i = 1; i < t; i++) rest += S[row + i] * state[i];
                first[p] <-- S[row] * (fourth[p] * state[0] + C[5 * t + p]) + rest;
                var box = (first[p] - rest) * (1 / S[row]);
                fourth[p] * state[0] === box - C[5 * t + p];
                for (var i = 1; i < t; i++) state[i] += S[row + t + i - 1] * box;
                state[0] = first[p];
            }
        }
    }
    out <== state[0];
}
