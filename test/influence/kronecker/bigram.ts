/**
 * A language model whose positions never meet: logits at t are E[token t]·H. Gradients are sums over positions of what one
 * position gives, so K-FAC's factors and scores by token can be written with loops.
 */
import { gather, matmul } from '../../../src/graph/index.js';
import { type Model, nextTokenLosses } from '../../../src/models/index.js';

export const WIDTH = 3;

export function bigram(vocabulary: number, context: number): Model {
  const parameters = [
    { name: 'embedding', offset: 0, shape: [vocabulary, WIDTH] },
    { name: 'head', offset: vocabulary * WIDTH, shape: [WIDTH, vocabulary] },
  ];
  const parameterCount = 2 * vocabulary * WIDTH;
  return {
    definition: { name: 'bigram' },
    objective: 'next-token',
    inputShape: [context],
    targetShape: [context],
    classes: vocabulary,
    parameters,
    parameterCount,
    initialise: (random) => Float32Array.from({ length: parameterCount }, () => random.normal()),
    forward: (g, [embedding, head], x) => matmul(g, gather(g, embedding, x, 0), head),
    losses: nextTokenLosses,
  };
}
