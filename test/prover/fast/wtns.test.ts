/** Witnesses by sections: what a good one holds, and one sentence for every way to be a bad one. */
import { beforeAll, describe, expect, it } from 'vitest';
import { MeedError } from '../../../src/foundation/index.js';
import { readWtns, valuesAt } from '../../../src/prover/fast/wtns.js';
import { FIELD_MODULUS } from '../../../src/prover/reference/index.js';
import { wireValues } from '../support/constraints.js';
import { changed, sectionOf, tinyKey } from './support/tiny.js';

let file: Buffer;
let expected: bigint[];
beforeAll(async () => {
  file = Buffer.from(await (await tinyKey()).wtns(5));
  expected = wireValues(file);
});

async function refusal(bytes: Uint8Array, wires = expected.length): Promise<string> {
  const thrown = await readWtns(bytes, wires).then(
    () => 'nothing',
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(MeedError);
  return (thrown as MeedError).message;
}

function withValue(wire: number, value: bigint): Buffer {
  return changed(file, (copy) => {
    const bytes = Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse();
    bytes.copy(copy, sectionOf(file, 2).at + 32 * wire);
  });
}

describe('a witness', () => {
  it('holds the values of all wires, wherever its bytes lie', async () => {
    const { values } = await readWtns(file, expected.length);
    expect(valuesAt(values, 0, expected.length)).toEqual(expected);
    const shifted = Buffer.concat([Buffer.alloc(3), file]).subarray(3);
    expect(valuesAt((await readWtns(shifted, expected.length)).values, 1, 4)).toEqual(expected.slice(1, 5));
  });

  it('is refused wherever it is cut off, and when something follows', async () => {
    for (const length of [0, 4, 11, 23, 40, 70, 76, 500, file.length - 1]) await refusal(file.subarray(0, length));
    expect(await refusal(Buffer.concat([file, Buffer.alloc(1)]))).toContain('behind its last section');
  });

  it('is refused over another field, of another circuit, or as another format', async () => {
    expect(await refusal(changed(file, (copy) => copy.writeUInt8(7, sectionOf(file, 1).at + 9)))).toContain('field');
    expect(await refusal(changed(file, (copy) => copy.writeUInt32LE(64, sectionOf(file, 1).at)))).toContain('field');
    expect(await refusal(file, expected.length + 1)).toContain(`${expected.length + 1} wires`);
    const counted = changed(file, (copy) => copy.writeUInt32LE(9, sectionOf(file, 1).at + 36));
    expect(await refusal(counted, 9)).toContain('9 values');
    expect(await refusal(changed(file, (copy) => copy.write('zkey', 0)))).toContain('"zkey"');
  });

  it('is refused with a value that is not reduced, and without its constant', async () => {
    for (const value of [FIELD_MODULUS, FIELD_MODULUS + 1n, 2n ** 256n - 1n]) {
      expect(await refusal(withValue(17, value))).toContain('wire 17');
    }
    await expect(readWtns(withValue(17, FIELD_MODULUS - 1n), expected.length)).resolves.toBeDefined();
    expect(await refusal(withValue(0, 2n))).toContain('constant 1');
  });
});
