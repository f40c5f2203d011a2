/**
 * Writes `product.generated.ts`: what `field.ts` does limb by limb, every limb in its own variable, and the tables of both
 * primes. AssemblyScript has neither arrays of v128 in registers nor unrolled loops, so the text is generated.
 *
 * A product of two lanes at once goes row by row: the nine products of one limb of a, then one limb is taken off the
 * low end. Off the low end means: t = m + 2²⁹·rest has the quotient rest + m·(2⁻²⁹ mod p), so eight of the nine rows of
 * the reduction need no quotient digit (as with a Montgomery-friendly modulus, Gueron and Krasnov 2013), and only the
 * last, which must bring the size down, is Montgomery's own: m = t·(−p⁻¹) mod 2²⁹, (t + m·p) / 2²⁹.
 * The trap: a column sums nine products of limbs of a and b and nine of 29 bits; that is below 2⁶⁴ while limbs are
 * below 2³⁰, so sums are carried before they are multiplied.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LIMBS = 9;
const WIDTH = 29;
const MASK = 2 ** WIDTH - 1;
const RADIX = 1n << BigInt(LIMBS * WIDTH);
/** Radix of the Montgomery form in keys. */
const KEY_RADIX = 1n << 256n;
const BASE_FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
const SCALAR_FIELD = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const BETA = 0x59e26bcea0d48bacd4f263f1acdb5c4f5763473177fffffen;

function inverse(value, modulus) {
  let [r0, r1, s0, s1] = [modulus, value % modulus, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [s0, s1] = [s1, s0 - quotient * s1];
  }
  return ((s0 % modulus) + modulus) % modulus;
}

/** Nine limbs; the top one takes what is left. */
function limbs(value) {
  return Array.from({ length: LIMBS }, (_, i) => {
    const rest = value >> BigInt(WIDTH * i);
    return i === LIMBS - 1 ? rest : rest & BigInt(MASK);
  });
}

/** The same number with every limb but the top one at least 2³⁰ − 2, so that limbs can be subtracted without a borrow. */
function padded(value) {
  return limbs(value).map((limb, i) => limb + (i < LIMBS - 1 ? 2n ** 30n : 0n) - (i > 0 ? 2n : 0n));
}

/** Rows of a prime's table, in order; each is a number of limbs. `field.ts` names their offsets. */
function table(p) {
  return {
    LOWERED: limbs(inverse(1n << BigInt(WIDTH), p)),
    MODULUS: limbs(p),
    LAST: [((1n << BigInt(WIDTH)) - inverse(p, 1n << BigInt(WIDTH))) % (1n << BigInt(WIDTH))],
    FOUR_PADDED: padded(4n * p),
    THREE_PADDED: padded(3n * p),
    MULTIPLE_2: limbs(2n * p),
    MULTIPLE_4: limbs(4n * p),
    MULTIPLE_8: limbs(8n * p),
    QUOTIENT: [(1n << 46n) / ((p >> BigInt(WIDTH * (LIMBS - 1))) + 1n)],
    ONE: limbs(RADIX % p),
    FROM_KEY: limbs((RADIX * RADIX * inverse(KEY_RADIX, p)) % p),
    TO_KEY: limbs(KEY_RADIX % p),
    FROM_INTEGER: limbs((RADIX * RADIX) % p),
    TO_INTEGER: limbs(1n),
  };
}

function tableSource(name, p) {
  const words = Object.values(table(p)).flatMap((row) => row.flatMap((limb) => [limb, limb, limb, limb]));
  // The twist's 3·b' = 9 / (9 + u), two coordinates; only the base field has one.
  const norm = inverse(82n, p);
  for (const coordinate of [(81n * norm) % p, ((p - 9n) * norm) % p]) {
    words.push(...limbs((coordinate * RADIX) % p).flatMap((limb) => [limb, limb, limb, limb]));
  }
  // Third roots of one, of G1's endomorphism and of G2's with the same factor; only the base field's are used.
  for (const root of [BETA, BETA * BETA]) {
    words.push(...limbs((root * RADIX) % p).flatMap((limb) => [limb, limb, limb, limb]));
  }
  const exponent = p - 2n;
  for (let i = 0; i < 8; i++) words.push((exponent >> BigInt(32 * i)) & 0xffffffffn);
  return `export const ${name}: usize = memory.data<u32>([${words.join(', ')}], 16);`;
}

