/**
 * A drawing as a file of its own. It has no page around it, so it brings the name space that a page implies and the colours
 * of both, the light page and the dark one.
 */
import type { Markup } from '../markup.js';

/** By the names that drawings for files use: light, dark. Hues as in ../palette.ts, then others as far apart. */
const COLOURS: Readonly<Record<string, readonly [string, string]>> = {
  ink: ['#18222b', '#e4e9ec'],
  rule: ['#a3b0b9', '#57656f'],
  point: ['#1c6ea4', '#62b0e4'],
  line0: ['#1c6ea4', '#62b0e4'],
  line1: ['#c4501b', '#f28a56'],
  line2: ['#2f8062', '#5fc29a'],
  line3: ['#a33c7c', '#e391c4'],
  line4: ['#93700a', '#dcb43c'],
  line5: ['#5b6872', '#9dabb5'],
};

/** Line colours repeat from here on; names at the lines' ends tell them apart. */
export const LINE_COLOURS = 6;

export function svgFile({ text }: Markup): string {
  const scheme = (which: 0 | 1): string =>
    Object.entries(COLOURS)
      .map(([name, colours]) => `--${name}:${colours[which]};`)
      .join('');
  const style = `<style>svg{${scheme(0)}color:var(--ink);font-family:system-ui,sans-serif}@media(prefers-color-scheme:dark){svg{${scheme(1)}}}</style>`;
  return `${text.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"').replace('>', `>${style}`)}\n`;
}
