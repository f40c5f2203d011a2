/**
 * What the run cost: gas by kind of transaction and time by stage. Transactions of one kind share a bar with their mean,
 * or a hundred withdrawals would bury the settlement. The trap: a stage that found its artefact took no time; it says so.
 */
import type { ReportData } from '../data.js';
import { count, counted, seconds } from '../format.js';
import { html, type Markup, type Piece } from '../markup.js';
import { HONEST, QUIET } from '../palette.js';
import { barPlot } from '../plots/bars.js';
import type { Summary } from '../summary.js';
import { scrolling, section } from './section.js';

const KINDS_MAX = 24;

interface Kind {
  readonly what: string;
  readonly times: number;
  readonly gas: number;
}

export function costs({ summary }: ReportData): Markup {
  const { transactions, stages } = summary;
  const kinds = kindsOf(transactions);
  const gas = kinds.reduce((sum, kind) => sum + kind.gas, 0);
  return section({
    id: 'costs',
    title: 'What it cost',
    says: [
      html`${counted(transactions.length, 'transaction')} used ${count(gas)} gas. The bars show the mean of one transaction of each kind.`,
      html`The whole run took ${seconds(summary.totalSeconds)}.${reused(summary)}`,
    ],
    shows: html`${kinds.length > 0 && gasBars(kinds)}
    <p class="panel-title">Seconds by stage</p>
    ${
      stages.length > 0 &&
      barPlot(
        'Time of each stage.',
        stages.map((stage) => ({
          name: stage.name,
          value: stage.seconds,
          text: stage.reused ? `${seconds(stage.seconds)}, reused` : seconds(stage.seconds),
          colour: stage.reused ? QUIET : HONEST,
        })),
      )
    }
    ${transactionTable(summary)}`,
  });
}

function gasBars(kinds: readonly Kind[]): Piece {
  const shown = kinds.slice(0, KINDS_MAX);
  return html`<p class="panel-title">Gas by transaction</p>${barPlot(
    'Mean gas of each kind of transaction.',
    shown.map(({ what, times, gas }) => ({
      name: what,
      value: gas / times,
      text: times === 1 ? count(gas) : `${count(gas / times)} × ${times}`,
    })),
  )}${kinds.length > KINDS_MAX && html`<p class="note">${counted(kinds.length - KINDS_MAX, 'kind')} that used less are left out.</p>`}`;
}

/** "settle shard 0, batch 3" and "settle shard 1, batch 3" are one kind; a number inside a word is part of its name. */
function kindsOf(transactions: Summary['transactions']): Kind[] {
  const kinds = new Map<string, Kind>();
  for (const { what, gas } of transactions) {
    const name = what.replace(/\s+\d+\b/g, '');
    const known = kinds.get(name);
    kinds.set(name, { what: name, times: (known?.times ?? 0) + 1, gas: (known?.gas ?? 0) + gas });
  }
  return [...kinds.values()].sort((a, b) => b.gas / b.times - a.gas / a.times);
}

function reused({ stages }: Summary): string {
  const number = stages.filter((stage) => stage.reused).length;
  return number === 0 ? '' : ` ${counted(number, 'stage')} found a finished artefact of the same recipe and used it.`;
}

function transactionTable({ transactions }: Summary): Markup | undefined {
  if (transactions.length === 0) return undefined;
  return html`<details><summary>All ${counted(transactions.length, 'transaction')}</summary>${scrolling(
    'Transactions',
    html`<table><caption>Transactions in the order they were sent</caption>
  <thead><tr><th scope="col">what</th><th scope="col" class="number">gas</th><th scope="col">hash</th></tr></thead>
  <tbody>${transactions.map(({ what, gas, hash }) => html`<tr><th scope="row">${what}</th><td class="number">${count(gas)}</td><td class="hash">${hash}</td></tr>`)}</tbody></table>`,
  )}</details>`;
}