function offsetsSource() {
  const lines = [];
  let row = 0;
  for (const [name, { length }] of Object.entries(table(BASE_FIELD))) {
    lines.push(`export const ${name}: usize = ${16 * row};`);
    row += length;
  }
  for (const name of ['TWIST', 'BETA']) {
    lines.push(`export const ${name}: usize = ${16 * row};`);
    row += 2 * LIMBS;
  }
  lines.push(`export const EXPONENT: usize = ${16 * row};`);
  return lines;
}

const read = (base, i) => `v128.load(${base}, ${16 * i})`;

/** Names and terms of one pass: two of the four lanes. */
function pass(half, kind) {
  const lines = [];
  const column = (j) => `${half}${j}`;
  const product = (x, y) => `v128.extmul_${half}<u32>(${x}, ${y})`;
  const filled = new Set();
  const add = (j, term) => {
    lines.push(`  ${column(j)} = ${filled.has(j) ? `i64x2.add(${column(j)}, ${term})` : term};`);
    filled.add(j);
  };
  for (let j = 0; j < LIMBS; j++) lines.push(`  let ${column(j)} = i64x2.splat(0);`);
  for (let i = 0; i < LIMBS; i++) {
    lines.push(`  x = ${read('a', i)};`);
    if (kind === 'multiply') {
      for (let j = 0; j < LIMBS; j++) add(j, product('x', read('b', j)));
    } else {
      add(i, product('x', 'x'));
      lines.push('  x = i32x4.shl(x, 1);');
      for (let j = i + 1; j < LIMBS; j++) add(j, product('x', read('a', j)));
    }
    if (i === LIMBS - 1) break;
    lines.push(
      `  m = v128.and(${column(0)}, mask);`,
      `  carry = i64x2.shr_u(${column(0)}, ${WIDTH});`,
      '  m = v128.shuffle<u32>(m, m, 0, 2, 0, 2);',
    );
    for (let j = 0; j < LIMBS - 1; j++) {
      lines.push(
        `  ${column(j)} = i64x2.add(${column(j + 1)}, ${product('m', `v128.load(field, LOWERED + ${16 * j})`)});`,
      );
      filled.add(j);
    }
    lines.push(`  ${column(LIMBS - 1)} = ${product('m', `v128.load(field, LOWERED + ${16 * (LIMBS - 1)})`)};`);
    filled.add(LIMBS - 1);
    lines.push(`  ${column(0)} = i64x2.add(${column(0)}, carry);`);
  }
  const modulus = (j) => product('m', `v128.load(field, MODULUS + ${16 * j})`);
  lines.push(
    `  m = v128.shuffle<u32>(${column(0)}, ${column(0)}, 0, 2, 0, 2);`,
    '  m = v128.and(v128.extmul_low<u32>(m, v128.load(field, LAST)), mask);',
    '  m = v128.shuffle<u32>(m, m, 0, 2, 0, 2);',
    `  carry = i64x2.shr_u(i64x2.add(${column(0)}, ${modulus(0)}), ${WIDTH});`,
  );
  for (let j = 0; j < LIMBS - 1; j++) {
    lines.push(
      `  ${column(j)} = i64x2.add(i64x2.add(${column(j + 1)}, ${modulus(j + 1)}), carry);`,
      `  carry = i64x2.shr_u(${column(j)}, ${WIDTH});`,
      `  ${column(j)} = v128.and(${column(j)}, mask);`,
    );
  }
  lines.push(`  ${column(LIMBS - 1)} = carry;`);
  return lines;
}

