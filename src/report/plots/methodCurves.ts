/**
 * A figure of many methods along one quantity, such as the share of wrong labels found by the share of samples inspected:
 * a line a method, its name at its end, and what chance gives as a broken line.
 * The trap: names of lines that end close together would be printed over each other, so they are moved apart.
 */
import * as Plot from '@observablehq/plot';
import { shortened } from '../markup.js';
import { drawn } from './frame.js';
import { LINE_COLOURS, svgFile } from './svgFile.js';

export interface CurvePoint {
  readonly name: string;
  readonly x: number;
  readonly value: number;
  /** What random scores get there. */
  readonly chance?: number;
}

const [WIDTH, LEAST_HEIGHT] = [760, 380];
const [TOP, BOTTOM] = [40, 40];
const LINE_HEIGHT = 15;
const NAME_LETTERS = 22;
/** So that curves of zeros have an axis. */
const LEAST_SPAN = 1e-9;

/** @param title read out instead of the drawing, and printed above it @returns an SVG file's text */
export function methodCurvesSvg(title: string, points: readonly CurvePoint[]): string {
  const names = [...new Set(points.map(({ name }) => name))];
  const values = points.flatMap(({ value, chance }) => (chance === undefined ? [value] : [value, chance]));
  const [least, most] = [Math.min(0, ...values), Math.max(...values, LEAST_SPAN)];
  const height = Math.max(LEAST_HEIGHT, names.length * LINE_HEIGHT + TOP + BOTTOM);
  const colour = (name: string): string => `var(--line${names.indexOf(name) % LINE_COLOURS})`;
  const step = (LINE_HEIGHT / (height - TOP - BOTTOM)) * (most - least);
  const ends: { name: string; x: number; place: number }[] = [];
  const last = names.map((name) => points.filter((point) => point.name === name).reduce((a, b) => (b.x > a.x ? b : a)));
  for (const { name, x, value } of last.toSorted((a, b) => a.value - b.value)) {
    const below = ends.at(-1);
    ends.push({ name, x, place: below ? Math.max(value, below.place + step) : value });
  }
  const chance = points.filter(({ name, chance: known }) => name === names[0] && known !== undefined);
  return svgFile(
    drawn(title, {
      width: WIDTH,
      height,
      marginLeft: 56,
      marginRight: 170,
      marginTop: TOP,
      marginBottom: BOTTOM,
      x: { label: null, ticks: 6 },
      y: { domain: [least, most], label: null, ticks: 6 },
      marks: [
        Plot.gridY({ stroke: 'var(--rule)', strokeOpacity: 0.5, ticks: 6 }),
        Plot.line(chance, { x: 'x', y: 'chance', stroke: 'var(--rule)', strokeWidth: 2, strokeDasharray: '5 4' }),
        Plot.line(points, {
          x: 'x',
          y: 'value',
          z: 'name',
          stroke: ({ name }: CurvePoint) => colour(name),
          strokeWidth: 1.8,
        }),
        Plot.dot(points, { x: 'x', y: 'value', fill: ({ name }: CurvePoint) => colour(name), r: 3 }),
        Plot.text(ends, {
          x: 'x',
          y: 'place',
          text: ({ name }: { name: string }) => shortened(name, NAME_LETTERS),
          fill: ({ name }: { name: string }) => colour(name),
          textAnchor: 'start',
          dx: 9,
        }),
        Plot.text([title], { frameAnchor: 'top', dy: -28, fontWeight: 600, fill: 'var(--ink)', lineWidth: 90 }),
      ],
    }),
  );
}
