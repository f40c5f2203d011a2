import { AbiCoder, keccak256, solidityPackedKeccak256, ZeroAddress } from 'ethers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChallengeInput,
  challenge,
  contributorsHash,
  evaluateScores,
  FIELD_MODULUS,
  packScores,
  scoreMatrix,
  unpackScores,
} from '../../src/prover/reference/index.js';

const R = FIELD_MODULUS;
const entry = fc.oneof(fc.integer({ min: -32767, max: 32767 }), fc.constantFrom(-32767, 32767, 0));
const int64 = fc.oneof(fc.bigInt(-(1n << 63n), (1n << 63n) - 1n), fc.constantFrom(0n, 1n, -1n, -(1n << 63n)));

describe('packed scores', () => {
  const BOUND = 1n << 39n;

  it('are five bytes each, two’s complement, most significant first', () => {
    expect([...packScores(BigInt64Array.from([1n, -1n, -BOUND]))]).toEqual([
      ...[0, 0, 0, 0, 1],
      ...[255, 255, 255, 255, 255],
      ...[128, 0, 0, 0, 0],
    ]);
  });

  it('are unpacked to what they were', () => {
    const int40 = fc.oneof(fc.bigInt(-BOUND, BOUND - 1n), fc.constantFrom(0n, -BOUND, BOUND - 1n));
    fc.assert(
      fc.property(fc.array(int40), (scores) => {
        expect([...unpackScores(packScores(BigInt64Array.from(scores)))]).toEqual(scores);
      }),
    );
  });

  it('refuse what does not fit, and bytes that are cut', () => {
    for (const score of [BOUND, -BOUND - 1n, 1n << 62n]) {
      expect(() => packScores(BigInt64Array.of(0n, score))).toThrow(`the score ${score} at 1 does not fit 40 bits`);
    }
    expect(() => unpackScores(new Uint8Array(7))).toThrow('7 bytes are no scores of 5');
  });
});

describe('the score matrix', () => {
  it('is every inner product, exactly', () => {
    fc.assert(
      fc.property(
        fc.record({
          slots: fc.integer({ min: 1, max: 4 }),
          queries: fc.integer({ min: 1, max: 4 }),
          columns: fc.integer({ min: 1, max: 20 }),
        }),
        fc.infiniteStream(entry),
        (instance, stream) => {
          const draw = (count: number) => Int16Array.from({ length: count }, () => stream.next().value);
          const slots = draw(instance.slots * instance.columns);
          const queries = draw(instance.queries * instance.columns);
          const scores = scoreMatrix(instance, slots, queries);
          expect(scores.length).toBe(instance.slots * instance.queries);
          for (let k = 0; k < instance.slots; k++) {
            for (let q = 0; q < instance.queries; q++) {
              let exact = 0n;
              for (let j = 0; j < instance.columns; j++) {
                exact += BigInt(slots[k * instance.columns + j]) * BigInt(queries[q * instance.columns + j]);
              }
              expect(scores[k * instance.queries + q]).toBe(exact);
            }
          }
        },
      ),
    );
  });

  it('stays exact at the largest shape and the largest entries, of either sign', () => {
    const instance = { slots: 2, queries: 2, columns: 256 };
    const extreme = Int16Array.from({ length: 512 }, (_, i) => (i < 256 ? 32767 : -32767));
    const top = 256n * 32767n ** 2n;
    expect([...scoreMatrix(instance, extreme, extreme)]).toEqual([top, -top, -top, top]);
    expect(top).toBeLessThan(1n << 39n);
  });
});

describe('the evaluation', () => {
  it('is Σ score·ρ^i mod r, with naive powers', () => {
    fc.assert(
      fc.property(fc.array(int64, { maxLength: 12 }), fc.bigInt(0n, R - 1n), (list, rho) => {
        const naive = list.reduce((sum, score, i) => sum + score * rho ** BigInt(i), 0n);
        const value = evaluateScores(BigInt64Array.from(list), rho);
        expect(value).toBe(((naive % R) + R) % R);
      }),
      { numRuns: 60 },
    );
  });

  it('is linear in the scores, and at ρ = 0 the first one', () => {
    const rho = 123456789n ** 7n % R;
    const [a, b] = [BigInt64Array.of(1n, -5n, 7n), BigInt64Array.of(4n, 0n, -9n)];
    const both = a.map((x, i) => x + b[i]);
    expect(evaluateScores(both, rho)).toBe((evaluateScores(a, rho) + evaluateScores(b, rho)) % R);
    expect(evaluateScores(BigInt64Array.of(-3n, 8n), 0n)).toBe(R - 3n);
  });
});

