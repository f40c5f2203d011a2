/** Rate and time left, of work that begins anew and of work that is resumed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { progressText } from '../../src/cli/terminal.js';
import { formatRate, formatSeconds, Pace } from '../../src/foundation/index.js';

describe('the pace of work', () => {
  it('at a steady rate foretells the end exactly, however much was done before', () => {
    const amount = fc.integer({ min: 1, max: 1e6 });
    fc.assert(
      fc.property(
        amount,
        fc.nat(1e6),
        fc.integer({ min: 1, max: 3600 }),
        amount,
        (perSecond, before, seconds, rest) => {
          const done = before + perSecond * seconds;
          const pace = new Pace(before, 5000).at(done, done + rest, 5000 + 1000 * seconds);
          expect(pace?.perSecond).toBeCloseTo(perSecond, 6);
          expect(pace?.secondsLeft).toBeCloseTo(rest / perSecond, 6);
        },
      ),
    );
  });

  it('is not told before a second has passed and something was done', () => {
    const pace = new Pace(10, 0);
    expect(pace.at(11, 20, 999)).toBeUndefined();
    expect(pace.at(10, 20, 60_000)).toBeUndefined();
  });
});

describe('what is written', () => {
  it.each([
    [12.4, '12/s'],
    [1, '1.0/s'],
    [0.5, '30/min'],
    [1 / 600, '6.0/h'],
  ])('%f a second', (perSecond, text) => expect(formatRate(perSecond)).toBe(text));

  it.each([
    [0.4, '0 s'],
    [99, '99 s'],
    [150, '3 min'],
    [12_000, '3 h 20 min'],
  ])('%f seconds', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it('counts whole jobs and leaves out what is not known yet', () => {
    expect(progressText(3.7, 10, 'retrainings', undefined)).toBe('3/10 retrainings');
    expect(progressText(4, 10, 'retrainings', { perSecond: 0.1, secondsLeft: 60 })).toBe(
      '4/10 retrainings, 6.0/min, 60 s left',
    );
  });
});
