/**
 * A span of a text as what is explained: the targets of its tokens alone, so that the loss is the mean over them and the
 * prompt before them is only read.
 * The trap: the model's output at place t speaks of token t + 1, so a text's first token can never be asked for.
 */
import { MeedError } from '../foundation/index.js';

/**
 * @param tokens one text, as the model reads it
 * @param start  first token of the span, at least 1
 * @param end    one after its last token, at most the number of tokens
 * @returns the next-token targets of the text, equally long, −1 outside the span
 * @throws MeedError when the span is empty or not inside the text
 */
export function spanTargets(tokens: ArrayLike<number>, start: number, end: number): Int32Array {
  const whole = Number.isInteger(start) && Number.isInteger(end);
  if (!whole || start < 1 || end <= start || end > tokens.length) {
    throw new MeedError(
      `A text of ${tokens.length} tokens has no span from ${start} to ${end}`,
      'Give whole positions: the first from 1 on, and the end after it, at most the number of tokens',
    );
  }
  return Int32Array.from({ length: tokens.length }, (_, t) => (t + 1 >= start && t + 1 < end ? tokens[t + 1] : -1));
}
