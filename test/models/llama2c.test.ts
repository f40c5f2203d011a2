import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuEngine } from '../../src/engine/index.js';
import { Random } from '../../src/foundation/index.js';
import { differentiate, GraphBuilder, interpret, reduceSum } from '../../src/graph/index.js';
import { generateGreedy } from '../../src/models/generate.js';
import { readLlama2c, readLlama2cTokenizer } from '../../src/models/llama2c.js';

const folder = process.env.MEED_DATASETS && join(process.env.MEED_DATASETS, 'stories260k');
if (!folder) process.stdout.write('stories260K is not tested: MEED_DATASETS names no folder that holds it\n');

/** A forward pass of one token at a time with a cache, in float64, read from the file by its own offsets. */
function plainLlama(bytes: Uint8Array): (tokens: readonly number[]) => Float64Array[] {
  const [dim, hidden, layers, heads, kvHeads, signed, context] = new Int32Array(Uint8Array.from(bytes).buffer, 0, 7);
  const vocabulary = Math.abs(signed);
  const floats = new Float32Array(Uint8Array.from(bytes).buffer, 28);
  let at = 0;
  const part = (size: number): Float32Array => {
    at += size;
    return floats.subarray(at - size, at);
  };
  const size = dim / heads;
  const kvDim = kvHeads * size;
  const embedding = part(vocabulary * dim);
  const attentionNorm = part(layers * dim);
  const [wq, wk, wv, wo] = [dim, kvDim, kvDim, dim].map((out) => part(layers * dim * out));
  const feedNorm = part(layers * dim);
  const [w1, w2, w3] = [1, 2, 3].map(() => part(layers * dim * hidden));
  const finalNorm = part(dim);
  at += context * size;
  const head = signed < 0 ? part(vocabulary * dim) : embedding;

  const product = (w: Float32Array, offset: number, x: Float64Array, out: number): Float64Array =>
    Float64Array.from({ length: out }, (_, o) => x.reduce((sum, v, i) => sum + w[offset + o * x.length + i] * v, 0));
  const norm = (x: Float64Array, scale: Float32Array, offset: number): Float64Array => {
    const root = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / dim + 1e-5);
    return x.map((v, i) => (v / root) * scale[offset + i]);
  };
  const turn = (x: Float64Array, place: number): void => {
    for (let i = 0; i < x.length; i += 2) {
      const angle = place / 10000 ** ((i % size) / size);
      const [a, b] = [x[i], x[i + 1]];
      x[i] = a * Math.cos(angle) - b * Math.sin(angle);
      x[i + 1] = a * Math.sin(angle) + b * Math.cos(angle);
    }
  };
  return (tokens) => {
    const cache = Array.from({ length: layers }, () => ({ keys: [] as Float64Array[], values: [] as Float64Array[] }));
    return tokens.map((token, place) => {
      let x = Float64Array.from(embedding.subarray(token * dim, (token + 1) * dim));
      for (let l = 0; l < layers; l++) {
        const y = norm(x, attentionNorm, l * dim);
        const q = product(wq, l * dim * dim, y, dim);
        const k = product(wk, l * dim * kvDim, y, kvDim);
        turn(q, place);
        turn(k, place);
        cache[l].keys.push(k);
        cache[l].values.push(product(wv, l * dim * kvDim, y, kvDim));
        const mixed = new Float64Array(dim);
        for (let h = 0; h < heads; h++) {
          const from = Math.floor(h / (heads / kvHeads)) * size;
          const scores = cache[l].keys.map((key) => {
            let sum = 0;
            for (let i = 0; i < size; i++) sum += q[h * size + i] * key[from + i];
            return Math.exp(sum / Math.sqrt(size));
          });
          const total = scores.reduce((a, b) => a + b, 0);
          for (const [t, score] of scores.entries())
            for (let i = 0; i < size; i++) mixed[h * size + i] += (score / total) * cache[l].values[t][from + i];
        }
        const attended = product(wo, l * dim * dim, mixed, dim);
        x = x.map((v, i) => v + attended[i]);
        const z = norm(x, feedNorm, l * dim);
        const gate = product(w1, l * dim * hidden, z, hidden);
        const up = product(w3, l * dim * hidden, z, hidden);
        const inside = gate.map((v, i) => (v / (1 + Math.exp(-v))) * up[i]);
        const fed = product(w2, l * dim * hidden, inside, dim);
        x = x.map((v, i) => v + fed[i]);
      }
      return product(head, 0, norm(x, finalNorm, 0), vocabulary);
    });
  };
}

