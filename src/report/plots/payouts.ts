/**
 * Who is paid what, and what for a row: bars of the amounts beside dots of the pay per row, in the same order, so that
 * large contributors and well-paid ones can be told apart. The trap: two names may be cut to the same text, so rows of
 * the plot are numbers and the names only their labels.
 */
import * as Plot from '@observablehq/plot';
import { count, exactTokens, multiple, percent, tokenNumber, tokenText } from '../format.js';
import { html, type Markup, shortened } from '../markup.js';
import { colourOf, MUTED } from '../palette.js';
import type { Payout } from '../summary.js';
import { drawn, figureAt, NARROW, WIDE } from './frame.js';

const BAND = 26;
const GAP = 28;
const LETTER = 6.7;

interface Panel {
  readonly width: number;
  readonly marginLeft: number;
  readonly names: (index: number) => string;
}

/** @param payouts in the order they are shown */
export function payoutPlot(payouts: readonly Payout[]): Markup {
  return figureAt((width) => {
    const wide = width === WIDE;
    const length = wide ? 18 : 12;
    const names = (index: number): string => shortened(payouts[index].contributor, length);
    const longest = Math.max(...payouts.map((_, i) => names(i).length));
    const marginLeft = Math.min(130, 14 + longest * 7);
    const dotWidth = wide ? 230 : width;
    return html`<div class="panels">
      <div><p class="panel-title">Pay, and part of all pay</p>${amounts(payouts, { width: wide ? width - dotWidth - GAP : width, marginLeft, names })}</div>
      <div><p class="panel-title">Pay per row (average = 1)</p>${perRow(payouts, wide ? { width: dotWidth, marginLeft: 8, names: () => '' } : { width, marginLeft, names })}</div>
    </div>`;
  });
}

function amounts(payouts: readonly Payout[], panel: Panel): Markup {
  const ends = payouts.map((payout) => barEnd(payout, panel));
  return drawn(`Pay of ${payouts.length} contributors, largest first. The table below has the figures.`, {
    ...frameOf(payouts, panel),
    marginRight: Math.max(...ends.map(({ length }) => length)) * LETTER + 14,
    x: { axis: null, domain: [0, Math.max(...payouts.map(({ amount }) => tokenNumber(amount)), 1e-18)] },
    marks: [
      Plot.barX(payouts, {
        x: ({ amount }: Payout) => tokenNumber(amount),
        y: (_: Payout, i: number) => i,
        fill: ({ planted }: Payout) => colourOf(planted),
        rx: 2,
        title: titleOf,
      }),
      Plot.text(payouts, {
        x: ({ amount }: Payout) => tokenNumber(amount),
        y: (_: Payout, i: number) => i,
        text: (_: Payout, i: number) => ends[i],
        fill: MUTED,
        textAnchor: 'start',
        dx: 7,
        title: titleOf,
      }),
    ],
  });
}

function perRow(payouts: readonly Payout[], panel: Panel): Markup {
  const most = Math.max(1.2, ...payouts.map((payout) => payout.perRow));
  return drawn('Pay per row of each contributor, relative to the average of all rows.', {
    ...frameOf(payouts, panel),
    marginRight: 42,
    x: { label: null, domain: [0, most * 1.02], ticks: 4, tickSize: 0, tickFormat: (value: number) => String(value) },
    marks: [
      Plot.ruleX([1], { stroke: MUTED, strokeDasharray: '2,3' }),
      Plot.ruleY(payouts, {
        x1: 1,
        x2: (payout: Payout) => payout.perRow,
        y: (_: Payout, i: number) => i,
        stroke: ({ planted }: Payout) => colourOf(planted),
        strokeWidth: 1.5,
      }),
      Plot.dot(payouts, {
        x: (payout: Payout) => payout.perRow,
        y: (_: Payout, i: number) => i,
        fill: ({ planted }: Payout) => colourOf(planted),
        r: 4.5,
        title: titleOf,
      }),
      Plot.text(payouts, {
        x: (payout: Payout) => Math.max(payout.perRow, 1),
        y: (_: Payout, i: number) => i,
        text: (payout: Payout) => multiple(payout.perRow),
        fill: MUTED,
        textAnchor: 'start',
        dx: 9,
      }),
    ],
  });
}

function frameOf(payouts: readonly Payout[], { width, marginLeft, names }: Panel): Plot.PlotOptions {
  return {
    width,
    height: payouts.length * BAND + 28,
    marginLeft,
    marginTop: 4,
    marginBottom: 24,
    y: {
      type: 'band',
      domain: payouts.map((_, i) => i),
      tickFormat: names,
      tickSize: 0,
      label: null,
      padding: 0.28,
    },
  };
}

/** A phone has no room for the amount of a planted contributor; its table row has it. */
function barEnd({ amount, share, planted }: Payout, { width }: Panel): string {
  const pay = `${tokenText(amount)} · ${percent(share)}`;
  if (planted === undefined) return pay;
  const mark = shortened(planted, 12);
  return width > NARROW ? `${pay} · ${mark}` : `${percent(share)} · ${mark}`;
}

function titleOf({ contributor, planted, amount, rows, perRow: relative }: Payout): string {
  const mark = planted === undefined ? '' : ` (planted: ${shortened(planted, 40)})`;
  return `${shortened(contributor, 80)}${mark}: ${exactTokens(amount)} for ${count(rows)} rows, ${multiple(relative)} the average row`;
}
