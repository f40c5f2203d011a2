/** Shapley and Banzhaf values: the axioms, brute force over all orders and coalitions, and samples against the exact values. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/foundation/index.js';
import {
  banzhafOfSamples,
  exactBanzhaf,
  exactBanzhafOf,
  exactShapley,
  exactShapleyOf,
  type Game,
  halfCoalitions,
  remembering,
  sampledShapley,
} from '../../../src/influence/retraining/index.js';

const bitsOf = (coalition: Uint32Array): number => coalition.reduce((bits, player) => bits | (1 << player), 0);

/** Values by coalition bits, one table for each output. */
function tableGame(players: number, tables: readonly (readonly number[])[]): Game & { asked: number } {
  return {
    players,
    outputs: tables.length,
    asked: 0,
    async values(coalitions) {
      this.asked += coalitions.length;
      return coalitions.map((coalition) => Float64Array.from(tables, (table) => table[bitsOf(coalition)]));
    },
  };
}

function orders(players: readonly number[]): number[][] {
  if (players.length === 0) return [[]];
  return players.flatMap((first) => orders(players.filter((p) => p !== first)).map((rest) => [first, ...rest]));
}

/** The definition: the mean gain over every order. */
function shapleyByOrders(values: readonly number[], players: number): number[] {
  const all = orders(Array.from({ length: players }, (_, p) => p));
  const shares = new Array<number>(players).fill(0);
  for (const order of all) {
    let bits = 0;
    for (const player of order) {
      shares[player] += (values[bits | (1 << player)] - values[bits]) / all.length;
      bits |= 1 << player;
    }
  }
  return shares;
}

const tables = fc
  .integer({ min: 1, max: 5 })
  .chain((players) =>
    fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 2 ** players, maxLength: 2 ** players }),
  );
const close = (a: ArrayLike<number>, b: ArrayLike<number>): void => {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i], 9);
};
const random = new Random(5);
const TABLE = Array.from({ length: 32 }, () => random.normal());
const OTHER = Array.from({ length: 32 }, (_, bits) => Math.sqrt(bits) + 3);

describe('the exact Shapley value', () => {
  it('is the mean gain over all orders', () => {
    fc.assert(
      fc.property(tables, (values) => close(exactShapley(values), shapleyByOrders(values, Math.log2(values.length)))),
    );
  });

  it('is efficient: the shares add up to what all have more than none', () => {
    fc.assert(
      fc.property(tables, (values) => {
        const sum = exactShapley(values).reduce((a, b) => a + b, 0);
        expect(sum).toBeCloseTo(values[values.length - 1] - values[0], 9);
      }),
    );
  });

  it('is additive in the game', () => {
    const both = TABLE.map((value, s) => value + 2 * OTHER[s]);
    const [a, b] = [exactShapley(TABLE), exactShapley(OTHER)];
    close(
      exactShapley(both),
      a.map((x, i) => x + 2 * b[i]),
    );
  });

  it('gives 0 to a null player and the same to players that can be exchanged', () => {
    // player 2 changes nothing; 0 and 1 only count
    const values = Array.from({ length: 16 }, (_, s) => {
      const [p0, p1, , p3] = [0, 1, 2, 3].map((p) => (s >>> p) & 1);
      return (p0 + p1) ** 2 + 5 * p3 * (p0 + p1);
    });
    const [a, b, nobody, d] = exactShapley(values);
    expect(nobody).toBe(0);
    expect(a).toBeCloseTo(b, 12);
    expect(d).toBeCloseTo(5, 12);
    const banzhaf = exactBanzhaf(values);
    expect(banzhaf[2]).toBe(0);
    expect(banzhaf[0]).toBeCloseTo(banzhaf[1], 12);
  });

  it('is known for the glove game: the one left glove is worth ⅔', () => {
    const gloves = Array.from({ length: 8 }, (_, s) => ((s & 1) !== 0 && (s & 6) !== 0 ? 1 : 0));
    close(exactShapley(gloves), [2 / 3, 1 / 6, 1 / 6]);
    close(exactBanzhaf(gloves), [3 / 4, 1 / 4, 1 / 4]);
  });

  it('of a game with several outputs is that of each', async () => {
    const { values, standardErrors, evaluations } = await exactShapleyOf(tableGame(5, [TABLE, OTHER]));
    close(values, [...exactShapley(TABLE), ...exactShapley(OTHER)]);
    expect(new Set(standardErrors)).toEqual(new Set([0]));
    expect(evaluations).toBe(32);
  });

  it('refuses values that are not all coalitions', () => {
    expect(() => exactShapley([1, 2, 3])).toThrow(/3 values were given for all coalitions/);
    expect(() => exactShapley([1])).toThrow(/of 0 players/);
    expect(() => exactShapley([0, Number.NaN])).toThrow(/Coalition 1 has the value NaN/);
    expect(() => exactShapley(new Float64Array(2 ** 17))).toThrow(/of 17 players/);
  });
});

