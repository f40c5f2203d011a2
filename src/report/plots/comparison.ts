/**
 * Figures of many methods below each other, each a point with its interval, chance as a rule on the left and the ceiling
 * as one on the right: what of a difference is more than luck is seen at a glance.
 */
import * as Plot from '@observablehq/plot';
import { shortened } from '../markup.js';
import { drawn } from './frame.js';
import { svgFile } from './svgFile.js';

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
  const drawing = drawn(title, {
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
  return svgFile(drawing);
}
