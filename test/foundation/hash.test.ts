import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sha256, sha256Bytes, sha256File } from '../../src/foundation/index.js';

/** FIPS 180-4 examples (NIST CSRC) and the empty message. */
const VECTORS: readonly (readonly [message: string, digest: string])[] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
];

describe('SHA-256', () => {
  it('gives the published digests, of strings, bytes and files alike', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'meed-hash-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const [message, digest] of VECTORS) {
      expect(sha256(message)).toBe(digest);
      expect(Buffer.from(sha256Bytes(new TextEncoder().encode(message))).toString('hex')).toBe(digest);
      await writeFile(join(folder, 'message'), message);
      expect(await sha256File(join(folder, 'message'))).toBe(digest);
    }
  });

  it('hashes its parts as one message', () => {
    expect(sha256('a', new Uint8Array([0x62]), 'c')).toBe(VECTORS[1][1]);
  });

  it('hashes only the part of the buffer that a view shows', () => {
    const whole = new TextEncoder().encode('xabcx');
    expect(sha256(whole.subarray(1, 4))).toBe(VECTORS[1][1]);
  });
});