function operation(name, kind) {
  const operands = kind === 'multiply' ? 'a: usize, b: usize' : 'a: usize';
  return [
    `export function ${name}(${operands}, out: usize, field: usize): void {`,
    `  const mask = i64x2.splat(${MASK});`,
    '  let m: v128, carry: v128, x: v128;',
    ...pass('low', kind),
    ...pass('high', kind),
    ...Array.from(
      { length: LIMBS },
      (_, j) => `  v128.store(out, v128.shuffle<u32>(low${j}, high${j}, 0, 2, 4, 6), ${16 * j});`,
    ),
    '}',
  ];
}

const signature = (name, parameters) => `export function ${name}(${parameters}): void {`;
const last = LIMBS - 1;
const each = (lines) => Array.from({ length: LIMBS }, (_, i) => lines(i)).flat();

/** Sums limb by limb with one carry each, to the next limb only: limbs end up below 2²⁹ + 4. */
function sum(name, parameters, term) {
  return [
    signature(name, parameters),
    `  const mask = i32x4.splat(${MASK});`,
    '  let limb: v128, carry: v128;',
    ...each((i) => [
      `  limb = ${term(i)};`,
      `  v128.store(out, ${[
        'v128.and(limb, mask)',
        'i32x4.add(v128.and(limb, mask), carry)',
        'i32x4.add(limb, carry)',
      ].at(i === 0 ? 0 : i < last ? 1 : 2)}, ${16 * i});`,
      ...(i < last ? [`  carry = i32x4.shr_u(limb, ${WIDTH});`] : []),
    ]),
    '}',
  ];
}

/** a − k·p, the four bits of k apart, carried with their sign. */
function reduction() {
  const row = (name, i) => `v128.load(field, ${name} + ${16 * i})`;
  const bit = (name, row, i) => `v128.and(${name}, v128.load(field, ${row} + ${16 * i}))`;
  return [
    signature('reduce', 'a: usize, out: usize, field: usize'),
    `  const mask = i32x4.splat(${MASK});`,
    '  const one = i32x4.splat(1);',
    `  const top = ${read('a', last)};`,
    `  const factor = ${row('QUOTIENT', 0)};`,
    '  const low = i64x2.shr_u(v128.extmul_low<u32>(top, factor), 46);',
    '  const high = i64x2.shr_u(v128.extmul_high<u32>(top, factor), 46);',
    '  const quotient = v128.shuffle<u32>(low, high, 0, 2, 4, 6);',
    ...[0, 1, 2, 3].map((i) => `  const bit${i} = i32x4.neg(v128.and(i32x4.shr_u(quotient, ${i}), one));`),
    '  let limb: v128, carry: v128 = i32x4.splat(0);',
    ...each((i) => [
      `  limb = i32x4.add(${read('a', i)}, carry);`,
      `  limb = i32x4.sub(limb, i32x4.add(${bit('bit0', 'MODULUS', i)}, ${bit('bit1', 'MULTIPLE_2', i)}));`,
      `  limb = i32x4.sub(limb, i32x4.add(${bit('bit2', 'MULTIPLE_4', i)}, ${bit('bit3', 'MULTIPLE_8', i)}));`,
      `  v128.store(out, ${i < last ? 'v128.and(limb, mask)' : 'limb'}, ${16 * i});`,
      ...(i < last ? [`  carry = i32x4.shr_s(limb, ${WIDTH});`] : []),
    ]),
    '}',
  ];
}

/** Limb i of 64-bit words w0 … w3. */
function limbOfWords(i, words) {
  const bit = WIDTH * i;
  const [word, shift] = [bit >> 6, bit & 63];
  const low = shift === 0 ? words[word] : `i64x2.shr_u(${words[word]}, ${shift})`;
  if (i === last) return low;
  const both = shift + WIDTH > 64 ? `v128.or(${low}, i64x2.shl(${words[word + 1]}, ${64 - shift}))` : low;
  return `v128.and(${both}, mask)`;
}

/** 64-bit word w of normalised limbs. */
function wordOfLimbs(w, limb) {
  const parts = [];
  for (let i = 0; i < LIMBS; i++) {
    const shift = WIDTH * i - 64 * w;
    if (shift <= -WIDTH || shift >= 64) continue;
    parts.push(
      shift > 0 ? `i64x2.shl(${limb(i)}, ${shift})` : shift < 0 ? `i64x2.shr_u(${limb(i)}, ${-shift})` : limb(i),
    );
  }
  return parts.reduce((whole, part) => `v128.or(${whole}, ${part})`);
}

