/** SpanMembership: every span of a text at every place, and nothing that is not its text. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/foundation/index.js';
import {
  documentCommitment,
  FIELD_MODULUS,
  type Hasher,
  loadHasher,
  spanCommitment,
  symbolsPerBlock,
} from '../../src/prover/reference/index.js';
import { type OpenedDocument, spanMembershipInput } from '../../src/prover/spanMembership.js';
import { SPAN_MEMBERSHIP } from '../../src/prover/templates.js';
import { CircuitUnderTest } from './support/circuitUnderTest.js';

const LEVELS = 3;
const SHAPE = { width: 16, words: 2 };
const B = symbolsPerBlock(SHAPE);
let hasher: Hasher;
let circuit: CircuitUnderTest;
let text: OpenedDocument;

beforeAll(async () => {
  hasher = await loadHasher();
  circuit = await CircuitUnderTest.open(SPAN_MEMBERSHIP.name, [SHAPE.width, SHAPE.words, LEVELS]);
  text = document(5 * B + 7, 1);
});

function document(length: number, seed: number): OpenedDocument {
  const random = new Random(seed);
  return { shape: SHAPE, salt: 123456789n, symbols: Uint16Array.from({ length }, () => random.below(65536)) };
}

describe('SpanMembership', () => {
  it('proves spans of every offset and length at the ends of their ranges', async () => {
    expect(B).toBe(30);
    const end = text.symbols.length;
    for (const [start, length] of [
      [0, 1],
      [0, B],
      [1, B],
      [B - 1, 1],
      [B - 1, 2],
      [B - 1, B],
      [B, B],
      [3 * B + 16, 14],
      [3 * B + 16, 15],
      [end - 1, 1],
      [end - 7, 7],
      [end - B, B],
    ]) {
      const values = await circuit.proves(spanMembershipInput(hasher, text, { start, length, salt: 7n }, LEVELS));
      const span = Array.from(text.symbols).slice(start, start + length);
      expect(values.slice(1, 5)).toEqual([
        documentCommitment(hasher, SHAPE, text.salt, text.symbols),
        BigInt(start),
        BigInt(length),
        spanCommitment(hasher, SHAPE, 7n, span),
      ]);
    }
  });

  it('proves texts of the smallest and the largest symbols, of one symbol, and of as many blocks as fit', async () => {
    for (const symbols of [[0], [65535], Array<number>(B).fill(65535), Array<number>(8 * B).fill(65535)]) {
      const start = symbols.length - 1;
      await circuit.proves(
        spanMembershipInput(hasher, { shape: SHAPE, salt: 0n, symbols }, { start, length: 1, salt: 0n }, LEVELS),
      );
    }
  });

  it('refuses another span, place, length, text and salt', async () => {
    const input = spanMembershipInput(hasher, text, { start: 40, length: 25, salt: 7n }, LEVELS);
    await circuit.proves(input);
    await circuit.refusesOneMore(input, [
      ...SPAN_MEMBERSHIP.publicInputs,
      'documentSalt',
      'documentLength',
      'depth',
      'block',
      'last',
      'spanSalt',
    ]);
    const other = spanCommitment(hasher, SHAPE, 7n, Array.from(text.symbols).slice(41, 66));
    await circuit.refuses({ ...input, spanCommitment: other });
  });

  it('refuses the padding behind the text as text', async () => {
    const end = text.symbols.length;
    const input = spanMembershipInput(hasher, text, { start: end - 7, length: 7, salt: 0n }, LEVELS);
    const longer = [...Array.from(text.symbols).slice(end - 7), 0];
    await circuit.refuses({ ...input, length: 8n, spanCommitment: spanCommitment(hasher, SHAPE, 0n, longer) });
    // Nor by another length of the text: the commitment binds it.
    await circuit.refuses({
      ...input,
      length: 8n,
      documentLength: BigInt(end + 1),
      spanCommitment: spanCommitment(hasher, SHAPE, 0n, longer),
    });
  });

  it('refuses symbols that pack into the same word but leave the range, a block that is not next, an empty span', async () => {
    const input = spanMembershipInput(hasher, text, { start: 20, length: 25, salt: 7n }, LEVELS);
    await circuit.proves(input);
    const blocks = input.blocks as readonly (readonly bigint[])[];
    const carried = [blocks[0][0] + 65536n, blocks[0][1] - 1n, ...blocks[0].slice(2)];
    await circuit.refuses({ ...input, blocks: [carried, blocks[1]] });
    const elsewhere = spanMembershipInput(hasher, text, { start: 80, length: 25, salt: 7n }, LEVELS);
    const [next] = [elsewhere.blocks as readonly (readonly bigint[])[]];
    const siblings = input.siblings as readonly (readonly bigint[])[];
    await circuit.refuses({
      ...input,
      blocks: [blocks[0], next[1]],
      siblings: [siblings[0], (elsewhere.siblings as readonly (readonly bigint[])[])[1]],
    });
    // The first block twice, as where a span ends in it, for a span that does not.
    await circuit.refuses({
      ...input,
      last: 1n,
      blocks: [blocks[0], blocks[0]],
      siblings: [siblings[0], siblings[0]],
    });
    await circuit.refuses({ ...input, length: 0n });
    await circuit.refuses({ ...input, length: BigInt(B + 1) });
    await circuit.refuses({ ...input, block: FIELD_MODULUS - 1n });
  });

  it('refuses with a sentence what is no span of the text', () => {
    const end = text.symbols.length;
    for (const [start, length] of [
      [end, 1],
      [end - 1, 2],
      [-1, 2],
    ]) {
      expect(() => spanMembershipInput(hasher, text, { start, length, salt: 0n }, LEVELS)).toThrow('is not in a text');
    }
    expect(() => spanMembershipInput(hasher, text, { start: 0, length: B + 1, salt: 0n }, LEVELS)).toThrow(
      'Cut the span',
    );
    expect(() => spanMembershipInput(hasher, text, { start: 0, length: 0, salt: 0n }, LEVELS)).toThrow('Cut the span');
    expect(() => documentCommitment(hasher, SHAPE, 0n, [65536])).toThrow('16 bits');
    expect(() =>
      spanMembershipInput(hasher, document(8 * B + 1, 2), { start: 0, length: 1, salt: 0n }, LEVELS),
    ).toThrow('does not fit');
  });

  it('leaves no single wire that can be changed', async () => {
    const input = spanMembershipInput(hasher, text, { start: 20, length: 25, salt: 7n }, LEVELS);
    expect(circuit.looseWires(await circuit.proves(input))).toEqual([]);
  });
});
