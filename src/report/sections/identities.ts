/** What a contributor would gain by coming under many names: the curve that decides whether identities need a price. */
import type { ReportData } from '../data.js';
import { count, figure, percent } from '../format.js';
import { html, type Markup, named } from '../markup.js';
import { identityPlot } from '../plots/identities.js';
import type { IdentityCurve } from '../summary.js';
import { plantedLegend } from './legend.js';
import { section } from './section.js';

/** A gain below this factor is called none. */
const NOTICEABLE = 1.1;

export function identities({ summary }: ReportData): Markup | undefined {
  const curves = summary.identities.filter(({ points }) => points.length > 0);
  if (curves.length === 0) return undefined;
  return section({
    id: 'identities',
    title: 'Does it pay to split?',
    says: [
      html`Only positive scores are paid, so a contributor may gain by spreading its rows over many names: the parts that harm are then no longer set against the parts that help.`,
      greatestGain(curves),
      html`This is why the registry pays only names that the owner of the data set approved. A bond and a minimum of rows would make names dearer still.`,
    ],
    shows: html`${plantedLegend(curves)}<p class="panel-title">Part of the pay when the rows are spread over so many names</p>${identityPlot(curves)}`,
  });
}

function greatestGain(curves: readonly IdentityCurve[]): Markup {
  const gains = curves.map((curve) => {
    const first = curve.points[0];
    const best = curve.points.reduce((most, point) => (point.share > most.share ? point : most), first);
    return { curve, first, best, gain: first.share > 0 ? best.share / first.share : best.share > 0 ? Infinity : 1 };
  });
  const { curve, first, best, gain } = gains.reduce((most, each) => (each.gain > most.gain ? each : most));
  if (gain < NOTICEABLE) return html`Here no contributor gains more than a tenth by it.`;
  const factor = Number.isFinite(gain) ? `, ${figure(gain)} times as much` : '';
  return html`${named(curve.contributor)} would gain most: ${percent(first.share)} of the pay in ${count(first.identities)} ${first.identities === 1 ? 'name' : 'names'}, ${percent(best.share)} in ${count(best.identities)}${factor}.`;
}
