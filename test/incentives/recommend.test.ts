import { describe, expect, it } from 'vitest';
import { type IncentiveRow, POLICIES, recommend } from '../../src/incentives/index.js';

const cards = POLICIES.map(({ card }) => card);
const [perRow, perContributor] = ['pooled per row', 'positive part per contributor'];

function row(overrides: Partial<IncentiveRow>): IncentiveRow {
  return {
    dataset: 'a',
    method: 'in-run',
    policy: perRow,
    contributors: 3,
    rows: 30,
    receipts: 5,
    coherence: 0.1,
    unpaid: 0,
    pearson: 0.5,
    planted: { control: 1, noise: 0.5, flipped: 0.2, copied: 0.9, 'near-copied': 0.8 },
    sybilGain: 1,
    sybilContributor: 'planted: noise',
    sybilInformed: 1,
    mergeGain: 1,
    selfReturn: 0.4,
    hostReturn: 1,
    ...overrides,
  };
}

const two = cards.filter(({ name }) => name === perRow || name === perContributor);

describe('the recommendation', () => {
  it('is the policy whose pay follows value best among those not worth attacking', () => {
    const safe = [row({}), row({ policy: perContributor, pearson: 0.9 })];
    expect(recommend(safe, 'in-run', two).policy).toBe(perContributor);
    const attacks: readonly Partial<IncentiveRow>[] = [
      { sybilGain: 1.2 },
      { hostReturn: 1.01 },
      { selfReturn: 1.01 },
      { planted: { ...safe[0].planted, noise: 1.1 } },
      { planted: { ...safe[0].planted, flipped: 1.1 } },
    ];
    for (const attack of attacks) {
      const rows = [row({}), row({ policy: perContributor, pearson: 0.9, ...attack })];
      const { policy, excluded } = recommend(rows, 'in-run', two);
      expect(policy).toBe(perRow);
      expect(excluded.find((one) => one.policy === perContributor)?.because).toMatch(/^on a .*1\.[012]\d?×/);
    }
  });

  it('looks at every data set, and tells of each what the others would have chosen', () => {
    const rows = [
      row({}),
      row({ policy: perContributor, pearson: 0.9 }),
      row({ dataset: 'b', pearson: 0.6 }),
      row({ dataset: 'b', policy: perContributor, pearson: 0.7, sybilGain: 3 }),
    ];
    const { policy, elsewhere } = recommend(rows, 'in-run', two);
    expect(policy).toBe(perRow);
    // b alone forbids the second policy; a alone prefers it
    expect(elsewhere).toEqual([
      { dataset: 'a', policy: perRow, pearson: 0.5 },
      { dataset: 'b', policy: perContributor, pearson: 0.7 },
    ]);
  });

  it('names none when all are worth attacking, and ignores other methods', () => {
    const rows = [row({ sybilGain: 2 }), row({ policy: perContributor, sybilGain: 2 }), row({ method: 'grad-dot' })];
    const { policy, today, excluded } = recommend(rows, 'in-run', two);
    expect(policy).toBeUndefined();
    expect(excluded.length).toBe(1);
    expect(today).toEqual({
      policy: perContributor,
      because: 'on a planted: noise earns 2.00× as much under many names',
    });
  });

  it('names the one that exceeds a limit least, and never the control, which is only held beside it', () => {
    const equal = 'equal per row';
    const three = cards.filter(({ name }) => [perRow, perContributor, equal].includes(name));
    const rows = [
      row({ hostReturn: 1.06, pearson: 0.7 }),
      row({ policy: perContributor, pearson: 0.9, sybilGain: 12 }),
      row({ policy: equal, pearson: 0.8, planted: { ...row({}).planted, noise: 1, flipped: 1 } }),
    ];
    const { policy, nearest, control, excluded } = recommend(rows, 'in-run', three);
    expect(policy).toBeUndefined();
    expect(nearest).toEqual({ policy: perRow, because: 'on a a chosen query returns 1.06× its fee' });
    expect(control).toEqual({ policy: equal, pearson: 0.8, named: 0.7 });
    expect(excluded.map((one) => one.policy)).toEqual([perContributor]);
  });

  it('says what remains with figures of the table', () => {
    const { unfixed } = recommend(
      [row({ pearsonJudged: 0.8, stability: 0.7 }), row({ policy: perContributor, sybilInformed: 4 })],
      'in-run',
      two,
    );
    const text = unfixed.join('\n');
    for (const figure of ['0.90×', '4.00×', '0.70', '0.50', '0.80', '0.40×']) expect(text).toContain(figure);
  });
});
