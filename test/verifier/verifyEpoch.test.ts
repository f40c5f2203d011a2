/**
 * The off-chain verifier: it agrees with the prover's reference on an honest bundle, finds every single change by a check
 * of its own, and answers hostile input with one sentence.
 */
import { bn254 as noble } from '@noble/curves/bn254.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type EpochVerdict, verifyEpoch } from '../../packages/verifier/src/index.js';
import { challenge, contributorsHash, evaluateScores, FIELD_MODULUS } from '../../src/prover/reference/index.js';
import { BASE_FIELD_MODULUS } from '../../src/prover/verificationKey.js';
import { forgeableKey } from '../chain/forge.js';
import { ACCOUNTS, type BundleJson, cheapProof, makeBundle, SHAPE, secrets } from './support/bundle.js';

let honest: string;
beforeAll(() => {
  honest = JSON.stringify(makeBundle());
});

/** The verdict on the honest bundle with an edit. */
function edited(edit: (bundle: BundleJson) => void): Promise<EpochVerdict> {
  const bundle = JSON.parse(honest) as BundleJson;
  edit(bundle);
  return verifyEpoch(JSON.stringify(bundle));
}

const failing = ({ checks }: EpochVerdict): string[] => checks.filter(({ ok }) => !ok).map(({ name }) => name);
const sentence = ({ checks }: EpochVerdict, name: string): string =>
  checks.find((check) => check.name === name)?.sentence ?? '';

describe('an honest bundle', () => {
  it('passes every check, as text, indented, as bytes and parsed', async () => {
    const verdict = await verifyEpoch(honest);
    expect(failing(verdict)).toEqual([]);
    expect(verdict.ok).toBe(true);
    expect(verdict.checks.map(({ name }) => name)).toEqual([
      'format',
      'anchors',
      'key',
      'circuit',
      'receipts',
      'completeness',
      'signals',
      'proofs',
      'split',
    ]);
    expect(verdict.compared).toEqual([]);
    const parsed: unknown = JSON.parse(honest);
    for (const form of [new TextEncoder().encode(honest), parsed, JSON.stringify(parsed, null, 2)]) {
      expect(await verifyEpoch(form)).toEqual(verdict);
    }
  });

  it('is compared with what the reader took from the chain', async () => {
    const { anchors } = await verifyEpoch(honest);
    const bundle = JSON.parse(honest) as BundleJson;
    expect(anchors?.circuitId).toBe(bundle.circuitId);
    expect(anchors?.shards).toEqual(
      bundle.shards.map(({ commitment, contributors }) => `${commitment} ${contributorsHash(contributors)}`),
    );
    const same = await verifyEpoch(honest, { expected: anchors });
    expect(same.ok).toBe(true);
    expect(same.compared).toHaveLength(6);
    const other = await verifyEpoch(honest, { expected: { accumulator: `0x${'0'.repeat(64)}` } });
    expect(failing(other)).toEqual(['anchors']);
    expect(sentence(other, 'anchors')).toContain('accumulator');
  });

  it('of the development key says that anybody can forge it, and on a real chain is refused', async () => {
    const key = forgeableKey('development');
    const home = await verifyEpoch(makeBundle(key));
    expect(home.ok).toBe(true);
    expect(sentence(home, 'key')).toContain('anybody can forge');
    const abroad = await verifyEpoch(makeBundle(key, 1n));
    expect(failing(abroad)).toEqual(['key', 'proofs']);
    expect(sentence(abroad, 'key')).toContain('secrets are public');
  });
});