/** What `run stories260K.bin -t 0.0 -n 200` of the original prints (its own test, test_all.py). */
const TEXT = `Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.
Lily's mom said, "Lily, let's go to the park." Lily was sad and didn't know what to do. She said, "I want to play with your ball, but I can't find it."
Lily was sad and didn't know what to do. She said, "I'm sorry, Lily. I didn't know what to do."
Lily didn't want to help her mom, so she`;

describe.skipIf(!folder)('stories260K', () => {
  const file = (name: string): Uint8Array => readFileSync(join(folder ?? '', name));

  it('continues with the text that the original prints, from nothing and from its beginning', async () => {
    const { model, parameters } = readLlama2c(file('stories260K.bin'));
    const tokenizer = readLlama2cTokenizer(file('tok512.bin'));
    for (const [prompt, length] of [
      ['', 200],
      ['Once upon a time', 200],
    ] as const) {
      const start = tokenizer.encode(prompt);
      const tokens = await generateGreedy(cpuEngine(), model, parameters, start, { count: length - start.length });
      expect(TEXT.startsWith(tokenizer.decode(tokens))).toBe(true);
      expect(tokenizer.decode(tokens).length).toBeGreaterThan(400);
      if (prompt !== '') continue;
      const more = await generateGreedy(cpuEngine(), model, parameters, start, { count: 200 });
      expect(tokenizer.decode(more)).toBe(TEXT);
      // every token is the maximum of a plain forward pass
      const plain = plainLlama(file('stories260K.bin'))(more);
      for (let t = 0; t + 1 < more.length; t++) expect(plain[t].indexOf(Math.max(...plain[t]))).toBe(more[t + 1]);
    }
  }, 120_000);

  it('has the logits of a plain forward pass, and a loss gradient that matches its finite differences', async () => {
    const bytes = file('stories260K.bin');
    const { model, parameters } = readLlama2c(bytes);
    const text = readLlama2cTokenizer(file('tok512.bin')).encode('Lily saw a big red ball in the park.');
    const [x, targets] = [text.slice(0, -1), text.slice(1)];
    const g = new GraphBuilder();
    const values = model.parameters.map(({ name, shape }) => g.input(name, shape));
    const logits = model.forward(g, values, g.input('x', [1, x.length]));
    const loss = reduceSum(g, model.losses(g, logits, g.input('targets', [1, x.length])), [0]);
    const gradients = differentiate(g, loss, values);
    const graph = g.build({ logits, loss, ...Object.fromEntries(gradients.map((d, i) => [`d${i}`, d])) });
    const program = await cpuEngine().compile(graph, { precision: 'float64' });
    const run = (flat: Float64Array) =>
      program.run({
        ...Object.fromEntries(
          model.parameters.map(({ name, offset, shape }) => [
            name,
            { shape, data: flat.slice(offset, offset + shape.reduce((a, b) => a * b, 1)) },
          ]),
        ),
        x: { shape: [1, x.length], data: Float64Array.from(x) },
        targets: { shape: [1, x.length], data: Float64Array.from(targets) },
      });
    const flat = Float64Array.from(parameters);
    const result = await run(flat);
    const plain = plainLlama(bytes)(x);
    for (const [t, row] of plain.entries())
      for (const [c, logit] of row.entries())
        expect(Math.abs(result.logits.data[t * 512 + c] - logit)).toBeLessThan(1e-4);
    const random = new Random(2);
    for (let trial = 0; trial < 4; trial++) {
      const direction = flat.map(() => random.normal());
      const at = async (step: number) => (await run(flat.map((w, i) => w + step * direction[i]))).loss.data[0];
      const slope = ((await at(1e-6)) - (await at(-1e-6))) / 2e-6;
      let along = 0;
      for (const [p, { offset }] of model.parameters.entries())
        for (const [i, d] of result[`d${p}`].data.entries()) along += d * direction[offset + i];
      expect(Math.abs(along - slope)).toBeLessThan(1e-5 * Math.abs(slope) + 1e-6);
    }
    await program.dispose();
  }, 120_000);

  it('the tokenizer gives back every text, also what has no piece', () => {
    const tokenizer = readLlama2cTokenizer(file('tok512.bin'));
    expect(tokenizer.size).toBe(512);
    for (const text of ['Once upon a time', ' two  spaces', 'naïve 🐙 日本', 'a\nb', '\u0000']) {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }
    expect(tokenizer.encode('')).toEqual([1]);
    expect(() => tokenizer.decode([512])).toThrow(/token 512 is none of 512/);
  });
});