describe('sampled permutations', () => {
  const sampling = { permutations: 400, tolerance: 0, seed: 3 };

  it('come near the exact value, as near as their standard errors say', async () => {
    const { values, standardErrors } = await sampledShapley(tableGame(5, [TABLE, OTHER]), sampling);
    const exact = [...exactShapley(TABLE), ...exactShapley(OTHER)];
    const deviations = exact.map((x, i) => (values[i] - x) / standardErrors[i]);
    for (const z of deviations) expect(Math.abs(z)).toBeLessThan(4);
    expect(deviations.reduce((sum, z) => sum + z * z, 0) / exact.length).toBeGreaterThan(0.05);
    expect(Math.max(...standardErrors)).toBeLessThan(0.15);
  });

  it('add up exactly, however few, and the same seed gives the same', async () => {
    const few = { ...sampling, permutations: 3 };
    const { values, evaluations } = await sampledShapley(tableGame(5, [TABLE]), few);
    expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(TABLE[31] - TABLE[0], 12);
    expect(evaluations).toBe(2 + 3 * 4);
    expect((await sampledShapley(tableGame(5, [TABLE]), few)).values).toEqual(values);
    expect((await sampledShapley(tableGame(5, [TABLE]), { ...few, seed: 4 })).values).not.toEqual(values);
  });

  it('are exact where the game is additive, with no spread', async () => {
    const additive = Array.from({ length: 32 }, (_, s) =>
      [3, -1, 0, 2, 5].reduce((v, w, p) => v + w * ((s >>> p) & 1), 0),
    );
    const { values, standardErrors } = await sampledShapley(tableGame(5, [additive]), { ...sampling, permutations: 5 });
    close(values, [3, -1, 0, 2, 5]);
    expect(Math.max(...standardErrors)).toBeLessThan(1e-12);
  });

  it('stop where little is left to gain, and are then off by no more than that', async () => {
    const saturating = Array.from(
      { length: 32 },
      (_, s) => 1 - 0.3 ** [0, 1, 2, 3, 4].filter((p) => (s >>> p) & 1).length,
    );
    const game = tableGame(5, [saturating]);
    const truncated = await sampledShapley(game, { ...sampling, tolerance: 0.05 });
    expect(game.asked).toBe(2 + 400 * 3);
    const sum = truncated.values.reduce((a, b) => a + b, 0);
    expect(saturating[31] - sum).toBeGreaterThan(0);
    expect(saturating[31] - sum).toBeLessThanOrEqual(0.05);
  });

  it('refuse what they cannot take, and say when a value is not finite', async () => {
    const game = tableGame(5, [TABLE]);
    await expect(sampledShapley(game, { ...sampling, permutations: 0 })).rejects.toThrow(/0 permutations/);
    await expect(sampledShapley(game, { ...sampling, tolerance: Number.NaN })).rejects.toThrow(/tolerance is NaN/);
    await expect(sampledShapley(tableGame(5, [TABLE.with(0, Number.NaN)]), sampling)).rejects.toThrow(/value \[NaN\]/);
    await expect(sampledShapley(game, { ...sampling, signal: AbortSignal.abort() })).rejects.toThrow(
      /stopped|cancel|interrupt/i,
    );
  });

  it('ask for no coalition twice when the game remembers', async () => {
    const game = tableGame(5, [TABLE]);
    const remembered = remembering(game);
    await sampledShapley(remembered, sampling);
    expect(game.asked).toBeLessThanOrEqual(32);
    await exactShapleyOf(remembered);
    expect(game.asked).toBe(32);
  });
});

describe('the Banzhaf value', () => {
  it('is the mean gain over all coalitions of the others', () => {
    for (let player = 0; player < 5; player++) {
      const gains = TABLE.flatMap((value, s) => ((s >>> player) & 1 ? [] : [TABLE[s | (1 << player)] - value]));
      expect(exactBanzhaf(TABLE)[player]).toBeCloseTo(gains.reduce((a, b) => a + b, 0) / 16, 12);
    }
  });

  it('by maximum sample reuse over all coalitions is exact, and over samples near it', async () => {
    const game = tableGame(5, [TABLE, OTHER]);
    const exact = (await exactBanzhafOf(game)).values;
    const every = Array.from({ length: 32 }, (_, s) => Uint32Array.from([0, 1, 2, 3, 4].filter((p) => (s >>> p) & 1)));
    close(banzhafOfSamples(5, every, await game.values(every)).values, exact);
    const sampled = halfCoalitions(5, 2000, 7);
    const { values, standardErrors } = banzhafOfSamples(5, sampled, await game.values(sampled));
    for (const [i, x] of exact.entries()) expect(Math.abs(values[i] - x) / standardErrors[i]).toBeLessThan(4);
    expect(halfCoalitions(5, 3, 7)).toEqual(sampled.slice(0, 3));
  });

  it('refuses samples in which a player is always there, or never', () => {
    const value = [Float64Array.of(1), Float64Array.of(2)];
    expect(() => banzhafOfSamples(2, [Uint32Array.of(0), Uint32Array.of(0, 1)], value)).toThrow(
      /Player 0 is in 2 of 2/,
    );
    expect(() => banzhafOfSamples(2, [Uint32Array.of(), Uint32Array.of(1)], value)).toThrow(/Player 0 is in 0 of 2/);
    expect(() => banzhafOfSamples(2, [], [])).toThrow(/0 coalitions/);
  });
});
