/** One whole cut into its parts: where a fee goes. The parts' names and figures stand in the legend below it. */
import * as Plot from '@observablehq/plot';
import type { Markup } from '../markup.js';
import { drawn, figureAt } from './frame.js';

export interface StripPart {
  readonly name: string;
  readonly part: number;
  readonly text: string;
  readonly colour: string;
}

export function stripPlot(label: string, parts: readonly StripPart[]): Markup {
  return figureAt((width) =>
    drawn(label, {
      width,
      height: 20,
      margin: 0,
      x: {
        axis: null,
        domain: [
          0,
          Math.max(
            1e-9,
            parts.reduce((sum, { part }) => sum + part, 0),
          ),
        ],
      },
      marks: [
        Plot.barX(
          parts,
          Plot.stackX({
            x: 'part',
            fill: 'colour',
            insetRight: 1,
            insetLeft: 1,
            rx: 2,
            title: ({ name, text }: StripPart) => `${name}: ${text}`,
          }),
        ),
      ],
    }),
  );
}
