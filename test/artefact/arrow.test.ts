import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RecordBatchReader, tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Column,
  matrix,
  numbers,
  readJson,
  readTable,
  strings,
  writeJson,
  writeTable,
} from '../../src/artefact/index.js';
import { refusal, temporaryFolder } from '../data/fixture.js';

async function stored(columns: Record<string, Column>) {
  const path = join(temporaryFolder(), 'table.arrow');
  await writeTable(path, columns);
  return readTable(path);
}

describe('columns on disk', () => {
  it('give every bit of every type back', async () => {
    const columns = {
      f32: Float32Array.of(1 / 3, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-45),
      f64: Float64Array.of(1 / 3, -0, Number.NaN, Number.NEGATIVE_INFINITY, 5e-324),
      i8: Int8Array.of(-128, -1, 0, 1, 127),
      i16: Int16Array.of(-32768, -1, 0, 1, 32767),
      i32: Int32Array.of(-(2 ** 31), -1, 0, 1, 2 ** 31 - 1),
      i64: BigInt64Array.of(-(2n ** 63n), -1n, 0n, 1n, 2n ** 63n - 1n),
      u8: Uint8Array.of(0, 1, 2, 254, 255),
      u32: Uint32Array.of(0, 1, 2, 2 ** 31, 2 ** 32 - 1),
    };
    const table = await stored(columns);
    expect(table.numRows).toBe(5);
    expect(numbers(table, 'f32', Float32Array)).toEqual(columns.f32);
    expect(numbers(table, 'f64', Float64Array)).toEqual(columns.f64);
    expect(numbers(table, 'i8', Int8Array)).toEqual(columns.i8);
    expect(numbers(table, 'i16', Int16Array)).toEqual(columns.i16);
    expect(numbers(table, 'i32', Int32Array)).toEqual(columns.i32);
    expect(numbers(table, 'i64', BigInt64Array)).toEqual(columns.i64);
    expect(numbers(table, 'u8', Uint8Array)).toEqual(columns.u8);
    expect(numbers(table, 'u32', Uint32Array)).toEqual(columns.u32);
  });

  it('give strings back, empty, quoted and of any script', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 20 }), async (texts) => {
        expect(strings(await stored({ texts }), 'texts')).toEqual(texts);
      }),
      { numRuns: 25 },
    );
  });

  it('give matrices of any type and width back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), async (rows, width) => {
        const size = rows * width;
        const bytes = Array.from({ length: size }, (_, i) => (i * 37 + 11) % 251);
        const table = await stored({
          u8: { values: Uint8Array.from(bytes), width },
          i8: { values: Int8Array.from(bytes), width },
          i16: { values: Int16Array.from(bytes, (b) => b * -131), width },
          i32: { values: Int32Array.from(bytes), width },
          u32: { values: Uint32Array.from(bytes), width },
          f32: { values: Float32Array.from(bytes, (b) => b / 3), width },
          f64: { values: Float64Array.from(bytes, (b) => b / 3), width },
          row: Int32Array.from({ length: rows }, (_, i) => i),
        });
        expect(table.numRows).toBe(rows);
        expect(matrix(table, 'u8', Uint8Array)).toEqual({ values: Uint8Array.from(bytes), width });
        expect(matrix(table, 'i8', Int8Array)).toEqual({ values: Int8Array.from(bytes), width });
        expect(matrix(table, 'i16', Int16Array)).toEqual({ values: Int16Array.from(bytes, (b) => b * -131), width });
        expect(matrix(table, 'i32', Int32Array)).toEqual({ values: Int32Array.from(bytes), width });
        expect(matrix(table, 'u32', Uint32Array)).toEqual({ values: Uint32Array.from(bytes), width });
        expect(matrix(table, 'f32', Float32Array)).toEqual({ values: Float32Array.from(bytes, (b) => b / 3), width });
        expect(matrix(table, 'f64', Float64Array)).toEqual({ values: Float64Array.from(bytes, (b) => b / 3), width });
      }),
      { numRuns: 15 },
    );
  });

  it('hold only what a view shows of its buffer, also where two columns share one', async () => {
    const whole = Float32Array.of(9, 1, 2, 3, 4, 9);
    const view = whole.subarray(1, 5);
    const table = await stored({ a: view, m: { values: whole.subarray(1, 5), width: 1 } });
    expect([...numbers(table, 'a', Float32Array)]).toEqual([1, 2, 3, 4]);
    expect([...matrix(table, 'm', Float32Array).values]).toEqual([1, 2, 3, 4]);
  });

  it('are a standard Arrow file: another reader sees rows of lists', async () => {
    const path = join(temporaryFolder(), 'table.arrow');
    await writeTable(path, { m: { values: Float32Array.of(1, 2, 3, 4, 5, 6), width: 3 } });
    const bytes = await readFile(path);
    expect(bytes.subarray(0, 6).toString()).toBe('ARROW1');
    expect(
      tableFromIPC(RecordBatchReader.from(bytes))
        .toArray()
        .map((row) => [...row.toJSON().m]),
    ).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  it('are the same bytes each time', async () => {
    const folder = temporaryFolder();
    const columns = { a: Float64Array.of(1, 2), s: ['x', 'y'], m: { values: Int8Array.of(1, 2, 3, 4), width: 2 } };
    await writeTable(join(folder, '1'), columns);
    await writeTable(join(folder, '2'), columns);
    expect(await readFile(join(folder, '1'))).toEqual(await readFile(join(folder, '2')));
  });

  it('refuse columns of unequal length', async () => {
    const path = join(temporaryFolder(), 'table.arrow');
    const unequal: Record<string, Column>[] = [
      { a: Float32Array.of(1, 2, 3), b: Float32Array.of(1, 2) },
      { a: Float32Array.of(1, 2), m: { values: Float32Array.of(1, 2, 3), width: 2 } },
      { a: Float32Array.of(1, 2, 3), s: ['x'] },
    ];
    for (const columns of unequal) {
      expect(await refusal(() => writeTable(path, columns))).toMatch(/"(b|m|s)" has [0-9.]+ rows/);
    }
  });

  it('say what is missing or of another type', async () => {
    const table = await stored({ a: Float32Array.of(1), m: { values: Float32Array.of(1, 2), width: 2 }, s: ['x'] });
    for (const [action, said] of [
      [() => numbers(table, 'b', Float32Array), /no column "b" \(it has a, m, s\)/],
      [() => numbers(table, 'a', Float64Array), /"a" is not a Float64Array/],
      [() => numbers(table, 's', Float64Array), /"s" is not a Float64Array/],
      [() => matrix(table, 'a', Float32Array), /"a" is not a matrix/],
      [() => matrix(table, 'm', Int8Array), /"m" does not hold a Int8Array/],
      [() => strings(table, 'none'), /no column "none"/],
    ] as const) {
      expect(await refusal(action)).toMatch(said);
    }
    const folder = temporaryFolder();
    await writeFile(join(folder, 'x.arrow'), 'ARROW1 but not really');
    expect(await refusal(() => readTable(join(folder, 'x.arrow')))).toMatch(/x\.arrow is not a readable Arrow file/);
    expect(await refusal(() => readTable(join(folder, 'y.arrow')))).toMatch(/y\.arrow does not exist/);
  });
});

describe('JSON files', () => {
  it('give the value back, and say what is wrong with the file', async () => {
    const folder = temporaryFolder();
    const value = { a: [1, null, 'ü'], b: { c: true } };
    await writeJson(join(folder, 'v.json'), value);
    expect(await readJson(join(folder, 'v.json'))).toEqual(value);
    await writeFile(join(folder, 'v.json'), '{"a":');
    expect(await refusal(() => readJson(join(folder, 'v.json')))).toMatch(/v\.json is not JSON/);
    expect(await refusal(() => readJson(join(folder, 'w.json')))).toMatch(/w\.json does not exist/);
  });
});