/** A checkpoint of random weights; a negative vocabulary has a head of its own. */
function checkpoint(vocabulary: number, seed = 1): Uint8Array {
  const header = [8, 12, 2, 4, 2, vocabulary, 5];
  const [dim, hidden, layers, , , , context] = header;
  const count =
    Math.abs(vocabulary) * dim * (vocabulary < 0 ? 2 : 1) +
    layers * (2 * dim + 2 * dim * dim + 2 * dim * 4 + 3 * dim * hidden) +
    dim +
    context * 2;
  const random = new Random(seed);
  const weights = Float32Array.from({ length: count }, () => 0.5 * random.normal());
  return Buffer.concat([Buffer.from(Int32Array.from(header).buffer), Buffer.from(weights.buffer)]);
}

describe('checkpoints of llama2.c', () => {
  it.each([9, -9])('with the vocabulary %i give the logits of a plain forward pass', (vocabulary) => {
    const bytes = checkpoint(vocabulary);
    const { model, parameters } = readLlama2c(bytes);
    const g = new GraphBuilder();
    const values = model.parameters.map(({ name, shape }) => g.input(name, shape));
    const graph = g.build({ logits: model.forward(g, values, g.input('x', [1, 5])) });
    const x = [3, 0, 8, 8, 1];
    const { logits } = interpret(graph, {
      ...Object.fromEntries(
        model.parameters.map(({ name, offset, shape }) => [
          name,
          parameters.subarray(offset, offset + shape.reduce((a, b) => a * b, 1)),
        ]),
      ),
      x,
    });
    for (const [t, row] of plainLlama(bytes)(x).entries())
      for (const [c, logit] of row.entries()) expect(logits.data[t * 9 + c]).toBeCloseTo(logit, 10);
  });

  it('refuses what is cut, too long, or lies', () => {
    const bytes = checkpoint(9);
    expect(() => readLlama2c(bytes.subarray(0, 20))).toThrow(/header of 28 bytes, this has 20/);
    expect(() => readLlama2c(bytes.subarray(0, -4))).toThrow(/its header promises/);
    expect(() => readLlama2c(Buffer.concat([bytes, Buffer.alloc(4)]))).toThrow(/its header promises/);
    for (let field = 0; field < 7; field++) {
      for (const lie of [0, -1, 2 ** 31 - 1, -(2 ** 31), 7]) {
        const changed = Buffer.from(bytes);
        changed.writeInt32LE(lie, 4 * field);
        if (changed.equals(bytes)) continue;
        expect(() => readLlama2c(changed)).toThrow(Error);
        expect(() => readLlama2c(changed)).toThrow(expect.objectContaining({ name: 'MeedError' }));
      }
    }
  });

  it('refuses tokenizers that are cut or lie', () => {
    const piece = (length: number, ...bytes: number[]): Buffer => {
      const head = Buffer.alloc(8);
      head.writeInt32LE(length, 4);
      return Buffer.concat([head, Buffer.from(bytes)]);
    };
    const longest = Buffer.from([4, 0, 0, 0]);
    expect(() => readLlama2cTokenizer(new Uint8Array(2))).toThrow(/has 2 bytes/);
    expect(() => readLlama2cTokenizer(longest)).toThrow(/0 pieces, fewer than the 256/);
    expect(() => readLlama2cTokenizer(Buffer.concat([longest, piece(2, 65)]))).toThrow(/Piece 0 .* claims 2 bytes/);
    expect(() => readLlama2cTokenizer(Buffer.concat([longest, piece(-1)]))).toThrow(/claims -1 bytes/);
    expect(() => readLlama2cTokenizer(Buffer.concat([longest, Buffer.alloc(5)]))).toThrow(/ends inside piece 0/);
  });
});
