/**
 * Pay against the number of names a contributor appears under: a flat line means that splitting does not pay. The
 * abscissa is logarithmic because identities double cheaply. The trap: lines that end close together would print their
 * names over each other, so names are moved apart before drawing.
 */
import * as Plot from '@observablehq/plot';
import { count, counted, percent } from '../format.js';
import { type Markup, shortened } from '../markup.js';
import { colourOf, MUTED, RULE } from '../palette.js';
import type { IdentityCurve } from '../summary.js';
import { drawn, figureAt, WIDE } from './frame.js';

const MARGIN_TOP = 12;
const MARGIN_BOTTOM = 40;
/** Least distance of two names, in pixels. */
const LINE_HEIGHT = 15;

interface Point {
  readonly curve: number;
  readonly identities: number;
  readonly share: number;
}

export function identityPlot(curves: readonly IdentityCurve[]): Markup {
  const points = curves.flatMap(({ points: all }, curve) => all.map((point) => ({ curve, ...point })));
  const most = Math.max(...points.map(({ share }) => share), 1e-9) * 1.08;
  return figureAt((width) => {
    const wide = width === WIDE;
    const height = Math.max(wide ? 300 : 260, curves.length * LINE_HEIGHT + MARGIN_TOP + MARGIN_BOTTOM);
    // the scale's own axis would leave out the labels that a logarithmic axis has no room for by rule, such as 8
    const steps = [...new Set(points.map(({ identities }) => identities))].sort((a, b) => a - b);
    return drawn('Part of the pay against the number of identities, one line a contributor.', {
      width,
      height,
      marginLeft: 44,
      marginRight: wide ? 150 : 104,
      marginTop: MARGIN_TOP,
      marginBottom: MARGIN_BOTTOM,
      x: { type: 'log', axis: null },
      y: { domain: [0, most], label: null, grid: false, ticks: 5, tickFormat: percent, tickSize: 0 },
      marks: [
        Plot.axisX(wide ? steps : steps.filter((_, i) => i % 2 === 0), {
          text: count,
          tickSize: 0,
          label: 'identities',
          labelAnchor: 'center',
          labelArrow: 'none',
        }),
        Plot.gridY({ stroke: RULE, strokeOpacity: 1, ticks: 5 }),
        Plot.line(points, {
          x: 'identities',
          y: 'share',
          z: 'curve',
          stroke: ({ curve }: Point) => colourOf(curves[curve].planted),
          strokeWidth: 2,
        }),
        Plot.dot(points, {
          x: 'identities',
          y: 'share',
          fill: ({ curve }: Point) => colourOf(curves[curve].planted),
          r: 3.5,
          title: ({ curve, identities, share }: Point) =>
            `${shortened(curves[curve].contributor, 80)} in ${counted(identities, 'name')}: ${percent(share)} of the pay`,
        }),
        Plot.text(lineEnds(curves, most, height), {
          x: 'identities',
          y: 'height',
          text: ({ curve }: LineEnd) => lineName(curves[curve], wide ? 20 : 14),
          fill: MUTED,
          textAnchor: 'start',
          dx: 10,
        }),
      ],
    });
  });
}

interface LineEnd {
  readonly curve: number;
  readonly identities: number;
  /** Where the name stands, in units of share. */
  readonly height: number;
}

/** The last point of every line, from the lowest up, each at least one line above the one below. */
function lineEnds(curves: readonly IdentityCurve[], most: number, height: number): LineEnd[] {
  const least = (LINE_HEIGHT / (height - MARGIN_TOP - MARGIN_BOTTOM)) * most;
  const ends: LineEnd[] = [];
  const lasts = curves.flatMap(({ points }, curve) => {
    const last = points.at(-1);
    return last ? [{ curve, ...last }] : [];
  });
  for (const { curve, identities, share } of lasts.sort((a, b) => a.share - b.share)) {
    const below = ends.at(-1);
    ends.push({ curve, identities, height: below ? Math.max(share, below.height + least) : share });
  }
  return ends;
}

function lineName({ contributor, planted }: IdentityCurve, length: number): string {
  return planted === undefined ? shortened(contributor, length) : shortened(`${contributor} (${planted})`, length);
}
