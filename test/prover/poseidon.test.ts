import { describe, expect, it } from 'vitest';
import { loadHasher } from '../../src/prover/reference/index.js';

describe('Poseidon', () => {
  it('gives the published values', async () => {
    const { hash } = await loadHasher();
    expect(hash([1n, 2n])).toBe(7853200120776062878684798364095072458815029376092732009249414926327459813530n);
    expect(hash(Array.from({ length: 16 }, (_, i) => BigInt(i + 1)))).toBe(
      9989051620750914585850546081941653841776809718687451684622678807385399211877n,
    );
  });
});
