/** Keys by sections: what a good one holds, and one sentence for every way to be a bad one. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { MeedError, Random } from '../../../src/foundation/index.js';
import { bytesAsSource, openFile, readBytes } from '../../../src/prover/fast/byteSource.js';
import type { Section } from '../../../src/prover/fast/sections.js';
import { compressRows, type SparseRows } from '../../../src/prover/fast/sparseRows.js';
import { COEFFICIENT_BYTES, readZkey, type Zkey } from '../../../src/prover/fast/zkey.js';
import { readInteger, readR1csHeader } from '../../../src/prover/r1cs.js';
import { changed, fileSections, sectionOf, type TinyKey, tinyKey } from './support/tiny.js';

let tiny: TinyKey;
let file: Buffer;
let parsed: Zkey;
beforeAll(async () => {
  tiny = await tinyKey();
  file = tiny.zkey;
  parsed = await read(file);
});

function read(bytes: Uint8Array): Promise<Zkey> {
  return readZkey(bytesAsSource('key.zkey', bytes));
}

/** The refusal of a damaged file; it must be one that a person can act on. */
async function refusal(bytes: Uint8Array): Promise<string> {
  const thrown = await read(bytes).then(
    () => 'nothing',
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(MeedError);
  return (thrown as MeedError).message;
}

describe('a key', () => {
  it('has the sizes of its circuit', async () => {
    const { wires, publicWires, constraints } = readR1csHeader(await readFile(tiny.key.circuit.r1csPath));
    expect(parsed).toMatchObject({ wires, publicWires, domain: 2048, logDomain: 11 });
    expect(constraints + publicWires).toBeLessThan(2048);
    expect(parsed.coefficients.length % COEFFICIENT_BYTES).toBe(0);
    const betaX = readInteger(parsed.beta2, 0, 32);
    expect(betaX).toBe(readInteger(file, sectionOf(file, 2).at + 84 + 128, 32));
  });

  it('is read from an open file as from bytes', async () => {
    const source = await openFile(tiny.key.zkeyPath);
    try {
      expect(await readZkey(source)).toEqual(parsed);
      expect(Buffer.from(await readBytes(source, parsed.h.at, 64))).toEqual(
        file.subarray(parsed.h.at, parsed.h.at + 64),
      );
      await expect(readBytes(source, source.length - 4, 8)).rejects.toThrow('within its content');
    } finally {
      await source.close();
    }
    await expect(openFile(`${tiny.key.zkeyPath}.missing`)).rejects.toThrow('does not exist');
  });

  it('is refused when the file was cut short after it was opened', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meed-zkey-'));
    try {
      const path = join(folder, 'key.zkey');
      await writeFile(path, file);
      const source = await openFile(path);
      await writeFile(path, file.subarray(0, 1000));
      await expect(readZkey(source)).rejects.toThrow('within its content');
      await source.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('may have its sections in any order', async () => {
    const parts = fileSections(file).map(({ headAt, at, length }) => file.subarray(headAt, at + length));
    const turned = Buffer.concat([file.subarray(0, 12), ...parts.reverse()]);
    const again = await read(turned);
    expect(again.wires).toBe(parsed.wires);
    const points = (bytes: Buffer, { at, length }: Section): Buffer => bytes.subarray(at, at + length);
    expect(points(turned, again.h).equals(points(file, parsed.h))).toBe(true);
  });

  it('is refused wherever it is cut off, and when something follows', async () => {
    const random = new Random(3);
    const lengths = [
      0,
      3,
      11,
      12,
      20,
      24,
      file.length - 1,
      ...Array.from({ length: 40 }, () => random.below(file.length)),
    ];
    for (const length of lengths) await refusal(file.subarray(0, length));
    expect(await refusal(Buffer.concat([file, Buffer.alloc(5)]))).toContain('5 bytes behind its last section');
  });

  it('is refused as another format, version, protocol or curve', async () => {
    const at = (type: number): number => sectionOf(file, type).at;
    expect(await refusal(changed(file, (copy) => copy.write('r1cs', 0)))).toContain('"r1cs"');
    expect(await refusal(changed(file, (copy) => copy.writeUInt32LE(2, 4)))).toContain('version 2');
    expect(await refusal(changed(file, (copy) => copy.writeUInt32LE(1e9, 8)))).toContain('1000000000 sections');
    expect(await refusal(changed(file, (copy) => copy.writeUInt32LE(2, at(1))))).toContain('protocol 2');
    expect(await refusal(changed(file, (copy) => copy.writeUInt8(0, at(2) + 10)))).toContain('base field');
    expect(await refusal(changed(file, (copy) => copy.writeUInt8(0, at(2) + 50)))).toContain('scalar field');
  });

  it('is refused with a section missing, doubled or exchanged', async () => {
    const head = (type: number): number => sectionOf(file, type).headAt;
    expect(await refusal(changed(file, (copy) => copy.writeUInt32LE(42, head(7))))).toContain('no section 7');
    expect(await refusal(changed(file, (copy) => copy.writeUInt32LE(6, head(7))))).toContain('section 6 twice');
    const exchanged = changed(file, (copy) => {
      copy.writeUInt32LE(9, head(5));
      copy.writeUInt32LE(5, head(9));
    });
    expect(await refusal(exchanged)).toContain('points of A (section 5)');
  });

  it('is refused when its counts and its lengths disagree', async () => {
    const counts = sectionOf(file, 2).at + 72;
    const with32 = (at: number, value: number) => refusal(changed(file, (copy) => copy.writeUInt32LE(value, at)));
    expect(await with32(counts, parsed.wires + 1)).toContain('points of A');
    expect(await with32(counts + 4, parsed.publicWires + 1)).toContain('IC');
    expect(await with32(counts + 4, 2 ** 32 - 1)).toContain('public wires');
    expect(await with32(counts + 8, 3000)).toContain('domain of 3000');
    expect(await with32(counts + 8, 4096)).toContain('points of the quotient');
    expect(await with32(counts + 8, 0)).toContain('domain of 0');
    expect(await with32(counts + 8, 1)).toContain('domain of 1');
    expect(await with32(sectionOf(file, 4).at, 2 ** 31)).toContain('coefficients');
  });
});

describe('the coefficients', () => {
  /** [matrix, constraint, wire, value] in an order that does not depend on the file's. */
  const listed = (entries: readonly (readonly [number, number, number, bigint])[]): string[] =>
    entries.map(String).sort();
  const expanded = (rows: SparseRows, matrix: number, values: Uint8Array) =>
    [...rows.starts.subarray(1).keys()].flatMap((row) => {
      const terms = rows.terms.subarray(2 * rows.starts[row], 2 * rows.starts[row + 1]);
      return Array.from({ length: terms.length / 2 }, (_, i) => {
        return [matrix, row, terms[2 * i], readInteger(values, 32 * terms[2 * i + 1], 32)] as const;
      });
    });
  const entryBytes = (entries: readonly (readonly [number, number, number, bigint])[]): Uint8Array =>
    Buffer.concat(
      entries.map(([matrix, constraint, wire, value]) => {
        const words = Buffer.from(Uint32Array.of(matrix, constraint, wire).buffer);
        return Buffer.concat([words, Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()]);
      }),
    );

  it('are the same terms as in the file, each distinct value once', () => {
    const { at, length } = parsed.coefficients;
    const bytes = new Uint8Array(file.subarray(at, at + length));
    const { a, b, values } = compressRows('key', bytes, parsed);
    const view = Buffer.from(bytes);
    const entries = Array.from({ length: length / COEFFICIENT_BYTES }, (_, i) => {
      const entry = i * COEFFICIENT_BYTES;
      const [matrix, constraint, wire] = [0, 4, 8].map((offset) => view.readUInt32LE(entry + offset));
      return [matrix, constraint, wire, readInteger(bytes, entry + 12, 32)] as const;
    });
    expect(listed([...expanded(a, 0, values), ...expanded(b, 1, values)])).toEqual(listed(entries));
    expect(values.length / 32).toBe(new Set(entries.map(([, , , value]) => value)).size);
  });

  it('may stand in any order and name a wire twice', () => {
    const entries = [
      [1, 3, 0, 7n],
      [0, 3, 2, 5n],
      [0, 0, 1, 7n],
      [0, 3, 2, 5n],
      [1, 0, 2, 2n ** 255n],
    ] as const;
    const { a, b, values } = compressRows('key', entryBytes(entries), { wires: 3, domain: 4 });
    expect(listed([...expanded(a, 0, values), ...expanded(b, 1, values)])).toEqual(listed(entries));
    expect(values.length).toBe(3 * 32);
    const none = compressRows('key', new Uint8Array(0), { wires: 3, domain: 4 });
    expect([...none.a.starts, ...none.b.starts, none.values.length]).toEqual(Array(11).fill(0));
  });

  it('are refused outside of the circuit', () => {
    const refused = (entry: readonly [number, number, number, bigint]) =>
      expect(() => compressRows('key', entryBytes([entry]), { wires: 3, domain: 4 })).toThrow(MeedError);
    refused([2, 0, 0, 1n]);
    refused([0, 4, 0, 1n]);
    refused([1, 0, 3, 1n]);
  });
});
