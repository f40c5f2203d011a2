/**
 * Labelled horizontal bars: gas of transactions, times of stages, scores against the fall of the loss. One shape for all
 * of them, with the figure at the end of the bar and no axis to look up. The trap: a bar of nothing must still be seen
 * to be there, so its figure is printed all the same.
 */
import * as Plot from '@observablehq/plot';
import { type Markup, shortened } from '../markup.js';
import { HONEST, MUTED } from '../palette.js';
import { drawn, figureAt, WIDE } from './frame.js';

export interface Bar {
  readonly name: string;
  readonly value: number;
  /** Printed at its end. */
  readonly text: string;
  readonly colour?: string;
}

const BAND = 25;
const LETTER = 6.7;

/** @param label read out instead of the drawing */
export function barPlot(label: string, bars: readonly Bar[]): Markup {
  return figureAt((width) => drawn(label, barOptions(bars, width, width === WIDE ? 34 : 17)));
}

/** One drawing for a place as narrow as a phone. */
export function smallBarPlot(label: string, bars: readonly Bar[], width: number): Markup {
  return drawn(label, barOptions(bars, width, 14));
}

function barOptions(bars: readonly Bar[], width: number, letters: number): Plot.PlotOptions {
  const names = bars.map(({ name }) => shortened(name, letters));
  const left = Math.max(...names.map(({ length }) => length), 1) * LETTER + 12;
  const right = Math.max(...bars.map(({ text }) => text.length), 1) * LETTER + 12;
  return {
    width,
    height: bars.length * BAND + 6,
    marginLeft: left,
    marginRight: right,
    marginTop: 3,
    marginBottom: 3,
    x: { axis: null, domain: [Math.min(0, ...bars.map(lengthOf)), Math.max(...bars.map(lengthOf), Number.MIN_VALUE)] },
    y: {
      type: 'band',
      domain: bars.map((_, i) => i),
      tickFormat: (i: number) => names[i],
      tickSize: 0,
      label: null,
      padding: 0.32,
    },
    marks: [
      Plot.barX(bars, {
        x: lengthOf,
        y: (_: Bar, i: number) => i,
        fill: ({ colour }: Bar) => colour ?? HONEST,
        rx: 2,
        title: ({ name, text }: Bar) => `${shortened(name, 200)}: ${text}`,
      }),
      Plot.text(bars, {
        x: (bar: Bar) => Math.max(0, lengthOf(bar)),
        y: (_: Bar, i: number) => i,
        text: 'text',
        fill: MUTED,
        textAnchor: 'start',
        dx: 7,
      }),
    ],
  };
}

function lengthOf({ value }: Bar): number {
  return Number.isFinite(value) ? value : 0;
}
