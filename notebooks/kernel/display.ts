/**
 * What a cell may show: a sentence, a table, a plot, a gallery of pictures. Each output has a plain form for terminals and
 * for comparison. The traps: GitHub strips scripts, styles and inline SVG out of HTML outputs, so drawings are outputs of
 * their own type; and plots have neither dates nor random ids, or no run would repeat another. This file loads only what it
 * uses, since whatever shows something loads it.
 */
import * as Plot from '@observablehq/plot';
import { JSDOM } from 'jsdom';
import { html } from '../../src/report/markup.js';
import { pngDataUri } from '../../src/report/picture.js';
import { record } from './record.js';

export type Value = string | number;

const { document } = new JSDOM('<!doctype html>').window;
const SVG = 'http://www.w3.org/2000/svg';

/** A sentence or a few. */
export function say(text: string): void {
  record({ 'text/plain': text });
}

/** One line per row; the columns are those of the first. Numbers are shown as they are given, so round them. */
export function table(rows: readonly Readonly<Record<string, Value>>[]): void {
  const columns = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => columns.map((column) => String(row[column] ?? '')));
  const numeric = columns.map((column) => rows.every((row) => typeof row[column] === 'number'));
  const align = (k: number) => (numeric[k] ? 'right' : 'left');
  record({
    'text/plain': aligned([columns, ...cells], numeric),
    'text/html': html`<table>
<thead><tr>${columns.map((column, k) => html`<th align="${align(k)}">${column}</th>`)}</tr></thead>
<tbody>${cells.map((row) => html`<tr>${row.map((cell, k) => html`<td align="${align(k)}">${cell}</td>`)}</tr>\n`)}</tbody>
</table>`.text,
  });
}

function aligned(rows: readonly (readonly string[])[], numeric: readonly boolean[]): string {
  const widths = numeric.map((_, k) => Math.max(...rows.map((row) => row[k].length)));
  const pad = (cell: string, k: number) => (numeric[k] ? cell.padStart(widths[k]) : cell.padEnd(widths[k]));
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}

/** @param label what the drawing shows, for those who do not see it */
export function plot(label: string, options: Plot.PlotOptions): void {
  const style = { background: 'white', color: 'black', fontFamily: 'sans-serif', fontSize: '12px' };
  const element = Plot.plot({ document, width: 640, style, className: 'plot', ...options });
  for (const inner of element.querySelectorAll('style')) inner.remove();
  element.setAttribute('xmlns', SVG);
  record({ 'text/plain': label, 'image/svg+xml': element.outerHTML });
}

export interface CaptionedPicture {
  readonly features: ArrayLike<number>;
  /** Short lines below the picture. */
  readonly caption: readonly string[];
}

const TILE = 84;
const GAP = 10;
const LINE = 14;
const TILES_IN_A_ROW = 8;

/** @param side height and width of a picture in numbers */
export function gallery(label: string, side: number, pictures: readonly CaptionedPicture[]): void {
  const lines = Math.max(0, ...pictures.map(({ caption }) => caption.length));
  const [columns, step] = [Math.min(TILES_IN_A_ROW, pictures.length), TILE + GAP];
  const [width, tall] = [columns * step + GAP, TILE + lines * LINE + GAP];
  const height = Math.ceil(pictures.length / TILES_IN_A_ROW) * tall + GAP;
  const drawn = pictures.map(({ features, caption }, i) => {
    const [x, y] = [GAP + (i % TILES_IN_A_ROW) * step, GAP + Math.floor(i / TILES_IN_A_ROW) * tall];
    const uri = pngDataUri({ rows: side, columns: side }, Array.from(features));
    return html`<image x="${x}" y="${y}" width="${TILE}" height="${TILE}" href="${uri}" style="image-rendering:pixelated"/>${caption.map(
      (line, k) => html`<text x="${x}" y="${y + TILE + (k + 1) * LINE - 2}">${line}</text>`,
    )}\n`;
  });
  const svg = html`<svg xmlns="${SVG}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11" role="img" aria-label="${label}"><rect width="100%" height="100%" fill="white"/>
${drawn}</svg>`;
  const captions = pictures.map(({ caption }) => caption.join(', '));
  record({ 'text/plain': [label, ...captions].join('\n'), 'image/svg+xml': svg.text });
}
