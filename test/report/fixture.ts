/** A made-up run over the glyphs' hands: its figures have the shape of a real one, nothing more. */
import { drawGrain, drawSign } from '../../datasets/glyphs/draw.js';
import { type Hand, hands } from '../../datasets/glyphs/hands.js';
import { signs } from '../../datasets/glyphs/strokes.js';
import { Random, sha256 } from '../../src/foundation/index.js';
import type { ExplainedOutput, InfluentialRow, Payout, ReportData, Summary } from '../../src/report/index.js';

const random = Random.named(7, 'test/report');
const PAY_BY_PLANT = new Map([
  ['flipped', 0.12],
  ['copied', 0.85],
  ['noise', 0.04],
]);
const POOL = 31_920_000_000_000_000_123n;

function payouts(): Payout[] {
  const weights = hands.map(({ rows, planted }) => rows * (PAY_BY_PLANT.get(planted ?? '') ?? 0.8 + random.uniform()));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const rows = hands.reduce((sum, hand) => sum + hand.rows, 0);
  return hands.map((hand, i) => {
    const share = weights[i] / total;
    return {
      contributor: hand.name,
      address: `0x${sha256(hand.name).slice(0, 40)}`,
      planted: hand.planted,
      rows: hand.rows,
      score: String(Math.round(share * 1e9)),
      amount: String((POOL * BigInt(Math.round(share * 1e12))) / 1_000_000_000_000n),
      share,
      perRow: share / (hand.rows / rows),
    };
  });
}

function drawing(hand: Hand, label: number): number[] {
  return Array.from(hand.planted === 'noise' ? drawGrain(random) : drawSign(signs[label], hand.style, random));
}

function influential(label: number, sign: 1 | -1): InfluentialRow[] {
  return Array.from({ length: 6 }, (_, i) => {
    const hand = sign > 0 ? hands[random.below(6)] : hands[[6, 10, 3, 6, 9, 11][i]];
    const shown = sign > 0 ? label : (label + 1 + random.below(8)) % 10;
    return {
      row: random.below(2000),
      contributor: hand.name,
      planted: hand.planted,
      label: shown,
      score: (sign * (0.09 - i * 0.011)) / (sign > 0 ? 1 : 3),
      features: drawing(hand, sign > 0 ? label : (shown + 3) % 10),
    };
  });
}

function output(receipt: number, label: number, predictedClass: number): ExplainedOutput {
  const paid = hands.slice(0, 8).map((hand, i) => ({
    contributor: hand.name,
    planted: hand.planted,
    amount: String(1_500_000_000_000_000n * BigInt(60 - i * 7)),
  }));
  return {
    receipt,
    features: drawing(hands[1], label),
    predictedClass,
    trueLabel: label,
    confidence: predictedClass === label ? 0.968 : 0.412,
    fee: '1000000000000000000',
    payouts: paid,
    helpful: influential(predictedClass, 1),
    harmful: influential(predictedClass, -1),
  };
}

function identities(): Summary['identities'] {
  return [
    { hand: hands[0], from: 0.19, gain: 0.004 },
    { hand: hands[7], from: 0.06, gain: 0.006 },
    { hand: hands[10], from: 0.004, gain: 0.03 },
  ].map(({ hand, from, gain }) => ({
    contributor: hand.name,
    planted: hand.planted,
    points: [1, 2, 4, 8, 16, 32, 64].map((n) => ({ identities: n, share: from + gain * Math.log2(n) })),
  }));
}

function transactions(): Summary['transactions'] {
  const single: [string, number][] = [
    ['deploy EpochSettlement', 2_841_223],
    ['deploy Groth16Verifier', 1_230_551],
    ['publish data set', 161_002],
    ['register index', 612_377],
    ['open epoch', 131_204],
    ['close epoch', 71_229],
    ['finalize epoch', 61_771],
  ];
  const list = [
    ...single,
    ...[0, 1, 2].map((batch): [string, number] => [`post batch ${batch}`, 402_118 + batch * 911]),
    ...[0, 1, 2].map((batch): [string, number] => [`settle shard 0, batch ${batch}`, 918_332 + batch * 1201]),
    ...[0, 1, 2].map((batch): [string, number] => [`distribute batch ${batch}`, 741_822 + batch * 83]),
    ...hands.map((): [string, number] => ['withdraw', 52_303]),
  ];
  return list.map(([what, gas], i) => ({ what, gas, hash: `0x${sha256(`transaction ${i}`)}` }));
}