describe('a changed bundle', () => {
  const bump = (text: string): string => String(BigInt(text) + 1n);
  const edits: [string, string[], (bundle: BundleJson) => void][] = [
    ['a score', ['signals', 'proofs', 'split'], (b) => b.proofs[0].scores[2]++],
    ['a score of the last proof', ['signals', 'proofs', 'split'], (b) => (b.proofs[5].scores[0] += 5000)],
    ['the chain id', ['signals', 'proofs'], (b) => (b.chainId = '1')],
    ['the settlement contract', ['signals', 'proofs'], (b) => (b.settlement = ACCOUNTS[0])],
    ['the epoch', ['signals', 'proofs'], (b) => (b.epoch = '8')],
    ['the circuit id', ['circuit'], (b) => (b.circuitId = `0x${'0'.repeat(64)}`)],
    ['d', ['circuit', 'signals', 'proofs'], (b) => b.shape.columns++],
    ['a shard commitment', ['signals', 'proofs'], (b) => (b.shards[1].commitment = bump(b.shards[1].commitment))],
    [
      'a batch commitment',
      ['receipts', 'signals', 'proofs'],
      (b) => (b.batches[1].commitment = bump(b.batches[1].commitment)),
    ],
    ['a slot’s owner', ['signals', 'proofs', 'split'], (b) => (b.shards[0].contributors[0] = ACCOUNTS[2])],
    ['a fee', ['receipts', 'split'], (b) => (b.batches[0].fees[0] = bump(b.batches[0].fees[0]))],
    ['an output', ['receipts'], (b) => (b.batches[0].outputHashes[0] = `0x${'9'.repeat(64)}`)],
    ['a payer', ['receipts'], (b) => (b.batches[2].payer = ACCOUNTS[0])],
    ['the order of batches', ['receipts', 'signals', 'proofs', 'split'], (b) => b.batches.reverse()],
    [
      'two proofs’ words',
      ['proofs'],
      (b) => ([b.proofs[0].words, b.proofs[1].words] = [b.proofs[1].words, b.proofs[0].words]),
    ],
    ['a word of a proof', ['proofs'], (b) => (b.proofs[3].words[6] = bump(b.proofs[3].words[6]))],
    [
      'a coordinate, plus q',
      ['proofs'],
      (b) => (b.proofs[3].words[0] = String(BigInt(b.proofs[3].words[0]) + BASE_FIELD_MODULUS)),
    ],
    ['a proof’s points, to zero', ['proofs'], (b) => b.proofs[2].words.fill('0')],
    [
      'a signal, plus r',
      ['signals', 'proofs'],
      (b) => (b.proofs[1].signals[0] = String(BigInt(b.proofs[1].signals[0]) + FIELD_MODULUS)),
    ],
    [
      'a commitment, plus r',
      ['receipts', 'signals', 'proofs'],
      (b) => (b.batches[0].commitment = String(2000n + FIELD_MODULUS)),
    ],
    ['a stated rho', ['signals', 'proofs'], (b) => (b.proofs[1].signals[2] = bump(b.proofs[1].signals[2]))],
    ['one proof too few', ['completeness', 'split'], (b) => b.proofs.pop()],
    ['one proof twice', ['completeness', 'split'], (b) => (b.proofs[5] = b.proofs[4])],
    ['one proof more', ['completeness', 'split'], (b) => b.proofs.push(b.proofs[4])],
    ['a proof of no shard', ['completeness', 'signals', 'proofs', 'split'], (b) => (b.proofs[0].shard = 9)],
    ['a score at an unused slot', ['signals', 'proofs'], (b) => (b.proofs[5].scores[4] = 1)],
    ['a fee at an unused receipt', ['receipts', 'split'], (b) => (b.batches[2].fees[1] = '1')],
    ['a credit', ['split'], (b) => (b.credits[0].amount = bump(b.credits[0].amount))],
    [
      'one unit from one to another',
      ['split'],
      (b) => {
        b.credits[0].amount = bump(b.credits[0].amount);
        b.credits[1].amount = String(BigInt(b.credits[1].amount) - 1n);
      },
    ],
    ['a credit twice', ['split'], (b) => b.credits.push(b.credits[0])],
    ['a credit left out', ['split'], (b) => b.credits.shift()],
    [
      'a credit of nothing',
      ['split'],
      (b) => b.credits.push({ ...b.credits[0], account: ACCOUNTS[2].replace('c', 'd'), amount: '0' }),
    ],
    ['the treasury', ['split'], (b) => (b.policy.treasury = ACCOUNTS[0])],
    ['a part of the policy', ['split'], (b) => b.policy.betaBps++],
    ['the platform’s part', ['split'], (b) => b.policy.platformBps++],
    ['gamma = delta', ['key', 'circuit', 'signals', 'proofs'], (b) => b.key.splice(6, 4, ...b.key.slice(10, 14))],
    [
      'gamma = −delta',
      ['key', 'circuit', 'signals', 'proofs'],
      (b) =>
        b.key.splice(
          6,
          4,
          b.key[10],
          b.key[11],
          ...b.key.slice(12, 14).map((y) => String(BASE_FIELD_MODULUS - BigInt(y))),
        ),
    ],
    ['alpha off the curve', ['key', 'circuit', 'signals', 'proofs'], (b) => (b.key[1] = bump(b.key[1]))],
    ['beta zero', ['key', 'circuit', 'signals', 'proofs'], (b) => b.key.splice(2, 4, '0', '0', '0', '0')],
    [
      'beta outside the subgroup',
      ['key', 'circuit', 'signals', 'proofs'],
      (b) => b.key.splice(2, 4, ...outsideSubgroup()),
    ],
  ];
  it.each(edits)('is found out: %s', async (_, names, edit) => {
    const verdict = await edited(edit);
    expect(failing(verdict)).toEqual(names);
    expect(verdict.ok).toBe(false);
    for (const check of verdict.checks) expect(check.sentence).toMatch(/^[A-Z0-9].*\.$/);
  });

  it('whose maker states the signals of the change is found out by the proof alone', async () => {
    const bundle = makeBundle();
    const { rebuilt, signals } = withScore(bundle);
    expect(failing(await verifyEpoch(rebuilt))).toEqual(['proofs', 'split']);
    const proven = structuredClone(rebuilt);
    proven.proofs[0].words = cheapProof(secrets, signals).map(String);
    expect(failing(await verifyEpoch(proven))).toEqual(['split']);
  });

  it('with two bad proofs that cancel each other when added is refused, and both are named', async () => {
    const verdict = await edited((b) => {
      const [first, second] = [b.proofs[0], b.proofs[4]];
      const [a, c] = [first.words, second.words];
      [a[6], a[7], c[6], c[7]] = shiftBoth(a, c);
    });
    expect(failing(verdict)).toEqual(['proofs']);
    expect(sentence(verdict, 'proofs')).toContain('shard 0, batch 0; shard 1, batch 1');
  });

  it('with all proofs bad names the first of them', async () => {
    const verdict = await edited((b) => {
      for (const { words } of b.proofs) words.splice(6, 2, '1', '2');
    });
    expect(sentence(verdict, 'proofs')).toContain(
      'shard 0, batch 0; shard 0, batch 1; shard 0, batch 2; maybe of more',
    );
  });
});

