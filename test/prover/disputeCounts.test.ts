/** The listed constraint counts of disputes, registration, openings and spans, from the cost of their parts. */
import { describe, expect, it } from 'vitest';
import { listedInstances } from '../../src/prover/instances.js';

const PARTIAL_ROUNDS = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];
/** An input that is a constant saves its S-box in the first round. */
const CONSTANT_INPUT = 3;
const LEVEL = poseidon(2) + 3;
const BOUND = 2;

function poseidon(inputs: number): number {
  return 3 * (8 * (inputs + 1) + PARTIAL_ROUNDS[inputs - 1]) - 3;
}

function chain(count: number): number {
  let cost = 0;
  for (let left = count; left > 0; left -= 15) cost += poseidon(Math.min(left, 15) + 1);
  return cost;
}

const words = (d: number): number => Math.ceil(d / 15);
/** Its leaf and its path. */
const registeredRow = (levels: number): number => poseidon(5) - CONSTANT_INPUT + LEVEL * levels;
/** One-hot flags and the choice of so many vectors of values; of one value there is no choice. */
const choice = (count: number, vectors: number): number => (count === 1 ? 0 : count * (1 + vectors));
const smallEntries = (d: number): number => 9 * d;

const COSTS: Readonly<Record<string, (...parameters: number[]) => number>> = {
  SumStep: (d, levels) =>
    2 * registeredRow(levels) + 3 * chain(words(d)) + levels + BOUND + 1 + words(d) + choice(words(d), 1) + 1,
  RowRange: (d, levels) => {
    const canonicalLimbs = 240 + 14 + 14 + 3 + 241;
    const behindLast = words(d) > 1 && d % 15 > 0 ? 1 : 0;
    const margin = 17;
    return (
      registeredRow(levels) +
      chain(words(d)) +
      levels +
      BOUND +
      1 +
      choice(words(d), 1) +
      canonicalLimbs +
      choice(16, 1) +
      behindLast +
      margin
    );
  },
  SlotIsPrefix: (slots, _, levels) =>
    chain(slots + 1) - CONSTANT_INPUT + registeredRow(levels) + levels + BOUND + choice(slots + 1, 1) + 2,
  RowOpening: (queries, d, levels) =>
    smallEntries(d) +
    chain(words(d)) +
    registeredRow(levels) +
    levels +
    chain(2 + queries * words(d)) -
    CONSTANT_INPUT +
    choice(queries, words(d)) +
    16 * d +
    d,
  RowsToSlot: (rows, d, levels) => {
    const above = levels - Math.log2(rows);
    const leaf = poseidon(5) - CONSTANT_INPUT + 1;
    const slotList = poseidon(2) + 1;
    const row = smallEntries(d) + 2 * chain(words(d)) + words(d) + leaf + slotList;
    return 1 + 2 * rows + chain(words(d)) + rows * row + (rows - 1) * poseidon(2) + above + LEVEL * above;
  },
  SlotsToShard: (slots, d) =>
    chain(slots + 1) -
    CONSTANT_INPUT +
    slots +
    slots * (poseidon(2) + 1 + chain(words(d)) - CONSTANT_INPUT * words(d) + 1),
  SpanMembership: (width, blockWords, levels) => {
    const size = blockWords * Math.floor(240 / width);
    const stages = Math.ceil(Math.log2(size));
    const shifts = Array.from({ length: stages }, (_, k) => size + 2 ** k - 1).reduce((sum, n) => sum + n, 0);
    const ranges = 2 * size * width;
    const blocks = 2 * (poseidon(blockWords + 1) - CONSTANT_INPUT + LEVEL * levels);
    const document = poseidon(5) - CONSTANT_INPUT;
    // The first flag of the mask is 1: it costs neither a constraint for itself nor a product.
    const mask = 2 * (size - 1);
    const bounds = 2 * stages + 32 + (stages + 1);
    const span = chain(2 + blockWords) - CONSTANT_INPUT;
    return 1 + levels + ranges + blocks + document + mask + bounds + shifts + span;
  },
};

describe.each(Object.entries(COSTS))('%s', (template, cost) => {
  it('is listed with the count that follows from its parts', () => {
    const instances = listedInstances(template);
    expect(instances.length).toBeGreaterThan(1);
    for (const { parameters, constraints } of instances) expect(cost(...parameters), `${parameters}`).toBe(constraints);
  });
});