export function summary(): Summary {
  const paid = payouts();
  return {
    dataset: 'glyphs',
    title: 'Glyphs: ten signs by twelve hands',
    seed: 7,
    engine: 'onnxruntime-cpu',
    scorer: 'in-run',
    instance: { slots: 16, queries: 16, columns: 128 },
    stages: [
      { name: 'data set', seconds: 0.41, reused: true },
      { name: 'model', seconds: 3.82, reused: false },
      { name: 'index', seconds: 11.9, reused: false },
      { name: 'receipts', seconds: 2.2, reused: false },
      { name: 'epoch', seconds: 0.7, reused: false },
      { name: 'key', seconds: 21.3, reused: false },
      { name: 'proofs', seconds: 14.1, reused: false },
      { name: 'settlement', seconds: 4.4, reused: false },
      { name: 'audit', seconds: 9.6, reused: false },
    ],
    totalSeconds: 72.4,
    samples: 2000,
    heldOut: 600,
    contributors: 12,
    receipts: 48,
    slots: 14,
    shards: 1,
    batches: 3,
    accuracy: { train: 0.947, heldOut: 0.9617 },
    constraints: 81_636,
    keyForgeable: true,
    proofs: 3,
    provingSeconds: 14.1,
    chainId: 31337,
    settlement: '0x5FbDB2315678afecb367f032d93F642f64180aa3',
    transactions: transactions(),
    fees: {
      total: '48000000000000000000',
      platform: '2400000000000000000',
      modelOwner: '9120000000000000000',
      stakers: '4560000000000000000',
      contributors: String(paid.reduce((sum, { amount }) => sum + BigInt(amount), 0n)),
      dust: '211',
    },
    payouts: paid,
    medianPerRow: 1.08,
    completeness: { sumOverMagnitude: 0.31, scoreSum: 96.2, lossFall: 104.8, ratio: 96.2 / 104.8 },
    identities: identities(),
    audit: {
      passed: true,
      checks: [
        ['Row hashes and root', 'the root of 2,000 row hashes equals the published one'],
        ['Training replay', 'three segments of 20 steps end at the published weights, bit for bit'],
        ['Index commitments', '2,000 leaves, 14 slots and 1 shard commitment derived again'],
        ['Query sketches', '16 sampled outputs scored again, largest deviation 0.4% of the norm, 1% allowed'],
        ['Score matrix', '768 integer scores equal the products of committed vectors'],
        ['Proofs', '3 proofs verify under the registered key'],
        ['Events', 'the accumulator of the closed epoch matches 3 batches'],
        ['Split of fees', 'every credit equals the split of its receipt, to the last unit'],
        ['Balances', 'Σ credits + withdrawn = Σ fees'],
      ].map(([name, detail], i) => ({ name, detail, passed: true, seconds: 0.2 + i * 0.3 })),
    },
    ids: {
      'data set': sha256('data set'),
      model: sha256('model'),
      index: sha256('index'),
      receipts: sha256('receipts'),
      epoch: sha256('epoch'),
      proofs: sha256('proofs'),
    },
    report: 'report.html',
  };
}