describe('hostile input', () => {
  const one = async (input: unknown): Promise<string> => {
    const verdict = await verifyEpoch(input);
    expect(verdict.ok).toBe(false);
    expect(verdict.checks).toHaveLength(1);
    const [{ name, ok, sentence: text }] = verdict.checks;
    expect([name, ok]).toEqual(['format', false]);
    expect(text.length).toBeLessThan(250);
    expect(text).toMatch(/^[A-Za-z].*\.$/);
    return text;
  };

  it('of ten million bytes is one sentence', async () => {
    const garbage = new Uint8Array(10_000_000).fill(0xa5);
    expect(await one(garbage)).toContain('is not JSON');
    expect(await one('7'.repeat(10_000_000))).toContain('The bundle');
    expect(await one('['.repeat(1_000_000))).toContain('The bundle');
    expect(await one(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)).toContain('The bundle');
    expect(await one(' '.repeat((1 << 26) + 1))).toContain('at most');
  });

  it('of any kind is one sentence', async () => {
    const thrower = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error('mine');
        },
      },
    );
    const late = {
      ...makeBundle(),
      get shards(): never {
        throw new TypeError('mine');
      },
    };
    for (const input of [undefined, null, 0, '', '{}', '[]', [], Symbol('x'), () => 1, 1n, thrower, late, new Map()]) {
      await one(input);
    }
  });

  it('with keys that it does not know, or twice, is refused', async () => {
    const refused = async (edit: (bundle: Record<string, unknown>) => void): Promise<string> => {
      const bundle = JSON.parse(honest) as Record<string, unknown>;
      edit(bundle);
      return one(JSON.stringify(bundle));
    };
    expect(await refused((b) => (b.void = true))).toContain('"void"');
    expect(await refused((b) => (b.format = 'meed-epoch-bundle/2'))).toContain('meed-epoch-bundle/1');
    expect(await one(honest.replace('{', '{"__proto__":{},'))).toContain('__proto__');
    expect(await one(honest.replace('"epoch":"7"', '"epoch":"8","epoch":"7"'))).toContain('twice');
    expect(await one(honest.replace('"batch":0', '"batch":0.0'))).toContain('more than one way');
    expect(await refused((b) => delete b.proofs)).toContain('lacks proofs');
    for (const name of ['shape', 'policy', 'protocol']) {
      expect(await refused((b) => (b[name] = { ...(b[name] as object), more: 1 }))).toContain('"more"');
    }
    for (const name of ['shards', 'batches', 'proofs', 'credits']) {
      expect(await refused((b) => ((b[name] as Record<string, unknown>[])[0].more = 1))).toContain('"more"');
    }
  });

  it('with numbers in any other form or size is refused', async () => {
    const wrong = ['07', '-1', '0x1', '1e3', ' 1', '', '9'.repeat(79), String(1n << 256n), 5, null, ['1'], {}];
    for (const value of wrong) {
      const bundle = JSON.parse(honest) as { chainId: unknown };
      bundle.chainId = value;
      expect(await one(JSON.stringify(bundle))).toContain('chainId');
    }
    const most = SHAPE.columns * 32767 ** 2;
    for (const value of [most + 1, -most - 1, 0.5, '1', null]) {
      const bundle = JSON.parse(honest) as { proofs: { scores: unknown[] }[] };
      bundle.proofs[1].scores[2] = value;
      expect(await one(JSON.stringify(bundle))).toContain('proofs[1].scores[2]');
    }
    for (const slots of [0, 257, 4]) {
      const bundle = JSON.parse(honest) as BundleJson;
      bundle.shape.slots = slots;
      await one(JSON.stringify(bundle));
    }
  });

  it('never throws, whatever JSON stands at whatever place', { timeout: 60_000 }, async () => {
    const paths = pathsOf(JSON.parse(honest));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), fc.jsonValue(), async (path, value) => {
        const bundle: unknown = JSON.parse(honest);
        const before = replaceAt(bundle, path, value);
        const verdict = await verifyEpoch(bundle);
        expect(verdict.ok).toBe(JSON.stringify(before) === JSON.stringify(value));
      }),
      { numRuns: 40 },
    );
  });
});

