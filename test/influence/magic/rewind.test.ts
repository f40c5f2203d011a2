/** Rewinding visits every step backwards with the right state, however few states are stored, and in the promised time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fewestStates, record, rewind } from '../../../src/influence/magic/index.js';

/** A run whose state before step k is k, and which counts. */
async function goBack(length: number, states: number) {
  const visited: number[] = [];
  let advanced = 0;
  const steps = {
    async advance(before: number, step: number) {
      expect(before).toBe(step);
      advanced++;
      return step + 1;
    },
    async visit(before: number, step: number) {
      expect(before).toBe(step);
      visited.push(step);
    },
  };
  const tape = await record({ from: 0, until: length }, 0, states, steps);
  expect(tape.last).toBe(length);
  expect(tape.marks.length - 1).toBeLessThanOrEqual(states);
  await rewind(tape, steps);
  return { visited, advanced };
}

describe('rewinding', () => {
  it('visits all steps, the last first, with any number of states that is enough', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 120 }), fc.nat(130), async (length, more) => {
        const states = fewestStates(length) + more;
        const { visited, advanced } = await goBack(length, states);
        expect(visited).toEqual(Array.from({ length }, (_, k) => length - 1 - k));
        const depth =
          [...Array(states + 1).keys()].find((d) => d > 0 && (Math.floor(states / d) + 1) ** d >= length) ?? 1;
        expect(advanced).toBeLessThanOrEqual(depth * length);
      }),
    );
  });

  it('computes no step again when all fit, and each at most once again with two times the root', async () => {
    expect((await goBack(100, 100)).advanced).toBe(100);
    expect((await goBack(100, 18)).advanced).toBeLessThan(200);
    expect((await goBack(128, 7)).advanced).toBeLessThan(7 * 128);
  });

  it('can be done twice, and refuses too few states', async () => {
    const steps = { advance: async (before: number) => before + 1, visit: async () => {} };
    const tape = await record({ from: 0, until: 9 }, 0, 4, steps);
    let last = 0;
    for (let time = 0; time < 2; time++) {
      await rewind(tape, {
        ...steps,
        async visit(before) {
          last = before;
        },
      });
      expect(last).toBe(0);
    }
    await expect(record({ from: 0, until: 9 }, 0, 3, steps)).rejects.toThrow(
      /3 states of a run of 9 steps.*4 are needed/,
    );
  });
});
