import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashTree, inclusionProof, verifyInclusion } from '../../src/data/index.js';
import { sha256Bytes } from '../../src/foundation/index.js';
import { refusal } from './fixture.js';

/** RFC 6962, section 2.1, word for word: split at the largest power of two below n. */
function byDefinition(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256Bytes();
  if (leaves.length === 1) return sha256Bytes(Uint8Array.of(0), leaves[0]);
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return sha256Bytes(Uint8Array.of(1), byDefinition(leaves.slice(0, k)), byDefinition(leaves.slice(k)));
}

/** RFC 6962, section 2.1.1. */
function pathByDefinition(m: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return [];
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return m < k
    ? [...pathByDefinition(m, leaves.slice(0, k)), byDefinition(leaves.slice(k))]
    : [...pathByDefinition(m - k, leaves.slice(k)), byDefinition(leaves.slice(0, k))];
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const someLeaves = (n: number) => Array.from({ length: n }, (_, i) => sha256Bytes(`leaf ${i}`));

/** The vectors of Certificate Transparency's reference implementation: eight inputs, the root after each. */
const inputs = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const roots = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('the hash tree of RFC 6962', () => {
  it('has the published roots', () => {
    const leaves = inputs.map((input) => Uint8Array.from(Buffer.from(input, 'hex')));
    expect(roots.map((_, i) => hashTree(leaves.slice(0, i + 1)).root)).toEqual(roots);
    expect(hashTree([]).root).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('agrees with the recursive definition, proofs included, for every size to 40', () => {
    for (let n = 1; n <= 40; n++) {
      const leaves = someLeaves(n);
      const tree = hashTree(leaves);
      expect(tree.root).toBe(hex(byDefinition(leaves)));
      for (let i = 0; i < n; i++) {
        const proof = inclusionProof(tree, i);
        expect(proof).toEqual(pathByDefinition(i, leaves).map(hex));
        expect(verifyInclusion({ leaf: leaves[i], index: i, size: n, proof, root: tree.root })).toBe(true);
      }
    }
  });

  it('refuses every other leaf, position, path and root', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 70 }), fc.nat(), fc.nat(), (n, a, b) => {
        const leaves = someLeaves(n);
        const { root } = hashTree(leaves);
        const index = a % n;
        const other = (index + 1 + (b % (n - 1))) % n;
        const proof = inclusionProof(hashTree(leaves), index);
        const good = { leaf: leaves[index], index, size: n, proof, root };
        const place = b % proof.length;
        const bad = [
          { ...good, leaf: leaves[other] },
          { ...good, index: other },
          { ...good, index: n },
          { ...good, index: -1 },
          { ...good, index: 0.5 },
          { ...good, proof: proof.slice(1) },
          { ...good, proof: proof.slice(0, -1) },
          { ...good, proof: [...proof, proof[0]] },
          { ...good, proof: proof.map((node, i) => (i === place ? hex(sha256Bytes('x')) : node)) },
          { ...good, proof: proof.map((node, i) => (i === place ? node.slice(2) : node)) },
          { ...good, root: hex(sha256Bytes('x')) },
        ];
        expect(bad.map(verifyInclusion)).toEqual(bad.map(() => false));
      }),
      { numRuns: 60 },
    );
  });

  it('does not take a node for a leaf', () => {
    const [a, b] = someLeaves(2);
    const { root, levels } = hashTree([a, b]);
    expect(hashTree([Buffer.concat(levels[0])]).root).not.toBe(root);
  });

  it('names a leaf that is not there', async () => {
    expect(await refusal(() => inclusionProof(hashTree(someLeaves(3)), 3))).toBe(
      'Leaf 3 is not in a tree of 3. Name a leaf from 0 to 2.',
    );
  });
});
