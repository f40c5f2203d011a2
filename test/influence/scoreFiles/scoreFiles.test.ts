/** Matrices in files: what NumPy and PyArrow wrote is read, round trips lose nothing, hostile files are refused. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tableFromArrays, tableToIPC } from 'apache-arrow';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTable, matrix as tableMatrix } from '../../../src/artefact/index.js';
import { MeedError } from '../../../src/foundation/index.js';
import { openMatrix, readMatrix, writeMatrix } from '../../../src/influence/scoreFiles/index.js';
import { writeScores } from '../../../src/influence/scoreStore.js';

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
const ENDINGS = ['npy', 'arrow', 'parquet'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'meed-files-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const k = Array.from({ length: 15 }, (_, i) => i);
const NUMBERS = k.map((i) => i / 4 - 1);
const FLOORS = NUMBERS.map(Math.floor);
const MASKS = k.map((i) => (i % 3 === 0 ? 1 : 0));

describe('a file that NumPy or PyArrow wrote', () => {
  it.each([
    ['f4.npy', NUMBERS],
    ['f4-version-2.npy', NUMBERS],
    ['f4-big.npy', NUMBERS],
    ['f8-fortran.npy', NUMBERS],
    ['i1.npy', FLOORS],
    ['i4.npy', FLOORS],
    ['i8.npy', FLOORS],
    ['u1.npy', k],
    ['bool.npy', MASKS],
    ['fixed.arrow', NUMBERS],
    ['lists.arrow', NUMBERS],
    ['lists.parquet', NUMBERS],
    ['masks.arrow', MASKS],
    ['masks.parquet', MASKS],
    ['long.arrow', NUMBERS],
    ['long.parquet', NUMBERS],
  ])('%s is read', async (name, expected) => {
    const { shape, data } = await readMatrix(fixture(name));
    expect(shape).toEqual([3, 5]);
    expect([...data]).toEqual(expected);
  });

  it.each([
    ['one-dimension.npy', 'has the shape (15,)'],
    ['text.npy', "entries of the type '<U1'"],
    ['objects.npy', "entries of the type '|O'"],
    ['twice.arrow', 'has two scores of query'],
    ['twice.parquet', 'has 15 entries at 14 places for 3 queries × 5 rows'],
    ['ragged.arrow', 'have 1, 2 entries'],
    ['ragged.parquet', 'have from 1 to 2 entries'],
    ['absent.arrow', 'entries that are not there'],
    ['absent.parquet', 'an entry that is null'],
    ['columns.arrow', 'has the columns a, b'],
    ['columns.parquet', 'has the columns a, b'],
  ])('%s is refused', async (name, sentence) => {
    await expect(readMatrix(fixture(name))).rejects.toThrow(sentence);
    await expect(readMatrix(fixture(name))).rejects.toThrow(MeedError);
  });

  it('has the bytes that are written here', async () => {
    const path = join(folder, 'same.npy');
    await writeMatrix(path, { shape: [3, 5], data: Float32Array.from(NUMBERS) });
    expect(await readFile(path)).toEqual(await readFile(fixture('f4.npy')));
  });
});

describe.each(ENDINGS)('.%s', (ending) => {
  it('gives back every float32 that was written, in whatever blocks', async () => {
    let file = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 3 }),
        fc.infiniteStream(fc.float()),
        async (rows, columns, step, floats) => {
          const data = Float32Array.from({ length: rows * columns }, () => Number(floats.next().value));
          const blocks = async function* () {
            for (let r = 0; r < rows; r += step) yield data.subarray(r * columns, Math.min(rows, r + step) * columns);
          };
          const path = join(folder, `trip-${file++}.${ending}`);
          await writeMatrix(path, { shape: [rows, columns], blocks: blocks() });
          const back = await readMatrix(path);
          expect(back.shape).toEqual([rows, columns]);
          expect(back.data).toEqual(data);
        },
      ),
      { numRuns: ending === 'parquet' ? 6 : 25 },
    );
  });

  it('is read in blocks of whole rows', async () => {
    const columns = 1700;
    const rows = 700;
    const data = Float32Array.from({ length: rows * columns }, (_, i) => i % 9973);
    const path = join(folder, `large.${ending}`);
    const blocks = [data.subarray(0, 500 * columns), data.subarray(500 * columns)];
    await writeMatrix(path, { shape: [rows, columns], blocks });
    const stream = await openMatrix(path);
    const sizes: number[] = [];
    let at = 0;
    let same = true;
    for await (const block of stream.blocks) {
      same &&= Buffer.from(block.buffer, block.byteOffset, block.byteLength).equals(
        Buffer.from(data.buffer, at * 4, block.byteLength),
      );
      at += block.length;
      sizes.push(block.length);
    }
    expect(same).toBe(true);
    expect(at).toBe(data.length);
    expect(sizes.length).toBeGreaterThan(1);
    expect(sizes.every((size) => size % columns === 0)).toBe(true);
  });

  it('is never half there: wrong rows leave the file that was', async () => {
    const path = join(folder, `kept.${ending}`);
    await writeMatrix(path, { shape: [1, 2], data: Float32Array.of(1, 2) });
    for (const blocks of [[Float32Array.of(1)], [Float32Array.of(1, 2), Float32Array.of(3, 4)], []]) {
      await expect(writeMatrix(path, { shape: [1, 2], blocks })).rejects.toThrow(MeedError);
    }
    await expect(writeMatrix(path, { shape: [0, 2], data: new Float32Array() })).rejects.toThrow('a matrix of 0 × 2');
    expect([...(await readMatrix(path)).data]).toEqual([1, 2]);
    expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('that is no such file, or is not there, is refused by a sentence', async () => {
    const path = join(folder, `garbage.${ending}`);
    for (const bytes of [Buffer.alloc(0), Buffer.from('no matrix at all'), Buffer.alloc(1000, 7)]) {
      await writeFile(path, bytes);
      await expect(readMatrix(path)).rejects.toThrow(MeedError);
    }
    await expect(readMatrix(join(folder, `absent.${ending}`))).rejects.toThrow('does not exist');
    const whole = await readFile(join(folder, `kept.${ending}`));
    for (let cut = 1; cut < whole.length; cut += Math.ceil(whole.length / 11)) {
      await writeFile(path, whole.subarray(0, whole.length - cut));
      await expect(readMatrix(path)).rejects.toThrow(MeedError);
    }
  });
});

describe('a hostile header of .npy', () => {
  const entries = Buffer.alloc(24);
  const file = (header: string, version = [1, 0], length = header.length): Buffer => {
    const prefix = Buffer.alloc(version[0] === 1 ? 10 : 12);
    Buffer.from([0x93, ...Buffer.from('NUMPY'), ...version]).copy(prefix);
    if (version[0] === 1) prefix.writeUInt16LE(length, 8);
    else prefix.writeUInt32LE(length, 8);
    return Buffer.concat([prefix, Buffer.from(header, 'latin1'), entries]);
  };
  const good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";

  it('beside one that is read', async () => {
    const path = join(folder, 'good.npy');
    await writeFile(path, file(good));
    expect(await readMatrix(path)).toEqual({ shape: [2, 3], data: new Float32Array(6) });
  });

  it.each([
    [file(good, [4, 0]), 'version 4.0'],
    [file(good, [2, 0], 2 ** 31), 'a header of 2147483648 bytes'],
    [file(good, [1, 0], 9000), 'ends inside its header of 9000 bytes'],
    [file(good.replace('(2, 3)', '(2, 4)')), 'its header asks for'],
    [file(good.replace('(2, 3)', '(99999999999, 99999999999)')), 'a matrix of 99999999999 × 99999999999'],
    [file(good.replace('(2, 3)', '(2, -3)')), 'a header that NumPy does not write'],
    [file(good.replace('(2, 3)', '(2, 3, 1)')), 'has the shape (2, 3, 1)'],
    [file(good.replace('(2, 3)', '(0, 3)')), 'a matrix of 0 × 3'],
    [file(good.replace('(2, 3)', '(2 1, 3)')), 'has the shape (2 1, 3)'],
    [file(good.replace('False', '__import__("os")')), 'a header that NumPy does not write'],
    [file(good.replace("'<f4'", "'<constructor'")), "of the type '<constructor'"],
    [file(good.replace("'<f4'", "'|f4'")), "of the type '|f4'"],
    [file(good.replace("'<f4'", "'<f2'")), "of the type '<f2'"],
  ])('is refused (%#)', async (bytes, sentence) => {
    const path = join(folder, 'hostile.npy');
    await writeFile(path, bytes);
    await expect(readMatrix(path)).rejects.toThrow(sentence);
  });

  it('does not let through what no boolean and no float32 is', async () => {
    const path = join(folder, 'values.npy');
    const one = "{'descr': '|b1', 'fortran_order': False, 'shape': (1, 24), }\n";
    const bytes = file(one);
    bytes[bytes.length - 1] = 2;
    await writeFile(path, bytes);
    await expect(readMatrix(path)).rejects.toThrow('the byte 2 among true and false');
    const wide = file("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3), }\n");
    wide.writeDoubleLE(1e300, wide.length - 8);
    await writeFile(path, wide);
    await expect(readMatrix(path)).rejects.toThrow('1e+300, too large for float32');
  });
});

describe('a path', () => {
  it.each(['a[1].parquet', 'a*.parquet', 'a?.parquet', 'score=1/a.parquet'])(
    '%s is a name and no pattern',
    async (name) => {
      const inside = join(folder, 'names');
      await mkdir(join(inside, 'score=1'), { recursive: true });
      await writeMatrix(join(inside, 'a1.parquet'), { shape: [1, 1], data: Float32Array.of(1) });
      const path = join(inside, name);
      await writeMatrix(path, { shape: [1, 2], data: Float32Array.of(2, 3) });
      expect(await readMatrix(path)).toEqual({ shape: [1, 2], data: Float32Array.of(2, 3) });
    },
  );

  it.each(ENDINGS)('of a folder with the ending .%s is refused by a sentence', async (ending) => {
    const path = join(folder, `folder.${ending}`);
    await mkdir(path);
    await expect(readMatrix(path)).rejects.toThrow(MeedError);
  });
});

describe('a long Arrow table', () => {
  const long = async (score: Float64Array): Promise<string> => {
    const path = join(folder, 'long.arrow');
    const rows = Int32Array.from(score, (_, row) => row);
    await writeFile(
      path,
      tableToIPC(tableFromArrays({ query: new Int32Array(rows.length), row: rows, score }), 'file'),
    );
    return path;
  };

  it('is read when every score is a float32', async () => {
    const path = await long(Float64Array.of(0.5, Number.NEGATIVE_INFINITY, -2));
    expect(await readMatrix(path)).toEqual({ shape: [1, 3], data: Float32Array.of(0.5, Number.NEGATIVE_INFINITY, -2) });
  });

  it('is refused when one is too large, or there is none', async () => {
    await expect(readMatrix(await long(Float64Array.of(1, -1e300)))).rejects.toThrow('-1e+300, too large for float32');
    await expect(readMatrix(await long(new Float64Array()))).rejects.toThrow('holds no rows');
  });
});

describe('files of other parts', () => {
  it('are read: scores of receipts in Parquet, and ours by the reader of artefacts', async () => {
    const path = join(folder, 'receipts.parquet');
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    await writeScores(path, {
      scores: { shape: [2, 3], data },
      contributors: ['a', 'b', 'a'],
      labels: Int32Array.of(0, 1, 0),
    });
    expect(await readMatrix(path)).toEqual({ shape: [2, 3], data });
    const ours = join(folder, "it's.arrow");
    await writeMatrix(ours, { shape: [2, 3], data });
    expect(tableMatrix(await readTable(ours), 'scores', Float32Array)).toEqual({ values: data, width: 3 });
  });

  it('are told apart by their ending', async () => {
    await expect(readMatrix(join(folder, 'scores.csv'))).rejects.toThrow('has the ending ".csv"');
    await expect(writeMatrix(join(folder, 'scores'), { shape: [1, 1], data: new Float32Array(1) })).rejects.toThrow(
      'has the ending ""',
    );
    const quoted = join(folder, "it's.parquet");
    await writeMatrix(quoted, { shape: [1, 1], data: Float32Array.of(3) });
    expect((await readMatrix(quoted)).data[0]).toBe(3);
  });
});
