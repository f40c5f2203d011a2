/**
 * Figures of many methods below each other, each a point with its interval, chance as a rule on the left and the ceiling
 * as one on the right: what of a difference is more than luck is seen at a glance.
 * Drawn as a file of its own, which has no page around it: it brings the colours of both, the light and the dark.
 */
import * as Plot from '@observablehq/plot';
import { shortened } from '../markup.js';
import { drawn } from './frame.js';

export interface ComparedFigure {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface Comparison {
  /** Read out instead of the drawing, and printed above it. */
  readonly title: string;
  readonly figures: readonly ComparedFigure[];
  /** What random scores get. */
  readonly chance?: number;
  /** What the best predictor could get. */
  readonly ceiling?: number;
}

const WIDTH = 760;
const BAND = 24;
const LETTER = 6.7;
const NAME_LETTERS = 44;
const COLOURS = { ink: ['#18222b', '#e4e9ec'], point: ['#1c6ea4', '#62b0e4'], rule: ['#a3b0b9', '#57656f'] } as const;

/** @returns an SVG file's text */
export function comparisonSvg({ title, figures, chance, ceiling }: Comparison): string {
  const names = figures.map(({ name }) => shortened(name, NAME_LETTERS));
  const marks = (value: number | undefined, text: string): Plot.Markish[] =>
    value === undefined
      ? []
      : [
          Plot.ruleX([value], { stroke: 'var(--rule)', strokeDasharray: '4 3' }),
          Plot.text([value], {
            x: (d: number) => d,
            text: () => text,
            frameAnchor: 'bottom',
            dy: -4,
            fill: 'var(--ink)',
          }),
        ];
  const { text } = drawn(title, {
    width: WIDTH,
    height: figures.length * BAND + 76,
    marginLeft: Math.max(...names.map(({ length }) => length), 1) * LETTER + 14,
    marginRight: 24,
    marginTop: 34,
    marginBottom: 42,
    x: { label: null, ticks: 6, nice: true },
    y: {
      type: 'band',
      domain: figures.map((_, i) => i),
      tickFormat: (i: number) => names[i],
      tickSize: 0,
      label: null,
    },
    marks: [
      ...marks(chance, 'chance'),
      ...marks(ceiling, 'ceiling'),
      Plot.ruleY(figures, {
        y: (_: ComparedFigure, i: number) => i,
        x1: 'low',
        x2: 'high',
        stroke: 'var(--point)',
        strokeWidth: 2,
      }),
      Plot.dot(figures, { x: 'value', y: (_: ComparedFigure, i: number) => i, fill: 'var(--point)', r: 4.5 }),
      Plot.text([title], { frameAnchor: 'top', dy: -24, fontWeight: 600, fill: 'var(--ink)', lineWidth: 90 }),
    ],
  });
  const scheme = (which: 0 | 1): string =>
    Object.entries(COLOURS)
      .map(([name, colours]) => `--${name}:${colours[which]};`)
      .join('');
  const style = `<style>svg{${scheme(0)}color:var(--ink);font-family:system-ui,sans-serif}@media(prefers-color-scheme:dark){svg{${scheme(1)}}}</style>`;
  return `${text.replace('<svg', '<svg xmlns="http://www.w3.org/2000/svg"').replace('>', `>${style}`)}\n`;
}
