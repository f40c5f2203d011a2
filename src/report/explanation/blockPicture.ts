/**
 * A picture for a terminal: one character for two pixels, one above the other, with the ink of the text. 0 is paper and 1 is
 * ink, values outside are scaled to their own range, as in the PNG of the page. The trap: on a dark terminal ink is light;
 * the strokes are still the strokes.
 */
import { inkRange, type Picture } from '../picture.js';

/** Wider pictures are averaged down to this many characters. */
const WIDEST = 40;
const [INK, FAINT] = [0.5, 0.2];

/** @returns lines of equal length, without line breaks */
export function blockPicture({ rows, columns }: Picture, features: readonly number[]): string[] {
  const { low, high } = inkRange(features);
  const step = Math.ceil(columns / WIDEST);
  const [tall, wide] = [Math.ceil(rows / step), Math.ceil(columns / step)];
  const ink = (y: number, x: number): number => {
    let [sum, count] = [0, 0];
    for (let r = y * step; r < Math.min(rows, (y + 1) * step); r++) {
      for (let c = x * step; c < Math.min(columns, (x + 1) * step); c++) {
        sum += (features[r * columns + c] - low) / (high - low);
        count++;
      }
    }
    return count === 0 ? 0 : sum / count;
  };
  return Array.from({ length: Math.ceil(tall / 2) }, (_, line) =>
    Array.from({ length: wide }, (__, x) => blockOf(ink(2 * line, x), ink(2 * line + 1, x))).join(''),
  );
}

function blockOf(upper: number, lower: number): string {
  if (upper >= INK) return lower >= INK ? '█' : '▀';
  if (lower >= INK) return '▄';
  return Math.max(upper, lower) >= FAINT ? '░' : ' ';
}
