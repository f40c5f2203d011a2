/**
 * What a contributor gains by more names under each policy: one line a policy, gain against identities, both logarithmic. A
 * line at 1 means that splitting does not pay. The trap: gains of a contributor who earned nothing before would be
 * infinite, so they are drawn against the floor that the benchmark counts them by.
 */
import * as Plot from '@observablehq/plot';
import { shortened } from '../markup.js';
import { drawn } from './frame.js';
import { LINE_COLOURS, svgFile } from './svgFile.js';

export interface GainCurve {
  readonly policy: string;
  readonly points: readonly { readonly identities: number; readonly gain: number }[];
}

const WIDTH = 760;
const HEIGHT = 380;
const NAME_LETTERS = 32;
const LINE_HEIGHT = 15;

/** @returns an SVG file's text */
export function incentiveCurvesSvg(title: string, curves: readonly GainCurve[]): string {
  const points = curves.flatMap(({ policy, points: all }) => all.map((point) => ({ policy, ...point })));
  const colours = new Map(curves.map(({ policy }, at) => [policy, `var(--line${at % LINE_COLOURS})`]));
  const most = Math.max(2, ...points.map(({ gain }) => gain));
  const ends = curves
    .flatMap(({ policy, points: all }) => all.slice(-1).map((point) => ({ policy, ...point })))
    .sort((a, b) => a.gain - b.gain || (a.policy < b.policy ? -1 : 1));
  const step = (LINE_HEIGHT / (HEIGHT - 80)) * Math.log(most / LOWEST);
  let height = Number.NEGATIVE_INFINITY;
  const names = ends.map(({ policy, identities, gain }) => {
    height = Math.max(Math.log(Math.max(gain, LOWEST)), height + step);
    return { policy, text: shortened(policy, NAME_LETTERS), identities, at: Math.exp(height) };
  });
  const drawing = drawn(title, {
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 48,
    marginRight: 220,
    marginTop: 36,
    marginBottom: 44,
    x: {
      type: 'log',
      base: 2,
      label: 'identities',
      labelAnchor: 'center',
      labelArrow: 'none',
      ticks: 8,
      tickFormat: 'd',
    },
    y: {
      type: 'log',
      domain: [LOWEST, most * 1.1],
      label: 'pay ÷ pay under one name',
      labelArrow: 'none',
      ticks: 5,
      tickFormat: '~g',
    },
    marks: [
      Plot.gridY({ stroke: 'var(--rule)', strokeOpacity: 0.5, ticks: 5 }),
      Plot.ruleY([1], { stroke: 'var(--ink)', strokeDasharray: '4 3' }),
      Plot.line(points, {
        x: 'identities',
        y: ({ gain }: { gain: number }) => Math.max(gain, LOWEST),
        z: 'policy',
        stroke: ({ policy }: { policy: string }) => colours.get(policy) ?? 'var(--ink)',
        strokeWidth: 1.8,
      }),
      Plot.text(names, {
        x: 'identities',
        y: 'at',
        text: 'text',
        textAnchor: 'start',
        dx: 8,
        fill: ({ policy }: { policy: string }) => colours.get(policy) ?? 'var(--ink)',
      }),
      Plot.text([title], { frameAnchor: 'top', dy: -26, fontWeight: 600, fill: 'var(--ink)', lineWidth: 90 }),
    ],
  });
  return svgFile(drawing);
}

/** Gains below are drawn here: pay that is gone. */
const LOWEST = 0.1;
