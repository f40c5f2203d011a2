/** The numbers that circuits and contracts repeat are the reference's. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resourcePath } from '../../src/foundation/index.js';
import {
  BASIS_POINTS,
  CHAIN_RATE,
  ENTRIES_PER_WORD,
  ENTRY_BITS,
  ENTRY_MAX,
  ENTRY_OFFSET,
  FIELD_MODULUS,
  ROW_ENTRY_MAX,
  SALT_BITS,
  SLOT_ROWS_MAX,
  tag,
} from '../../src/prover/reference/index.js';

function sources(folder: string, ending: string): string {
  return readdirSync(resourcePath(folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => readFileSync(join(resourcePath(folder), name), 'utf8'))
    .join('\n');
}

/** Every number captured by a pattern, which must occur. */
function captured(text: string, pattern: RegExp): number[] {
  const found = [...text.matchAll(pattern)].map((match) => Number(match[1].replaceAll('_', '')));
  expect(found.length, String(pattern)).toBeGreaterThan(0);
  return found;
}

const code = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');

describe('constants', () => {
  it('hold together: sums fit entries, words fit the field, tags are distinct', () => {
    expect(SLOT_ROWS_MAX * ROW_ENTRY_MAX).toBeLessThanOrEqual(ENTRY_MAX);
    expect(ENTRY_OFFSET).toBe(2 ** (ENTRY_BITS - 1));
    expect(ENTRY_MAX).toBe(ENTRY_OFFSET - 1);
    expect(1n << BigInt(ENTRIES_PER_WORD * ENTRY_BITS)).toBeLessThan(FIELD_MODULUS);
    expect(1n << BigInt((ENTRIES_PER_WORD + 1) * ENTRY_BITS)).toBeGreaterThan(FIELD_MODULUS);
    expect(1n << BigInt(SALT_BITS)).toBeLessThan(FIELD_MODULUS);
    const tags = (['shard', 'batch', 'leaf'] as const).flatMap((kind) =>
      [0, 1, 15, 16, 256].flatMap((count) => [1, 15, 128, 256].map((columns) => tag(kind, count, columns))),
    );
    expect(new Set(tags).size).toBe(tags.length);
    expect(tag('shard', 16, 128)).toBe(0x1_00000010_00000080n);
    expect(tag('batch', 24, 128)).toBe(0x2_00000018_00000080n);
    expect(tag('leaf', 0, 128)).toBe(0x3_00000000_00000080n);
  });

  it('agree with the circuits', () => {
    const packed = code(readFileSync(resourcePath('circuits', 'packed_entries.circom'), 'utf8'));
    const vector = code(readFileSync(resourcePath('circuits', 'vector_commitment.circom'), 'utf8'));
    const chain = code(readFileSync(resourcePath('circuits', 'chain.circom'), 'utf8'));
    const score = code(readFileSync(resourcePath('circuits', 'score_matrix.circom'), 'utf8'));
    expect(captured(packed, /signal bits\[d\]\[(\d+)\]/g)).toEqual([ENTRY_BITS]);
    expect(captured(packed, /b < (\d+)/g)).toEqual([ENTRY_BITS]);
    expect(captured(packed, /1 << \((\d+) \*/g)).toEqual([ENTRY_BITS]);
    expect(new Set(captured(`${packed}${vector}${score}`, /\\ (\d+)/g))).toEqual(new Set([ENTRIES_PER_WORD]));
    expect(new Set(captured(packed, /(\d+) \* w/g))).toEqual(new Set([ENTRIES_PER_WORD]));
    expect(new Set(captured(`${packed}${vector}${score}`, /d \+ (\d+)\)/g))).toEqual(new Set([ENTRIES_PER_WORD - 1]));
    expect(new Set(captured(chain, /\\ (\d+)/g))).toEqual(new Set([CHAIN_RATE]));
    expect(new Set(captured(chain, /(\d+) \* b/g))).toEqual(new Set([CHAIN_RATE]));
    expect(new Set(captured(chain, /position < (\d+)/g))).toEqual(new Set([CHAIN_RATE]));
    expect(new Set(captured(score, /- (\d{3,})/g))).toEqual(new Set([ENTRY_OFFSET]));
    const starts = [...score.matchAll(/\.start <== \((\d) << 64\) \+ \((\w) << 32\) \+ d/g)].map((m) => [m[1], m[2]]);
    expect(starts).toEqual([
      [String(tag('shard', 0, 0) >> 64n), 'S'],
      [String(tag('batch', 0, 0) >> 64n), 'Q'],
    ]);
  });

  it('agree with the contracts', () => {
    const contracts = sources('contracts', '.sol');
    expect(captured(contracts, /constant SLOT_ROWS_MAX =\s*(\d+)/g)).toEqual([SLOT_ROWS_MAX]);
    expect(captured(contracts, /constant BASIS_POINTS =\s*([\d_]+)/g)).toEqual([BASIS_POINTS]);
    const modulus = [...contracts.matchAll(/constant SCALAR_MODULUS =\s*(\d+)/g)].map((match) => BigInt(match[1]));
    expect(modulus).toEqual([FIELD_MODULUS]);
    // every other long number of the contracts that begins like the modulus is one of the two moduli of the curve
    const base = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
    for (const [digits] of contracts.matchAll(/\b21888\d+/g)) expect([FIELD_MODULUS, base]).toContain(BigInt(digits));
  });
});
