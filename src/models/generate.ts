/**
 * Greedy continuation: the likeliest token, again and again. Without a cache of keys and values: the whole text is read
 * for every token, in programs of doubling lengths, of which a causal model ignores the padded end.
 * The trap: ties go to the lower token, as in the first maximum of a scan.
 */
import type { Engine, Program } from '../engine/index.js';
import { MeedError } from '../foundation/index.js';
import { type Graph, GraphBuilder, gather, reshape, sizeOf, slice } from '../graph/index.js';
import type { Model } from './model.js';

const SHORTEST = 16;

/** Inputs parameters [P], tokens [1, T], last [1], the place that is asked; output logits [vocabulary]. */
export function nextTokenGraph(model: Model, length: number): Graph {
  const g = new GraphBuilder();
  const flat = g.input('parameters', [model.parameterCount]);
  const parameters = model.parameters.map(({ offset, shape }) =>
    reshape(g, slice(g, flat, 0, offset, offset + sizeOf(shape)), shape),
  );
  const output = model.forward(g, parameters, g.input('tokens', [1, length]));
  const logits = gather(g, output, g.input('last', [1]), 1);
  return g.build({ logits: reshape(g, logits, [model.classes]) });
}

/**
 * @param prompt at least one token
 * @param stop   a token after which nothing is generated; it is part of the result
 * @returns prompt and continuation, `count` tokens longer, or up to the model's context
 */
export async function generateGreedy(
  engine: Engine,
  model: Model,
  parameters: Float32Array,
  prompt: readonly number[],
  { count, stop }: { readonly count: number; readonly stop?: number },
): Promise<number[]> {
  const [context] = model.inputShape;
  const strange = prompt.find((token) => !Number.isInteger(token) || token < 0 || token >= model.classes);
  if (prompt.length === 0 || prompt.length > context || strange !== undefined) {
    throw new MeedError(
      strange === undefined ? `The prompt has ${prompt.length} tokens` : `The prompt holds the token ${strange}`,
      `Give from 1 to ${context} tokens, each below ${model.classes}`,
    );
  }
  const tokens = [...prompt];
  const until = Math.min(context, prompt.length + count);
  let open: { readonly length: number; readonly program: Program } | undefined;
  try {
    while (tokens.length < until) {
      if (!open || tokens.length > open.length) {
        await open?.program.dispose();
        let length = SHORTEST;
        while (length < tokens.length) length *= 2;
        length = Math.min(length, context);
        open = { length, program: await engine.compile(nextTokenGraph(model, length)) };
      }
      const padded = new Float32Array(open.length);
      padded.set(tokens);
      const { logits } = await open.program.run({
        parameters: { shape: [model.parameterCount], data: parameters },
        tokens: { shape: [1, open.length], data: padded },
        last: { shape: [1], data: Float32Array.of(tokens.length - 1) },
      });
      let best = 0;
      for (const [token, logit] of logits.data.entries()) if (logit > logits.data[best]) best = token;
      tokens.push(best);
      if (best === stop) break;
    }
  } finally {
    await open?.program.dispose();
  }
  return tokens;
}
