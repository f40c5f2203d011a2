/**
 * Who hands in which sentences. The authors are the labels, so a data set with one contributor an author would have
 * contributors of one class each, none of whom can be left out without the class: their value is the class's, and
 * says nothing of who found the sentences. So each author's sentences are dealt to two collectors of that author alone, a
 * large and a small one, and two anthologies hold some of all three.
 * The trap: who has one class helps every output of that class and harms the others, whatever the quality of the rows; pay
 * by the answers given follows how often a class is answered.
 */
import type { Random } from '../../src/foundation/index.js';

export interface Collector {
  readonly name: string;
  /** Sentences of each author, in the order of the classes. */
  readonly rows: readonly number[];
}

export const AUTHORS: readonly string[] = ['EAP', 'HPL', 'MWS'];

export const collectors: readonly Collector[] = [
  { name: 'poe society', rows: [640, 0, 0] },
  { name: 'poe reader', rows: [160, 0, 0] },
  { name: 'lovecraft society', rows: [0, 520, 0] },
  { name: 'lovecraft reader', rows: [0, 120, 0] },
  { name: 'shelley society', rows: [0, 0, 480] },
  { name: 'shelley reader', rows: [0, 0, 120] },
  { name: 'large anthology', rows: [240, 160, 160] },
  { name: 'small anthology', rows: [80, 60, 60] },
];

/** Sentences of each author that are dealt. */
export const DEALT = AUTHORS.map((_, author) => collectors.reduce((sum, { rows }) => sum + rows[author], 0));

/**
 * Draws each collector's sentences, each one once.
 * @param authors class of each sentence
 * @returns sentence numbers in the order of the collectors, and as many others of each class for holding out
 */
export function dealSentences(
  authors: Int32Array,
  heldOut: number,
  random: Random,
): { readonly train: { readonly sentence: number; readonly collector: number }[]; readonly heldOut: number[] } {
  const order = Array.from(random.permutation(authors.length));
  const byAuthor = AUTHORS.map((_, author) => order.filter((sentence) => authors[sentence] === author));
  const rest: number[] = [];
  const train = collectors.flatMap(({ rows }, collector) =>
    rows.flatMap((count, author) => byAuthor[author].splice(0, count).map((sentence) => ({ sentence, collector }))),
  );
  for (const own of byAuthor) rest.push(...own);
  // in the drawn order, so that the held-out part has the classes' own proportions
  const left = new Set(rest);
  return { train, heldOut: order.filter((sentence) => left.has(sentence)).slice(0, heldOut) };
}