const ADDRESSES = 'p0: usize, p1: usize, p2: usize, p3: usize';

function loading() {
  const words = (half) => [0, 1, 2, 3].map((w) => `${half}${w}`);
  return [
    signature('load4', `${ADDRESSES}, out: usize`),
    `  const mask = i64x2.splat(${MASK});`,
    ...[0, 1, 2, 3].flatMap((k) => [`  const a${k} = v128.load(p${k});`, `  const b${k} = v128.load(p${k}, 16);`]),
    ...[
      ['l', 0],
      ['h', 2],
    ].flatMap(([half, k]) =>
      [0, 1, 2, 3].map(
        (w) =>
          `  const ${half}${w} = v128.shuffle<u64>(${'ab'[w >> 1]}${k}, ${'ab'[w >> 1]}${k + 1}, ${w & 1}, ${2 + (w & 1)});`,
      ),
    ),
    ...each((i) => [
      `  v128.store(out, v128.shuffle<u32>(${limbOfWords(i, words('l'))}, ${limbOfWords(i, words('h'))}, 0, 2, 4, 6), ${16 * i});`,
    ]),
    '}',
  ];
}

function storing() {
  return [
    signature('store4', `a: usize, ${ADDRESSES}`),
    `  const mask = i32x4.splat(${MASK});`,
    '  let limb: v128 = i32x4.splat(0), w0: v128, w1: v128, w2: v128, w3: v128;',
    ...each((i) => [
      `  limb = ${i === 0 ? read('a', 0) : `i32x4.add(${read('a', i)}, i32x4.shr_u(limb, ${WIDTH}))`};`,
      `  const l${i} = ${i < last ? 'v128.and(limb, mask)' : 'limb'};`,
    ]),
    ...[
      ['low', 0],
      ['high', 2],
    ].flatMap(([half, k]) => [
      ...each((i) => [`  const ${half}${i} = v128.extend_${half}<u32>(l${i});`]),
      ...[0, 1, 2, 3].map((w) => `  w${w} = ${wordOfLimbs(w, (i) => `${half}${i}`)};`),
      `  v128.store(p${k}, v128.shuffle<u64>(w0, w1, 0, 2));`,
      `  v128.store(p${k}, v128.shuffle<u64>(w2, w3, 0, 2), 16);`,
      `  v128.store(p${k + 1}, v128.shuffle<u64>(w0, w1, 1, 3));`,
      `  v128.store(p${k + 1}, v128.shuffle<u64>(w2, w3, 1, 3), 16);`,
    ]),
    '}',
  ];
}

/** Writes the source beside this file; another process never sees half of it. */
export default function generate() {
  const target = join(dirname(fileURLToPath(import.meta.url)), 'product.generated.ts');
  const source = [
    '// Written by generate.mjs.',
    ...offsetsSource(),
    tableSource('Q', BASE_FIELD),
    tableSource('R', SCALAR_FIELD),
    ...operation('mul', 'multiply'),
    ...operation('square', 'square'),
    ...sum('add', 'a: usize, b: usize, out: usize', (i) => `i32x4.add(${read('a', i)}, ${read('b', i)})`),
    ...sum(
      'sub',
      'a: usize, b: usize, out: usize, field: usize',
      (i) => `i32x4.add(i32x4.sub(v128.load(field, FOUR_PADDED + ${16 * i}), ${read('b', i)}), ${read('a', i)})`,
    ),
    ...sum(
      'negate',
      'a: usize, out: usize, field: usize',
      (i) => `i32x4.sub(v128.load(field, THREE_PADDED + ${16 * i}), ${read('a', i)})`,
    ),
    ...reduction(),
    ...loading(),
    ...storing(),
    '',
  ].join('\n');
  const partial = `${target}.${process.pid}`;
  writeFileSync(partial, source);
  renameSync(partial, target);
}
