/**
 * Checkpoints and tokenizers of llama2.c (Karpathy 2023, version 0): a header of seven int32, then float32 weights, each
 * kind for all layers together, matrices as [out, in]; the tokenizer is SentencePiece's pieces with their scores.
 * The traps: a negative vocabulary says that the head is not the embedding; two tables of rotary angles stand before the
 * head and are skipped; rotary pairs are neighbours.
 */
import { MeedError } from '../foundation/index.js';
import { sizeOf } from '../graph/index.js';
import { DEFAULT_THETA, decoder } from './decoder.js';
import type { Model } from './model.js';

export interface LoadedModel {
  readonly model: Model;
  /** The flat vector. */
  readonly parameters: Float32Array;
}

const HEADER = 28;

/** @throws MeedError when the header is no header or the length does not fit it */
export function readLlama2c(bytes: Uint8Array): LoadedModel {
  if (bytes.length < HEADER) {
    throw new MeedError(
      `A llama2.c checkpoint has a header of ${HEADER} bytes, this has ${bytes.length} in all`,
      REMEDY,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [width, hidden, layers, heads, keyValueHeads, signed, context] = Array.from({ length: 7 }, (_, i) =>
    view.getInt32(4 * i, true),
  );
  const vocabulary = Math.abs(signed);
  const head = signed < 0 ? 'untied' : 'tied';
  // before anything is allocated: each extent alone must fit the file
  if ([width, hidden, layers, context, vocabulary].some((extent) => extent < 1 || extent > bytes.length)) {
    throw new MeedError(
      `The header says width ${width}, hidden ${hidden}, layers ${layers}, context ${context}, vocabulary ${vocabulary}`,
      REMEDY,
    );
  }
  const model = decoder({
    vocabulary,
    context,
    width,
    layers,
    heads,
    keyValueHeads,
    hidden,
    norm: 'rms',
    epsilon: 1e-5,
    positions: 'interleaved',
    theta: DEFAULT_THETA,
    feedForward: 'swiglu',
    head,
    biased: [],
  });
  const angles = context * (width / heads);
  const expected = HEADER + 4 * (model.parameterCount + angles);
  if (bytes.length !== expected) {
    throw new MeedError(`The checkpoint has ${bytes.length} bytes, its header promises ${expected}`, REMEDY);
  }
  const parameters = new Float32Array(model.parameterCount);
  const layout = new Map(model.parameters.map((parameter) => [parameter.name, parameter]));
  let position = HEADER;
  const take = (name: string, order: 'as it is' | 'transposed'): void => {
    const { offset, shape } = layout.get(name)!;
    const size = sizeOf(shape);
    const [fanIn, fanOut] = order === 'transposed' ? shape : [size, 1];
    for (let o = 0; o < fanOut; o++)
      for (let i = 0; i < fanIn; i++, position += 4)
        parameters[offset + i * fanOut + o] = view.getFloat32(position, true);
  };
  const each = (name: string, order: 'as it is' | 'transposed'): void => {
    for (let l = 0; l < layers; l++) take(`layer${l}.${name}`, order);
  };
  take('embedding', 'as it is');
  each('attentionNorm.scale', 'as it is');
  for (const name of ['query', 'key', 'value', 'output']) each(`${name}.weight`, 'transposed');
  each('feedForwardNorm.scale', 'as it is');
  for (const name of ['gate', 'down', 'up']) each(`${name}.weight`, 'transposed');
  take('norm.scale', 'as it is');
  position += 4 * angles;
  if (head === 'untied') take('head', 'transposed');
  return { model, parameters };
}

const REMEDY = 'Give a version 0 .bin file of llama2.c, whole';
const TOKENIZER_REMEDY = 'Give the tokenizer .bin file of llama2.c that belongs to the model, whole';
/** The first three pieces are <unk>, <s> and </s>; the 256 bytes follow. */
export const BEGIN = 1;
const FIRST_BYTE = 3;

export interface Tokenizer {
  readonly size: number;
  /** With the token of the beginning in front. */
  encode(text: string): number[];
  /** Bytes that are no UTF-8 become U+FFFD. */
  decode(tokens: readonly number[]): string;
}

/** @throws MeedError when the file ends early, is longer, or a piece has an impossible length */
export function readLlama2cTokenizer(bytes: Uint8Array): Tokenizer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (problem: string): never => {
    throw new MeedError(problem, TOKENIZER_REMEDY);
  };
  if (bytes.length < 4) refuse(`The tokenizer has ${bytes.length} bytes`);
  const longest = view.getInt32(0, true);
  const pieces: Uint8Array[] = [];
  const scores: number[] = [];
  for (let at = 4; at < bytes.length; ) {
    if (at + 8 > bytes.length) refuse(`The tokenizer ends inside piece ${pieces.length}`);
    const length = view.getInt32(at + 4, true);
    const special = pieces.length < FIRST_BYTE + 256;
    if (length < 0 || at + 8 + length > bytes.length || (length > longest && !special))
      refuse(`Piece ${pieces.length} of the tokenizer claims ${length} bytes`);
    scores.push(view.getFloat32(at, true));
    pieces.push(bytes.slice(at + 8, at + 8 + length));
    at += 8 + length;
  }
  if (pieces.length < FIRST_BYTE + 256) refuse(`The tokenizer has ${pieces.length} pieces, fewer than the 256 bytes`);
  const keyOf = (piece: Uint8Array): string => Buffer.from(piece).toString('latin1');
  const ids = new Map<string, number>();
  // the first of equal pieces
  for (const [id, piece] of pieces.entries()) if (!ids.has(keyOf(piece))) ids.set(keyOf(piece), id);
  const rawByte = (id: number): number | undefined =>
    id >= FIRST_BYTE && id < FIRST_BYTE + 256 ? id - FIRST_BYTE : undefined;
  return {
    size: pieces.length,
    encode(text) {
      const tokens = [BEGIN];
      if (text === '') return tokens;
      // SentencePiece begins every text with a space
      for (const character of ` ${text}`) {
        const encoded = new TextEncoder().encode(character);
        const id = ids.get(keyOf(encoded));
        if (id !== undefined) tokens.push(id);
        else for (const byte of encoded) tokens.push(byte + FIRST_BYTE);
      }
      for (;;) {
        let best: { at: number; id: number } | undefined;
        for (let at = 0; at + 1 < tokens.length; at++) {
          const id = ids.get(keyOf(pieces[tokens[at]]) + keyOf(pieces[tokens[at + 1]]));
          if (id !== undefined && (!best || scores[id] > scores[best.id])) best = { at, id };
        }
        if (!best) return tokens;
        tokens.splice(best.at, 2, best.id);
      }
    },
    decode(tokens) {
      const parts = tokens.flatMap((token, i) => {
        const piece = pieces[token];
        if (!piece)
          throw new MeedError(`The token ${token} is none of ${pieces.length}`, 'Use tokens of this tokenizer');
        if (token < FIRST_BYTE) return [];
        const byte = rawByte(token);
        if (byte !== undefined) return [Uint8Array.of(byte)];
        return [tokens[i - 1] === BEGIN && piece[0] === 0x20 ? piece.subarray(1) : piece];
      });
      return Buffer.concat(parts).toString('utf8');
    },
  };
}