describe('the challenge', () => {
  const input: ChallengeInput = {
    chainId: 31337n,
    settlement: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
    circuitId: `0x${'11'.repeat(32)}`,
    epoch: 1n,
    shard: 2n,
    batch: 3n,
    shardCommitment: 4n,
    queryBatchCommitment: 5n,
    contributorsHash: `0x${'22'.repeat(32)}`,
    scores: BigInt64Array.of(1n, -1n, -(1n << 39n)),
  };

  it('is keccak of the words that the EVM would see, laid out by hand', () => {
    const word = (x: bigint): string => x.toString(16).padStart(64, '0');
    const words = [
      31337n,
      BigInt(input.settlement),
      BigInt(input.circuitId),
      1n,
      2n,
      3n,
      4n,
      5n,
      BigInt(input.contributorsHash),
      320n,
      15n,
    ];
    const packed = `0000000001${'ffffffffff'}8000000000${'00'.repeat(17)}`;
    expect(challenge(input)).toBe(BigInt(keccak256(`0x${words.map(word).join('')}${packed}`)) % R);
  });

  it('changes with every field, and with any score or their number', () => {
    const changed: Partial<ChallengeInput>[] = [
      {},
      { chainId: 1n },
      { settlement: ZeroAddress },
      { circuitId: `0x${'12'.repeat(32)}` },
      { epoch: 2n, shard: 1n },
      { shard: 3n, batch: 2n },
      { batch: 4n },
      { epoch: 7n },
      { shardCommitment: 5n, queryBatchCommitment: 4n },
      { shardCommitment: 6n },
      { queryBatchCommitment: 6n },
      { contributorsHash: `0x${'23'.repeat(32)}` },
      { scores: BigInt64Array.of(1n, -1n) },
      { scores: BigInt64Array.of(1n, -1n, -(1n << 39n), 0n) },
      ...[0, 1, 2].map((i) => ({ scores: input.scores.with(i, 17n) })),
    ];
    const values = changed.map((change) => challenge({ ...input, ...change }));
    expect(new Set(values).size).toBe(values.length);
    expect(values.every((rho) => rho >= 0n && rho < R)).toBe(true);
    expect(Object.keys(input).every((key) => changed.some((change) => key in change))).toBe(true);
  });
});

describe("the contributors' hash", () => {
  const [a, b] = ['0x00000000000000000000000000000000000000A1', '0x5FbDB2315678afecb367f032d93F642f64180aa3'];

  it("is keccak of abi.encode(address[]) as ethers' coder and as words by hand", () => {
    expect(contributorsHash([a, b, ZeroAddress])).toBe(
      keccak256(AbiCoder.defaultAbiCoder().encode(['address[]'], [[a, b, ZeroAddress]])),
    );
    expect(contributorsHash([a, b, ZeroAddress])).toBe(
      solidityPackedKeccak256(
        ['uint256', 'uint256', 'uint256', 'uint256', 'uint256'],
        [32n, 3n, BigInt(a), BigInt(b), 0n],
      ),
    );
  });

  it('depends on order and number, not on the case of the digits; a wrong address is refused', () => {
    expect(contributorsHash([b, a])).not.toBe(contributorsHash([a, b]));
    expect(contributorsHash([a, b, ZeroAddress])).not.toBe(contributorsHash([a, b]));
    expect(contributorsHash([b.toLowerCase()])).toBe(contributorsHash([b]));
    expect(() => contributorsHash(['0x12'])).toThrow(/invalid address/);
    // a checksum that does not fit is a typing error
    expect(() => contributorsHash([b.replace('F', 'f')])).toThrow(/bad address checksum/);
  });
});