/** The bundle with its first score raised, and the signals that its maker would state: the proof is still the old one. */
function withScore(bundle: BundleJson): { rebuilt: BundleJson; signals: bigint[] } {
  const rebuilt = structuredClone(bundle);
  const [proof] = rebuilt.proofs;
  proof.scores[2]++;
  const scores = BigInt64Array.from(proof.scores, BigInt);
  const rho = challenge({
    chainId: BigInt(bundle.chainId),
    settlement: bundle.settlement,
    circuitId: bundle.circuitId,
    epoch: BigInt(bundle.epoch),
    shard: 0n,
    batch: 0n,
    shardCommitment: BigInt(bundle.shards[0].commitment),
    queryBatchCommitment: BigInt(bundle.batches[0].commitment),
    contributorsHash: contributorsHash(bundle.shards[0].contributors),
    scores,
  });
  const [shard, batch] = proof.signals.map(BigInt);
  const signals = [shard, batch, rho, evaluateScores(scores, rho)];
  proof.signals = signals.map(String);
  return { rebuilt, signals };
}

/** x and y of the points C of two proofs, the first moved by a point and the second by its negative. */
function shiftBoth(first: readonly string[], second: readonly string[]): [string, string, string, string] {
  const { Point } = noble.G1;
  const moved = [first, second].map((words, i) => {
    const c = Point.fromAffine({ x: BigInt(words[6]), y: BigInt(words[7]) });
    return c.add(i === 0 ? Point.BASE : Point.BASE.negate()).toAffine();
  });
  return [String(moved[0].x), String(moved[0].y), String(moved[1].x), String(moved[1].y)];
}

/** A point of the twist that r does not annihilate, as nearly none of it are. */
function outsideSubgroup(): string[] {
  const { Fp2 } = noble.fields;
  const { Point } = noble.G2;
  const squareRoot = (square: Parameters<typeof Fp2.sqrt>[0]) => {
    const exponent = (BASE_FIELD_MODULUS ** 2n - 1n) / 2n;
    return Fp2.eql(Fp2.pow(square, exponent), Fp2.ONE) ? Fp2.sqrt(square) : undefined;
  };
  for (let c0 = 1n; ; c0++) {
    const x = Fp2.fromBigTuple([c0, 0n]);
    const y = squareRoot(Fp2.add(Fp2.mul(Fp2.mul(x, x), x), Point.CURVE().b));
    if (y !== undefined && !Point.fromAffine({ x, y }).isTorsionFree()) return [x.c1, x.c0, y.c1, y.c0].map(String);
  }
}

type Path = readonly (string | number)[];

/** Where every value of the JSON stands, the whole left out. */
function pathsOf(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  const inner = Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...at, key]));
  return at.length === 0 ? inner : [at, ...inner];
}

/** @returns what stood there before */
function replaceAt(root: unknown, path: Path, value: unknown): unknown {
  let place = root as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) place = place[key] as Record<string | number, unknown>;
  const last = path[path.length - 1];
  const before = place[last];
  place[last] = value;
  return before;
}