export function pictureReport(): ReportData {
  const id = (text: string): string => BigInt(`0x${sha256(text)}`).toString();
  return {
    summary: summary(),
    classes: signs.map(({ name }) => name),
    featureShape: [16, 16],
    contributorNoun: 'hand',
    outputs: [output(0, 0, 0), output(3, 3, 3), output(17, 7, 4)],
    chain: {
      contributor: 'bruno',
      receipt: 0,
      amount: '79500000000000000',
      links: [
        {
          place: 'data set',
          what: 'Row 417 of bruno',
          id: sha256('row'),
          binds: 'its position, owner, label and features',
        },
        { place: 'data set', what: 'Root of the data set', id: sha256('root'), binds: 'every row in its place' },
        { place: 'index', what: 'Leaf 417', id: id('leaf'), binds: 'the row, its owner’s account and its sketch' },
        { place: 'index', what: 'Slot 2', id: id('slot'), binds: 'the sum of rows 320 to 575' },
        { place: 'index', what: 'Root of the index', id: id('index'), binds: 'every leaf' },
        {
          place: 'receipt',
          what: 'Output of receipt 0',
          id: sha256('output'),
          binds: 'the model, the features and the answer',
        },
        { place: 'receipt', what: 'Batch 0', id: id('batch'), binds: 'the queries that one proof opens' },
        { place: 'chain', what: 'Challenge ρ', id: id('rho'), binds: 'both commitments and all scores' },
        {
          place: 'chain',
          what: 'Settled in',
          id: `0x${sha256('settled')}`,
          binds: 'the proof that the contract accepted',
        },
        { place: 'chain', what: 'Credited in', id: `0x${sha256('credit')}`, binds: 'the fees of batch 0, split' },
        { place: 'chain', what: 'Withdrawn in', id: `0x${sha256('withdrawn')}`, binds: 'tokens sent to their owner' },
      ],
    },
  };
}

/** Values instead of pictures, an audit that failed, and the longest things that data may hold. */
export function tableReport(): ReportData {
  const featureNames = ['age', 'sex', 'chest pain', 'resting blood pressure', 'cholesterol', 'fasting blood sugar'];
  const values = (): number[] => featureNames.map(() => (random.uniform() - 0.5) * 4);
  const rows = (sign: 1 | -1): InfluentialRow[] =>
    [0, 1, 2, 3].map((i) => ({
      row: i * 31,
      contributor: ['Cleveland', 'Hungary', 'Switzerland', 'Long Beach'][i],
      label: i % 2,
      score: sign * (0.02 - i * 0.003),
      features: values(),
    }));
  const base = summary();
  const checks = base.audit.checks.map((check, i) => ({ ...check, passed: i !== 3 }));
  return {
    summary: { ...base, audit: { passed: false, checks }, keyForgeable: false },
    classes: ['no heart disease', 'heart disease'],
    featureShape: [6],
    featureNames,
    contributorNoun: 'hospital',
    outputs: [
      {
        receipt: 5,
        features: values(),
        predictedClass: 1,
        confidence: 0.81,
        fee: '1000000000000000000',
        payouts: [],
        helpful: rows(1),
        harmful: rows(-1),
      },
    ],
  };
}

export const HOSTILE = `<script>alert(1)</script>"'><img src=x onerror=alert(2)>\u202Egnp`;

/** Every text that a stranger could have chosen is hostile. */
export function hostileReport(): ReportData {
  const report = pictureReport();
  const { summary: figures } = report;
  return {
    ...report,
    summary: {
      ...figures,
      title: HOSTILE,
      dataset: HOSTILE,
      engine: HOSTILE,
      scorer: HOSTILE,
      settlement: HOSTILE,
      stages: figures.stages.map((stage) => ({ ...stage, name: HOSTILE })),
      transactions: figures.transactions.map(({ gas }) => ({ what: HOSTILE, hash: HOSTILE, gas })),
      payouts: figures.payouts.map((payout) => ({
        ...payout,
        contributor: HOSTILE,
        address: HOSTILE,
        planted: payout.planted && HOSTILE,
      })),
      identities: figures.identities.map((curve) => ({ ...curve, contributor: HOSTILE, planted: HOSTILE })),
      audit: {
        passed: true,
        checks: figures.audit.checks.map((check) => ({ ...check, name: HOSTILE, detail: HOSTILE })),
      },
      ids: { [HOSTILE]: HOSTILE },
    },
    classes: report.classes.map(() => HOSTILE),
    contributorNoun: HOSTILE,
    outputs: report.outputs.map((each) => ({
      ...each,
      payouts: each.payouts.map((payee) => ({ ...payee, contributor: HOSTILE, planted: HOSTILE })),
      helpful: each.helpful.map((row) => ({ ...row, contributor: HOSTILE, planted: HOSTILE })),
    })),
    chain: report.chain && {
      ...report.chain,
      contributor: HOSTILE,
      links: report.chain.links.map((link) => ({ ...link, what: HOSTILE, id: HOSTILE, binds: HOSTILE })),
    },
  };
}
