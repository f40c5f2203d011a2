/**
 * Contributors by payout. Total pay rewards size, pay per row rewards worth; a report that shows one without the other
 * misleads, so both stand side by side. The trap: hundreds of contributors make no readable plot, so it shows the best
 * paid and the table has all.
 */
import type { ReportData } from '../data.js';
import { count, counted, figure, listed, multiple, percent, tokens } from '../format.js';
import { html, type Markup, named } from '../markup.js';
import { payoutPlot } from '../plots/payouts.js';
import type { Payout, Summary } from '../summary.js';
import { plantedLegend, plantedTag } from './legend.js';
import { scrolling, section } from './section.js';

const PLOTTED_MAX = 30;

export function contributors({ summary, contributorNoun }: ReportData): Markup {
  const payouts = [...summary.payouts].sort((a, b) => b.share - a.share);
  const plotted = payouts.slice(0, PLOTTED_MAX);
  return section({
    id: 'contributors',
    title: 'Who is paid',
    says: [concentration(payouts), plantedPay(payouts), medianRow(summary)],
    shows: html`${plantedLegend(payouts)}
    ${plotted.length > 0 && payoutPlot(plotted)}
    ${payouts.length > PLOTTED_MAX && html`<p class="note">The plot shows the ${PLOTTED_MAX} best paid of ${count(payouts.length)}; the table has all.</p>`}
    ${scrolling('Payouts', payoutTable(payouts, contributorNoun ?? 'contributor'))}`,
  });
}

function concentration(payouts: readonly Payout[]): Markup {
  const half = payouts.findIndex((_, i) => payouts.slice(0, i + 1).reduce((sum, { share }) => sum + share, 0) >= 0.5);
  if (half < 0) return html`Nobody was paid: no contributor’s rows helped any output.`;
  return html`Half of the pay goes to ${half === 0 ? 'one contributor' : `${half + 1} of ${count(payouts.length)} contributors`}.`;
}

function plantedPay(payouts: readonly Payout[]): Markup | undefined {
  const planted = payouts.filter((payout) => payout.planted !== undefined);
  if (planted.length === 0) return undefined;
  const rows = sum(planted.map((payout) => payout.rows)) / sum(payouts.map((payout) => payout.rows));
  const pay = sum(planted.map(({ share }) => share));
  const names = listed(planted.slice(0, 4).map(({ contributor }) => contributor));
  return html`${planted.length > 4 ? counted(planted.length, 'contributor') : named(names)} ${planted.length === 1 ? 'was' : 'were'} planted to cheat in a known way. They hold ${percent(rows)} of the rows and receive ${percent(pay)} of the pay. The scores never saw who they are.`;
}

function medianRow({ medianPerRow, payouts }: Summary): Markup {
  const relative = payouts.map(({ perRow }) => perRow).filter((value) => value > 0);
  const spread = relative.length > 1 ? Math.max(...relative) / Math.min(...relative) : 1;
  return html`A row of the median contributor earns ${multiple(medianPerRow)} the average row. Among those paid, the price of a row differs by a factor of ${figure(spread)}.`;
}

function payoutTable(payouts: readonly Payout[], noun: string): Markup {
  return html`<table>
  <caption>Payouts of all ${counted(payouts.length, noun)}</caption>
  <thead><tr><th scope="col">${noun}</th><th scope="col" class="number">paid</th><th scope="col" class="number">part</th><th scope="col" class="number">rows</th><th scope="col" class="number">per row</th><th scope="col">account</th></tr></thead>
  <tbody>${payouts.map(
    (payout) =>
      html`<tr><th scope="row">${named(payout.contributor)}${plantedTag(payout.planted)}</th><td class="number">${tokens(payout.amount)}</td><td class="number">${percent(payout.share)}</td><td class="number">${count(payout.rows)}</td><td class="number">${multiple(payout.perRow)}</td><td class="hash" title="${payout.address}">${shortHash(payout.address)}</td></tr>`,
  )}</tbody></table>`;
}

function shortHash(hash: string): string {
  return hash.length <= 16 ? hash : `${hash.slice(0, 8)}…${hash.slice(-6)}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
